"""Misspelt and shortened questions are mended before they are searched; terms are cut from text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.library import Library
from retrieval.analyze import content_terms, terms
from retrieval.embed import SentenceEmbedder
from retrieval.spell import Speller, shorthand

OURS = [
    "Recover a hacked account",
    "Change your username",
    "Monetization is paid out on Fridays",
    "livestream moderators",
]


@pytest.fixture(scope="session")
def speller(embedder: SentenceEmbedder) -> Speller:
    return Speller(OURS, embedder.words)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("how do i chnage my usrname", "how do i change my username"),
        ("monitization", "monetization"),
        ("my acount was hakced", "my account was hacked"),
        ("pls help, idk why", "please help, i do not know why"),
        ("WHY was my vidoe removed?!", "WHY was my video removed?!"),
        ("livestraem", "livestream"),
    ],
)
def test_slips_are_mended(speller: Speller, typed: str, meant: str) -> None:
    assert speller.correct(typed) == meant


@pytest.mark.parametrize(
    "text",
    [
        "Change your username",
        "F001 and 30 days",
        "qwzxv",
        "café",
        "提现",
        "كيف أسحب",
        "don't",
        "a@b.example",
        "",
        "…",
    ],
)
def test_what_is_right_or_unknown_stays(speller: Speller, text: str) -> None:
    assert speller.correct(text) == text


def test_our_words_win_over_common_ones(embedder: SentenceEmbedder) -> None:
    assert Speller(["duet"], embedder.words).correct("duett") == "duet"


def test_without_a_vocabulary_only_shorthand_is_written_out() -> None:
    assert Speller(OURS).correct("pls chnage") == "please chnage"


def test_shorthand_is_found_whatever_its_case(speller: Speller) -> None:
    assert len(shorthand()) > 20
    for short, meant in shorthand().items():
        assert (speller.correct(short.upper()), speller.correct(short)) == (meant, meant)


def test_the_words_of_the_shipped_articles_are_left_alone(library: Library, embedder: SentenceEmbedder) -> None:
    texts = [p.embedded for p in library.index.passages if p.locale == "en"]
    mend = Speller(texts, embedder.words)
    used = {word for text in texts for word in text.split() if word.isalpha() and word.lower() not in shorthand()}
    assert {word: mend.correct(word) for word in used if mend.correct(word) != word} == {}


@given(st.text(max_size=80))
def test_any_text_is_mended_to_a_text_that_keeps_what_is_between_its_words(text: str) -> None:
    mended = Speller(OURS, ["change", "your"]).correct(text)
    assert [c for c in mended if not c.isascii()] == [c for c in text if not c.isascii()]
    assert mended.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    ("text", "locale", "expected"),
    [
        ("Changing changed CHANGES", "en", ["chang"] * 3),
        ("the creator's video", "en", ["the", "creator", "video"]),
        ("Créateurs créateur", "fr-CA", ["createur", "createur"]),
        ("snake_case a-b", "en", ["snake", "case", "a", "b"]),
        ("账号被封", "zh", ["账", "号", "被", "封", "账号", "号被", "被封"]),
        ("ＴｉｋＴｏｋ ﬁnd", "en", ["tiktok", "find"]),
        ("…!?", "en", []),
    ],
)
def test_terms_are_stems_or_characters_and_pairs(text: str, locale: str, expected: list[str]) -> None:
    assert terms(text, locale) == expected


def test_chinese_beside_latin_letters_is_cut_like_chinese_alone() -> None:
    assert terms("TikTok账号被封", "zh") == [*terms("TikTok", "zh"), *terms("账号被封", "zh")]
    assert terms("账号TikTok", "zh") == [*terms("账号", "zh"), *terms("TikTok", "zh")]


def test_words_that_say_nothing_do_not_count_as_content() -> None:
    assert content_terms("How do I change my username? I don't know", "en") == terms("change username", "en")


@given(st.text(max_size=60), st.sampled_from(["en", "fr", "zh", "ar", "xx", ""]))
def test_any_text_has_terms_without_white_space(text: str, locale: str) -> None:
    assert all(term and not term[0].isspace() and len(term.split()) == 1 for term in terms(text, locale))
    assert terms(text, locale) == terms(text, locale)
