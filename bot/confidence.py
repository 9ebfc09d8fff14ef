"""Applies fitted coefficients to what a search found: is the best article right, is it our subject at all?

Knows numbers only. They are fitted by `callboard eval calibrate` and kept as plain JSON and arrays, so that serving
needs no training library.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bot.lessons import Features, Lessons

SHIPPED = Path(__file__).parent / "confidence.json"
FAMILIAR = 0.5


@dataclass(frozen=True, slots=True)
class Logistic:
    """Weights by feature name."""

    weights: Mapping[str, float]
    bias: float

    def probability(self, features: Features) -> float:
        total = self.bias + sum(weight * features[name] for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, total))))


@dataclass(frozen=True, slots=True)
class Fit:
    """`right`: the best article answers, which is what a reply reports; `covered`: some article answers, which
    decides: where the best is wrong but another is right, a person is no more right than the bot.
    `subject`: the question is about what the articles are about. From `answer` on (of `covered`) the article
    answers; below `subject_from` the question is none of ours. `order`: how much each kind of
    evidence counts where lessons put articles in order."""

    right: Logistic
    covered: Logistic
    subject: Logistic
    answer: float
    subject_from: float
    lessons: Lessons | None = None
    order: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Confidence:
    """`own` knows which questions these very articles answer, `crossed` the same for languages that borrow vectors
    (None if it was taught nothing in them), `general` serves any other articles."""

    own: Fit
    crossed: Fit | None
    general: Fit
    model: str
    articles: frozenset[str]

    def fit_for(self, model: str, articles: Iterable[str], *, reads: bool = True, crosses: bool = False) -> Fit:
        """`own` or `crossed` where at least half of the live articles are those they were fitted on, with the same
        vectors, and these `reads` the question's language, in itself or because it `crosses` to English."""
        ids = set(articles)
        familiar = len(ids & self.articles) >= FAMILIAR * len(ids) and model == self.model
        fit = self.crossed if crosses else self.own
        return fit if familiar and reads and fit else self.general


def read_confidence(path: Path = SHIPPED) -> Confidence:
    """`path` and, beside it, the lessons' arrays as .npz."""
    data = json.loads(path.read_text(encoding="utf-8"))
    with np.load(path.with_suffix(".npz")) as arrays:
        own = _lessons(data, "own", arrays)
        crossed = _lessons(data, "crossed", arrays) if data["crossed"] else None
    return Confidence(
        own=_fit(data["own"], own),
        crossed=_fit(data["crossed"], crossed) if data["crossed"] else None,
        general=_fit(data["general"], None),
        model=data["model"],
        articles=frozenset(data["articles"]),
    )


def _lessons(data: dict[str, Any], name: str, arrays: Mapping[str, Any]) -> Lessons:
    about = data["lessons"]
    return Lessons(
        points=arrays[f"{name}.points"].astype(np.float32),
        judged={key: arrays[f"{name}.{key}"].astype(np.float64) for key in about["judged"]},
        owners=arrays[f"{name}.owners"].astype(np.float32),
        articles=tuple(data["articles"]),
        width=about["width"],
    )


def _fit(data: dict[str, Any], lessons: Lessons | None) -> Fit:
    right, covered, subject = (Logistic(**data[name]) for name in ("right", "covered", "subject"))
    return Fit(right, covered, subject, data["answer"], data["subject_from"], lessons, data.get("order", {}))
