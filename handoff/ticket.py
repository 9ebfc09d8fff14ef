"""A ticket and its moves: pure functions from a ticket and an event to the next ticket.

Knows states, priorities and clocks; nothing of SQL, HTTP or the bot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from handoff.policy import PRIORITIES, Priority, Target

Status = Literal["new", "open", "pending", "on_hold", "solved", "closed"]
Reason = Literal[
    "low_confidence", "asked_for_human", "safety", "no_article",
    "repeated_failure", "negative_feedback", "policy", "intake_complete",
]  # fmt: skip
STATUSES: tuple[Status, ...] = get_args(Status)
ACTIVE: frozenset[Status] = frozenset({"new", "open", "pending", "on_hold"})
STAFFED: frozenset[Status] = frozenset({"open", "pending", "on_hold"})
MINUTE = 60.0


class WrongMove(ValueError):
    """The ticket's state does not allow this move; the message says what does."""


@dataclass(frozen=True, slots=True)
class Sla:
    """When what is due, in seconds since the epoch; None: nothing is. `paused`: since when the clock stands."""

    first_reply_due: float | None
    next_reply_due: float | None
    resolution_due: float | None
    paused: float | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """`number` is what people say; it is 0 until the ticket is stored. Times are seconds since the epoch."""

    id: str
    thread: str
    queue: str
    priority: Priority
    reason: Reason
    language: str
    created: float
    updated: float
    sla: Sla
    status: Status = "new"
    number: int = 0
    safety: dict[str, str] | None = None
    creator: dict[str, Any] = field(default_factory=dict)
    assignee: str | None = None
    tags: tuple[str, ...] = ()
    fields: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        return self.status in ACTIVE

    @property
    def staffed(self) -> bool:
        """A person has it: the bot keeps silent."""
        return self.status in STAFFED


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to a ticket. `actor` is `creator`, `bot` or a person's name; `draft`, for `raise`,
    the ticket that would have been opened if there were none."""

    kind: Literal["take", "agent_reply", "creator_message", "hold", "hand_back", "solve", "close", "raise"]
    actor: str
    draft: Ticket | None = None


def first_targets(target: Target, now: float) -> Sla:
    return Sla(now + target.first_reply * MINUTE, None, now + target.resolution * MINUTE)


def advance(ticket: Ticket, event: Event, target: Target, now: float) -> Ticket:
    """The ticket after `event`; WrongMove where its state does not allow that."""
    moved = MOVES[event.kind](ticket, event, target, now)
    return replace(_clock(ticket, moved, now), updated=now)


def _clock(before: Ticket, after: Ticket, now: float) -> Ticket:
    """Time waited for the creator or a third party does not count against the solution."""
    stands, stood = after.status in ("pending", "on_hold"), before.sla.paused
    if stands and stood is None:
        return replace(after, sla=replace(after.sla, paused=now))
    if not stands and stood is not None:
        due = after.sla.resolution_due
        later = due + (now - stood) if due is not None else None
        return replace(after, sla=replace(after.sla, paused=None, resolution_due=later))
    return after


def _need(ticket: Ticket, allowed: frozenset[Status] | set[Status], what: str) -> None:
    if ticket.status not in allowed:
        raise WrongMove(
            f"a ticket that is {ticket.status} cannot be {what}; it has to be {' or '.join(sorted(allowed))}"
        )


def _take(ticket: Ticket, event: Event, _target: Target, _now: float) -> Ticket:
    _need(ticket, ACTIVE, "taken")
    return replace(ticket, assignee=event.actor, status="open" if ticket.status == "new" else ticket.status)


def _agent_reply(ticket: Ticket, event: Event, _target: Target, _now: float) -> Ticket:
    _need(ticket, ACTIVE, "answered")
    sla = replace(ticket.sla, first_reply_due=None, next_reply_due=None)
    return replace(ticket, assignee=ticket.assignee or event.actor, status="pending", sla=sla)


def _creator_message(ticket: Ticket, _event: Event, target: Target, now: float) -> Ticket:
    _need(ticket, {*ACTIVE, "solved"}, "written to")
    status: Status = "new" if ticket.status == "new" else "open"
    sla = ticket.sla
    if sla.first_reply_due is None and sla.next_reply_due is None:
        sla = replace(sla, next_reply_due=now + target.next_reply * MINUTE)
    if ticket.status == "solved":
        sla = replace(sla, resolution_due=now + target.resolution * MINUTE)
    return replace(ticket, status=status, sla=sla)


def _hold(ticket: Ticket, _event: Event, _target: Target, _now: float) -> Ticket:
    _need(ticket, ACTIVE, "put on hold")
    return replace(ticket, status="on_hold")


def _hand_back(ticket: Ticket, _event: Event, _target: Target, _now: float) -> Ticket:
    _need(ticket, STAFFED, "handed back to the bot")
    return replace(ticket, status="new", assignee=None)


def _solve(ticket: Ticket, _event: Event, _target: Target, _now: float) -> Ticket:
    _need(ticket, ACTIVE, "solved")
    sla = Sla(None, None, None, ticket.sla.paused)
    return replace(ticket, status="solved", sla=sla)


def _close(ticket: Ticket, _event: Event, _target: Target, _now: float) -> Ticket:
    _need(ticket, {"solved"}, "closed")
    return replace(ticket, status="closed")


def _raise(ticket: Ticket, event: Event, target: Target, now: float) -> Ticket:
    """Take over what the draft has more: a graver flag with its queue, a higher priority with the nearer due times."""
    _need(ticket, ACTIVE, "raised")
    draft = event.draft
    if draft is None:
        return ticket
    raised = replace(ticket, fields=ticket.fields | draft.fields)
    if _severity(draft) < _severity(ticket):
        raised = replace(raised, safety=draft.safety, queue=draft.queue)
    if PRIORITIES.index(draft.priority) >= PRIORITIES.index(ticket.priority):
        return raised
    # A clock that stands will be given back all of its time, also what lies before this moment.
    stood = now - ticket.sla.paused if ticket.sla.paused is not None else 0.0
    sla = replace(
        ticket.sla,
        first_reply_due=_sooner(ticket.sla.first_reply_due, now + target.first_reply * MINUTE),
        next_reply_due=_sooner(ticket.sla.next_reply_due, now + target.next_reply * MINUTE),
        resolution_due=_sooner(ticket.sla.resolution_due, now + target.resolution * MINUTE - stood),
    )
    return replace(raised, priority=draft.priority, sla=sla)


def _sooner(old: float | None, new: float) -> float | None:
    return None if old is None else min(old, new)


def _severity(ticket: Ticket) -> str:
    """P0 is the gravest and the smallest; no flag at all is the largest."""
    return ticket.safety["severity"] if ticket.safety else "P9"


Move = Callable[[Ticket, Event, Target, float], Ticket]
MOVES: dict[str, Move] = {
    "take": _take,
    "agent_reply": _agent_reply,
    "creator_message": _creator_message,
    "hold": _hold,
    "hand_back": _hand_back,
    "solve": _solve,
    "close": _close,
    "raise": _raise,
}
