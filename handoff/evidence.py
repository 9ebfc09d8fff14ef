"""Gathers all that a person needs to solve a ticket at first touch; knows what was kept, not how it was found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select

from handoff.desk import Desk
from handoff.log import read_messages
from handoff.record import Record, read_answers
from handoff.tables import ticket_events
from handoff.ticket import Ticket

Answer = tuple[int, dict[str, Any], Record]


def evidence_packet(conn: Connection, desk: Desk, ticket: Ticket) -> dict[str, Any]:
    """Why it was handed over, what was said, what the bot answered from what, and the queue's procedure.

    `pointer` is where in the transcript the ticket was opened. `passages` are those found for each of the bot's
    replies (`message`), best first, each `used` or rejected; a ticket from before replies were recorded has those of
    its handover. `suggested` is the draft of an answer, with its `citations`. Times are seconds since the epoch.
    """
    queue = desk.policies.queues.get(ticket.queue)
    answers = read_answers(conn, ticket.thread)
    found = [passage for answer in answers for passage in _passages(answer)]
    return {
        "passages": [],
        "suggested": "",
        "citations": [],
        "pointer": None,
        **ticket.evidence,
        **({"passages": found} if answers else {}),
        "reason": ticket.reason,
        "safety": ticket.safety,
        "answers": [_answer(answer) for answer in answers],
        "transcript": _transcript(conn, ticket),
        "procedure": queue.procedure if queue else "",
        "history": _history(conn, ticket),
    }


def _answer(answer: Answer) -> dict[str, Any]:
    seq, reply, record = answer
    said = {name: reply[name] for name in ("kind", "text", "citations", "confidence", "safety")}
    searches = [{key: search[key] for key in search if key != "passages"} for search in record.weighed]
    return {
        "message": record.message,
        "seq": seq,
        "at": record.at,
        "question": record.question,
        **said,
        "revision": record.revision,
        "engine": record.engine,
        "searches": searches,
    }


def _passages(answer: Answer) -> Iterable[dict[str, Any]]:
    _, _, record = answer
    for search in record.weighed:
        for passage in search["passages"]:
            yield {"message": record.message, **passage}


def _transcript(conn: Connection, ticket: Ticket) -> list[dict[str, Any]]:
    return [
        {"seq": m.seq, "id": m.id, "role": m.role, "text": m.text, "created": m.created}
        for m in read_messages(conn, ticket.thread)
    ]


def _history(conn: Connection, ticket: Ticket) -> list[dict[str, Any]]:
    rows = conn.execute(select(ticket_events).where(ticket_events.c.ticket == ticket.id).order_by(ticket_events.c.seq))
    return [{"kind": r.kind, "actor": r.actor, "before": r.before, "after": r.after, "at": r.at} for r in rows]
