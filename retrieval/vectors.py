"""Keeps passages' vectors in SQL, where they are the record; knows no index and no revision."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from sqlalchemy import Connection, Engine, insert, select

from kb.sql import writing
from retrieval.embed import Embedder, Vectors
from retrieval.passage import Passage
from retrieval.tables import passages as table

BATCH = 64
CHUNK = 500


def ensure_vectors(
    engine: Engine,
    items: Sequence[Passage],
    embedder: Embedder,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Embed those of `items` that have no vector of this model yet, and say how many they were.

    Each batch is its own transaction: killed half-way, what was embedded stays and is not done again.
    """
    with engine.connect() as conn:
        known = _known(conn, [p.hash for p in items], embedder.name)
    # Sorted by length, so that a batch holds little padding.
    missing = sorted((p for p in items if p.hash not in known), key=lambda p: (len(p.embedded), p.hash))
    for start in range(0, len(missing), BATCH):
        batch = missing[start : start + BATCH]
        vectors = embedder.embed([p.embedded for p in batch])
        rows = [
            {
                "hash": p.hash,
                "model": embedder.name,
                "article": p.article,
                "text": p.embedded,
                "vector": v.tobytes(),
            }
            for p, v in zip(batch, vectors, strict=True)
        ]
        with writing(engine) as conn:
            # Another publisher may have been here in the meantime.
            fresh = _known(conn, [p.hash for p in batch], embedder.name)
            rows = [row for row in rows if row["hash"] not in fresh]
            if rows:
                conn.execute(insert(table), rows)
        if progress:
            progress(min(start + BATCH, len(missing)), len(missing))
    return len(missing)


def load_vectors(conn: Connection, items: Sequence[Passage], model: str) -> Vectors:
    """The vectors of `items`, in their order, shape (n, d). LookupError if one is missing."""
    found: dict[str, bytes] = {}
    hashes = [p.hash for p in items]
    for start in range(0, len(hashes), CHUNK):
        query = select(table.c.hash, table.c.vector).where(
            table.c.model == model, table.c.hash.in_(hashes[start : start + CHUNK])
        )
        found.update((row.hash, row.vector) for row in conn.execute(query))
    missing = sum(h not in found for h in hashes)
    if missing:
        raise LookupError(f"{missing} passages have no vector of the model {model}; run `callboard publish`")
    if not hashes:
        return np.zeros((0, 1), np.float32)
    return np.stack([np.frombuffer(found[h], np.float32) for h in hashes])


def _known(conn: Connection, hashes: Sequence[str], model: str) -> set[str]:
    known: set[str] = set()
    for start in range(0, len(hashes), CHUNK):
        query = select(table.c.hash).where(table.c.model == model, table.c.hash.in_(hashes[start : start + CHUNK]))
        known.update(conn.execute(query).scalars())
    return known
