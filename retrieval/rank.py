"""Ranks articles from the passages found and from a linear model of which vectors belong to which article.

Knows passages, vectors and scores; no question's words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.embed import Vectors
from retrieval.passage import Hit, Passage

Key = tuple[str, str]
"""(locale, article id)"""

POOLED = 3
POOL_WEIGHT = 0.5
MODEL_WEIGHT = 1.5
RIDGE = 5.0


@dataclass(frozen=True, slots=True)
class Ranked:
    """An article and its score; only the order within one search means anything."""

    locale: str
    article: str
    score: float


class ArticleModel:
    """Ridge regression from vectors to articles, each article a class and its passages the examples.

    Cosine asks what a passage is near; this asks what sets an article's passages apart from the others', which
    decides between neighbours that talk of the same things. Hoerl and Kennard (1970); solved in closed form, so the
    same revision gives the same model.
    """

    def __init__(self, passages: Sequence[Passage], vectors: Vectors) -> None:
        self.keys: list[Key] = sorted({(p.locale, p.article) for p in passages})
        self._column = {key: n for n, key in enumerate(self.keys)}
        owner = np.array([self._column[p.locale, p.article] for p in passages], dtype=np.int64)
        # Long articles have many examples; the root keeps them from outweighing short ones.
        weight = 1 / np.sqrt(np.bincount(owner, minlength=1)[owner])
        weight = (weight / weight.mean())[:, None] if len(owner) else weight[:, None]
        x = vectors.astype(np.float64)
        self._mean = (x * weight).sum(axis=0) / max(1, len(x))
        x = x - self._mean
        sums = np.zeros((len(self.keys), x.shape[1]))
        np.add.at(sums, owner, x * weight)
        gram = (x * weight).T @ x + RIDGE * np.eye(x.shape[1])
        self._weights = np.linalg.solve(gram, sums.T)

    def scores(self, vector: Vectors) -> NDArray[np.float64]:
        """One score per article, in the order of `keys`."""
        return np.asarray((vector.astype(np.float64) - self._mean) @ self._weights)

    def score(self, scores: NDArray[np.float64], key: Key) -> float:
        return float(scores[self._column[key]])


def rank_articles(hits: Sequence[Hit], model: ArticleModel | None, vector: Vectors) -> list[Ranked]:
    """Articles best first: the best passage, the mean of the best few, and what the model says.

    Without `model` (the vectors do not read the question's language) passages alone decide.
    """
    found: dict[Key, list[float]] = {}
    for hit in hits:
        found.setdefault((hit.passage.locale, hit.passage.article), []).append(hit.score)
    said = model.scores(vector) if model else None
    ranked = []
    for key, scores in found.items():
        pooled = sum(scores[:POOLED]) / POOLED
        score = scores[0] + POOL_WEIGHT * pooled
        if model is not None and said is not None:
            score += MODEL_WEIGHT * model.score(said, key)
        ranked.append(Ranked(*key, score))
    return sorted(ranked, key=lambda r: (-r.score, r.locale, r.article))
