"""What is searched for readers of one language: its own passages, and the English ones of articles it lacks.

Where the embedding model does not read the language, a translation borrows the vectors of its original, section by
section, and a student trained on these pairs reads the question. So an answer in English is found by a question in
French, and adding a language changes nothing for any other. Knows passages and vectors of one revision.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from retrieval.coverage import Coverage, Key
from retrieval.embed import Vectors
from retrieval.lexical import LexicalIndex
from retrieval.passage import Passage
from retrieval.rank import ArticleModel
from retrieval.student import Student, unit

ENGLISH = "en"

Rows = NDArray[np.int64]
Texts = Mapping[str, str]
"""A question by language: as it was asked, and its words in English."""


@dataclass(frozen=True, slots=True)
class Part:
    """The passages of a view that are in one language; `rows` are their places in the view."""

    locale: str
    rows: Rows
    lexical: LexicalIndex
    coverage: Coverage


class View:
    """`rows` are the passages' places in the revision. `reads`: the vectors mean something for a question in
    `language`; `crosses`: they do so by way of the student."""

    def __init__(self, language: str, passages: Sequence[Passage], vectors: Vectors, readable: frozenset[str]) -> None:
        self.language = language
        self.rows = _choose(language, passages)
        self.passages = [passages[row] for row in self.rows]
        reads = bool({"*", language} & readable)
        self.vectors, self._student = vectors[self.rows], None
        if not reads and ENGLISH in readable:
            self.vectors, self._student = _lend(self.passages, self.vectors, passages, vectors)
        self.crosses = self._student is not None
        self.reads = reads or self.crosses
        self.places = {p.hash: n for n, p in enumerate(self.passages)}
        self.parts = [self._part(locale) for locale in dict.fromkeys(p.locale for p in self.passages)]

    @cached_property
    def model(self) -> ArticleModel | None:
        return ArticleModel(self.passages, self.vectors) if self.reads else None

    def cross(self, questions: Sequence[str], english: Vectors) -> Vectors:
        """The vectors to search with: what the student reads in the questions, and `english`, the vectors of their
        words in English (zeros where there are none)."""
        return unit(self._student.embed(questions) + english) if self._student else english

    def search_words(self, texts: Texts, k: int) -> dict[int, float]:
        """BM25 by row, each language's best being 1."""
        found: dict[int, float] = {}
        for part in self.parts:
            hits = part.lexical.search(self._text(texts, part.locale), part.locale, k)
            top = hits[0][1] if hits else 1.0
            found |= {int(part.rows[row]): score / top for row, score in hits}
        return found

    def share(self, texts: Texts) -> dict[Key, float]:
        """For each article, the weighted share of the question's terms that it holds, in its own language."""
        shares: dict[Key, float] = {}
        for part in self.parts:
            wanted = part.coverage.weigh(self._text(texts, part.locale), part.locale)
            shares |= {key: part.coverage.share(wanted, key) for key in part.coverage.articles}
        return shares

    @property
    def own(self) -> Part | None:
        """The part in the readers' own language, or else the first."""
        return next((p for p in self.parts if p.locale == self.language), self.parts[0] if self.parts else None)

    def _part(self, locale: str) -> Part:
        rows = np.array([n for n, p in enumerate(self.passages) if p.locale == locale], dtype=np.int64)
        mine = [self.passages[row] for row in rows]
        return Part(locale, rows, LexicalIndex(mine), Coverage(mine))

    def _text(self, texts: Texts, locale: str) -> str:
        return texts.get(locale) or texts[self.language]


def _choose(language: str, passages: Sequence[Passage]) -> Rows:
    """The language's passages and the English ones of articles it lacks; all passages where there is neither."""
    own = {p.article for p in passages if p.locale == language}
    rows = [n for n, p in enumerate(passages) if p.locale == language or (p.locale == ENGLISH and p.article not in own)]
    return np.array(rows or range(len(passages)), dtype=np.int64)


def own_vectors(passages: Sequence[Passage], readable: frozenset[str]) -> list[Passage]:
    """Those whose own vector is searched: the others are translations that borrow their original's, because the model
    would read nothing in them."""
    originals = {p.article for p in passages if p.locale == ENGLISH} if ENGLISH in readable else set()
    return [p for p in passages if {"*", p.locale.split("-")[0]} & readable or p.article not in originals]


def _lend(
    mine: Sequence[Passage], own: Vectors, passages: Sequence[Passage], vectors: Vectors
) -> tuple[Vectors, Student | None]:
    """The vectors of `mine` with those of the originals in place of translations, and the student taught by them."""
    originals = _originals(passages, vectors)
    taught = [n for n, p in enumerate(mine) if p.locale != ENGLISH and _place(p) in originals]
    if not taught:
        return own, None
    lent = own.copy()
    lent[taught] = [originals[_place(mine[n])] for n in taught]
    student = Student([mine[n].text for n in taught], lent[taught])
    alone = [n for n, p in enumerate(mine) if p.locale != ENGLISH and _place(p) not in originals]
    if alone:
        lent[alone] = student.embed([mine[n].text for n in alone])
    return lent, student


def _originals(passages: Sequence[Passage], vectors: Vectors) -> dict[tuple[str, str, str], Vectors]:
    """English vectors by article, kind and anchor. Translators write questions of their own, so that any of them
    stands for all of the original's, its title among them."""
    found: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for row, p in enumerate(passages):
        if p.locale == ENGLISH:
            found[_place(p)].append(row)
            if p.kind == "title":
                found[p.article, "question", ""].append(row)
    return {place: unit(vectors[rows].mean(axis=0)) for place, rows in found.items()}


def _place(p: Passage) -> tuple[str, str, str]:
    return p.article, p.kind, p.anchor
