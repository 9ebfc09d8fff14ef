"""Prints a ticket with its evidence packet for a person at a terminal; knows how it reads, not how it is gathered."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from handoff.ticket import Ticket

REJECTED = 5
SHOWN = 90


def print_packet(ticket: Ticket, packet: dict[str, Any]) -> None:
    flag = f" · {ticket.safety['category']}/{ticket.safety['severity']}" if ticket.safety else ""
    print(f"#{ticket.number} {ticket.status} · {ticket.priority} · {ticket.queue} · {ticket.language}{flag}")
    print(f"reason: {ticket.reason}{_place(packet['pointer'])}")
    if due := ticket.sla.first_reply_due:
        print(f"first reply due {datetime.fromtimestamp(due, UTC).isoformat(timespec='minutes')}")
    for name, value in ticket.fields.items():
        print(f"form · {name}: {value}")
    print("\nTranscript")
    for line in packet["transcript"]:
        print(f"{line['role']:>8}: {line['text']}")
    for answer in packet["answers"]:
        _print_answer(answer, [p for p in packet["passages"] if p["message"] == answer["message"]])
    if not packet["answers"] and packet["passages"]:
        _print_passages(packet["passages"])
    if packet["suggested"]:
        print(f"\nSuggested reply:\n{packet['suggested']}")
    for citation in packet["citations"]:
        print(f"  {_cited(citation)}")
    print(f"\nProcedure: {packet['procedure']}")


def _place(pointer: dict[str, Any] | None) -> str:
    return f", after message {pointer['seq']} of {pointer['conversation']}" if pointer else ""


def _print_answer(answer: dict[str, Any], passages: list[dict[str, Any]]) -> None:
    """What the bot made of one message, and from what."""
    print(f"\nMessage {answer['seq']} ({answer['message']}): {answer['kind']}", end="")
    print(f", confidence {answer['confidence']:.2f}, revision {answer['revision'] or '-'}, {answer['engine']}")
    print(f"  question: {_short(answer['question'])}")
    for citation in answer["citations"]:
        print(f"  cited {_cited(citation)}")
    _print_passages(passages)


def _print_passages(passages: list[dict[str, Any]]) -> None:
    used = [p for p in passages if p["used"]]
    rejected = [p for p in passages if not p["used"]]
    for what, rows in (("used", used), ("rejected", rejected[:REJECTED])):
        for p in rows:
            place = f"{p['article']}#{p['anchor']}" if p["anchor"] else p["article"]
            print(f"  {what:8} {p['score']:.3f}  {place}  {_short(p['text'])}")
    if len(rejected) > REJECTED:
        print(f"  and {len(rejected) - REJECTED} more rejected (--json shows all)")


def _cited(citation: dict[str, Any]) -> str:
    return f"[{citation['n']}] {citation['article']}#{citation['anchor']}  “{_short(citation['quote'])}”"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"
