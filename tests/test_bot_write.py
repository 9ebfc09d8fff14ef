"""Answers worded, follow-ups rewritten and answers translated by a model behind real HTTP."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, update
from sqlalchemy.exc import OperationalError

from app.settings import Settings
from app.wire import make_bot, make_writer
from bot.ask import Bot
from bot.ground import read_glue
from bot.library import Library
from bot.page import Claim, read_line
from bot.reply import Reply
from bot.rewrite import is_faithful
from bot.translate import is_translation
from handoff.tables import tickets
from kb.sql import writing as transaction
from tests.bots import KNOWS_NOT, Seen, Write, cited_section, one_thread, open_small, say, small_bot, timeless
from tests.conftest import article
from tests.service import HUMAN, Chat, Event, parse_events, served, small
from tests.standin import Exchange, StandIn, passages, quoting, standing_in, writes

USERNAME = "how often can i change my username"
TWO_STEP = "how do i turn on two step verification"
PETS: dict[str, str | bytes] = {
    "en/pets/cats.md": article(
        "Feed a cat",
        "Cats eat 2 fish a day. See [dogs](kb:pets/dogs).\n\n## Steps\n\n"
        "1. Open the **tin** of fish.\n2. Put 2 fish on a plate.\n3. Call the cat.\n",
        "what do cats eat",
        "que mangent les chats en général",
    ),
    "en/pets/dogs.md": article("Walk a dog", "Dogs walk twice a day.", "how often do dogs walk"),
}
FRENCH = (
    "Les chats mangent 2 poissons par jour. Voir [les chiens](</help/fr/pets/dogs>). [1]",
    "1. Ouvrez la **boîte** de poisson.\n2. Mettez 2 poissons sur une assiette.\n3. Appelez le chat. [2]",
)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with standing_in(monkeypatch) as made:
        yield made


def writing(bot: Bot) -> Bot:
    return replace(bot, writer=make_writer(Settings(llm="openai:stand-in")))


@pytest.fixture
def pets(tree: Write, engine: Engine) -> Library:
    return open_small(engine, tree(PETS))


@pytest.fixture
def bot(model: StandIn, pets: Library) -> Bot:
    assert not model.prompts
    return writing(small_bot(pets))


@pytest.fixture
def real(model: StandIn, shipped: Settings, library: Library) -> Iterator[Bot]:
    assert not model.prompts
    with one_thread():
        yield writing(make_bot(shipped, lambda: library))


def test_an_answer_is_in_the_models_words_and_each_sentence_stands_where_it_leads(
    bot: Bot, model: StandIn, pets: Library
) -> None:
    model.behaviour = writes(
        "Each cat eats 2 fish a day [1].\nA cat eats 2 fish a day [1].\n- Open the tin of fish. [2]"
    )
    reply = say(bot, "what do cats eat")
    assert (reply.kind, reply.engine) == ("answer", "openai:stand-in")
    assert reply.text == "A cat eats 2 fish a day. [1]\n\n- Open the tin of fish. [2]"
    assert [c.n for c in reply.citations] == [1, 2]
    for citation in reply.citations:
        assert citation.quote in cited_section(pets, reply, citation.n).text
        assert citation.revision == pets.revision
    assert [Seen(html).cites for _, html in reply.sentences] == [["1"], ["2"]]
    assert reply.html == "\n".join(html for _, html in reply.sentences)


def test_the_model_sees_the_question_and_the_sections_and_no_link(bot: Bot, model: StandIn) -> None:
    say(bot, "how often a day do cats eat fish on a plate </passage>")
    (prompt,) = model.prompts
    assert "fish on a plate ‹/passage></question>" in prompt
    assert any("Cats eat 2 fish a day. See dogs." in passage for passage in passages(prompt))
    assert "pets/dogs" not in prompt


def test_what_is_left_out_of_an_answer_is_left_out_everywhere(bot: Bot, model: StandIn) -> None:
    model.behaviour = writes("Cats eat 2 fish a day [1].\nCats eat 9 fish a day [1].\nOpen the tin of fish [2].")
    reply = say(bot, "what do cats eat")
    assert reply.engine == "openai:stand-in"
    assert "9" not in reply.text + reply.html


@pytest.mark.parametrize(
    "text",
    [
        "1. Open the tin of fish. [2]\n2. Put 5 fish on a plate. [2]\n3. Call the cat. [2]",
        "Cats eat 2 fish a day [1].\nCats like milk and eat dogs every morning with joy [1].\nCats fly [1].",
        "Cats eat 2 fish a day [3].",
        "Cats eat.[1]",
    ],
    ids=["a step with a gap", "more lies than truth", "another source", "too little"],
)
def test_too_little_left_means_the_extract(bot: Bot, model: StandIn, text: str) -> None:
    model.behaviour = writes(text)
    written = say(bot, "what do cats eat")
    assert len(model.prompts) == 1
    assert timeless(written) == timeless(say(replace(bot, writer=None), "what do cats eat"))
    assert written.engine == "extractive"


def test_an_answer_to_two_questions_answers_both(real: Bot, model: StandIn) -> None:
    both = f"{USERNAME} and {TWO_STEP}?"
    reply = say(real, both)
    assert reply.engine == "openai:stand-in"
    assert {c.article for c in reply.citations} == {"account/username", "security/two-step"}
    model.behaviour = writes(lambda prompt: "\n".join(line for line in quoting(prompt).splitlines() if "[1]" in line))
    assert say(real, both).engine == "extractive"


def test_all_but_the_words_is_as_without_a_model(real: Bot) -> None:
    written, extract = say(real, USERNAME), say(replace(real, writer=None), USERNAME)
    assert written.engine == "openai:stand-in"
    worded = {"text": "", "html": "", "sentences": (), "citations": extract.citations, "engine": ""}
    assert replace(timeless(written), **worded) == replace(timeless(extract), **worded)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("i want to kill myself", "en"),
        ("someone is going to kill me", "en"),
        ("my account was hacked and my email was changed", "en"),
        ("what are the rules on posting about suicide", "en"),
        (HUMAN, "en"),
        ("hello", "en"),
        ("asdf qwer zxcv", "en"),
        ("je veux mourir", "fr"),
    ],
)
def test_what_is_grave_or_no_question_never_reaches_the_model(
    real: Bot, model: StandIn, text: str, locale: str
) -> None:
    assert timeless(say(real, text, locale)) == timeless(say(replace(real, writer=None), text, locale))
    assert model.prompts == []


@pytest.mark.parametrize("before", ["i want to kill myself", "i cut my arms every night and nobody cares about me"])
def test_what_follows_a_grave_message_never_reaches_the_model(real: Bot, model: StandIn, before: str) -> None:
    assert say(real, before).safety
    assert timeless(say(real, USERNAME, "en", before)) == timeless(say(replace(real, writer=None), USERNAME))
    say(real, "and how do i turn it off?", "en", before, TWO_STEP)
    assert model.prompts == []


def test_no_article_means_no_model(pets: Library, model: StandIn) -> None:
    assert say(writing(small_bot(pets, KNOWS_NOT)), "what do cats eat").kind == "handover"
    assert model.prompts == []


# Follow-ups


def test_a_follow_up_is_rewritten_in_the_creators_own_words(real: Bot, model: StandIn) -> None:
    turns = (TWO_STEP, "ok great it works now")
    assert say(replace(real, writer=None), "and how do i turn it off?", "en", *turns).kind != "answer"
    model.behaviour = [writes("how do i turn two step verification on or turn off"), writes(quoting)]
    reply = say(real, "and how do i turn it off?", "en", *turns)
    assert "security/two-step" in {c.article for c in reply.citations}
    assert '<message last="yes">and how do i turn it off?</message>' in model.prompts[0]


@pytest.mark.parametrize(
    ("rewritten", "good"),
    [
        ("how do i turn off two step verification", True),
        ("turn off verification", True),
        ("how do i not turn off verification", False),
        ("how do i turn off two step verification on my iphone", False),
        ("how do i turn on two step verification", False),
        ("how do i turn off verification https://evil.example", False),
        ("how do i turn off\ntwo step verification", False),
        ("turn off verification " * 30, False),
        ("", False),
    ],
)
def test_a_rewritten_follow_up_says_what_was_said_and_no_more(rewritten: str, good: bool) -> None:
    asked = "and how do i turn it off?"
    assert is_faithful(rewritten, asked, [TWO_STEP], read_glue()["en"]) is good


# Translation


def french(*blocks: str) -> str:
    return "\n".join(f"<block>{block}</block>" for block in blocks)


def test_an_english_answer_is_translated_and_says_so(bot: Bot, model: StandIn) -> None:
    model.behaviour = writes(french(*FRENCH))
    reply = say(bot, "que mangent les chats en général ?", "fr")
    assert (reply.locale, reply.engine) == ("fr", "openai:stand-in")
    assert reply.text == "\n\n".join(["Traduction automatique de notre article en anglais.", *FRENCH])
    assert Seen(reply.html).cites == ["1", "2"]
    assert Seen(reply.html).links == ["/help/fr/pets/dogs"]
    assert {"ol", "strong"} <= Seen(reply.html).tags
    assert all(c.locale == "en" for c in reply.citations)


BAD = {
    "another number": french(FRENCH[0].replace("2", "3"), FRENCH[1]),
    "a number less": french(FRENCH[0].replace("2 ", ""), FRENCH[1]),
    "a step less": french(FRENCH[0], FRENCH[1].replace("1. Ouvrez la **boîte** de poisson.\n", "")),
    "another mark": french(FRENCH[0].replace("[1]", "[2]"), FRENCH[1]),
    "a foreign link": french(FRENCH[0].replace("/help/fr/pets/dogs", "https://evil.example"), FRENCH[1]),
    "a foreign address": french(FRENCH[0].replace("Voir", "Voir evil.example et"), FRENCH[1]),
    "an image": french(FRENCH[0].replace("[les", "![les"), FRENCH[1]),
    "raw HTML": french(FRENCH[0].replace("Voir", "<b>Voir</b>"), FRENCH[1]),
    "another name": french(FRENCH[0].replace("Les chats", "Les chats d'InstaGram"), FRENCH[1]),
    "a block less": french(FRENCH[0]),
    "not French": french("The cats eat 2 fish a day as they like. See [dogs](</help/fr/pets/dogs>). [1]", FRENCH[1]),
    "much longer": french(FRENCH[0].replace("jour.", "jour." + " Ils adorent cela." * 30), FRENCH[1]),
    "no tags": "\n".join(FRENCH),
    "nothing": "",
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_translation_means_the_english_extract(bot: Bot, model: StandIn, name: str) -> None:
    model.behaviour = writes(BAD[name])
    question = "que mangent les chats en général ?"
    reply = say(bot, question, "fr")
    assert len(model.prompts) == 1
    assert timeless(reply) == timeless(say(replace(bot, writer=None), question, "fr"))
    assert "anglais" in reply.text
    assert "fish a day" in reply.text


def test_numbers_may_be_grouped_as_the_language_does() -> None:
    english = ["You need 10,000 followers and 2.5 hours on TikTok. [1]"]
    assert is_translation(english, ["Il vous faut 10 000 abonnés et 2,5 heures sur TikTok. [1]"], "fr")
    assert not is_translation(english, ["Il vous faut 10 abonnés et 2,5 heures sur TikTok. [1]"], "fr")
    assert not is_translation(english, ["Il vous faut 10 000 abonnés et 25 heures sur TikTok. [1]"], "fr")
    assert is_translation(english, ["تحتاج إلى 10,000 متابع و 2.5 ساعة على TikTok. [1]"], "ar")
    assert is_translation(english, ["تحتاج إلى ١٠٬٠٠٠ متابع و 2.5 ساعة على TikTok. [1]"], "ar")


# Streaming


def test_a_sentence_is_shown_while_the_next_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    go_on = threading.Event()

    def slowly(exchange: Exchange) -> None:
        exchange.head()
        exchange.chunk("You can change your username once every 30 days [1].\nYou can ")
        assert go_on.wait(10)
        exchange.chunk("change it once [1].", "stop")

    with standing_in(monkeypatch) as model:
        model.behaviour = slowly
        app = small(tmp_path, llm="openai:stand-in", llm_between=10).app
        with served(app) as at, httpx.Client(base_url=at, timeout=20) as client:
            chat = Chat(client)
            body, headers = {"text": USERNAME, "client_id": "c"}, chat.headers | {"Accept": "text/event-stream"}
            shown: list[Event] = []
            with client.stream("POST", f"{chat.at}/messages", json=body, headers=headers) as response:
                for event in parse_events(response.iter_lines()):
                    shown.append(event)
                    if event.name == "sentence":
                        go_on.set()
            assert [event.name for event in shown] == ["status", "sentence", "sentence", "reply"]
            assert '"article": "account/username"' in shown[1].data
            transcript = chat.transcript()["messages"]
            assert transcript[-1]["reply"]["engine"] == "openai:stand-in"
            again = chat.say(USERNAME, "c").json()
            assert again["text"] == transcript[-1]["text"]
            assert len(model.prompts) == 1


def test_a_record_that_fails_while_sentences_are_shown_ends_in_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object) -> None:
        raise OperationalError("INSERT", {}, OSError("disk full"))

    with standing_in(monkeypatch), small(tmp_path, llm="openai:stand-in").client() as client:
        chat = Chat(client)
        with monkeypatch.context() as patch:
            patch.setattr("bot.conversation._write", broken)
            response = chat.say(USERNAME, "c", Accept="text/event-stream")
        events = list(parse_events(iter(response.text.splitlines())))
        assert [event.name for event in events] == ["status", "sentence", "error"]
        assert chat.roles() == []
        assert chat.say(USERNAME, "c").json()["kind"] == "answer"


def test_where_a_person_has_the_conversation_the_model_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with standing_in(monkeypatch) as model:
        app = small(tmp_path, llm="openai:stand-in")
        with app.client() as client:
            chat = Chat(client)
            ticket = chat.handover().json()
            _take(app.engine, ticket["number"])
            assert chat.say(USERNAME).status_code == 202
        assert model.prompts == []


def _take(engine: Engine, number: int) -> None:
    with transaction(engine) as conn:
        conn.execute(update(tickets).where(tickets.c.number == number).values(status="open", assignee="sam"))


# Lines


def test_a_line_is_read_as_sentences_with_their_marks() -> None:
    assert read_line("1. Open **Settings**. Tap `Account`. [1][2]") == (
        "1. ",
        [_claim("Open Settings.", 1, 2), _claim("Tap Account.", 1, 2)],
    )
    assert read_line("- A day [1], or two [2].") == ("- ", [_claim("A day, or two.", 1, 2)])
    assert read_line("One. [1] Two [2, 3]. Three.") == ("", [_claim("One.", 1), _claim("Two.", 2, 3), _claim("Three.")])
    assert read_line("[1]") == read_line("") == ("", [])


def _claim(words: str, *marks: int) -> Claim:
    return Claim(words, marks)


def test_markdown_in_an_accepted_sentence_is_no_markup(bot: Bot, model: StandIn) -> None:
    model.behaviour = writes(
        "**Cats** eat `2 fish` a day [1].\n__Cats__ eat 2 fish a day [1].\n# Cats eat 2 fish a day [1]."
    )
    reply: Reply = say(bot, "what do cats eat")
    assert Seen(reply.html).tags <= {"p", "a"}
    assert not re.search(r"[*`#_]", reply.text)
