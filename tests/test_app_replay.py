from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, delete, select, update

from app.database import open_database
from app.publish import publish_tree
from app.settings import Settings
from app.web import make_app
from app.wire import make_desk
from bot.confidence import SHIPPED
from handoff.desk import active_ticket, agent_reply
from handoff.tables import messages, outbox, records, threads, ticket_events, tickets
from kb.sql import writing
from kb.tables import publications, revisions
from retrieval.embed import SentenceEmbedder, bundled_model
from tests.conftest import article
from tests.service import DANGER, HUMAN, TREE, Chat, CommandLine, Ran, served, write_tree

USERNAME = "how often can i change my username"
NOTICE = article(
    "Names are slow", "Changing names takes longer today.\n",
    kind="notice", starts="2026-01-01T00:00:00Z", ends="{ends}", affects="[account/username]",
)  # fmt: skip
# One of each kind of reply, in an order in which one is about the one before.
SAID = (
    USERNAME, "and is there a limit?", "hello", "username", "why is my hat green", HUMAN, "a person please",
    "my account was hacked and someone changed my email", "is it allowed to talk about suicide in a video", DANGER,
)  # fmt: skip


@dataclass
class Desk:
    """A desk over a few articles with the real model, its visitors and its command line."""

    settings: Settings
    engine: Engine
    embedder: SentenceEmbedder
    callboard: CommandLine

    def publish(self, folder: Path, files: dict[str, str]) -> str:
        return publish_tree(self.engine, write_tree(folder, files), self.embedder, time.time()).revision

    def replies(self) -> list[str]:
        query = select(messages.c.id).where(messages.c.role == "bot").order_by(messages.c.seq)
        with self.engine.connect() as conn:
            return list(conn.execute(query).scalars())

    def replay(self, message: str, code: int) -> dict[str, Any]:
        ran = self.callboard("replay", message, "--json")
        assert ran.code == code, ran.out + ran.err
        return dict(json.loads(ran.out))

    def said(self, *texts: str) -> list[str]:
        """Said in one conversation over HTTP; the ids of what the bot replied."""
        with TestClient(make_app(self.settings, self.engine, self.embedder)) as client:
            chat = Chat(client)
            return [chat.say(text).json()["id"] for text in texts]


@pytest.fixture
def desk(
    tmp_path: Path,
    embedder: SentenceEmbedder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Desk]:
    settings = Settings(data_dir=tmp_path / "var", articles_dir=write_tree(tmp_path / "articles", TREE))
    engine = open_database(settings.database)
    publish_tree(engine, settings.articles_dir, embedder, time.time())
    callboard = CommandLine(monkeypatch, capsys)
    callboard.set(data_dir=settings.data_dir, articles_dir=settings.articles_dir)
    yield Desk(settings, engine, embedder, callboard)
    engine.dispose()


def refused(ran: Ran, said: str) -> None:
    assert (ran.code, ran.out) == (2, "")
    assert said in " ".join(ran.err.split())
    assert "Traceback" not in ran.err


def test_every_kind_of_reply_is_said_again_byte_for_byte_beside_the_running_server(desk: Desk) -> None:
    with (
        served(make_app(desk.settings, desk.engine, desk.embedder)) as address,
        httpx.Client(base_url=address, timeout=30) as client,
    ):
        chat = Chat(client, creator={"region": "DE", "age": 20})
        sent = [chat.say(text).json() for text in SAID]
        assert {reply["kind"] for reply in sent} >= {"answer", "smalltalk", "handover"}
        for text, reply in zip(SAID, sent, strict=True):
            again = desk.replay(reply["id"], 0)
            assert (again["same"], again["differs"], again["diff"], again["changed"]) == (True, [], "", [])
            assert (again["question"], again["locale"], again["creator"]) == (text, "en", {"region": "DE", "age": 20})
            assert again["again"]["text"] == reply["text"]
            assert again["live"]
    assert desk.replay(sent[1]["id"], 0)["turns"] == [USERNAME]


def test_replaying_writes_nothing_and_never_opens_the_vector_index(desk: Desk) -> None:
    ids = desk.said(USERNAME, HUMAN)
    shutil.rmtree(desk.settings.data_dir / "chroma")
    tables = (messages, records, threads, tickets, ticket_events, outbox, revisions, publications)

    def rows() -> list[Any]:
        with desk.engine.connect() as conn:
            return [conn.execute(select(table)).all() for table in tables]

    before = rows()
    for id in ids:
        desk.replay(id, 0)
    assert rows() == before
    assert not (desk.settings.data_dir / "chroma").exists()


def test_a_reply_of_a_revision_that_is_no_longer_live_is_asked_of_that_revision(desk: Desk, tmp_path: Path) -> None:
    [id] = desk.said(USERNAME)
    other = TREE["en/account/username.md"].replace("30 days", "90 days")
    desk.publish(tmp_path / "other", TREE | {"en/account/username.md": other})
    again = desk.replay(id, 0)
    assert not again["live"]
    assert "30 days" in again["again"]["text"]
    assert "90 days" in desk.callboard("ask", USERNAME).out


def test_the_clock_of_the_reply_holds_and_not_todays(desk: Desk, tmp_path: Path) -> None:
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 4))
    desk.publish(tmp_path / "warned", TREE | {"en/notices/names.md": NOTICE.replace("{ends}", soon)})
    [id] = desk.said(USERNAME)
    assert desk.replay(id, 0)["stored"]["notices"][0]["title"] == "Names are slow"
    time.sleep(4)
    assert json.loads(desk.callboard("ask", USERNAME, "--json").out)["notices"] == []
    assert desk.replay(id, 0)["again"]["notices"]


