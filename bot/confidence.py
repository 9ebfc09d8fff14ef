"""Applies fitted coefficients to what a search found: is the best article right, is it our subject at all?

Knows numbers only. They are fitted by `callboard eval calibrate` and kept as plain JSON and arrays, so that serving
needs no training library.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHIPPED = Path(__file__).parent / "confidence.json"
FAMILIAR = 0.5

Features = dict[str, float]


@dataclass(frozen=True, slots=True)
class Logistic:
    """Weights by feature name."""

    weights: Mapping[str, float]
    bias: float

    def probability(self, features: Features) -> float:
        total = self.bias + sum(weight * features[name] for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, total))))


@dataclass(frozen=True, slots=True)
class Kernel:
    """Kernel ridge regression with a Gaussian kernel on questions' unit vectors: `points` (n, d) are questions whose
    answer is known, `weights` (n,) per name; the values lie about −1 (no) … 1 (yes)."""

    points: NDArray[np.float32]
    weights: Mapping[str, NDArray[np.float64]]
    width: float

    def values(self, vector: NDArray[np.float32]) -> Features:
        near = np.exp(-2 * self.width * (1 - self.points @ vector))
        return {name: float(near @ weights) for name, weights in self.weights.items()}


@dataclass(frozen=True, slots=True)
class Fit:
    """`right`: the best article answers, which is what a reply reports; `covered`: some article answers, which
    decides: where the best is wrong but another is right, a person is no more right than the bot.
    `subject`: the question is about what the articles are about. From `answer` on (of `covered`) the article
    answers; below `subject_from` the question is none of ours."""

    right: Logistic
    covered: Logistic
    subject: Logistic
    answer: float
    subject_from: float
    kernel: Kernel | None = None


@dataclass(frozen=True, slots=True)
class Confidence:
    """Two fits: `own` knows which questions these very articles answer, `general` serves any other articles."""

    own: Fit
    general: Fit
    model: str
    articles: frozenset[str]

    def fit_for(self, model: str, articles: Iterable[str]) -> Fit:
        """`own` where at least half of the live articles are those it was fitted on, with the same vectors."""
        ids = set(articles)
        familiar = len(ids & self.articles) >= FAMILIAR * len(ids)
        return self.own if familiar and model == self.model else self.general


def read_confidence(path: Path = SHIPPED) -> Confidence:
    """`path` and, beside it, the kernel's arrays as .npz."""
    data = json.loads(path.read_text(encoding="utf-8"))
    with np.load(path.with_suffix(".npz")) as arrays:
        weights = {name: arrays[name].astype(np.float64) for name in data["kernel"]["names"]}
        kernel = Kernel(arrays["points"].astype(np.float32), weights, data["kernel"]["width"])
    return Confidence(
        own=_fit(data["own"], kernel),
        general=_fit(data["general"], None),
        model=data["model"],
        articles=frozenset(data["articles"]),
    )


def _fit(data: dict[str, Any], kernel: Kernel | None) -> Fit:
    models = {name: Logistic(**data[name]) for name in ("right", "covered", "subject")}
    return Fit(**models, answer=data["answer"], subject_from=data["subject_from"], kernel=kernel)
