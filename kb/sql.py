"""Opens write transactions; knows that SQLite must take its write lock at the start, not which database it is."""

from __future__ import annotations

from contextlib import AbstractContextManager

from sqlalchemy import Connection, Engine


def writing(engine: Engine) -> AbstractContextManager[Connection]:
    """A transaction that writes. On SQLite it begins IMMEDIATE (see `app/database.py`), so that two writers
    queue instead of failing half-way."""
    return engine.execution_options(writing=True).begin()
