from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from handoff.desk import (
    Desk,
    active_ticket,
    agent_reply,
    draft_ticket,
    find_ticket,
    last_ticket,
    list_tickets,
    move_ticket,
    open_ticket,
    ticket_summary,
)
from handoff.evidence import evidence_packet
from handoff.log import append_message, read_messages, start_thread
from handoff.policy import read_policies
from handoff.tables import messages, outbox, ticket_events, tickets
from handoff.thread import Message, Thread
from handoff.ticket import Event, Ticket, WrongMove
from kb.sql import writing

POLICIES = read_policies()


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(clock: Clock) -> Desk:
    numbers = itertools.count(1)
    return Desk(POLICIES, clock, lambda prefix: f"{prefix}_{next(numbers)}")


@pytest.fixture
def begin(engine: Engine) -> Callable[[str], None]:
    def make(thread: str) -> None:
        with writing(engine) as conn:
            start_thread(conn, Thread(thread, "en", 0.0))

    return make


def draft(desk: Desk, thread: str = "cnv_a", **values: Any) -> Ticket:
    given = {"queue": "general", "priority": "normal", "reason": "no_article", "language": "en"} | values
    return draft_ticket(desk, thread, **given)


def opened(engine: Engine, desk: Desk, thread: str = "cnv_a", **values: Any) -> Ticket:
    with writing(engine) as conn:
        return open_ticket(conn, desk, draft(desk, thread, **values))[0]


def moved(engine: Engine, desk: Desk, ticket: Ticket, kind: str, actor: str = "sam") -> Ticket:
    with writing(engine) as conn:
        return move_ticket(conn, desk, ticket, Event(kind, actor))  # type: ignore[arg-type]


def rows(engine: Engine, table: Any) -> list[Any]:
    with engine.connect() as conn:
        return list(conn.execute(select(table).order_by(table.c.seq)))


def counts(engine: Engine) -> list[int]:
    with engine.connect() as conn:
        return [
            int(conn.execute(select(func.count()).select_from(table)).scalar_one())
            for table in (tickets, ticket_events, outbox, messages)
        ]


def test_a_ticket_is_found_by_number_by_hash_number_and_by_id_as_it_was_opened(
    engine: Engine, desk: Desk, begin: Callable[[str], None]
) -> None:
    begin("cnv_a")
    ticket = opened(engine, desk, fields={"month": "May"}, creator={"region": "DE"}, tags=("vip",))
    with engine.connect() as conn:
        for name in (str(ticket.number), f"#{ticket.number}", ticket.id):
            assert find_ticket(conn, name) == ticket
        assert find_ticket(conn, "999") is None
        assert find_ticket(conn, "9" * 40) is None
        assert active_ticket(conn, "cnv_a") == last_ticket(conn, "cnv_a") == ticket


def test_a_thread_has_one_active_ticket(engine: Engine, desk: Desk, begin: Callable[[str], None]) -> None:
    begin("cnv_a")
    with writing(engine) as conn:
        first, new = open_ticket(conn, desk, draft(desk))
        second, again = open_ticket(conn, desk, draft(desk))
    assert (new, again) == (True, False)
    assert second == first
    assert counts(engine)[0] == 1


def test_two_that_race_open_one_ticket(engine: Engine, desk: Desk, begin: Callable[[str], None]) -> None:
    for round_ in range(15):
        thread = f"cnv_{round_}"
        begin(thread)
        start = threading.Barrier(2)

        def race(_: int, thread: str = thread, start: threading.Barrier = start) -> tuple[Ticket, bool]:
            with engine.connect():
                start.wait()
            with writing(engine) as conn:
                return open_ticket(conn, desk, draft(desk, thread))

        with ThreadPoolExecutor(2) as pool:
            (a, a_new), (b, b_new) = pool.map(race, range(2))
        assert a.number == b.number
        assert sorted([a_new, b_new]) == [False, True]
    assert counts(engine)[:3] == [15, 15, 15]


def test_a_second_ticket_can_be_opened_when_the_first_is_solved(
    engine: Engine, desk: Desk, begin: Callable[[str], None]
) -> None:
    begin("cnv_a")
    first = moved(engine, desk, opened(engine, desk), "solve")
    second = opened(engine, desk)
    assert second.number > first.number
    with pytest.raises(Exception, match=r"UNIQUE|unique"):
        moved(engine, desk, first, "creator_message")


