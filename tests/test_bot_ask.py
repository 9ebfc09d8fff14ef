from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import Engine

from app.settings import Settings
from app.wire import make_bot
from bot.ask import Bot
from bot.confidence import Fit
from bot.library import Library, make_library
from bot.reply import Reply, reply_json
from kb.article import Citation
from retrieval.index import Index
from tests.bots import (
    ANSWERS,
    KNOWS_NOT,
    LANGUAGES,
    OFF_TOPIC,
    Seen,
    Write,
    cited_section,
    numbers_in,
    one_thread,
    open_small,
    say,
    small_bot,
    timeless,
)
from tests.conftest import WordEmbedder, article

USERNAME = "how often can i change my username"
TWO_STEP = "how do i turn on two step verification"
SAMPLE = 80
# What small talk is told, by the phrase it is told with.
SMALL_TALK = {
    "hello": ("hello", "bonjour", "hola", "مرحبا", "你好"),
    "thanks": ("thank you so much", "merci beaucoup", "gracias", "شكرا جزيلا", "谢谢"),
    "goodbye": ("bye", "au revoir", "adiós", "مع السلامة", "再见"),
    "capable": ("are you a bot?", "es-tu un robot ?", "¿eres un robot?", "هل أنت روبوت؟", "你是机器人吗?"),
}
HUMAN = (
    "i want to talk to a human",
    "je veux parler à un humain",
    "quiero hablar con una persona",
    "أريد التحدث مع موظف",
    "转人工",
)
CATS: dict[str, str | bytes] = {
    "en/pets/cats.md": article("Feed a cat", "Cats eat 2 fish a day.", "what do cats eat"),
    "en/pets/dogs.md": article("Walk a dog", "Dogs walk twice a day.", "how often do dogs walk"),
}
KEYS = set(
    "id conversation_id kind locale text html citations confidence options suggestions safety ticket notices "
    "degraded revision engine timing_ms".split()
)


@pytest.fixture(scope="module")
def bot(shipped: Settings, library: Library) -> Iterator[Bot]:
    with one_thread():
        yield make_bot(shipped, lambda: library)


@pytest.fixture
def cats(tree: Write, engine: Engine) -> Library:
    return open_small(engine, tree(CATS))


def articles_of(reply: Reply) -> list[str]:
    return list(dict.fromkeys(citation.article for citation in reply.citations))


def test_an_answer_cannot_exist_without_a_citation_nor_a_handover_without_what_it_opens() -> None:
    said = {"id": "m", "locale": "en", "text": "So.", "html": "<p>So.</p>", "revision": "r"}
    with pytest.raises(ValueError, match="citation"):
        Reply(kind="answer", **said)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="what it opens"):
        Reply(kind="handover", **said)  # type: ignore[arg-type]
    cited = Citation(1, "a/b", "en", "T", "S", "top", "/help/en/a/b#top", "So.", "r")
    assert Reply(kind="answer", citations=(cited,), **said).citations == (cited,)  # type: ignore[arg-type]


def test_the_same_question_gets_the_same_reply_byte_for_byte(bot: Bot) -> None:
    for text in (
        USERNAME,
        "payouts",
        "i want a refund for my broken kettle",
        "hello",
        HUMAN[0],
        "my account was hacked",
    ):
        first, second = say(bot, text), say(bot, text)
        assert first.id != second.id
        assert timeless(first) == timeless(second)
        assert json.dumps(reply_json(timeless(first))) == json.dumps(reply_json(timeless(second)))