def test_another_fit_is_named_and_what_it_changes_is_shown(desk: Desk) -> None:
    [id] = desk.said(USERNAME)
    fitted = json.loads(SHIPPED.read_text())
    for name in ("own", "general"):
        fitted[name]["answer"] = 1.1
    (desk.settings.data_dir / "confidence.json").write_text(json.dumps(fitted))
    shutil.copy(SHIPPED.with_suffix(".npz"), desk.settings.data_dir / "confidence.npz")

    again = desk.replay(id, 1)
    assert [change["what"] for change in again["changed"]] == ["confidence"]
    assert again["changed"][0]["then"] != again["changed"][0]["now"]
    assert {"kind", "text"} <= set(again["differs"])
    assert "-kind: answer" in again["diff"].splitlines()
    assert "+kind: handover" in again["diff"].splitlines()
    shown = desk.callboard("replay", id)
    assert shown.code == 1
    assert "another reply:" in shown.out
    assert "changed since: confidence:" in shown.out
    assert "-kind: answer" in shown.out


def test_another_model_is_named_and_asked_with_vectors_of_its_own(desk: Desk) -> None:
    [id] = desk.said(USERNAME)
    desk.callboard.set(embedding_model=bundled_model())
    ran = desk.callboard("replay", id)
    assert "changed since: embedding_model: all-MiniLM-L6-v2 →" in ran.out
    assert ran.code == ("another reply" in ran.out)
    assert ran.code != ("the same reply" in ran.out)


def test_words_that_were_tampered_with_are_seen(desk: Desk) -> None:
    [id] = desk.said(USERNAME)
    with writing(desk.engine) as conn:
        reply = conn.execute(select(messages.c.reply).where(messages.c.id == id)).scalar_one()
        told = reply | {"text": reply["text"].replace("30", "31")}
        conn.execute(update(messages).where(messages.c.id == id).values(reply=told))
    again = desk.replay(id, 1)
    assert (again["differs"], again["changed"], again["candidates_same"]) == (["text"], [], True)
    assert "31 days" in again["diff"]


def test_a_reply_that_a_language_model_worded_is_compared_in_what_it_was_written_from(desk: Desk) -> None:
    [id] = desk.said(USERNAME)
    with writing(desk.engine) as conn:
        reply = conn.execute(select(messages.c.reply).where(messages.c.id == id)).scalar_one()
        told = reply | {"text": "Every 30 days [1].", "engine": "some:model"}
        conn.execute(update(messages).where(messages.c.id == id).values(reply=told))
        conn.execute(update(records).where(records.c.message == id).values(engine="some:model"))
    ran = desk.callboard("replay", id)
    assert ran.code == 0
    assert "written by some:model" in ran.out


def test_a_reply_from_before_anything_was_published_is_said_again(desk: Desk) -> None:
    empty = desk.settings.model_copy(update={"database_url": f"sqlite:///{desk.settings.data_dir / 'empty.db'}"})
    engine = open_database(empty.database)
    with TestClient(make_app(empty, engine, desk.embedder)) as client:
        id = Chat(client).say(USERNAME).json()["id"]
    desk.callboard.set(database_url=empty.database_url)
    assert desk.replay(id, 0)["revision"] == ""
    engine.dispose()


def test_what_is_no_reply_of_the_bot_is_a_2_that_says_what_it_is(desk: Desk) -> None:
    reply, handover = desk.said(USERNAME, HUMAN)
    with writing(desk.engine) as conn:
        thread = conn.execute(select(messages.c.thread).where(messages.c.id == handover)).scalar_one()
        ticket = active_ticket(conn, thread)
        assert ticket
        _, agents = agent_reply(conn, make_desk(), ticket, "sam", "Hello.")
        mine = conn.execute(select(messages.c.id).where(messages.c.seq == 1)).scalar_one()
    for name in ("msg_nothing", "", "'; --"):
        refused(desk.callboard("replay", name), f"there is no message {name!r}")
    refused(desk.callboard("replay", mine), f"a message of the creator; the bot's reply to it is {reply}")
    refused(desk.callboard("replay", agents.id), "a message of the agent")
    refused(desk.callboard("replay"), "Missing argument 'MESSAGE_ID'")


def test_a_reply_without_a_record_or_whose_revision_is_gone_is_a_2_that_says_so(desk: Desk) -> None:
    first, second = desk.said(USERNAME, "hello")
    with writing(desk.engine) as conn:
        conn.execute(delete(records).where(records.c.message == first))
        conn.execute(update(records).where(records.c.message == second).values(revision="f" * 16))
    refused(desk.callboard("replay", first), "before replies kept what it takes to ask again")
    refused(desk.callboard("replay", second), "there is no revision 'ffffffffffffffff'")


def test_the_record_holds_candidates_with_scores_used_and_rejected(desk: Desk) -> None:
    [id] = desk.said("how do i go live")
    [search] = desk.replay(id, 0)["weighed"]
    assert search["articles"][0]["article"] == "live/start"
    assert {passage["used"] for passage in search["passages"]} == {True, False}
    assert all((p["article"] == "live/start") == p["used"] for p in search["passages"])
    scores = [passage["score"] for passage in search["passages"]]
    assert scores == sorted(scores, reverse=True)
