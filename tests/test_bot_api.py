from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, inspect, select, text

from app.database import open_database
from app.settings import Settings
from handoff.tables import feedback, ratings, tickets
from kb.sql import writing
from tests.service import DANGER, HUMAN, KINDS, Chat, CommandLine, Event, parse_events, served, small, until

USERNAME = "how often can i change my username"
SSE = {"Accept": "text/event-stream"}
REPLY = set(
    "id conversation_id kind locale text html citations confidence options suggestions safety ticket notices "
    "degraded revision engine timing_ms".split()
)


@pytest.fixture
def chat(client: TestClient) -> Chat:
    return Chat(client)


@pytest.fixture
def database(shipped: Settings) -> Iterator[Engine]:
    engine = open_database(shipped.database)
    yield engine
    engine.dispose()


@pytest.fixture
def callboard(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shipped: Settings) -> CommandLine:
    line = CommandLine(monkeypatch, capsys)
    line.set(data_dir=shipped.data_dir)
    return line


def events_of(response: httpx.Response) -> list[Event]:
    assert response.headers["content-type"].startswith("text/event-stream")
    return list(parse_events(iter(response.text.splitlines())))


def flat(text: str) -> str:
    return " ".join(text.split())


def test_a_conversation_starts_with_a_greeting_that_says_it_is_an_ai(chat: Chat) -> None:
    assert set(chat.started) == {"id", "token", "greeting", "suggestions"}
    assert re.search(r"\bAI\b", chat.started["greeting"])
    assert chat.started["suggestions"]


def test_a_question_is_answered_with_quotes_that_stand_where_they_lead(chat: Chat, client: TestClient) -> None:
    reply = chat.say(USERNAME).json()
    assert set(reply) == REPLY
    assert reply["kind"] == "answer"
    assert reply["conversation_id"] == chat.started["id"]
    assert "30 days" in reply["text"]
    assert reply["citations"][0]["article"] == "account/username"
    for citation in reply["citations"]:
        assert f"[{citation['n']}]" in reply["text"]
        held = client.get(f"/v1/articles/{citation['locale']}/{citation['article']}").json()
        section = next(s for s in held["sections"] if s["anchor"] == citation["anchor"])
        assert citation["quote"] in flat(section["text"])
        assert held["revision"] == citation["revision"] == reply["revision"]
        page = client.get(citation["url"].split("#")[0])
        assert page.status_code == 200
        assert f'id="{citation["anchor"]}"' in page.text


def test_asking_statelessly_writes_nothing_and_says_what_it_would_open(client: TestClient, database: Engine) -> None:
    with database.connect() as conn:
        before = conn.execute(select(tickets.c.number)).all()
    reply = client.post("/v1/ask", json={"question": HUMAN, "creator": {"region": "DE", "age": 20}}).json()
    assert (reply["kind"], reply["ticket"], reply["conversation_id"]) == ("handover", None, None)
    assert reply["would_open"] == {
        "queue": reply["would_open"]["queue"],
        "priority": "normal",
        "reason": "asked_for_human",
    }
    with database.connect() as conn:
        assert conn.execute(select(tickets.c.number)).all() == before


def test_the_same_question_is_answered_the_same(client: TestClient) -> None:
    def ask(**body: Any) -> dict[str, Any]:
        reply = client.post("/v1/ask", json={"question": USERNAME, **body}).json()
        return {key: value for key, value in reply.items() if key not in ("id", "timing_ms", "degraded")}

    first = ask()
    assert ask() == first
    assert ask(revision="live") == first
    assert ask(revision=first["revision"][:8]) == first


def test_a_person_is_handed_a_ticket_answers_and_the_bot_keeps_silent_until_it_is_solved(
    chat: Chat, callboard: CommandLine
) -> None:
    reply = chat.say(HUMAN).json()
    assert reply["kind"] == "handover"
    number = reply["ticket"]["number"]
    assert str(number) in reply["text"]
    assert "would_open" not in reply
    assert chat.say("a person please, now").json()["ticket"]["number"] == number
    assert chat.handover().json()["number"] == number

    assert callboard("tickets", "reply", str(number), "Hello, this is Sam.", "--as", "sam").code == 0
    assert chat.transcript()["ticket"]["status"] == "pending"
    silent = chat.say(USERNAME)
    assert (silent.status_code, silent.json()) == (202, {"status": "with_person"})
    assert chat.transcript()["ticket"]["status"] == "open"
    assert chat.roles()[-2:] == ["agent", "creator"]
    assert [e.name for e in events_of(chat.say("and my followers?", **SSE))] == ["status"]

    assert callboard("tickets", "solve", str(number)).code == 0
    answered = chat.say(USERNAME)
    assert answered.status_code == 200
    assert answered.json()["kind"] == "answer"
    assert chat.transcript()["ticket"] | {"due_at": None} == {
        "id": reply["ticket"]["id"],
        "number": number,
        "queue": reply["ticket"]["queue"],
        "priority": "normal",
        "status": "solved",
        "due_at": None,
    }
    assert chat.say(HUMAN).json()["ticket"] | {"due_at": None} == chat.transcript()["ticket"] | {"due_at": None}
    assert chat.transcript()["ticket"]["number"] == number
    assert chat.transcript()["ticket"]["status"] == "open"


