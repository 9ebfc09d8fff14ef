from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import IntegrityError

from handoff.log import (
    append_message,
    find_message,
    find_thread,
    keep_contact,
    keep_feedback,
    keep_rating,
    keep_reply,
    read_messages,
    sent_before,
    start_thread,
)
from handoff.tables import contacts, feedback, messages, ratings
from handoff.thread import Message, Thread, holds_token, make_token
from kb.sql import writing

THREAD = Thread("cnv_1", "fr", 5.0, page_url="https://x.example/", creator={"region": "DE"})


@pytest.fixture
def started(engine: Engine) -> Engine:
    with writing(engine) as conn:
        start_thread(conn, THREAD)
    return engine


def say(engine: Engine, id: str, text: str = "hello", client_id: str | None = None) -> Message:
    with writing(engine) as conn:
        return append_message(conn, Message(id, THREAD.id, "creator", text, 1.0, client_id=client_id))


def test_a_thread_is_found_as_it_was_started(started: Engine) -> None:
    with started.connect() as conn:
        assert find_thread(conn, THREAD.id) == THREAD
        assert find_thread(conn, "cnv_2") is None


def test_numbers_have_no_gap_and_no_double_under_threads(started: Engine) -> None:
    writers, each = 4, 15
    start = threading.Barrier(writers)

    def write(writer: int) -> list[int]:
        start.wait()
        return [say(started, f"msg_{writer}_{n}").seq for n in range(each)]

    with ThreadPoolExecutor(writers) as pool:
        given = list(pool.map(write, range(writers)))
    assert sorted(seq for seqs in given for seq in seqs) == list(range(1, writers * each + 1))
    assert all(seqs == sorted(seqs) for seqs in given)
    with started.connect() as conn:
        assert [m.seq for m in read_messages(conn, THREAD.id)] == list(range(1, writers * each + 1))


def test_a_reader_never_sees_a_later_number_before_an_earlier_one(started: Engine) -> None:
    done = threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not done.is_set() or len(seen) < 40:
            with started.connect() as conn:
                seen.extend(m.seq for m in read_messages(conn, THREAD.id, after=seen[-1] if seen else 0))

    with ThreadPoolExecutor(3) as pool:
        reader = pool.submit(read)
        writers = [pool.submit(lambda w=w: [say(started, f"msg_{w}_{n}") for n in range(20)]) for w in range(2)]
        for writer in writers:
            writer.result(30)
        done.set()
        reader.result(30)
    assert seen == list(range(1, 41))


def test_a_number_is_given_back_when_the_message_is_not_kept(started: Engine) -> None:
    def die_half_way() -> None:
        with writing(started) as conn:
            append_message(conn, Message("msg_2", THREAD.id, "creator", "lost", 1.0))
            raise RuntimeError("killed")

    say(started, "msg_1")
    with pytest.raises(RuntimeError, match="killed"):
        die_half_way()
    assert say(started, "msg_3").seq == 2


def test_a_client_id_stands_for_one_message_of_a_thread(started: Engine) -> None:
    kept = say(started, "msg_1", "hello", "c1")
    with pytest.raises(IntegrityError):
        say(started, "msg_2", "hello again", "c1")
    with started.connect() as conn:
        assert sent_before(conn, THREAD.id, "c1") == kept
        assert sent_before(conn, THREAD.id, "c2") is None
        assert conn.execute(select(func.count()).select_from(messages)).scalar() == 1


def test_reading_goes_on_after_a_number_and_stops_at_the_limit(started: Engine) -> None:
    for n in range(5):
        say(started, f"msg_{n}", str(n))
    with started.connect() as conn:
        assert [m.text for m in read_messages(conn, THREAD.id, after=2, limit=2)] == ["2", "3"]


def test_what_a_message_was_answered_is_kept_on_it(started: Engine) -> None:
    say(started, "msg_1")
    with writing(started) as conn:
        keep_reply(conn, "msg_1", {"kind": "answer"})
    with started.connect() as conn:
        found = find_message(conn, "msg_1")
    assert found is not None
    assert found.reply == {"kind": "answer"}


def test_the_last_vote_rating_and_address_count(started: Engine) -> None:
    say(started, "msg_1")
    with writing(started) as conn:
        for n in (1, 2):
            keep_feedback(conn, "msg_1", n == 2, f"comment {n}", n)
            keep_rating(conn, THREAD.id, n, f"comment {n}", n)
            keep_contact(conn, THREAD.id, f"{n}@x.example", n)
    with started.connect() as conn:
        assert conn.execute(select(feedback.c.helpful, feedback.c.comment)).all() == [(True, "comment 2")]
        assert conn.execute(select(ratings.c.score, ratings.c.comment)).all() == [(2, "comment 2")]
        assert conn.execute(select(contacts.c.email)).scalars().all() == ["2@x.example"]


def test_a_token_holds_its_own_thread_under_its_own_secret_only() -> None:
    token = make_token(b"secret", "cnv_1")
    assert holds_token(b"secret", "cnv_1", token)
    assert not holds_token(b"secret", "cnv_2", token)
    assert not holds_token(b"another", "cnv_1", token)
    assert not holds_token(b"secret", "cnv_1", token[:-1])
    assert not holds_token(b"secret", "cnv_1", "")
