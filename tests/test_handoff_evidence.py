"""What a person finds on a ticket: gathered from real conversations, as the command line shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.service import DANGER, HUMAN, Chat, CommandLine, small

USERNAME = "how often can i change my username"
PASSAGE = set("message hash article locale anchor kind text score dense lexical used".split())


@dataclass
class Shown:
    """A small desk with its visitor, and its tickets as `callboard tickets show` prints them."""

    client: TestClient
    callboard: CommandLine

    def packet(self, number: int) -> dict[str, Any]:
        shown = json.loads(self.callboard("tickets", "show", str(number), "--json").out)
        return dict(shown["evidence"])

    def words(self, number: int) -> str:
        ran = self.callboard("tickets", "show", str(number))
        assert ran.code == 0, ran.err
        return ran.out


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shown]:
    made = small(tmp_path)
    callboard = CommandLine(monkeypatch, capsys)
    callboard.set(data_dir=made.settings.data_dir)
    with made.client() as client:
        yield Shown(client, callboard)


def test_a_handover_by_the_button_carries_what_was_said_found_and_rejected(desk: Shown) -> None:
    chat = Chat(desk.client)
    answer = chat.say(USERNAME).json()
    ticket = chat.handover({"reason": "that is not what i meant"}).json()
    packet = desk.packet(ticket["number"])

    assert packet["reason"] == "asked_for_human"
    assert packet["pointer"] == {"conversation": chat.started["id"], "seq": 2}
    assert [row["role"] for row in packet["transcript"]] == ["creator", "bot", "system"]
    [given] = packet["answers"]
    assert {key: given[key] for key in ("message", "kind", "text", "citations", "confidence", "revision")} == {
        "message": answer["id"],
        "kind": answer["kind"],
        "text": answer["text"],
        "citations": answer["citations"],
        "confidence": answer["confidence"],
        "revision": answer["revision"],
    }
    assert given["question"] == USERNAME
    assert given["searches"][0]["articles"][0]["score"] > 0
    assert all(set(passage) == PASSAGE for passage in packet["passages"])
    assert {passage["message"] for passage in packet["passages"]} == {answer["id"]}
    cited = {citation["article"] for citation in answer["citations"]}
    assert {p["article"] for p in packet["passages"] if p["used"]} == cited
    assert any(not p["used"] for p in packet["passages"])


def test_a_handover_in_words_carries_the_turns_before_it_and_a_suggestion_with_citations(desk: Shown) -> None:
    chat = Chat(desk.client)
    replies = [chat.say(USERNAME).json(), chat.say(HUMAN).json()]
    packet = desk.packet(replies[1]["ticket"]["number"])
    assert packet["pointer"]["seq"] == 3
    assert [row["message"] for row in packet["answers"]] == [reply["id"] for reply in replies]
    assert packet["answers"][1]["text"] == replies[1]["text"]
    assert {passage["message"] for passage in packet["passages"]} == {reply["id"] for reply in replies}
    assert packet["suggested"]
    assert packet["citations"][0]["quote"]
    assert packet["citations"][0]["article"] in {p["article"] for p in packet["passages"] if p["used"]}


def test_what_is_said_after_the_ticket_was_opened_is_on_it_too(desk: Shown) -> None:
    chat = Chat(desk.client)
    number = chat.handover().json()["number"]
    assert desk.packet(number)["pointer"] == {"conversation": chat.started["id"], "seq": 0}
    assert (desk.packet(number)["answers"], desk.packet(number)["passages"]) == ([], [])
    later = chat.say(USERNAME).json()
    assert [row["message"] for row in desk.packet(number)["answers"]] == [later["id"]]
    assert desk.packet(number)["pointer"]["seq"] == 0


def test_a_ticket_about_danger_says_why_it_is_one(desk: Shown) -> None:
    chat = Chat(desk.client)
    number = chat.say(DANGER).json()["ticket"]["number"]
    packet = desk.packet(number)
    assert (packet["reason"], packet["safety"]) == ("safety", {"category": "self_harm", "severity": "P1"})
    assert [row["kind"] for row in packet["answers"]] == ["handover"]
    assert "self_harm/P1" in desk.words(number)


def test_a_persons_words_are_nobodys_evidence_against_the_bot(desk: Shown) -> None:
    chat = Chat(desk.client)
    number = chat.say(HUMAN).json()["ticket"]["number"]
    assert desk.callboard("tickets", "reply", str(number), "Hello, this is Sam.").code == 0
    assert chat.say(USERNAME).status_code == 202
    packet = desk.packet(number)
    assert [row["role"] for row in packet["transcript"]] == ["creator", "bot", "agent", "creator"]
    assert len(packet["answers"]) == 1


def test_it_is_printed_so_that_a_person_can_read_it(desk: Shown) -> None:
    chat = Chat(desk.client)
    answer = chat.say(USERNAME).json()
    number = chat.handover({"reason": "not what i meant"}).json()["number"]
    words = desk.words(number)
    for part in (
        f"reason: asked_for_human, after message 2 of {chat.started['id']}",
        f" creator: {USERNAME}",
        f"Message 2 ({answer['id']}): answer, confidence {answer['confidence']:.2f}",
        "cited [1] account/username#top",
        "used ",
        "rejected ",
        "form · reason: not what i meant",
        "Procedure: ",
    ):
        assert part in words
    assert words.index("Transcript") < words.index("Message 2") < words.index("Procedure")
