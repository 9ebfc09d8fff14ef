"""Writes and reads threads and their messages. Every function takes the caller's open connection."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from handoff.tables import contacts, feedback, messages, ratings, threads
from handoff.thread import Message, Thread


def start_thread(conn: Connection, thread: Thread) -> None:
    conn.execute(insert(threads).values(**asdict(thread)))


def find_thread(conn: Connection, thread: str) -> Thread | None:
    row = conn.execute(select(threads).where(threads.c.id == thread)).first()
    return Thread(**row._mapping) if row else None


def lock_thread(conn: Connection, thread: str) -> None:
    """Whoever changes a thread or its ticket queues here until the transaction ends; SQLite's writers do anyway."""
    conn.execute(select(threads.c.id).where(threads.c.id == thread).with_for_update())


def append_message(conn: Connection, message: Message) -> Message:
    """Give the message the thread's next number and keep it. The update locks the thread's row, so numbers
    are given out in the order in which they become visible."""
    bump = update(threads).where(threads.c.id == message.thread).values(seq=threads.c.seq + 1).returning(threads.c.seq)
    numbered = replace(message, seq=conn.execute(bump).scalar_one())
    conn.execute(insert(messages).values(**asdict(numbered)))
    return numbered


def keep_reply(conn: Connection, message: str, reply: dict[str, Any]) -> None:
    conn.execute(update(messages).where(messages.c.id == message).values(reply=reply))


def sent_before(conn: Connection, thread: str, client_id: str) -> Message | None:
    query = select(messages).where(messages.c.thread == thread, messages.c.client_id == client_id)
    row = conn.execute(query).first()
    return _message(row) if row else None


def find_message(conn: Connection, message: str) -> Message | None:
    row = conn.execute(select(messages).where(messages.c.id == message)).first()
    return _message(row) if row else None


def read_messages(conn: Connection, thread: str, after: int = 0, limit: int = 1000) -> list[Message]:
    """Messages numbered above `after`, in order."""
    query = (
        select(messages)
        .where(messages.c.thread == thread, messages.c.seq > after)
        .order_by(messages.c.seq)
        .limit(limit)
    )
    return [_message(row) for row in conn.execute(query)]


def last_questions(conn: Connection, thread: str, n: int) -> list[str]:
    """The creator's last `n` messages, oldest first."""
    query = (
        select(messages.c.text)
        .where(messages.c.thread == thread, messages.c.role == "creator")
        .order_by(messages.c.seq.desc())
        .limit(n)
    )
    return list(conn.execute(query).scalars())[::-1]


def keep_feedback(conn: Connection, message: str, helpful: bool, comment: str, now: float) -> None:
    """The last word counts: a second vote replaces the first."""
    conn.execute(delete(feedback).where(feedback.c.message == message))
    conn.execute(insert(feedback).values(message=message, helpful=helpful, comment=comment, at=now))


def keep_rating(conn: Connection, thread: str, score: int, comment: str, now: float) -> None:
    conn.execute(delete(ratings).where(ratings.c.thread == thread))
    conn.execute(insert(ratings).values(thread=thread, score=score, comment=comment, at=now))


def keep_contact(conn: Connection, thread: str, email: str, now: float) -> None:
    """An address stands in this one table and nowhere else, so that it can be erased."""
    conn.execute(delete(contacts).where(contacts.c.thread == thread))
    conn.execute(insert(contacts).values(thread=thread, email=email, at=now))


def _message(row: Row[Any]) -> Message:
    return Message(**row._mapping)
