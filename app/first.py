"""Publishes the articles for a first start, with words for who is waiting; knows no server and no command."""

from __future__ import annotations

import sys
import time

from sqlalchemy import Engine

from app.output import fail, progress_bar
from app.publish import CheckFailed, publish_tree
from app.settings import Settings
from kb.revision import live_revision
from retrieval.embed import Embedder


def ensure_published(settings: Settings, engine: Engine, embedder: Embedder) -> None:
    """Nothing where something is live; errors are all printed and end the program."""
    with engine.connect() as conn:
        if live_revision(conn):
            return
    try:
        with progress_bar("publishing the articles for the first time") as progress:
            publish_tree(engine, settings.articles_dir, embedder, time.time(), "first start", progress=progress)
    except CheckFailed as failed:
        for problem in failed.problems:
            print(problem, file=sys.stderr)
        fail(f"{settings.articles_dir} has {len(failed.problems)} errors; mend them and start again", 1)
