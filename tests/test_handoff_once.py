from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import IntegrityError

from handoff.log import start_thread
from handoff.once import KEPT, KeyReused, Running, StillRunning, run_once
from handoff.tables import once, threads
from handoff.thread import Thread


class Work:
    """Starts a thread each time it is done, so that what was done twice can be counted."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self, conn: Connection) -> dict[str, Any]:
        self.done += 1
        start_thread(conn, Thread(f"cnv_{self.done}", "en", 0.0))
        return {"n": self.done}


def counted(engine: Engine, table: Any) -> int:
    with engine.connect() as conn:
        return int(conn.execute(select(func.count()).select_from(table)).scalar_one())


def test_a_repeat_is_given_the_first_answer_and_nothing_is_done_again(engine: Engine) -> None:
    work = Work()
    answers = [run_once(engine, "start", "k", {"a": 1, "b": 2}, 0.0, work) for _ in range(3)]
    assert answers == [{"n": 1}] * 3
    assert run_once(engine, "start", "k", {"b": 2, "a": 1}, 0.0, work) == {"n": 1}
    assert counted(engine, threads) == 1


def test_another_key_or_another_scope_is_another_request(engine: Engine) -> None:
    work = Work()
    answers = [run_once(engine, scope, key, {}, 0.0, work)["n"] for scope, key in ("ab", "ac", "bb")]
    assert answers == [1, 2, 3]


def test_a_key_with_another_body_is_refused(engine: Engine) -> None:
    work = Work()
    run_once(engine, "start", "k", {"a": 1}, 0.0, work)
    with pytest.raises(KeyReused):
        run_once(engine, "start", "k", {"a": 2}, 0.0, work)
    assert counted(engine, threads) == 1


def test_work_that_fails_leaves_its_key_free(engine: Engine) -> None:
    def fail(conn: Connection) -> dict[str, Any]:
        start_thread(conn, Thread("cnv_lost", "en", 0.0))
        raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        run_once(engine, "start", "k", {}, 0.0, fail)
    assert (counted(engine, threads), counted(engine, once)) == (0, 0)
    assert run_once(engine, "start", "k", {"another": "body"}, 0.0, Work()) == {"n": 1}


def test_a_clash_inside_the_work_is_not_taken_for_a_repeat(engine: Engine) -> None:
    def clash(conn: Connection) -> dict[str, Any]:
        start_thread(conn, Thread("cnv_1", "en", 0.0))
        start_thread(conn, Thread("cnv_1", "en", 0.0))
        return {}

    with pytest.raises(IntegrityError):
        run_once(engine, "start", "k", {}, 0.0, clash)


def test_a_key_is_forgotten_after_a_day(engine: Engine) -> None:
    work = Work()
    run_once(engine, "start", "k", {}, 0.0, work)
    assert run_once(engine, "start", "k", {}, KEPT - 1, work) == {"n": 1}
    assert run_once(engine, "start", "k", {}, KEPT + 1, work) == {"n": 2}


def test_repeats_racing_in_threads_are_done_once(engine: Engine) -> None:
    work = Work()
    start = threading.Barrier(4)

    def send(_: int) -> dict[str, Any]:
        start.wait()
        return run_once(engine, "start", "k", {"a": 1}, 0.0, work)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(send, range(4))) == [{"n": 1}] * 4
    assert counted(engine, threads) == 1


def test_a_request_that_is_running_is_alone_until_it_ends_even_badly() -> None:
    running = Running()
    with running.alone("start", "k"):
        with pytest.raises(StillRunning), running.alone("start", "k"):
            pytest.fail("two were let in")
        with running.alone("start", "another"), running.alone("else", "k"):
            pass
    with pytest.raises(ValueError, match="bad"), running.alone("start", "k"):
        raise ValueError("bad")
    with running.alone("start", "k"):
        pass
