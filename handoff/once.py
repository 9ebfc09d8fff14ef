"""Does a request once however often it is sent: remembers what an idempotency key was answered. Knows no HTTP."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from handoff.tables import once as table
from kb.sql import writing

KEPT = 24 * 3600.0


class KeyReused(ValueError):
    """The key was used before with another body."""


class StillRunning(RuntimeError):
    """A request with this key has not been answered yet."""


def run_once(
    engine: Engine, scope: str, key: str, body: Any, now: float, work: Callable[[Connection], dict[str, Any]]
) -> dict[str, Any]:
    """`work`'s answer, done in one transaction with the note that it was done; the stored answer on a repeat."""
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    where = (table.c.scope == scope) & (table.c.key == key)
    try:
        with writing(engine) as conn:
            conn.execute(delete(table).where(table.c.at < now - KEPT))
            conn.execute(insert(table).values(scope=scope, key=key, body=digest, answer=None, at=now))
            answer = work(conn)
            conn.execute(update(table).where(where).values(answer=answer))
            return answer
    except IntegrityError:
        with engine.connect() as conn:
            row = conn.execute(select(table).where(where)).first()
        if row is None:
            raise
        if row.body != digest:
            raise KeyReused(key) from None
        if row.answer is None:
            raise StillRunning(key) from None
        return dict(row.answer)
