"""Runs the server: publishes the articles at a first start, prints the addresses, then serves."""

from __future__ import annotations

import logging
import os
import socket
import time

import uvicorn
from sqlalchemy import Engine

from app.output import fail, progress_bar
from app.publish import CheckFailed, publish_tree
from app.settings import Settings
from app.web import make_app
from app.wire import make_embedder, make_engine
from bot.language import identify_language
from kb.revision import live_revision
from retrieval.embed import Embedder


def run_server(settings: Settings, host: str, port: int) -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # Tokenizers' own threads and BLAS' spin on the same cores.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if _taken(host, port):
        fail(f"{host}:{port} is in use; choose another with --port", 2)
    engine, embedder = make_engine(settings), make_embedder(settings)
    with engine.connect() as conn:
        published = live_revision(conn)
    if not published:
        _publish_first(settings, engine, embedder)
    # What loads at first use is used once now, so that the first creator does not wait for it.
    embedder.embed(["warm"])
    identify_language("a sentence that is long enough")
    app = make_app(settings, engine, embedder)
    at = f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port}"
    print(
        f"\n  Callboard is at   {at}\n  Help Center       {at}/help/en\n  API               {at}/openapi.json\n",
        flush=True,
    )
    uvicorn.run(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=5)


def _publish_first(settings: Settings, engine: Engine, embedder: Embedder) -> None:
    try:
        with progress_bar("publishing the articles for the first time") as progress:
            publish_tree(engine, settings.articles_dir, embedder, time.time(), "first start", progress=progress)
    except CheckFailed as failed:
        for problem in failed.problems:
            print(problem)
        fail(f"{settings.articles_dir} has {len(failed.problems)} errors; mend them and start again", 1)


def _taken(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        return probe.connect_ex((host if host != "0.0.0.0" else "127.0.0.1", port)) == 0
