"""Builds the parts a program needs from the settings; knows every room, holds nothing itself."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from sqlalchemy import Engine

from app.basis import name_basis
from app.database import open_database
from app.library import open_library
from app.settings import EXAMPLES, Settings, SettingsError
from bot.alarm import read_alarm
from bot.ask import Bot
from bot.budget import Budget, Limits
from bot.confidence import SHIPPED, read_confidence
from bot.ground import read_glue
from bot.library import Library
from bot.llm import ChatModel, Deadlines, ModelMissing, open_model
from bot.phrases import read_phrases
from bot.prompts import read_prompts
from bot.screen import read_screen
from bot.writer import Writer
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


def make_model(settings: Settings) -> ChatModel:
    """The language model that CALLBOARD_LLM names, or ModelMissing. Only a name: it is not asked anything yet."""
    return open_model(settings.llm, Deadlines(settings.llm_first, settings.llm_between, settings.llm_total))


def make_writer(settings: Settings, count: Callable[[str], None] = lambda _outcome: None) -> Writer | None:
    """None where no language model is set; SettingsError where it cannot be used."""
    if not settings.llm:
        return None
    try:
        model = make_model(settings)
    except ModelMissing as error:
        raise SettingsError(f"CALLBOARD_LLM: {error}; for example {EXAMPLES['llm']}, or empty for none") from error
    limits = Limits(settings.llm_per_conversation, settings.llm_per_day)
    return Writer(model, read_prompts(), read_glue(), Budget(limits, time.time), count)


def make_bot(settings: Settings, library: Callable[[], Library | None], writer: Writer | None = None) -> Bot:
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
        writer=writer,
    )


def make_desk() -> Desk:
    return Desk(read_policies(), time.time, new_id)


def exact_library(settings: Settings, engine: Engine, revision: str = "live") -> Library:
    """A revision searched exactly, as the command line, suites and replay do; LookupError if there is none."""
    embedder = make_embedder(settings)
    with engine.connect() as conn:
        return open_library(conn, find_revision(conn, revision), embedder)
