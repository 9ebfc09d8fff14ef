"""Ranks articles by all that was found of them: their passages, their words, and a linear model of their vectors.

Knows passages, vectors and terms; nothing of what is answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.coverage import Key
from retrieval.embed import Vectors
from retrieval.passage import Hit, Passage

POOLED = 3
NEAR = 5
RIDGE = 5.0

# Searched at random over the public help centers, XQuAD and the suites' tuning halves; see docs/decisions/.
WEIGHTS = {"best": 1.0, "pooled": 0.4, "coverage": 0.8, "model": 1.5, "centroid": 0.7, "near": 1.0, "asked": 0.4}
# Where the vectors do not read the question's language, what rests on them alone is left out.
WORDS_ONLY = {"best": 1.0, "pooled": 0.4, "coverage": 0.2}


@dataclass(frozen=True, slots=True)
class Ranked:
    """An article with its score and what the score is made of; only the order within one search means anything."""

    locale: str
    article: str
    score: float
    evidence: dict[str, float]


class ArticleModel:
    """Ridge regression from vectors to articles, each article a class and its passages the examples.

    Cosine asks what a passage is near; this asks what sets an article's passages apart from the others', which
    decides between neighbours that talk of the same things. Hoerl and Kennard (1970); solved in closed form, so
    the same revision gives the same model.
    """

    def __init__(self, passages: Sequence[Passage], vectors: Vectors) -> None:
        self._vectors = vectors
        self._rows: dict[Key, list[int]] = {}
        for row, p in enumerate(passages):
            self._rows.setdefault((p.locale, p.article), []).append(row)
        self._questions = np.array([p.kind == "question" for p in passages], dtype=bool)
        self._column = {key: n for n, key in enumerate(self._rows)}
        owner = np.array([self._column[p.locale, p.article] for p in passages], dtype=np.int64)
        size = np.bincount(owner, minlength=1)[owner][:, None]
        x = vectors.astype(np.float64)
        # Long articles have many examples; the root keeps them from outweighing short ones.
        weight = 1 / np.sqrt(size) if len(x) else np.ones((0, 1))
        weight = weight / weight.mean() if len(x) else weight
        self._mean = (x * weight).mean(axis=0) if len(x) else np.zeros(vectors.shape[1])
        centred = (x - self._mean) * weight
        sums, totals = np.zeros((2, len(self._rows), x.shape[1]))
        np.add.at(sums, owner, centred)
        np.add.at(totals, owner, x)
        gram = centred.T @ (x - self._mean) + RIDGE * np.eye(x.shape[1])
        self._weights = np.linalg.solve(gram, sums.T)
        self._centroids = totals / np.maximum(np.linalg.norm(totals, axis=1, keepdims=True), 1e-9)

    def evidence(self, key: Key, vector: Vectors) -> dict[str, float]:
        """What the vectors say of one article: the model's score, and cosines to its centre and nearest passages."""
        column, rows = self._column[key], np.array(self._rows[key])
        cosines = self._vectors[rows] @ vector
        asked = cosines[self._questions[rows]]
        return {
            "model": float((vector - self._mean) @ self._weights[:, column]),
            "centroid": float(self._centroids[column] @ vector),
            "near": _top_mean(cosines, NEAR),
            # Articles that come without questions are not held to have none asked.
            "asked": _top_mean(asked if len(asked) else cosines, POOLED),
        }


def rank_articles(
    hits: Sequence[Hit], share: Mapping[Key, float], model: ArticleModel | None, vector: Vectors
) -> list[Ranked]:
    """Articles best first; `share`: how much of the question's vocabulary each holds. Without `model` (the vectors do
    not read the question's language) words decide."""
    found: dict[Key, list[float]] = {}
    for hit in hits:
        found.setdefault((hit.passage.locale, hit.passage.article), []).append(hit.score)
    weights = WEIGHTS if model else WORDS_ONLY
    ranked = []
    for key, scores in found.items():
        evidence = {
            "best": scores[0],
            "pooled": sum(scores[:POOLED]) / POOLED,
            "coverage": share.get(key, 0.0),
            **(model.evidence(key, vector) if model else {}),
        }
        score = sum(weight * evidence[name] for name, weight in weights.items())
        ranked.append(Ranked(*key, score, evidence))
    return sorted(ranked, key=lambda r: (-r.score, r.locale, r.article))


def _top_mean(values: NDArray[np.float32], n: int) -> float:
    return float(np.mean(np.sort(values)[::-1][:n]))
