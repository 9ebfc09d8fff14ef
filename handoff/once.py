"""Does a request once however often it is sent: remembers what an idempotency key was answered. Knows no HTTP."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


class Running:
    """The requests that this process is answering, so that a repeat is told to wait. Where another process has the
    first, the database makes the repeat wait for its answer."""

    def __init__(self) -> None:
        self._keys: set[tuple[str, str]] = set()
        self._guard = threading.Lock()

    @contextmanager
    def alone(self, scope: str, key: str) -> Iterator[None]:
        with self._guard:
            if (scope, key) in self._keys:
                raise StillRunning(key)
            self._keys.add((scope, key))
        try:
            yield
        finally:
            with self._guard:
                self._keys.discard((scope, key))


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
        return dict(row.answer)