def test_numbers_rise(engine: Engine, desk: Desk, begin: Callable[[str], None]) -> None:
    for thread in ("cnv_a", "cnv_b", "cnv_c"):
        begin(thread)
    numbers = [opened(engine, desk, thread).number for thread in ("cnv_a", "cnv_b", "cnv_c")]
    assert numbers == sorted(set(numbers))
    with engine.connect() as conn:
        assert [t.number for t in list_tickets(conn)] == numbers[::-1]
        assert [t.number for t in list_tickets(conn, limit=2)] == numbers[:0:-1]
    moved(engine, desk, opened(engine, desk, "cnv_b"), "solve")
    with engine.connect() as conn:
        assert [t.thread for t in list_tickets(conn, status="solved")] == ["cnv_b"]


def test_ticket_audit_and_outbox_are_one_transaction(engine: Engine, desk: Desk, begin: Callable[[str], None]) -> None:
    def die_half_way() -> None:
        with writing(engine) as conn:
            append_message(conn, Message("msg_x", "cnv_a", "creator", "help", 0.0))
            open_ticket(conn, desk, draft(desk))
            raise RuntimeError("killed")

    begin("cnv_a")
    with pytest.raises(RuntimeError, match="killed"):
        die_half_way()
    assert counts(engine) == [0, 0, 0, 0]
    opened(engine, desk)
    assert counts(engine) == [1, 1, 1, 0]


@pytest.mark.parametrize("kind", ["open", "take", "reply"])
def test_nothing_is_kept_when_the_outbox_row_cannot_be_written(
    engine: Engine, desk: Desk, begin: Callable[[str], None], kind: str
) -> None:
    def broken(prefix: str) -> str:
        if prefix == "evt":
            raise OSError("no randomness left")
        return desk.new_id(prefix)

    def change(ticket: Ticket | None, failing: Desk) -> None:
        with writing(engine) as conn:
            if ticket is None:
                open_ticket(conn, failing, draft(desk))
            elif kind == "take":
                move_ticket(conn, failing, ticket, Event("take", "sam"))
            else:
                agent_reply(conn, failing, ticket, "sam", "hello")

    begin("cnv_a")
    ticket = None if kind == "open" else opened(engine, desk)
    before = counts(engine)
    with pytest.raises(OSError, match="randomness"):
        change(ticket, replace(desk, new_id=broken))
    assert counts(engine) == before
    with engine.connect() as conn:
        assert last_ticket(conn, "cnv_a") == ticket


def test_a_wrong_move_leaves_ticket_audit_and_outbox_alone(
    engine: Engine, desk: Desk, begin: Callable[[str], None]
) -> None:
    begin("cnv_a")
    ticket = opened(engine, desk)
    before = counts(engine)
    with writing(engine) as conn, pytest.raises(WrongMove):
        move_ticket(conn, desk, ticket, Event("close", "sam"))
    assert counts(engine) == before
    with engine.connect() as conn:
        assert find_ticket(conn, ticket.id) == ticket


def test_every_change_is_audited_and_announced(
    engine: Engine, desk: Desk, begin: Callable[[str], None], clock: Clock
) -> None:
    begin("cnv_a")
    ticket = opened(engine, desk)
    for kind in ("take", "creator_message", "hold", "solve", "close"):
        clock.now += 10
        ticket = moved(engine, desk, ticket, kind)
    events = rows(engine, ticket_events)
    assert [(e.kind, e.before, e.after) for e in events] == [
        ("open", None, "new"),
        ("take", "new", "open"),
        ("hold", "open", "on_hold"),
        ("solve", "on_hold", "solved"),
        ("close", "solved", "closed"),
    ]
    sent = rows(engine, outbox)
    kinds = ["ticket.created", "ticket.updated", "ticket.updated", "ticket.solved", "ticket.updated"]
    assert [row.type for row in sent] == kinds
    assert [row.payload["status"] for row in sent] == ["new", "open", "on_hold", "solved", "closed"]
    assert len({row.id for row in sent}) == len(sent)
    assert all(row.delivered is None for row in sent)


