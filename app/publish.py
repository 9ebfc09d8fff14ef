"""Publishes a folder of articles as a new live revision; knows the order of the steps, not how each is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from kb.article import Article
from kb.glossary import find_glossary, read_glossary
from kb.problem import Problem
from kb.revision import find_revision, flip_live, live_revision, load_articles, revision_id, stage_revision
from kb.sql import writing
from kb.tree import Tree, read_tree
from retrieval.embed import Embedder
from retrieval.passage import cut_articles
from retrieval.vectors import ensure_vectors
from retrieval.view import own_vectors

Progress = Callable[[int, int], None]


class CheckFailed(ValueError):
    """The articles have errors, all in one report; the live revision is untouched."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} errors")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Published:
    """What a publish did. `embedded` passages were new, `reused` had their vector already; translations that the model
    does not read have none."""

    revision: str
    articles: int
    passages: int
    embedded: int
    reused: int
    seconds: float
    gate: dict[str, Any] | None = None

    def json(self) -> dict[str, Any]:
        return asdict(self)


def publish_tree(
    engine: Engine,
    root: Path,
    embedder: Embedder,
    now: float,
    author: str = "cli",
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Published:
    """Check, embed what changed, then move the pointer in one transaction. Killed anywhere before that, the old
    revision serves; what was embedded is kept."""
    started = time.perf_counter()
    glossary, wrong = read_glossary(find_glossary(root))
    items = live_articles(read_tree(root), now, wrong)
    passages = cut_articles(items)
    if dry_run:
        return Published(revision_id(items, glossary), len(items), len(passages), 0, 0, time.perf_counter() - started)
    needed = own_vectors(passages, embedder.reads)
    embedded = ensure_vectors(engine, needed, embedder, progress)
    with writing(engine) as conn:
        revision = stage_revision(conn, items, glossary, author, now)
        if live_revision(conn) != revision:
            flip_live(conn, revision, "publish", author, now)
    took = time.perf_counter() - started
    return Published(revision, len(items), len(passages), embedded, len(needed) - embedded, round(took, 3))


def roll_back(engine: Engine, prefix: str, embedder: Embedder, now: float, author: str = "cli") -> str:
    """Make an earlier revision live again: the pointer moves back, once its vectors are known to be there."""
    with engine.connect() as conn:
        revision = find_revision(conn, prefix)
        passages = cut_articles(load_articles(conn, revision))
    ensure_vectors(engine, own_vectors(passages, embedder.reads), embedder)
    with writing(engine) as conn:
        if live_revision(conn) != revision:
            flip_live(conn, revision, "rollback", author, now)
    return revision


def live_articles(tree: Tree, now: float, wrong: Sequence[Problem] = ()) -> list[Article]:
    """The articles that are to be live at `now` (seconds since the epoch). CheckFailed if the tree has errors or
    something is `wrong` beside it."""
    if tree.errors or wrong:
        raise CheckFailed([*tree.errors, *wrong])
    items = [a for a in tree.articles if a.status == "published" and _due(a, now)]
    if not items:
        raise CheckFailed([Problem(".", 1, 1, "A006", "no article has the status `published`")])
    return items


def _due(article: Article, now: float) -> bool:
    starts, ends = article.meta.get("publish_at"), article.meta.get("expires_at")
    if starts and datetime.fromisoformat(starts).timestamp() > now:
        return False
    return not (ends and datetime.fromisoformat(ends).timestamp() <= now)
