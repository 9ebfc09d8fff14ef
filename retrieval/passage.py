"""A passage is what is searched; a hit is a passage found. Cuts articles into passages; knows no index."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from kb.article import Article, Block, Section

MAX_WORDS = 160
PassageKind = Literal["section", "title", "question"]


@dataclass(frozen=True, slots=True)
class Passage:
    """Part of a section; or an article's title or one of its questions, which speak for the whole article
    (`anchor` empty). `path`: the headings above a section's text; on a title, the article's keywords.

    `hash` addresses its content, place included: an unchanged passage keeps its hash, and so its vector.
    """

    hash: str
    locale: str
    article: str
    anchor: str
    kind: PassageKind
    title: str
    path: tuple[str, ...]
    text: str

    @property
    def embedded(self) -> str:
        """What is embedded: the heading path says what a short passage is about."""
        if self.kind != "section":
            return self.text
        return "\n".join([" › ".join([self.title, *self.path]), self.text])


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found. `dense` is the cosine to the question (−1…1), `lexical` its BM25 score as a share of the best in
    its language (0…1), `score` what they are fused to; only the order of `score` within one search means anything."""

    passage: Passage
    score: float
    dense: float
    lexical: float


def cut_articles(articles: Iterable[Article]) -> list[Passage]:
    return [passage for article in articles for passage in cut_article(article)]


def cut_article(article: Article) -> list[Passage]:
    """An article's passages in reading order, then its title and questions. Notices have none."""
    if article.meta.get("kind") == "notice":
        return []
    passages = [
        _passage(article, "section", section.anchor, section.path, text)
        for section in article.sections
        for text in _texts(article, section)
    ]
    passages.append(_passage(article, "title", "", article.keywords, article.title))
    passages += [_passage(article, "question", "", (), question) for question in article.questions]
    return list({p.hash: p for p in passages}.values())


def _texts(article: Article, section: Section) -> Iterator[str]:
    """The section's words in windows of about MAX_WORDS, cut between blocks where that is possible."""
    window: list[str] = [article.summary] if section.anchor == "top" and article.summary else []
    for words in _pieces(section.blocks):
        if window and len(window) + len(words) > MAX_WORDS:
            yield " ".join(window)
            window = []
        window += words
    if window or section.title:
        yield " ".join(window)


def _pieces(blocks: Iterable[Block]) -> Iterator[list[str]]:
    for block in blocks:
        words = block.text.split()
        for start in range(0, len(words), MAX_WORDS):
            yield words[start : start + MAX_WORDS]


def _passage(article: Article, kind: PassageKind, anchor: str, path: tuple[str, ...], text: str) -> Passage:
    key = "\x1f".join([article.locale, article.id, anchor, kind, article.title, *path, "", text])
    digest = hashlib.sha256(key.encode()).hexdigest()[:32]
    return Passage(digest, article.locale, article.id, anchor, kind, article.title, path, text)
