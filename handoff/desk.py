"""Opens, finds and moves tickets in SQL, each change with its audit row and its outbox row.

Every function takes the caller's open connection, so that a message, its ticket and what leaves for other
systems are one transaction. Knows no HTTP and no bot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from handoff.log import append_message, lock_thread
from handoff.policy import Policies
from handoff.tables import outbox, ticket_events, tickets
from handoff.thread import Message
from handoff.ticket import Event, Sla, Ticket, advance, first_targets

MAX_LIST = 1000


@dataclass(frozen=True, slots=True)
class Desk:
    """What a move on a ticket needs besides the connection: the policies, the clock, and where ids come from."""

    policies: Policies
    clock: Callable[[], float]
    new_id: Callable[[str], str]


def open_ticket(conn: Connection, desk: Desk, draft: Ticket) -> tuple[Ticket, bool]:
    """The thread's active ticket if it has one (raised to what the draft has more), else the draft, stored and
    numbered; and whether it was opened now."""
    lock_thread(conn, draft.thread)
    if existing := active_ticket(conn, draft.thread):
        return move_ticket(conn, desk, existing, Event("raise", "bot", draft)), False
    values = _columns(draft)
    values.pop("number")
    number = conn.execute(insert(tickets).values(**values).returning(tickets.c.number)).scalar_one()
    ticket = replace(draft, number=number)
    _note(conn, desk, ticket, "open", "bot", None)
    _announce(conn, desk, "ticket.created", ticket)
    return ticket, True


def draft_ticket(desk: Desk, thread: str, **values: Any) -> Ticket:
    """A ticket that is not stored yet, with its service targets set by its priority."""
    now = desk.clock()
    sla = first_targets(desk.policies.targets[values["priority"]], now)
    return Ticket(id=desk.new_id("tkt"), thread=thread, created=now, updated=now, sla=sla, **values)


def move_ticket(conn: Connection, desk: Desk, ticket: Ticket, event: Event) -> Ticket:
    """Apply `event` to the ticket as it stands now, whatever was done to it since it was read; WrongMove leaves
    everything as it was. A move that changes nothing is not noted."""
    lock_thread(conn, ticket.thread)
    ticket = _ticket(conn.execute(select(tickets).where(tickets.c.id == ticket.id)).one())
    target = desk.policies.targets[(event.draft or ticket).priority]
    moved = advance(ticket, event, target, desk.clock())
    if replace(moved, updated=ticket.updated) == ticket:
        return ticket
    _write(conn, moved)
    _note(conn, desk, moved, event.kind, event.actor, ticket.status)
    _announce(conn, desk, "ticket.solved" if event.kind == "solve" else "ticket.updated", moved)
    return moved


def agent_reply(conn: Connection, desk: Desk, ticket: Ticket, actor: str, text: str) -> tuple[Ticket, Message]:
    """A person's answer: it enters the thread, and the ticket waits for the creator."""
    moved = move_ticket(conn, desk, ticket, Event("agent_reply", actor))
    message = append_message(conn, Message(desk.new_id("msg"), ticket.thread, "agent", text, desk.clock()))
    _announce(conn, desk, "ticket.message", moved, {"message": message.id, "author": actor, "text": text})
    return moved, message


def creator_message(conn: Connection, desk: Desk, ticket: Ticket, message: Message) -> Ticket:
    """A creator's message in a conversation that has a ticket: its clock runs on, and other systems are told."""
    moved = move_ticket(conn, desk, ticket, Event("creator_message", "creator"))
    _announce(conn, desk, "ticket.message", moved, {"message": message.id, "author": "creator", "text": message.text})
    return moved


def active_ticket(conn: Connection, thread: str) -> Ticket | None:
    return _one(conn, tickets.c.active_thread == thread)


def last_ticket(conn: Connection, thread: str) -> Ticket | None:
    row = conn.execute(
        select(tickets).where(tickets.c.thread == thread).order_by(tickets.c.number.desc()).limit(1)
    ).first()
    return _ticket(row) if row else None


def find_ticket(conn: Connection, name: str) -> Ticket | None:
    """By number (`12`, `#12`) or id."""
    plain = name.removeprefix("#")
    if plain.isdecimal() and len(plain) < 10:
        return _one(conn, tickets.c.number == int(plain))
    return _one(conn, tickets.c.id == name)


def list_tickets(conn: Connection, limit: int = 50, status: str | None = None) -> list[Ticket]:
    """Newest first."""
    query = select(tickets).order_by(tickets.c.number.desc()).limit(min(limit, MAX_LIST))
    if status:
        query = query.where(tickets.c.status == status)
    return [_ticket(row) for row in conn.execute(query)]


def ticket_json(ticket: Ticket) -> dict[str, Any]:
    return asdict(ticket)


def ticket_summary(ticket: Ticket) -> dict[str, Any]:
    """What the creator may know of their ticket. `due_at`: seconds since the epoch of the next promise."""
    due = ticket.sla.first_reply_due or ticket.sla.next_reply_due
    names = ("id", "number", "queue", "priority", "status")
    return {name: getattr(ticket, name) for name in names} | {"due_at": due}


def _one(conn: Connection, condition: Any) -> Ticket | None:
    row = conn.execute(select(tickets).where(condition)).first()
    return _ticket(row) if row else None


def _columns(ticket: Ticket) -> dict[str, Any]:
    active = ticket.thread if ticket.active else None
    return asdict(ticket) | {"active_thread": active, "tags": list(ticket.tags)}


def _ticket(row: Row[Any]) -> Ticket:
    values = dict(row._mapping)
    values.pop("active_thread")
    return Ticket(**values | {"tags": tuple(values["tags"]), "sla": Sla(**values["sla"])})


def _write(conn: Connection, ticket: Ticket) -> None:
    conn.execute(update(tickets).where(tickets.c.id == ticket.id).values(**_columns(ticket)))


def _note(conn: Connection, desk: Desk, ticket: Ticket, kind: str, actor: str, before: str | None) -> None:
    row = {"ticket": ticket.id, "kind": kind, "actor": actor, "before": before, "after": ticket.status}
    conn.execute(insert(ticket_events).values(**row, at=desk.clock()))


def _announce(conn: Connection, desk: Desk, kind: str, ticket: Ticket, extra: dict[str, Any] | None = None) -> None:
    summary = {
        key: getattr(ticket, key)
        for key in ("id", "number", "status", "priority", "queue", "language", "reason", "safety", "assignee")
    }
    row = {"id": desk.new_id("evt"), "type": kind, "ticket": ticket.id, "created": desk.clock()}
    conn.execute(insert(outbox).values(**row, payload=summary | {"thread": ticket.thread} | (extra or {})))
