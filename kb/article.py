"""What an article is, once read: plain values that know nothing of files, SQL or HTML pages."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["draft", "in_review", "published", "archived"]
BlockKind = Literal["text", "steps", "list", "code", "quote", "table"]

TOP = "top"
"""Anchor of the words that stand before an article's first heading."""


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, list, table or code block of a section.

    `markdown` holds no image and no raw HTML; `text` is what a reader sees (NFC, white space
    collapsed) and stands word for word in its section's `text`.
    """

    kind: BlockKind
    markdown: str
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """A citable part of an article: a heading and what stands under it, up to the next heading."""

    anchor: str
    title: str
    level: int
    path: tuple[str, ...]
    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        return " ".join(block.text for block in self.blocks)


@dataclass(frozen=True, slots=True)
class Article:
    """One article in one language. `digest` is the content hash of its id, locale and source text."""

    id: str
    locale: str
    title: str
    summary: str
    digest: str
    body: str
    sections: tuple[Section, ...]
    questions: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    status: Status = "published"
    updated: str | None = None
    redirect_from: tuple[str, ...] = ()
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def body_hash(self) -> str:
        """What a translation's `source_revision` names: the first 16 hex digits of the body's SHA-256."""
        return hashlib.sha256(self.body.strip().encode()).hexdigest()[:16]

    def section(self, anchor: str) -> Section | None:
        return next((s for s in self.sections if s.anchor == anchor), None)

    def url(self, anchor: str = "") -> str:
        """Root-relative address of the article's page, at one of its sections."""
        return f"/help/{self.locale}/{self.id}" + (f"#{anchor}" if anchor else "")


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a sentence of an answer comes from; `quote` stands verbatim in that section of that revision."""

    n: int
    article: str
    locale: str
    title: str
    section: str
    anchor: str
    url: str
    quote: str
    revision: str
