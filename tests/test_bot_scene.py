"""What a listener hears of things that are kept nowhere: who is typing, and which known issues hold."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from sqlalchemy import Engine, inspect, text

from app.publish import publish_tree
from app.web import make_app
from bot.presence import PAUSE, Presence
from bot.scene import RENEW, Scene, Typing
from bot.stream import thread_events
from handoff.log import start_thread
from handoff.thread import Thread
from kb.sql import writing
from retrieval.embed import Vectors
from tests.conftest import WordEmbedder, article
from tests.service import HUMAN, TREE, Chat, CommandLine, Event, parse_events, served, small, until, write_tree

USERNAME = "how often can i change my username"


class SlowEmbedder(WordEmbedder):
    """A model that thinks until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()
        self.free.set()

    def embed(self, texts: Sequence[str]) -> Vectors:
        assert self.free.wait(20)
        return super().embed(texts)


@contextmanager
def listening(chat: Chat, last: str = "") -> Iterator[list[Event]]:
    """The conversation's events, as they come."""
    events: list[Event] = []
    heard, left = threading.Event(), threading.Event()

    def read() -> None:
        headers = chat.headers | ({"Last-Event-ID": last} if last else {})
        with (
            httpx.Client(base_url=chat.client.base_url) as client,
            client.stream("GET", f"{chat.at}/events", headers=headers, timeout=20) as response,
        ):
            lines = response.iter_lines()
            assert next(lines).startswith(":")
            heard.set()
            for event in parse_events(lines):
                events.append(event)
                if left.is_set():
                    return

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    assert heard.wait(20)
    yield events
    left.set()
    chat.say("hello")
    thread.join(20)
    assert not thread.is_alive()


def named(events: list[Event], name: str) -> list[Any]:
    return [json.loads(event.data) for event in list(events) if event.name == name]


def test_the_bot_is_heard_typing_while_it_composes_and_until_its_reply_is_there(tmp_path: Path) -> None:
    desk, slow = small(tmp_path), SlowEmbedder()
    app = make_app(desk.settings, desk.engine, slow)
    with served(app) as address, httpx.Client(base_url=address, timeout=20) as client, ThreadPoolExecutor(1) as pool:
        chat, other = Chat(client), Chat(client)
        with listening(chat) as events, listening(other) as elsewhere:
            slow.free.clear()
            said = pool.submit(chat.say, USERNAME)
            until(lambda: named(events, "typing") == [{"role": "bot", "typing": True}])
            assert named(events, "message") == []
            slow.free.set()
            assert said.result(20).status_code == 200
            until(lambda: named(events, "typing")[-1] == {"role": "bot", "typing": False})
            names = [event.name for event in events]
            assert names[-1] == "typing"
            assert [m["role"] for m in named(events, "message")] == ["creator", "bot"]
            assert {event.id for event in events if event.name == "typing"} <= {"", "2"}
            assert named(elsewhere, "typing") == []
        with listening(chat, "2") as again:
            assert named(again, "typing") == []


