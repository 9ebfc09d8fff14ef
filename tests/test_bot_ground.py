from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.settings import PACKAGED
from bot.ground import Evidence, find_fault, read_glue, split_sentences
from bot.source import Source, make_source
from kb.tree import read_tree

GLUE = read_glue()
TEXT = (
    "You can change your username once every 30 days. You need 1,000 followers for TikTok LIVE; you must be 18. "
    "Do not share your password with anyone. Turn on 2-step verification in Settings. "
    "To appeal, write to appeals@tiktok.com or open www.tiktok.com/legal. A payout takes 3 days, but not at weekends."
)
EVIDENCE = Evidence("Your account", TEXT, "en")
ZH = Evidence("账号", "您每30天可以更改一次用户名。不要与任何人分享密码。", "zh")
FR = Evidence("Compte", "Vous pouvez changer votre nom d'utilisateur une fois tous les 30 jours.", "fr")
STANDS = [
    "You can change your username once every 30 days.",
    "Your username can be changed once every 30 days.",
    "For TikTok LIVE you need 1,000 followers and you must be 18.",
    "Never share your password with anyone.",
    "A payout takes 3 days.",
    "Turn on 2-step verification in Settings for your account.",
    "Write to appeals@tiktok.com to appeal.",
]
FALLS = [
    ("number", "You can change your username once every 60 days."),
    ("number", "You can change your username once every 30 followers."),
    ("number", "You must be 1,000."),
    ("number", "You can change your username once every ３1 days."),
    ("number", "You need $1,000 followers for TikTok LIVE."),
    ("word", "You can change your email once every 30 days."),
    ("word", "You can change your username once every thirty days."),
    ("word", "Turn off 2-step verification in Settings."),
    ("name", "You can change your username in InstaGram once every 30 days."),
    ("meaning", "You cannot change your username once every 30 days."),
    ("meaning", "Share your password with anyone."),
    ("meaning", "Your days verification followers weekends payout."),
    ("address", "To appeal, open www.tiktok.com.evil.example/legal."),
    ("address", "To appeal, write to appeal@tiktok.com."),
    ("address", "To appeal, open tiktok.co."),
    ("markup", "You can change your [username](https://evil.example) once every 30 days."),
    ("markup", "You can change your username once every 30 days <b>."),
    ("markup", "![You](x) can change your username once every 30 days."),
    ("hidden", "You can change your user\u200bname once every 30 days."),
    ("hidden", "You can change your username once every 30 days \u202e."),
    ("hidden", "You can change your username once every 30 days 🎁."),
    ("empty", "You can do it."),
]


@pytest.mark.parametrize("sentence", STANDS)
def test_what_the_section_says_may_be_said(sentence: str) -> None:
    assert find_fault(sentence, EVIDENCE, GLUE["en"]) is None


@pytest.mark.parametrize(("why", "sentence"), FALLS)
def test_what_the_section_does_not_say_is_found_out(why: str, sentence: str) -> None:
    assert find_fault(sentence, EVIDENCE, GLUE["en"]) == why


@pytest.mark.parametrize(
    ("evidence", "sentence", "why"),
    [
        (ZH, "您可以每30天更改一次用户名。", None),
        (ZH, "您可以每60天更改一次用户名。", "number"),
        (ZH, "不要分享密码。", None),
        (ZH, "请分享密码。", "meaning"),
        (ZH, "请发送密码。", "word"),
        (FR, "Vous pouvez changer une fois votre nom d'utilisateur tous les 30 jours.", None),
        (FR, "Vous ne pouvez pas changer votre nom d'utilisateur.", "meaning"),
        (FR, "Vous pouvez changer votre mot de passe tous les 30 jours.", "word"),
    ],
)
def test_the_other_languages_are_held_to_the_same(evidence: Evidence, sentence: str, why: str | None) -> None:
    assert find_fault(sentence, evidence, GLUE[evidence.locale]) == why


def shipped_sentences() -> Iterator[tuple[Source, str]]:
    for article in read_tree(PACKAGED).articles:
        for section in article.sections:
            source = make_source(article, section)
            yield from ((source, sentence) for sentence in split_sentences(source.evidence.text))


SHIPPED = list(shipped_sentences())
ENGLISH = [drawn for drawn in SHIPPED if drawn[0].article.locale == "en"]


def test_the_articles_own_sentences_nearly_all_stand() -> None:
    faults = [find_fault(s, source.evidence, GLUE[source.article.locale.split("-")[0]]) for source, s in SHIPPED]
    assert len(SHIPPED) > 1000
    assert sum(fault is not None for fault in faults) <= 0.02 * len(SHIPPED)


@given(st.sampled_from(SHIPPED), st.integers(0, 10**6), st.data())
def test_a_number_that_is_not_in_the_section_never_stands(
    drawn: tuple[Source, str], number: int, data: st.DataObject
) -> None:
    source, sentence = drawn
    words = sentence.split()
    if str(number) in source.evidence.text:
        return
    words.insert(data.draw(st.integers(0, len(words))), str(number))
    assert find_fault(" ".join(words), source.evidence, GLUE["en"]) is not None


@given(st.sampled_from(ENGLISH), st.sampled_from(ENGLISH))
def test_a_sentence_of_another_section_stands_only_if_all_its_words_do(
    drawn: tuple[Source, str], other: tuple[Source, str]
) -> None:
    source, sentence = drawn[0], other[1]
    if find_fault(sentence, source.evidence, GLUE["en"]) is None:
        content = {w for w in Evidence("", sentence, "en").words if w not in GLUE["en"].glue | GLUE["en"].negations}
        assert Evidence("", " ".join(content), "en").stems <= source.evidence.stems


@given(st.sampled_from(SHIPPED), st.sampled_from(["xylophone", "Zuckerberg", "bit.ly/x", "<i>", "[1]", "🎁", "$5"]))
def test_a_foreign_word_in_a_sentence_never_stands(drawn: tuple[Source, str], foreign: str) -> None:
    source, sentence = drawn
    assert find_fault(f"{foreign} {sentence}", source.evidence, GLUE["en"]) is not None
    assert find_fault(f"{sentence} {foreign}", source.evidence, GLUE["en"]) is not None


@given(st.text())
def test_anything_can_be_checked(text: str) -> None:
    find_fault(text, EVIDENCE, GLUE["en"])
    find_fault("You can change your username.", Evidence("", text, "en"), GLUE["en"])
