"""The fixed phrases of each language; knows which there are, not when they are said."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bot.data import read_yaml
from bot.pattern import compile_patterns

FOLDER = Path(__file__).parent / "phrases"
DEFAULT = "en"


@dataclass(frozen=True)
class Phrases:
    """One language's phrases. `site` fills the placeholder {site} everywhere."""

    locale: str
    data: dict[str, Any]
    site: str

    def say(self, key: str, **values: object) -> str:
        """The phrase under `key` (dots lead inward: `safety.self_harm.P0`), its placeholders filled."""
        found: Any = self.data
        for part in key.split("."):
            found = found[part]
        return str(found).format(site=self.site, **values).strip()

    @cached_property
    def patterns(self) -> dict[str, Any]:
        keys = ("greetings", "thanks_words", "human_words", "about_bot", "goodbye_words")
        return {key: compile_patterns(self.data["intents"][key]) for key in keys}


class Phrasebook:
    """Phrases by locale, with English where a language has none."""

    def __init__(self, books: dict[str, Phrases]) -> None:
        self._books = books

    @property
    def locales(self) -> tuple[str, ...]:
        return tuple(self._books)

    def __getitem__(self, locale: str) -> Phrases:
        return self._books.get(locale) or self._books.get(locale.split("-")[0]) or self._books[DEFAULT]


def read_phrases(site: str, folder: Path = FOLDER) -> Phrasebook:
    books = {}
    for file in sorted(folder.glob("*.yaml")):
        books[file.stem] = Phrases(file.stem, read_yaml(file), site)
    return Phrasebook(books)
