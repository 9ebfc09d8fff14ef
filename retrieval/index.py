"""Searches one revision: candidates from Chroma and tantivy, scored again with the exact vectors from SQL.

Knows passages and vectors; nothing of questions' meaning, conversations or what is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.analyze import content_terms
from retrieval.coverage import Coverage
from retrieval.embed import Embedder, Vectors
from retrieval.fuse import fuse_scores
from retrieval.lexical import LexicalIndex
from retrieval.passage import Hit, Passage
from retrieval.rank import ArticleModel, Ranked, rank_articles
from retrieval.spell import Speller
from retrieval.thesaurus import Thesaurus

CANDIDATES = 64
FALLBACK = "en"
SPELLED = "en"
# How much the words that a section shares with the question count beside its cosine.
TERMS_SHARE = 0.2

Propose = Callable[[Vectors, int], Sequence[str] | None]
"""Takes a question's vector and n, gives the hashes of passages likely near it, or None when it cannot."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, best first, as passages and as articles. `question` is what was searched, mended
    and with the glossary's words.
    `degraded`: the vector index did not answer, so the exact product did."""

    question: str
    hits: tuple[Hit, ...]
    articles: tuple[Ranked, ...]
    vector: Vectors
    degraded: bool = False


class Index:
    """One revision in memory. Immutable: a new revision is a new Index."""

    def __init__(
        self,
        revision: str,
        passages: Sequence[Passage],
        vectors: Vectors,
        embedder: Embedder,
        propose: Propose | None = None,
        thesaurus: Thesaurus | None = None,
    ) -> None:
        self.revision = revision
        self.passages = tuple(passages)
        self.vectors = vectors
        self.model = embedder.name
        self._embedder = embedder
        self._propose = propose
        self._lexical = LexicalIndex(self.passages)
        self.coverage = Coverage(self.passages)
        self._model = ArticleModel(self.passages, vectors)
        self._speller = Speller((p.embedded for p in self.passages), embedder.words)
        self._thesaurus = thesaurus or Thesaurus()
        self._rows = {p.hash: row for row, p in enumerate(self.passages)}
        self._locales = np.array([p.locale for p in self.passages])

    def exact(self) -> Index:
        """The same revision, searched without the vector index: what the gate, replay and the command line use."""
        twin = object.__new__(Index)
        twin.__dict__.update(self.__dict__ | {"_propose": None})
        return twin

    def reads(self, locale: str) -> bool:
        """Whether the vectors mean anything in this language."""
        return bool({"*", locale.split("-")[0]} & self._embedder.reads)

    def search(self, question: str, locale: str = FALLBACK, k: int = 20) -> Found:
        """The `k` best passages in the question's language, or in English where that language has none."""
        return self.search_all([question], locale, k)[0]

    def search_all(self, questions: Sequence[str], locale: str = FALLBACK, k: int = 20) -> list[Found]:
        """Several questions at the cost of one embedding call."""
        if not questions:
            return []
        spelled = [self._speller.correct(q) if locale.startswith(SPELLED) else q for q in questions]
        # The vectors know what words mean; the glossary is for what is found by its words.
        worded = [self._thesaurus.expand(q, locale) for q in spelled]
        vectors = self._embedder.embed(spelled)
        return [self._search(text, vector, locale, k) for text, vector in zip(worded, vectors, strict=True)]

    def rank_sections(self, article: str, locale: str, question: str, vector: Vectors) -> list[str]:
        """Anchors of all the article's sections, best first for this question."""
        wanted = set(content_terms(question, locale))
        best: dict[str, float] = {}
        for row, passage in enumerate(self.passages):
            if passage.kind != "section" or (passage.article, passage.locale) != (article, locale):
                continue
            held = wanted & set(content_terms(" ".join([*passage.path, passage.text]), locale))
            score = float(self.vectors[row] @ vector) + TERMS_SHARE * len(held) / max(1, len(wanted))
            best[passage.anchor] = max(score, best.get(passage.anchor, -1.0))
        return sorted(best, key=lambda anchor: -best[anchor])

    def _search(self, question: str, vector: Vectors, locale: str, k: int) -> Found:
        if not self.passages:
            return Found(question, (), (), vector)
        dense_rows, degraded = self._near(vector)
        lexical = dict(self._lexical.search(question, locale, 4 * CANDIDATES))
        allowed = self._allowed(locale)
        rows = np.array(sorted(r for r in {*dense_rows, *lexical} if allowed[r]), dtype=np.int64)
        if not rows.size:
            rows = np.flatnonzero(allowed)
        dense = (self.vectors[rows] @ vector).astype(np.float64)
        bm25 = np.array([lexical.get(int(row), 0.0) for row in rows])
        reads = self.reads(locale)
        scores = fuse_scores(dense, bm25, reads=reads)
        order = sorted(range(len(rows)), key=lambda i: (-scores[i], self.passages[rows[i]].hash))
        hits = tuple(Hit(self.passages[rows[i]], float(scores[i]), float(dense[i]), float(bm25[i])) for i in order)
        wanted = self.coverage.weigh(question, locale)
        ranked = rank_articles(wanted, hits, self.coverage, self._model if reads else None, vector)
        return Found(question, hits[:k], tuple(ranked), vector, degraded)

    def _near(self, vector: Vectors) -> tuple[Sequence[int], bool]:
        if self._propose is not None:
            # Asked for more than needed: the folder also holds passages of other revisions.
            hashes = self._propose(vector, 2 * CANDIDATES)
            rows = [self._rows[h] for h in hashes or () if h in self._rows][:CANDIDATES]
            if len(rows) == min(CANDIDATES, len(self.passages)):
                return rows, False
            # Too few live candidates is the index's fault only if it did not answer at all.
            return self._exact_rows(vector), hashes is None
        return self._exact_rows(vector), False

    def _exact_rows(self, vector: Vectors) -> Sequence[int]:
        scores = self.vectors @ vector
        n = min(CANDIDATES, len(scores))
        return [int(row) for row in np.argpartition(-scores, n - 1)[:n]]

    def _allowed(self, locale: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        wanted = np.isin(self._locales, [locale, locale.split("-")[0], FALLBACK])
        return wanted if wanted.any() else np.ones(len(self._locales), dtype=bool)
