"""Revisions in SQL: immutable sets of article versions, and the one pointer to the live one.

Knows neither files nor search. Every function takes the caller's open connection.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from kb.article import Article, Block, Section
from kb.glossary import Glossary, load_glossary
from kb.tables import articles, live, publications, revision_articles, revisions

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Revision:
    """`created` is seconds since the epoch; `id` is the hash of the article digests it holds."""

    id: str
    created: float
    author: str
    articles: int
    live: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One article that differs between two revisions."""

    id: str
    locale: str
    what: str
    title: str


def revision_id(items: Iterable[Article], glossary: Glossary) -> str:
    lines = sorted(f"{a.locale}/{a.id} {a.digest}" for a in items)
    if text := glossary.dump():
        lines.append(text)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def stage_revision(conn: Connection, items: Sequence[Article], glossary: Glossary, author: str, now: float) -> str:
    """Write the revision that holds `items` and reads questions by `glossary`, unless it is there already; it is
    not live by that."""
    revision = revision_id(items, glossary)
    if conn.execute(select(revisions.c.id).where(revisions.c.id == revision)).first():
        return revision
    known = _known_digests(conn, [a.digest for a in items])
    rows = [
        {"digest": a.digest, "id": a.id, "locale": a.locale, "title": a.title, "data": _dump(a)}
        for a in {a.digest: a for a in items}.values()
        if a.digest not in known
    ]
    if rows:
        conn.execute(insert(articles), rows)
    row = {"id": revision, "created": now, "author": author, "articles": len(items), "glossary": glossary.dump()}
    conn.execute(insert(revisions).values(row))
    members = [{"revision": revision, "locale": a.locale, "id": a.id, "digest": a.digest} for a in items]
    if members:
        conn.execute(insert(revision_articles), members)
    return revision


def flip_live(conn: Connection, revision: str, action: str, author: str, now: float) -> None:
    """Move the pointer to `revision` and note who did it."""
    if not conn.execute(update(live).where(live.c.slot == 1).values(revision=revision)).rowcount:
        conn.execute(insert(live).values(slot=1, revision=revision))
    conn.execute(insert(publications).values(revision=revision, action=action, author=author, at=now))


def live_revision(conn: Connection) -> str | None:
    return conn.execute(select(live.c.revision)).scalar()


def list_revisions(conn: Connection) -> list[Revision]:
    """Newest first."""
    current = live_revision(conn)
    rows = conn.execute(select(revisions).order_by(revisions.c.created.desc(), revisions.c.id))
    return [Revision(r.id, r.created, r.author, r.articles, r.id == current) for r in rows]


def find_revision(conn: Connection, prefix: str) -> str:
    """The one revision whose id starts with `prefix`; `live` names the live one. LookupError says what is wrong."""
    if prefix == "live":
        if current := live_revision(conn):
            return current
        raise LookupError("nothing is published yet; run `callboard publish`")
    found = (
        conn.execute(select(revisions.c.id).where(revisions.c.id.startswith(prefix, autoescape=True))).scalars().all()
    )
    if not prefix or not found:
        raise LookupError(f"there is no revision {prefix!r}; `callboard revisions` lists them")
    if len(found) > 1:
        raise LookupError(f"{prefix!r} fits {len(found)} revisions; give more characters")
    return str(found[0])


def load_articles(conn: Connection, revision: str) -> list[Article]:
    """Every article of the revision, in a fixed order."""
    query = (
        select(articles.c.data)
        .join(revision_articles, revision_articles.c.digest == articles.c.digest)
        .where(revision_articles.c.revision == revision)
        .order_by(revision_articles.c.locale, revision_articles.c.id)
    )
    return [_load(json.loads(data)) for data in conn.execute(query).scalars()]


def load_words(conn: Connection, revision: str) -> Glossary:
    """The glossary that the revision was published with."""
    return load_glossary(conn.execute(select(revisions.c.glossary).where(revisions.c.id == revision)).scalar() or "")


def diff_revisions(conn: Connection, before: str, after: str) -> list[Change]:
    old, new = _members(conn, before), _members(conn, after)
    changes = []
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) == new.get(key):
            continue
        what = "added" if key not in old else "removed" if key not in new else "changed"
        title = conn.execute(select(articles.c.title).where(articles.c.digest == (new.get(key) or old[key]))).scalar()
        changes.append(Change(key[1], key[0], what, str(title)))
    return changes


def _members(conn: Connection, revision: str) -> dict[tuple[str, str], str]:
    rows = conn.execute(select(revision_articles).where(revision_articles.c.revision == revision))
    return {(r.locale, r.id): r.digest for r in rows}


def _known_digests(conn: Connection, digests: list[str]) -> set[str]:
    known: set[str] = set()
    for start in range(0, len(digests), CHUNK):
        query = select(articles.c.digest).where(articles.c.digest.in_(digests[start : start + CHUNK]))
        known.update(conn.execute(query).scalars())
    return known


def _dump(article: Article) -> str:
    return json.dumps(asdict(article), ensure_ascii=False, sort_keys=True)


def _load(data: dict[str, Any]) -> Article:
    sections = tuple(
        Section(**{**s, "path": tuple(s["path"]), "blocks": tuple(Block(**b) for b in s["blocks"])})
        for s in data["sections"]
    )
    lists = {key: tuple(data[key]) for key in ("questions", "keywords", "redirect_from")}
    return Article(**{**data, **lists, "sections": sections})
