"""Builds the parts a program needs from the settings; knows every room, holds nothing itself."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from sqlalchemy import Engine

from app.basis import name_basis
from app.database import open_database
from app.library import open_library
from app.settings import Settings
from bot.alarm import read_alarm
from bot.ask import Bot
from bot.confidence import SHIPPED, read_confidence
from bot.library import Library
from bot.phrases import read_phrases
from bot.screen import read_screen
from handoff.desk import Desk
from handoff.policy import read_policies
from kb.revision import find_revision
from retrieval.embed import SentenceEmbedder


def new_id(prefix: str) -> str:
    """`msg_…`: 96 random bits, so that an id can neither be guessed nor collide."""
    return f"{prefix}_{secrets.token_hex(12)}"


def make_engine(settings: Settings) -> Engine:
    return open_database(settings.database)


def make_embedder(settings: Settings) -> SentenceEmbedder:
    return SentenceEmbedder(settings.embedding_model)


def make_bot(settings: Settings, library: Callable[[], Library | None]) -> Bot:
    own = settings.data_dir / "confidence.json"
    fitted = own if own.is_file() else SHIPPED
    return Bot(
        library=library,
        screen=read_screen(),
        alarm=read_alarm(),
        phrases=read_phrases(settings.site_name),
        confidence=read_confidence(fitted),
        policies=read_policies(),
        clock=time.time,
        new_id=new_id,
        basis=name_basis(settings, fitted),
    )


def make_desk() -> Desk:
    return Desk(read_policies(), time.time, new_id)


def exact_library(settings: Settings, engine: Engine, revision: str = "live") -> Library:
    """A revision searched exactly, as the command line, suites and replay do; LookupError if there is none."""
    embedder = make_embedder(settings)
    with engine.connect() as conn:
        return open_library(conn, find_revision(conn, revision), embedder)