def test_what_the_handover_form_said_is_on_the_ticket_and_a_second_form_adds_to_it(
    chat: Chat, callboard: CommandLine
) -> None:
    number = chat.handover({"reason": "my payout", "fields": {"month": "May"}}).json()["number"]
    assert chat.handover({"fields": {"amount": "12"}}).json()["number"] == number
    shown = json.loads(callboard("tickets", "show", str(number), "--json").out)
    assert shown["fields"] == {"reason": "my payout", "month": "May", "amount": "12"}


def test_somebody_in_danger_gets_the_fixed_words_and_an_urgent_ticket(chat: Chat, callboard: CommandLine) -> None:
    reply = chat.say(DANGER).json()
    assert reply["kind"] == "handover"
    assert reply["safety"]["category"] == "self_harm"
    assert reply["citations"] == []
    assert "988" in reply["text"]
    assert (reply["ticket"]["queue"], reply["ticket"]["priority"]) == ("safety", "urgent")
    shown = json.loads(callboard("tickets", "show", str(reply["ticket"]["number"]), "--json").out)
    assert shown["safety"] == reply["safety"]
    assert shown["reason"] == "safety"


@pytest.mark.parametrize("before", ["new", "pending", "solved"])
def test_danger_raises_a_ticket_that_is_there_whoever_has_it(chat: Chat, callboard: CommandLine, before: str) -> None:
    number = str(chat.say(HUMAN).json()["ticket"]["number"])
    if before != "new":
        assert callboard("tickets", "reply", number, "Hello.").code == 0
    if before == "solved":
        assert callboard("tickets", "solve", number).code == 0
    answered = chat.say(DANGER)
    assert answered.status_code == 200
    ticket = answered.json()["ticket"]
    assert (str(ticket["number"]), ticket["queue"], ticket["priority"]) == (number, "safety", "urgent")
    assert ticket["status"] == ("new" if before == "new" else "open")
    shown = json.loads(callboard("tickets", "show", number, "--json").out)
    assert shown["safety"]["category"] == "self_harm"
    assert shown["sla"]["paused"] is None


def test_a_flag_raises_the_ticket_also_while_the_bot_keeps_silent(chat: Chat, callboard: CommandLine) -> None:
    number = str(chat.say(HUMAN).json()["ticket"]["number"])
    assert callboard("tickets", "take", number).code == 0
    assert chat.say("my account was hacked and someone changed my email").status_code == 202
    ticket = chat.transcript()["ticket"]
    assert (ticket["priority"], ticket["queue"], ticket["status"]) == ("high", "account_security", "open")


def test_the_transcript_holds_everything_in_order(chat: Chat) -> None:
    said = chat.say(USERNAME, "my-id").json()
    chat.say(HUMAN)
    transcript = chat.transcript()
    messages = transcript["messages"]
    assert [m["role"] for m in messages] == ["creator", "bot", "creator", "bot"]
    assert [m["seq"] for m in messages] == [1, 2, 3, 4]
    assert (messages[0]["text"], messages[0]["client_id"], messages[0]["reply"]) == (USERNAME, "my-id", None)
    assert messages[1]["id"] == said["id"]
    assert messages[1]["reply"] == said
    assert transcript["ticket"]["status"] == "new"


def test_a_streamed_answer_is_a_status_whole_sentences_and_the_reply(chat: Chat) -> None:
    events = events_of(chat.say(USERNAME, **SSE))
    names = [event.name for event in events]
    assert names[0] == "status"
    assert names[-1] == "reply"
    assert set(names[1:-1]) == {"sentence"}
    reply = json.loads(events[-1].data)
    sentences = [json.loads(event.data) for event in events[1:-1]]
    assert "\n".join(s["html"] for s in sentences) == reply["html"]
    assert [c for s in sentences for c in s["citations"]]
    assert all(c in reply["citations"] for s in sentences for c in s["citations"])
    assert chat.transcript()["messages"][1]["reply"] == reply


