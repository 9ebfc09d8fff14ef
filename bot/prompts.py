"""Fills the prompts of `prompts.yaml`; knows their placeholders, not which model reads them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.data import read_yaml

FILE = Path(__file__).parent / "prompts.yaml"
TAG = re.compile(r"<(/?\s*(?:passage|question|message|block)\b)", re.I)
LANGUAGES = {"en": "English", "fr": "French", "es": "Spanish", "ar": "Arabic", "zh": "Simplified Chinese"}

Messages = list[tuple[str, str]]
"""(role, text) pairs, as LangChain takes them."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """`hash`: the first 12 hex digits of the file's SHA-256, kept with what was written."""

    tasks: Mapping[str, Mapping[str, str]]
    hash: str

    def fill(self, task: str, **values: str) -> Messages:
        """The task's messages. Values go in as they are: put foreign text through `enclose` or `inert` first."""
        return [(role, re.sub(r"\{(\w+)\}", lambda m: values[m[1]], text)) for role, text in self.tasks[task].items()]


def enclose(tag: str, text: str, **attributes: str) -> str:
    """`text` between tags that it cannot close itself."""
    named = "".join(f' {name}="{inert(value).replace(chr(34), "")}"' for name, value in attributes.items())
    return f"<{tag}{named}>{inert(text)}</{tag}>"


def inert(text: str) -> str:
    """`text` in which the prompts' own tags are tags no more."""
    return TAG.sub(r"‹\1", text)


def read_prompts(path: Path = FILE) -> Prompts:
    return Prompts(read_yaml(path), hashlib.sha256(path.read_bytes()).hexdigest()[:12])
