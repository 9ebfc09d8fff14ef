"""Keeps beside each of the bot's messages what it was made from, so that it can be said again and judged.

Knows plain values; not how they came about, nor what asking again means. Every function takes the caller's open
connection.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from handoff.tables import messages, records


@dataclass(frozen=True, slots=True)
class Record:
    """One reply's ingredients: the `question` with the questions before it (`turns`, oldest first) as they were asked
    `at` (seconds since the epoch), and the `revision` and `basis` ({what: its name or hash}) that answered.

    `added` is what was put under the composed text (the ticket's number); `weighed` is each search that was made,
    with its candidates and their scores.
    """

    message: str
    thread: str
    question: str
    turns: tuple[str, ...]
    locale: str
    creator: dict[str, Any]
    revision: str
    engine: str
    basis: dict[str, str]
    at: float
    added: str = ""
    weighed: list[dict[str, Any]] = field(default_factory=list)


def keep_record(conn: Connection, record: Record) -> None:
    conn.execute(insert(records).values(**asdict(record) | {"turns": list(record.turns)}))


def find_record(conn: Connection, message: str) -> Record | None:
    row = conn.execute(select(records).where(records.c.message == message)).first()
    return _record(row) if row else None


def read_answers(conn: Connection, thread: str) -> list[tuple[int, dict[str, Any], Record]]:
    """What the bot answered in the thread, in order: the message's number, the Reply as JSON, and its record."""
    query = (
        select(messages.c.seq, messages.c.reply, *records.c)
        .join(records, records.c.message == messages.c.id)
        .where(records.c.thread == thread)
        .order_by(messages.c.seq)
    )
    return [(row.seq, row.reply, _record(row)) for row in conn.execute(query)]


def _record(row: Row[Any]) -> Record:
    values = {name: row._mapping[name] for name in Record.__dataclass_fields__}
    return Record(**values | {"turns": tuple(values["turns"])})