def test_answers_to_the_articles_own_questions_stand_in_the_sections_they_cite(bot: Bot, library: Library) -> None:
    asked = sorted((a.id, question) for a in library.articles.values() for question in a.questions)
    sample = random.Random(7).sample(asked, SAMPLE)
    right = 0
    for id, question in sample:
        reply = say(bot, question)
        if reply.kind != "answer":
            continue
        right += id in articles_of(reply)
        held = [cited_section(library, reply, n) for n in range(1, len(reply.citations) + 1)]
        for section, citation in zip(held, reply.citations, strict=True):
            assert citation.quote in section.text
            assert citation.revision == library.revision
            assert citation.url.startswith(f"/help/{citation.locale}/{citation.article}#{citation.anchor}:~:text=")
        for _, html in reply.sentences:
            seen = Seen(html)
            assert seen.cites, f"{question}: a part of the answer has no mark"
            cited = " ".join(held[int(n) - 1].text for n in seen.cites)
            assert seen.numbers <= numbers_in(cited), question
            assert seen.text.replace(" ", "") in cited.replace(" ", ""), question
    assert right >= 0.9 * SAMPLE


def test_two_questions_in_one_message_cite_two_articles(bot: Bot) -> None:
    for text in (
        f"{USERNAME} and {TWO_STEP}?",
        "How often can I change my username? And how do I turn on 2-step verification?",
    ):
        reply = say(bot, text)
        assert reply.kind == "answer"
        assert articles_of(reply) == ["account/username", "security/two-step"]
        assert [c.n for c in reply.citations] == list(range(1, len(reply.citations) + 1))


def test_a_few_words_go_on_with_what_was_asked_before(bot: Bot) -> None:
    assert "security/two-step" in articles_of(say(bot, "and how do i turn it off?", "en", TWO_STEP))
    assert "security/two-step" not in articles_of(say(bot, "and how do i turn it off?"))


def test_a_question_that_stands_alone_is_not_mixed_with_the_one_before(bot: Bot) -> None:
    assert timeless(say(bot, USERNAME, "en", TWO_STEP)) == timeless(say(bot, USERNAME))


@pytest.mark.parametrize("word", ["username", "gifts", "my account"])
def test_a_word_or_two_is_asked_back_with_articles_to_choose_from(bot: Bot, library: Library, word: str) -> None:
    reply = say(bot, word)
    assert (reply.kind, reply.citations) == ("clarify", ())
    titles = {a.title for a in library.articles.values()}
    assert len(reply.options) >= 2
    assert {option.label for option in reply.options} <= titles
    assert say(bot, reply.options[0].question).kind == "answer"


@pytest.mark.parametrize("phrase", sorted(SMALL_TALK))
@pytest.mark.parametrize("locale", LANGUAGES)
def test_small_talk_is_answered_in_its_language(bot: Bot, locale: str, phrase: str) -> None:
    reply = say(bot, SMALL_TALK[phrase][LANGUAGES.index(locale)], locale)
    assert (reply.kind, reply.locale) == ("smalltalk", locale)
    assert reply.text == bot.phrases[locale].say(phrase)
    assert reply.handover is None
    assert bool(reply.suggestions) == (phrase in ("hello", "capable"))


@pytest.mark.parametrize("locale", LANGUAGES)
def test_who_asks_for_a_person_gets_one(bot: Bot, locale: str) -> None:
    reply = say(bot, HUMAN[LANGUAGES.index(locale)], locale)
    assert (reply.kind, reply.locale) == ("handover", locale)
    assert reply.text == bot.phrases[locale].say("human_asked")
    assert reply.handover
    assert (reply.handover.reason, reply.handover.priority) == ("asked_for_human", "normal")


def test_the_person_who_is_asked_for_learns_what_it_was_about(bot: Bot) -> None:
    reply = say(bot, HUMAN[0], "en", USERNAME)
    assert reply.handover
    assert "30 days" in reply.handover.evidence["suggested"]
    assert any(p["article"] == "account/username" and p["used"] for p in reply.handover.evidence["passages"])


@pytest.mark.parametrize("text", ["asdkjh qwlekj zxmnb", "🎉🎉🎉", "👍", "???", "...", "   "])
def test_what_says_nothing_is_asked_again_without_a_ticket(bot: Bot, text: str) -> None:
    reply = say(bot, text)
    assert reply.kind == "clarify"
    assert reply.text == bot.phrases["en"].say("gibberish")
    assert reply.suggestions
    assert reply.handover is None