def test_a_streamed_handover_shows_all_of_the_reply_with_its_ticket(chat: Chat) -> None:
    events = events_of(chat.say(HUMAN, **SSE))
    reply = json.loads(events[-1].data)
    assert "\n".join(json.loads(e.data)["html"] for e in events[1:-1]) == reply["html"]
    assert str(reply["ticket"]["number"]) in json.loads(events[-2].data)["text"]


def test_a_repeated_message_gives_the_same_reply_and_is_kept_once(chat: Chat) -> None:
    first = chat.say(USERNAME, "same")
    assert chat.say(USERNAME, "same").json() == first.json()
    repeated = events_of(chat.say(USERNAME, "same", **SSE))
    assert json.loads(repeated[-1].data) == first.json()
    assert len(chat.transcript()["messages"]) == 2
    other = chat.say("something else", "same")
    assert (other.status_code, other.json()["field"]) == (422, "client_id")
    assert len(chat.transcript()["messages"]) == 2


def test_two_conversations_may_use_the_same_client_id(client: TestClient) -> None:
    replies = [Chat(client).say(USERNAME, "same").json()["conversation_id"] for _ in range(2)]
    assert len(set(replies)) == 2


def test_a_repeated_idempotency_key_gives_the_same_answer_and_does_nothing_again(
    client: TestClient, chat: Chat
) -> None:
    headers = {"Idempotency-Key": chat.started["id"]}
    made = [client.post("/v1/conversations", json={"locale": "fr"}, headers=headers) for _ in range(2)]
    assert [m.status_code for m in made] == [201, 201]
    assert made[0].json() == made[1].json()
    other = client.post("/v1/conversations", json={"locale": "es"}, headers=headers)
    assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key")

    handed = [chat.handover({"reason": "help"}, key="k").json() for _ in range(2)]
    assert handed[0] == handed[1]
    assert chat.roles() == ["system"]
    assert chat.handover({"reason": "other"}, key="k").status_code == 422
    assert chat.post("rating", {"score": 4}, **{"Idempotency-Key": "k"}).status_code == 201


def test_a_request_that_is_still_running_is_a_409(tmp_path: Path) -> None:
    desk = small(tmp_path)
    with desk.client() as client, ThreadPoolExecutor(1) as pool:
        chat = Chat(client)
        for send in (lambda: chat.handover({}, key="k"), lambda: chat.say(USERNAME, "same")):
            with writing(desk.engine):
                # The first waits for the database here; what is sent again meanwhile is told so.
                first = pool.submit(send)
                replies: list[httpx.Response] = []
                threading.Event().wait(0.3)
                replies.append(send())
            assert first.result(20).status_code in (200, 201)
            assert replies[0].status_code == 409
            assert "running" in replies[0].json()["detail"] or "answered" in replies[0].json()["detail"]
            assert send().json() == first.result().json()


def test_feedback_and_rating_are_kept_and_the_last_word_counts(
    chat: Chat, client: TestClient, database: Engine
) -> None:
    reply = chat.say(USERNAME).json()
    at = f"/v1/messages/{reply['id']}/feedback"
    for helpful in (False, True):
        body = {"helpful": helpful, "comment": "thanks"}
        assert client.post(at, json=body, headers=chat.headers).status_code == 201
    assert client.post(at, json={"helpful": True}).status_code == 404
    assert client.post(at, json={"helpful": True}, headers=Chat(client).headers).status_code == 404
    mine = chat.transcript()["messages"][0]["id"]
    assert client.post(f"/v1/messages/{mine}/feedback", json={"helpful": True}, headers=chat.headers).status_code == 404
    for score in (1, 5):
        assert chat.post("rating", {"score": score}).status_code == 201
    with database.connect() as conn:
        assert conn.execute(select(feedback.c.helpful).where(feedback.c.message == reply["id"])).all() == [(True,)]
        assert conn.execute(select(ratings.c.score).where(ratings.c.thread == chat.started["id"])).all() == [(5,)]


def test_an_article_can_be_rated(client: TestClient) -> None:
    assert client.post("/v1/articles/en/account/username/feedback", json={"helpful": False}).status_code == 201
    assert client.post("/v1/articles/en/account/nothing/feedback", json={"helpful": False}).status_code == 404


