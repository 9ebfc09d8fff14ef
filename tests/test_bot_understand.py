from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.understand import asks_something, is_long, read_intent, split_question
from tests.bots import LANGUAGES, PHRASES


def intent(text: str, locale: str = "en", spelled: float = 1.0) -> str:
    return read_intent(text, locale, PHRASES, lambda _text: spelled)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("hi", "hello"),
        ("Hello there!!", "hello"),
        ("hi, thanks", "thanks"),
        ("ok thanks a lot guys", "thanks"),
        ("thanks, bye", "goodbye"),
        ("bye bye", "goodbye"),
        ("hey, are you a bot?", "about"),
        ("hello, i want to talk to a human please", "human"),
        ("thanks but i want to talk to a human", "human"),
        ("hi how do i change my username", "question"),
        ("thanks, and how do i get paid?", "question"),
        ("how do i say goodbye on live", "question"),
    ],
)
def test_a_message_is_read_for_what_it_wants(text: str, wanted: str) -> None:
    assert intent(text) == wanted


@pytest.mark.parametrize("locale", LANGUAGES)
def test_english_small_talk_is_understood_on_every_page(locale: str) -> None:
    assert intent("thank you", locale) == "thanks"
    assert intent("i want to talk to a human", locale) == "human"


@pytest.mark.parametrize("locale", LANGUAGES)
def test_every_phrase_of_small_talk_is_read_as_what_it_is_listed_under(locale: str) -> None:
    listed = PHRASES[locale].data["intents"]
    for key, wanted in (("greetings", "hello"), ("thanks_words", "thanks"), ("about_bot", "about")):
        for phrase in listed[key]:
            if not set(phrase) & set("*(|"):
                assert intent(phrase, locale) in (wanted, "thanks", "human"), phrase


@pytest.mark.parametrize("text", ["", "   ", "🎉🎉", "?!", "…", "\u200b"])
def test_what_has_no_letters_is_gibberish(text: str) -> None:
    assert intent(text) == "gibberish"


def test_what_is_spelled_like_nothing_we_know_is_gibberish_unless_it_is_small_talk() -> None:
    assert intent("xkq zzvw", spelled=0.1) == "gibberish"
    assert intent("xkq zzvw", spelled=0.9) == "question"
    assert intent("thx", spelled=0.0) == "thanks"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("How do I go live? When do I get paid?", ["How do I go live?", "When do I get paid?"]),
        ("how do i go live and when do i get paid", ["how do i go live", "and when do i get paid"]),
        ("how do i go live, also how do i stop it", ["how do i go live", "also how do i stop it"]),
        ("怎么 开 直播？什么 时候 付款？", ["怎么 开 直播？", "什么 时候 付款？"]),
        ("how do i go live", []),
        ("live? ok.", []),
        ("rock and roll videos", []),
        ("", []),
    ],
)
def test_a_message_is_cut_where_one_question_ends_and_the_next_begins(text: str, parts: list[str]) -> None:
    assert split_question(text) == parts


@given(st.text("how do i live? and also.\n，。", max_size=120))
def test_the_parts_of_a_message_stand_in_it_in_order(text: str) -> None:
    parts = split_question(text)
    assert len(parts) != 1
    at = 0
    for part in parts:
        at = text.index(part, at) + len(part)


@pytest.mark.parametrize(
    "text", ["you see my views?", "how do i go live", "and why is that", "هل هذا صحيح؟", "对吗？ "]
)
def test_a_question_is_seen_by_its_mark_or_its_first_word(text: str) -> None:
    assert asks_something(text)


@pytest.mark.parametrize("text", ["i made a video yesterday.", "my sister showed me how", "whatever you say", ""])
def test_what_only_tells_asks_nothing(text: str) -> None:
    assert not asks_something(text)


def test_a_message_of_many_words_is_long() -> None:
    assert is_long("word " * 40)
    assert not is_long("how do i go live")
