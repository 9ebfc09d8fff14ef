"""Searches one revision: candidates from Chroma and tantivy, scored again with the exact vectors from SQL.

Knows passages and vectors; nothing of questions' meaning, conversations or what is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from retrieval.analyze import content_terms
from retrieval.embed import Embedder, Vectors
from retrieval.fuse import fuse_scores
from retrieval.passage import Hit, Passage
from retrieval.rank import Ranked, rank_articles
from retrieval.spell import Speller
from retrieval.thesaurus import Thesaurus
from retrieval.view import ENGLISH, Texts, View

CANDIDATES = 64
# Anyone may ask in any language code.
MAX_VIEWS = 16
# How much the words that a section shares with the question count beside its cosine.
TERMS_SHARE = 0.2

Propose = Callable[[Vectors, int], Sequence[str] | None]
"""Takes a question's vector and n, gives the hashes of passages likely near it, or None when it cannot."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, best first, as passages and as articles. `texts`: the question as it was searched, by
    language, mended and with the glossary's words. `known` (0…1): the share of its terms that occur anywhere; `length`:
    their number. `degraded`: the vector index did not answer, so the exact product did."""

    texts: Texts
    hits: tuple[Hit, ...]
    articles: tuple[Ranked, ...]
    vector: Vectors
    known: float = 0.0
    length: int = 0
    degraded: bool = False

    @property
    def language(self) -> str:
        """The language it was asked in, which stands first in `texts`."""
        return next(iter(self.texts))

    @property
    def question(self) -> str:
        return self.texts[self.language]


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
        self._speller = Speller((p.embedded for p in self.passages if p.locale == ENGLISH), embedder.words)
        self.thesaurus = thesaurus or Thesaurus()
        self._views: dict[str, View] = {}

    def exact(self) -> Index:
        """The same revision, searched without the vector index: what the gate, replay and the command line use."""
        twin = object.__new__(Index)
        twin.__dict__.update(self.__dict__ | {"_propose": None})
        return twin

    def view(self, locale: str) -> View:
        """What is searched for this language; the first question in a language builds it, in about a second."""
        language = locale.split("-")[0]
        view = self._views.get(language)
        if view is None:
            # At worst two threads build the same; waiting for each other would hold up every language.
            view = View(language, self.passages, self.vectors, self._embedder.reads)
            if len(self._views) < MAX_VIEWS:
                self._views[language] = view
        return view

    def warm(self) -> None:
        """Build the view of every language there are articles in, so that no question has to wait for it."""
        for locale in sorted({p.locale for p in self.passages}):
            self.view(locale)

    def search(self, question: str, locale: str = ENGLISH, k: int = 20) -> Found:
        """The `k` best passages: in the question's language, and in English of articles that it lacks."""
        return self.search_all([question], locale, k)[0]

    def search_all(self, questions: Sequence[str], locale: str = ENGLISH, k: int = 20) -> list[Found]:
        """Several questions at the cost of one embedding call."""
        if not questions:
            return []
        view = self.view(locale)
        spelled = [self._speller.correct(q) if view.language == ENGLISH else q for q in questions]
        english = [self.thesaurus.translate(q, view.language) if view.language != ENGLISH else q for q in spelled]
        # The vectors know what words mean; the glossary is for what is found by its words.
        texts = [
            {view.language: self.thesaurus.expand(q, view.language)} | ({ENGLISH: e} if e != q else {})
            for q, e in zip(spelled, english, strict=True)
        ]
        if view.crosses:
            vectors = self._embedder.embed(english) * np.array([[1.0] if e else [0.0] for e in english], np.float32)
            vectors = view.cross(questions, vectors)
        else:
            vectors = self._embedder.embed(spelled)
        return [self._search(view, t, vector, k) for t, vector in zip(texts, vectors, strict=True)]

    def spelled(self, text: str, locale: str) -> float:
        """0…1: how word-like a text is; 1 where no article is in its language, which says nothing then."""
        part = self.view(locale).own
        return part.coverage.spelled(text, locale) if part and part.locale == locale.split("-")[0] else 1.0

    def rank_sections(self, article: str, locale: str, found: Found) -> list[str]:
        """Anchors of all the article's sections, best first for what was asked."""
        view = self.view(found.language)
        text = found.texts.get(locale, found.question)
        wanted = set(content_terms(text, locale))
        best: dict[str, float] = {}
        for row, passage in enumerate(view.passages):
            if passage.kind != "section" or (passage.article, passage.locale) != (article, locale):
                continue
            held = wanted & set(content_terms(" ".join([*passage.path, passage.text]), locale))
            score = float(view.vectors[row] @ found.vector) + TERMS_SHARE * len(held) / max(1, len(wanted))
            best[passage.anchor] = max(score, best.get(passage.anchor, -1.0))
        return sorted(best, key=lambda anchor: -best[anchor])

    def _search(self, view: View, texts: Texts, vector: Vectors, k: int) -> Found:
        if not view.passages or view.own is None:
            return Found(texts, (), (), vector)
        dense_rows, degraded = self._near(view, vector)
        lexical = view.search_words(texts, 4 * CANDIDATES)
        rows = np.array(sorted({*dense_rows, *lexical}), dtype=np.int64)
        dense = (view.vectors[rows] @ vector).astype(np.float64)
        bm25 = np.array([lexical.get(int(row), 0.0) for row in rows])
        scores = fuse_scores(dense, bm25, reads=view.reads)
        order = sorted(range(len(rows)), key=lambda i: (-scores[i], view.passages[rows[i]].hash))
        hits = tuple(Hit(view.passages[rows[i]], float(scores[i]), float(dense[i]), float(bm25[i])) for i in order)
        ranked = rank_articles(hits, view.share(texts), view.model, vector)
        wanted = view.own.coverage.weigh(texts[view.language], view.language)
        known = view.own.coverage.known(wanted)
        return Found(texts, hits[:k], tuple(ranked), vector, known, len(wanted), degraded)

    def _near(self, view: View, vector: Vectors) -> tuple[Sequence[int], bool]:
        if self._propose is None or view.crosses:
            # The folder holds each passage's own vector, not the one that a translation borrows.
            return _nearest(view, vector), False
        # Asked for more than needed: the folder also holds passages of other revisions and languages.
        hashes = self._propose(vector, 2 * CANDIDATES)
        rows = [view.places[h] for h in hashes or () if h in view.places][:CANDIDATES]
        if len(rows) == min(CANDIDATES, len(view.passages)):
            return rows, False
        # Too few live candidates is the index's fault only if it did not answer at all.
        return _nearest(view, vector), hashes is None


def _nearest(view: View, vector: Vectors) -> Sequence[int]:
    scores = view.vectors @ vector
    n = min(CANDIDATES, len(scores))
    return [int(row) for row in np.argpartition(-scores, n - 1)[:n]]