@pytest.mark.parametrize(
    "text", ["what is the capital of France", "how do i unclog my sink", "who won the world cup in 1998"]
)
def test_what_is_none_of_ours_is_small_talk_and_opens_no_ticket(bot: Bot, text: str) -> None:
    reply = say(bot, text)
    assert (reply.kind, reply.handover, reply.citations) == ("smalltalk", None, ())
    assert reply.text == bot.phrases["en"].say("off_topic")
    assert reply.suggestions


def test_without_articles_everything_goes_to_a_person() -> None:
    empty = make_library("r", [], Index("r", [], np.zeros((0, 64), np.float32), WordEmbedder()))
    for library in (None, empty):
        reply = say(small_bot(library, KNOWS_NOT), "how do i feed a cat")
        assert (reply.kind, reply.citations) == ("handover", ())
        assert reply.handover
        assert reply.handover.reason == "no_article"


def test_a_problem_that_no_article_answers_is_handed_over_with_the_nearest_articles(cats: Library) -> None:
    reply = say(small_bot(cats, KNOWS_NOT), "why do my dogs not walk with the cats")
    assert (reply.kind, reply.citations) == ("handover", ())
    assert set(Seen(reply.html).links) == {"/help/en/pets/cats", "/help/en/pets/dogs"}
    assert all(f"](</help/en/{id}>)" in reply.text for id in ("pets/cats", "pets/dogs"))


def test_an_article_of_another_language_is_announced(bot: Bot, cats: Library) -> None:
    small = small_bot(cats)
    reply = say(small, "combien de poisson mange le chat de ma voisine", "fr")
    assert (reply.kind, reply.locale) == ("answer", "fr")
    assert reply.text.startswith(bot.phrases["fr"].say("english_only"))
    assert small.phrases["en"].say("english_only") not in say(small, "what do cats eat").text


@pytest.mark.parametrize(
    ("fit", "kind"), [(ANSWERS, "answer"), (KNOWS_NOT, "handover"), (OFF_TOPIC, "smalltalk"), (KNOWS_NOT, "clarify")]
)
@pytest.mark.parametrize("broken", [True, False])
def test_a_reply_says_whether_the_vector_index_answered(cats: Library, fit: Fit, kind: str, broken: bool) -> None:
    index, words = cats.index, WordEmbedder()
    hashes = [p.hash for p in index.passages]
    propose = (lambda _vector, _n: None) if broken else (lambda _vector, _n: hashes)
    library = replace(cats, index=Index(index.revision, index.passages, index.vectors, words, propose))
    reply = say(small_bot(library, fit), "cats" if kind == "clarify" else "what do cats eat every day")
    assert (reply.kind, reply.degraded) == (kind, broken)
    assert reply_json(reply)["degraded"] is broken


def test_a_reply_as_json_has_the_keys_of_the_contract(cats: Library) -> None:
    answer = reply_json(say(small_bot(cats), "what do cats eat"))
    assert set(answer) == KEYS
    assert set(answer["citations"][0]) == set("n article locale title section anchor url quote revision".split())
    handover = reply_json(say(small_bot(cats), HUMAN[0]))
    assert set(handover) == KEYS | {"would_open"}
    assert handover["would_open"] == {"queue": "general", "priority": "normal", "reason": "asked_for_human"}
    assert set(reply_json(say(small_bot(cats), HUMAN[0]), "c", {"id": "t"})) == KEYS
    assert set(reply_json(say(small_bot(cats), "hello"))) == KEYS
    for reply in (answer, handover):
        assert json.loads(json.dumps(reply)) == json.loads(json.dumps(reply, default=str))
        assert 0 <= reply["confidence"] <= 1


def test_what_a_reply_says_is_what_its_parts_say(bot: Bot) -> None:
    for text in (USERNAME, HUMAN[0], "payouts", "hello", "my account was hacked"):
        reply = say(bot, text)
        assert reply.text == "\n\n".join(part for part, _ in reply.sentences)
        assert reply.html == "\n".join(html for _, html in reply.sentences)
