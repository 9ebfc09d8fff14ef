"""Runs the server: publishes the articles at a first start, prints the addresses, then serves."""

from __future__ import annotations

import logging
import os
import socket

import uvicorn

from app.first import ensure_published
from app.output import fail
from app.settings import Settings
from app.web import make_app
from app.wire import make_embedder, make_engine
from bot.language import identify_language


def run_server(settings: Settings, host: str, port: int) -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # Tokenizers' own threads and BLAS' spin on the same cores.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if _taken(host, port):
        fail(f"{host}:{port} is in use; choose another with --port", 2)
    engine, embedder = make_engine(settings), make_embedder(settings)
    ensure_published(settings, engine, embedder)
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


def _taken(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        return probe.connect_ex((host if host != "0.0.0.0" else "127.0.0.1", port)) == 0
