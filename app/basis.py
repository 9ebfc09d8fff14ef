"""Names what replies rest on besides the articles, each by name or hash, so that a change can be told later."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from app.settings import Settings
from bot.alarm import SHIPPED as ALARM
from bot.phrases import FOLDER as PHRASES
from bot.prompts import read_prompts
from bot.screen import LEXICONS
from handoff.policy import SHIPPED as POLICIES
from retrieval.spell import SHORTHAND

ROOT = Path(__file__).parent.parent
ROOMS = ("kb", "retrieval", "handoff", "bot")
PACKAGES = ("torch", "sentence-transformers", "tantivy", "numpy", "py3langid")


def name_basis(settings: Settings, confidence: Path) -> dict[str, str]:
    """{what: its name, or the hash of its files}. The embedding model is the revision in hand's, so not here."""
    code = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return {
        "confidence": hash_files([confidence, confidence.with_suffix(".npz")]),
        "alarm": hash_files([ALARM]),
        "lexicons": hash_files(LEXICONS.glob("*.yaml")),
        "phrases": hash_files(PHRASES.glob("*.yaml")),
        "policies": hash_files(POLICIES.glob("*.yaml")),
        "site_name": settings.site_name,
        "llm": settings.llm,
        "prompts": read_prompts().hash if settings.llm else "",
        "code": hash_files([*code, SHORTHAND]),
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
    }


def hash_files(paths: Iterable[Path]) -> str:
    """One short hash of the files' names and contents, whatever order they come in and wherever they lie."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
