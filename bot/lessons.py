"""Applies what labelled questions have taught: which article such a question belongs to, and whether any answers it.

Knows vectors and numbers; they are fitted by `callboard eval calibrate`. Articles that no question taught keep the
place that the search gave them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retrieval.index import Found

Features = dict[str, float]
Floats = NDArray[np.float64]

EVIDENCE = ("best", "pooled", "coverage", "model", "centroid", "near", "asked")
TAUGHT = "taught"


@dataclass(frozen=True, slots=True)
class Lessons:
    """Kernel ridge regression with a Gaussian kernel on questions' unit vectors. `points` (n, d) are questions whose
    answer is known. `judged`: weights (n,) by name, whose values lie about −1 (no) … 1 (yes). `owners` (n, articles):
    weights whose values lie about 0 … 1, columns as in `articles`."""

    points: NDArray[np.float32]
    judged: Mapping[str, Floats]
    owners: NDArray[np.float32]
    articles: tuple[str, ...]
    width: float

    def apply(self, found: Found, order: Mapping[str, float]) -> tuple[Found, Features]:
        """`found` in the order that the lessons give it, and what they say of the question. `order`: how much each
        kind of evidence counts."""
        near = np.exp(-2 * self.width * (1 - self.points @ found.vector))
        told = near @ self.owners
        features = {name: float(near @ weights) for name, weights in self.judged.items()}
        return reorder(found, told, self.articles, order), features | lead(told)


def reorder(found: Found, told: Floats, articles: tuple[str, ...], order: Mapping[str, float]) -> Found:
    """Articles by the weighted sum of their evidence, `told` being the lessons' share of it."""
    column = {article: n for n, article in enumerate(articles)}
    ranked = []
    for item in found.articles:
        taught = float(told[column[item.article]]) if item.article in column else 0.0
        evidence = item.evidence | {TAUGHT: taught}
        score = sum(weight * evidence.get(name, 0.0) for name, weight in order.items())
        ranked.append(replace(item, score=score, evidence=evidence))
    ranked.sort(key=lambda item: (-item.score, item.locale, item.article))
    return replace(found, articles=tuple(ranked))


def lead(told: Floats) -> Features:
    """How strongly the lessons point at one article, and how far it is ahead of the next."""
    first, second = [float(value) for value in np.sort(told)[::-1][:2]] if len(told) > 1 else (0.0, 0.0)
    return {"most": first, "lead": first - second}