def test_a_reply_is_announced_with_its_text_and_enters_the_thread(
    engine: Engine, desk: Desk, begin: Callable[[str], None]
) -> None:
    begin("cnv_a")
    ticket = opened(engine, desk)
    with writing(engine) as conn:
        answered, message = agent_reply(conn, desk, ticket, "sam", "We are on it.")
    assert answered.status == "pending"
    with engine.connect() as conn:
        assert read_messages(conn, "cnv_a") == [message]
        assert ticket_summary(answered)["due_at"] is None
    last = rows(engine, outbox)[-1]
    assert (last.type, last.payload["text"], last.payload["author"]) == ("ticket.message", "We are on it.", "sam")


def test_a_move_is_made_on_the_ticket_as_it_stands_and_not_as_it_was_read(
    engine: Engine, desk: Desk, begin: Callable[[str], None]
) -> None:
    begin("cnv_a")
    read_early = opened(engine, desk)
    opened(engine, desk, priority="urgent", safety={"category": "self_harm", "severity": "P0"}, queue="safety")
    taken = moved(engine, desk, read_early, "take")
    assert (taken.priority, taken.queue, taken.status) == ("urgent", "safety", "open")


def test_opening_again_raises_what_is_there_and_says_so_once(
    engine: Engine, desk: Desk, begin: Callable[[str], None]
) -> None:
    begin("cnv_a")
    first = opened(engine, desk, fields={"month": "May"})
    flag = {"category": "self_harm", "severity": "P1"}
    for _ in range(2):
        raised = opened(engine, desk, priority="urgent", queue="safety", safety=flag, fields={"amount": "3"})
    assert raised.number == first.number
    assert (raised.priority, raised.queue, raised.safety) == ("urgent", "safety", flag)
    assert raised.fields == {"month": "May", "amount": "3"}
    assert [row.kind for row in rows(engine, ticket_events)] == ["open", "raise"]
    last = rows(engine, outbox)[-1].payload
    assert (last["priority"], last["queue"], last["safety"]) == ("urgent", "safety", flag)


def test_a_solved_ticket_is_reopened_by_the_creator_with_new_promises_and_a_closed_one_is_not(
    engine: Engine, desk: Desk, begin: Callable[[str], None], clock: Clock
) -> None:
    begin("cnv_a")
    solved = moved(engine, desk, opened(engine, desk), "solve")
    with engine.connect() as conn:
        assert active_ticket(conn, "cnv_a") is None
    clock.now += 86_400
    again = moved(engine, desk, solved, "creator_message", "creator")
    assert (again.status, again.number) == ("open", solved.number)
    assert again.sla.resolution_due == clock.now + POLICIES.targets["normal"].resolution * 60
    assert ticket_summary(again)["due_at"] == clock.now + POLICIES.targets["normal"].next_reply * 60
    with engine.connect() as conn:
        assert active_ticket(conn, "cnv_a") == again
    closed = moved(engine, desk, moved(engine, desk, again, "solve"), "close")
    with pytest.raises(WrongMove):
        moved(engine, desk, closed, "creator_message", "creator")


def test_the_evidence_packet_holds_transcript_procedure_history_and_what_the_bot_found(
    engine: Engine, desk: Desk, begin: Callable[[str], None]
) -> None:
    begin("cnv_a")
    evidence = {"passages": [{"article": "a/b", "score": 0.5, "used": False}], "suggested": "Try this."}
    with writing(engine) as conn:
        append_message(conn, Message("msg_x", "cnv_a", "creator", "where is my money", 1.0))
        ticket, _ = open_ticket(conn, desk, draft(desk, queue="payouts", evidence=evidence))
        agent_reply(conn, desk, ticket, "sam", "It is on its way.")
    with engine.connect() as conn:
        packet = evidence_packet(conn, desk, ticket)
    assert [(m["seq"], m["role"], m["text"]) for m in packet["transcript"]] == [
        (1, "creator", "where is my money"),
        (2, "agent", "It is on its way."),
    ]
    assert packet["procedure"] == POLICIES.queues["payouts"].procedure
    assert [(h["kind"], h["actor"]) for h in packet["history"]] == [("open", "bot"), ("agent_reply", "sam")]
    assert packet["passages"] == evidence["passages"]
    assert packet["suggested"] == "Try this."