def test_an_address_left_at_the_handover_stands_in_one_table_only(chat: Chat, database: Engine) -> None:
    address = f"{chat.started['id']}@mail.example"
    answer = chat.handover({"email": address, "reason": "call me"}, key="k")
    assert answer.status_code == 201
    assert address not in answer.text + json.dumps(chat.transcript())
    holding = []
    with database.connect() as conn:
        for table in inspect(conn).get_table_names():
            if any(address in str(value) for row in conn.execute(text(f'SELECT * FROM "{table}"')) for value in row):
                holding.append(table)
    assert holding == ["contacts"]


def test_searching_gives_articles_with_sections_best_first(client: TestClient) -> None:
    found = client.get("/v1/search", params={"q": USERNAME, "k": 3}).json()
    assert found["results"][0]["article"] == "account/username"
    assert len(found["results"]) == 3
    scores = [row["score"] for row in found["results"]]
    assert scores == sorted(scores, reverse=True)
    for section in found["results"][0]["sections"]:
        page = client.get(section["url"])
        assert f'id="{section["anchor"]}"' in page.text


def test_a_conversation_in_french_is_greeted_and_understood_in_french(client: TestClient) -> None:
    chat = Chat(client, locale="fr-CA")
    assert chat.started["greeting"] != Chat(client).started["greeting"]
    assert chat.transcript()["locale"] == "fr"
    assert chat.say("je veux parler à un humain").json()["kind"] in KINDS


def test_a_follow_up_is_kept_in_the_same_conversation(chat: Chat) -> None:
    chat.say(USERNAME)
    assert chat.say("thanks").json()["kind"] == "smalltalk"
    assert chat.roles() == ["creator", "bot", "creator", "bot"]


class Listener:
    """Reads a conversation's events in a thread until it is closed."""

    def __init__(self, chat: Chat, last: str = "") -> None:
        self.events: list[Event] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(chat, last), daemon=True)
        self._thread.start()

    def _read(self, chat: Chat, last: str) -> None:
        headers = chat.headers | ({"Last-Event-ID": last} if last else {})
        with chat.client.stream("GET", f"{chat.at}/events", headers=headers, timeout=10) as response:
            assert response.status_code == 200
            lines = response.iter_lines()
            for event in parse_events(lines):
                self.events.append(event)
                if self._stop.is_set():
                    return

    def ids(self) -> list[int]:
        return [int(e.id) for e in list(self.events) if e.name == "message"]

    def statuses(self) -> list[str]:
        return [json.loads(e.data)["status"] for e in list(self.events) if e.name == "ticket"]

    @staticmethod
    def leave(chat: Chat, *listeners: Listener) -> None:
        """The next event is the last that they read."""
        for listener in listeners:
            listener._stop.set()
        chat.say("hello")
        for listener in listeners:
            listener._thread.join(10)
            assert not listener._thread.is_alive()


def test_events_arrive_as_they_happen_and_resume_without_gaps_or_doubles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = small(tmp_path)
    callboard = CommandLine(monkeypatch, capsys)
    callboard.set(data_dir=desk.settings.data_dir)
    with served(desk.app) as address, httpx.Client(base_url=address) as client:
        chat = Chat(client)
        chat.say("hello")
        first = Listener(chat)
        until(lambda: first.ids() == [1, 2])
        chat.say(HUMAN)
        until(lambda: first.ids() == [1, 2, 3, 4])
        until(lambda: first.statuses() == ["new"])
        number = str(chat.transcript()["ticket"]["number"])
        assert callboard("tickets", "reply", number, "Hello, this is Sam.").code == 0
        until(lambda: first.ids() == [1, 2, 3, 4, 5])
        until(lambda: first.statuses() == ["new", "pending"])
        agents = [json.loads(e.data) for e in first.events if e.name == "message"][-1]
        assert (agents["role"], agents["text"]) == ("agent", "Hello, this is Sam.")
        Listener.leave(chat, first)
        seen = first.ids()

        chat.say("are you there")
        again = Listener(chat, str(seen[-1]))
        until(lambda: len(seen + again.ids()) == 7)
        Listener.leave(chat, again)
        assert (seen + again.ids())[:8] == list(range(1, 9))
        assert {e.id for e in again.events if e.name == "ticket"} <= {""}


def test_many_listeners_do_not_keep_the_desk_from_answering(tmp_path: Path) -> None:
    desk = small(tmp_path)
    with (
        served(desk.app) as address,
        httpx.Client(base_url=address, limits=httpx.Limits(max_connections=100)) as client,
    ):
        chat = Chat(client)
        listeners = [Listener(chat) for _ in range(50)]
        assert chat.say("hello").status_code == 200
        until(lambda: all(listener.ids() == [1, 2] for listener in listeners))
        Listener.leave(chat, *listeners)
