from __future__ import annotations

import copy
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from handoff.policy import PRIORITIES, Priority, read_policies
from handoff.ticket import MINUTE, Event, Ticket, WrongMove, advance, first_targets

TARGETS = read_policies().targets
ACTIVE = ("new", "open", "pending", "on_hold")
STAFFED = ("open", "pending", "on_hold")
# What each event makes of each state; a state that is not here does not allow the event.
AFTER = {
    "take": {"new": "open", "open": "open", "pending": "pending", "on_hold": "on_hold"},
    "agent_reply": dict.fromkeys(ACTIVE, "pending"),
    "creator_message": {"new": "new", **dict.fromkeys((*STAFFED, "solved"), "open")},
    "hold": dict.fromkeys(ACTIVE, "on_hold"),
    "hand_back": dict.fromkeys(STAFFED, "new"),
    "solve": dict.fromkeys(ACTIVE, "solved"),
    "close": {"solved": "closed"},
    "raise": {status: status for status in ACTIVE},
}
SEVERITIES = ("P0", "P1", "P2", "P3")


def make_ticket(
    priority: Priority = "normal", now: float = 0.0, severity: str | None = None, **values: object
) -> Ticket:
    safety = {"category": "self_harm", "severity": severity} if severity else None
    queue = "safety" if severity else "general"
    sla = first_targets(TARGETS[priority], now)
    given = {"queue": queue, "priority": priority, "safety": safety, "sla": sla} | values
    return Ticket(id="t", thread="c", reason="no_article", language="en", created=now, updated=now, **given)  # type: ignore[arg-type]


def move(ticket: Ticket, kind: str, now: float, draft: Ticket | None = None) -> Ticket:
    event = Event(kind, "sam", draft)  # type: ignore[arg-type]
    return advance(ticket, event, TARGETS[(draft or ticket).priority], now)


class AnyLife(RuleBasedStateMachine):
    """A ticket under random events, beside a table of what may happen and a count of the time left."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000_000.0
        self.ticket = make_ticket("low", self.now)
        self.left: float | None = TARGETS["low"].resolution * MINUTE

    @rule(seconds=st.integers(0, 40_000))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds
        if self.left is not None and self.ticket.sla.paused is None:
            self.left -= seconds

    @rule(
        kind=st.sampled_from(sorted(AFTER)),
        priority=st.sampled_from(PRIORITIES),
        severity=st.sampled_from([None, *SEVERITIES]),
    )
    def something_happens(self, kind: str, priority: Priority, severity: str | None) -> None:
        before, kept = self.ticket, copy.deepcopy(self.ticket)
        draft = make_ticket(priority, self.now, severity) if kind == "raise" else None
        wanted = AFTER[kind].get(before.status)
        if wanted is None:
            with pytest.raises(WrongMove, match=before.status):
                move(before, kind, self.now, draft)
            assert before == kept
            return
        self.ticket = move(before, kind, self.now, draft)
        assert before == kept
        assert self.ticket.status == wanted
        assert PRIORITIES.index(self.ticket.priority) <= PRIORITIES.index(before.priority)
        if before.safety:
            assert self.ticket.safety is not None
            assert self.ticket.safety["severity"] <= before.safety["severity"]
        self._count(kind, before, draft)

    def _count(self, kind: str, before: Ticket, draft: Ticket | None) -> None:
        if kind == "solve":
            self.left = None
        elif kind == "creator_message" and before.status == "solved":
            self.left = TARGETS[before.priority].resolution * MINUTE
        elif draft and draft.priority == self.ticket.priority != before.priority and self.left is not None:
            self.left = min(self.left, TARGETS[draft.priority].resolution * MINUTE)

    @invariant()
    def a_person_has_it_in_just_these_states(self) -> None:
        assert self.ticket.staffed == (self.ticket.status in STAFFED)
        assert self.ticket.active == (self.ticket.status in ACTIVE)

    @invariant()
    def the_clock_stands_while_others_are_waited_for(self) -> None:
        assert (self.ticket.sla.paused is not None) == (self.ticket.status in ("pending", "on_hold"))

    @invariant()
    def a_paused_clock_gives_its_time_back(self) -> None:
        due, paused = self.ticket.sla.resolution_due, self.ticket.sla.paused
        left = None if due is None else due - (self.now if paused is None else paused)
        assert left == (None if self.left is None else pytest.approx(self.left, abs=1e-3))


AnyLife.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None, database=None)
test_any_life_of_a_ticket_keeps_the_rules = AnyLife.TestCase


@pytest.mark.parametrize("kind", sorted(AFTER))
def test_closed_is_final(kind: str) -> None:
    closed = replace(make_ticket(), status="closed")
    with pytest.raises(WrongMove, match="a ticket that is closed cannot be"):
        move(closed, kind, 5.0, make_ticket("urgent"))


def test_a_wrong_move_says_what_the_state_has_to_be() -> None:
    with pytest.raises(WrongMove, match="a ticket that is new cannot be closed; it has to be solved"):
        move(make_ticket(), "close", 5.0)


def test_who_answers_a_ticket_has_it_and_the_promise_of_a_reply_is_kept() -> None:
    answered = move(make_ticket(), "agent_reply", 60.0)
    assert answered.assignee == "sam"
    assert (answered.sla.first_reply_due, answered.sla.next_reply_due) == (None, None)
    again = move(answered, "creator_message", 120.0)
    assert again.sla.next_reply_due == 120.0 + TARGETS["normal"].next_reply * MINUTE


def test_a_second_message_does_not_put_the_next_reply_off() -> None:
    waiting = move(move(make_ticket(), "agent_reply", 60.0), "creator_message", 120.0)
    assert move(waiting, "creator_message", 9_000.0).sla == waiting.sla


def test_raising_brings_every_due_time_nearer_and_puts_none_off() -> None:
    raised = move(make_ticket("low"), "raise", 60.0, make_ticket("urgent"))
    assert raised.priority == "urgent"
    assert raised.sla == first_targets(TARGETS["urgent"], 60.0)
    late = move(make_ticket("normal"), "raise", 7 * 3600.0, make_ticket("high"))
    assert late.sla.first_reply_due == TARGETS["normal"].first_reply * MINUTE
    open_ = move(move(make_ticket("low"), "agent_reply", 0.0), "creator_message", 0.0)
    assert move(open_, "raise", 0.0, make_ticket("urgent")).sla.next_reply_due == TARGETS["urgent"].next_reply * MINUTE


def test_a_graver_flag_brings_its_queue_and_a_lighter_one_changes_nothing() -> None:
    raised = move(make_ticket(), "raise", 1.0, make_ticket("urgent", severity="P0"))
    assert (raised.queue, raised.safety) == ("safety", {"category": "self_harm", "severity": "P0"})
    lighter = make_ticket("high", queue="payouts", safety={"category": "payment_fraud", "severity": "P2"})
    assert move(raised, "raise", 2.0, lighter) == replace(raised, updated=2.0)


def test_what_the_creator_filled_in_a_second_time_is_added() -> None:
    ticket = make_ticket(fields={"month": "May", "amount": "10"})
    raised = move(ticket, "raise", 1.0, make_ticket(fields={"amount": "12", "reason": "late"}))
    assert raised.fields == {"month": "May", "amount": "12", "reason": "late"}


def test_handing_back_leaves_nobody_assigned() -> None:
    taken = move(make_ticket(), "take", 1.0)
    assert taken.assignee == "sam"
    assert move(taken, "hand_back", 2.0).assignee is None
