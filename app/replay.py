"""Finds a stored reply and asks its question again of its own revision, searched exactly; writes no conversation."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, Engine

from app.library import open_library
from app.settings import Settings
from app.wire import make_bot
from bot.library import Library
from bot.replay import Replayed, replay_reply
from handoff.log import find_message
from handoff.record import Record, find_record
from handoff.thread import Message
from kb.revision import find_revision, load_articles
from retrieval.embed import Embedder
from retrieval.passage import cut_articles
from retrieval.vectors import ensure_vectors
from retrieval.view import own_vectors

Progress = Callable[[int, int], None]


def replay_message(
    settings: Settings, engine: Engine, embedder: Embedder, message: str, progress: Progress | None = None
) -> Replayed:
    """LookupError says why there is nothing to ask again. Passages that the configured model has not embedded yet are
    embedded first: a reply of an older model is asked again with today's."""
    with engine.connect() as conn:
        said, record = _found(conn, message)
    library = _library(engine, embedder, record.revision, progress)
    return replay_reply(make_bot(settings, lambda: library), library, record, said.reply or {})


def _library(engine: Engine, embedder: Embedder, revision: str, progress: Progress | None) -> Library | None:
    """None where nothing was published yet when the reply was given."""
    if not revision:
        return None
    with engine.connect() as conn:
        name = find_revision(conn, revision)
        passages = cut_articles(load_articles(conn, name))
    ensure_vectors(engine, own_vectors(passages, embedder.reads), embedder, progress)
    with engine.connect() as conn:
        return open_library(conn, name, embedder)


def _found(conn: Connection, message: str) -> tuple[Message, Record]:
    said = find_message(conn, message)
    if said is None:
        raise LookupError(f"there is no message {message!r}; `callboard tickets show` and transcripts name them")
    if said.role != "bot":
        answer = said.reply["id"] if said.reply else None
        hint = f"; the bot's reply to it is {answer}" if answer else ""
        raise LookupError(f"{message} is not a reply of the bot but a message of the {said.role}{hint}")
    record = find_record(conn, message)
    if record is None:
        raise LookupError(f"{message} was given before replies kept what it takes to ask again")
    return said, record