def test_nothing_of_it_is_stored_and_resuming_counts_messages_alone(tmp_path: Path) -> None:
    desk, slow = small(tmp_path), SlowEmbedder()
    with (
        served(make_app(desk.settings, desk.engine, slow)) as address,
        httpx.Client(base_url=address, timeout=20) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        chat = Chat(client)

        def rows() -> list[Any]:
            with desk.engine.connect() as conn:
                names = sorted(inspect(conn).get_table_names())
                return [conn.execute(text(f'SELECT * FROM "{name}"')).all() for name in names]

        before = rows()
        with listening(chat) as events:
            slow.free.clear()
            said = pool.submit(chat.say, USERNAME)
            until(lambda: named(events, "typing"))
            assert rows() == before
            slow.free.set()
            said.result(20)
            until(lambda: len(named(events, "message")) == 2)
        assert [m["seq"] for m in chat.transcript()["messages"]] == [1, 2, 3, 4]


def test_the_bot_does_not_type_where_a_person_has_the_conversation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk, slow = small(tmp_path), SlowEmbedder()
    callboard = CommandLine(monkeypatch, capsys)
    callboard.set(data_dir=desk.settings.data_dir)
    with (
        served(make_app(desk.settings, desk.engine, slow)) as address,
        httpx.Client(base_url=address, timeout=20) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        chat = Chat(client)
        number = str(chat.say(HUMAN).json()["ticket"]["number"])
        assert callboard("tickets", "take", number).code == 0
        with listening(chat, "2") as events:
            slow.free.clear()
            said = pool.submit(chat.say, USERNAME)
            time.sleep(1)
            slow.free.set()
            assert said.result(20).status_code == 202
            until(lambda: named(events, "message"))
            assert named(events, "typing") == []


def moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def outage(starts: float, ends: float, title: str = "Uploads fail") -> str:
    return article(
        title,
        "We are on it.\n",
        kind="notice",
        starts=moment(starts),
        ends=moment(ends),
        affects="[live/start]",
    )


def test_a_notice_is_sent_when_it_starts_and_when_it_ends_to_who_is_listening(tmp_path: Path) -> None:
    now = time.time()
    files = TREE | {
        "en/notices/uploads.md": outage(now + 3, now + 5),
        "fr/notices/uploads.md": outage(now + 3, now + 5, "Panne des envois"),
        "en/notices/old.md": outage(now - 99, now + 99, "Holds all the time"),
    }
    with (
        served(small(tmp_path, files).app) as address,
        httpx.Client(base_url=address, timeout=20) as client,
        listening(Chat(client)) as english,
        listening(Chat(client, locale="fr")) as french,
    ):
        until(lambda: len(named(english, "notice")) == 2)
        until(lambda: len(named(french, "notice")) == 2)
        started, ended = named(english, "notice")
        assert (started["state"], ended["state"]) == ("started", "ended")
        assert started | {"state": "ended"} == ended
        assert (started["id"], started["title"], started["text"]) == (
            "notices/uploads",
            "Uploads fail",
            "We are on it.",
        )
        assert started["affects"] == ["live/start"]
        assert [notice["title"] for notice in named(french, "notice")] == ["Panne des envois"] * 2
        assert {event.id for event in english if event.name == "notice"} == {""}


def test_a_notice_that_is_published_or_taken_back_is_sent_without_a_restart(tmp_path: Path) -> None:
    desk, now = small(tmp_path), time.time()

    def publish(name: str, files: dict[str, str]) -> None:
        publish_tree(desk.engine, write_tree(tmp_path / name, files), desk.embedder, now)

    with (
        served(desk.app) as address,
        httpx.Client(base_url=address, timeout=20) as client,
        listening(Chat(client)) as events,
    ):
        publish("more", TREE | {"en/notices/uploads.md": outage(now - 9, now + 99)})
        until(lambda: [n["state"] for n in named(events, "notice")] == ["started"])
        publish("other", TREE | {"en/notices/uploads.md": outage(now - 9, now + 99, "Uploads are slow")})
        until(lambda: [n["state"] for n in named(events, "notice")][1:] == ["ended", "started"])
        publish("less", TREE)
        until(lambda: [n["title"] for n in named(events, "notice")][3:] == ["Uploads are slow"])
        assert named(events, "notice")[-1]["state"] == "ended"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_person_types_until_they_send_or_pause_for_long() -> None:
    clock = Clock()
    presence = Presence(clock)
    assert presence.writing("a") == frozenset()
    presence.press("a")
    clock.now = PAUSE - 1
    presence.press("b")
    assert (presence.writing("a"), presence.writing("b")) == ({"agent"}, {"agent"})
    clock.now = PAUSE
    assert (presence.writing("a"), presence.writing("b")) == (frozenset(), {"agent"})
    presence.pause("b")
    presence.pause("b")
    assert presence.writing("b") == frozenset()


def test_the_bot_types_until_the_last_of_its_replies_is_done_even_badly() -> None:
    presence = Presence(Clock())
    presence.press("a")
    with presence.composing("a"):
        with pytest.raises(ValueError, match="bad"), presence.composing("a"):
            raise ValueError("bad")
        assert presence.writing("a") == {"bot", "agent"}
        assert presence.writing("b") == frozenset()
    assert presence.writing("a") == {"agent"}


def test_who_types_for_long_is_said_again_before_a_listener_gives_them_up() -> None:
    told, agent = Typing(), frozenset({"agent"})
    said = [(second, change) for second in range(13) for change in told.begun(agent, 1.0)]
    assert [second for second, _ in said] == [0, RENEW, 2 * RENEW]
    assert all(change == {"role": "agent", "typing": True} for _, change in said)
    assert RENEW < PAUSE
    assert told.ended(agent) == []
    assert told.ended(frozenset()) == [{"role": "agent", "typing": False}]
    assert told.ended(frozenset()) == []


def test_a_person_at_the_desk_is_heard_typing(engine: Engine) -> None:
    with writing(engine) as conn:
        start_thread(conn, Thread("cnv_a", "en", 0.0))
    presence, looks = Presence(Clock()), iter(range(4))

    async def gone() -> bool:
        look = next(looks)
        if look == 1:
            presence.press("cnv_a")
        if look == 2:
            presence.pause("cnv_a")
        return look == 3

    async def listen() -> list[str]:
        scene = Scene(lambda: presence.writing("cnv_a"), dict)
        return [said async for said in thread_events(engine, "cnv_a", 0, gone, scene, poll=0.01)]

    events = list(parse_events(iter("".join(anyio.run(listen)).splitlines())))
    assert [(e.name, json.loads(e.data), e.id) for e in events] == [
        ("typing", {"role": "agent", "typing": True}, ""),
        ("typing", {"role": "agent", "typing": False}, ""),
    ]
