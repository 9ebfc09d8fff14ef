"""Applies fitted coefficients to what a search found: how likely is the best article right, is it our subject at all.

Knows numbers only. The coefficients are fitted by `callboard eval calibrate` and stored as plain JSON.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

SHIPPED = Path(__file__).parent / "confidence.json"
FEATURES = ("dense", "section", "asked", "coverage", "margin", "known", "length")


@dataclass(frozen=True, slots=True)
class Features:
    """What is known of a search's best article. Cosines −1…1, shares 0…1.

    dense: best cosine of any of its passages; section: of its sections; asked: of its title and questions;
    coverage: weighted share of the question's terms in it; margin: its score above the next article's;
    known: share of the terms known at all; length: log of 1 + the number of terms.
    """

    dense: float
    section: float
    asked: float
    coverage: float
    margin: float
    known: float
    length: float


@dataclass(frozen=True, slots=True)
class Logistic:
    weights: dict[str, float]
    bias: float

    def probability(self, features: Features) -> float:
        total = self.bias + sum(self.weights[name] * getattr(features, name) for name in self.weights)
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, total))))


@dataclass(frozen=True, slots=True)
class Confidence:
    """`right`: the best article answers; `subject`: the question is about what the articles are about.
    From `answer` on, the article answers; below `subject_from`, the question is none of ours."""

    right: Logistic
    subject: Logistic
    answer: float
    subject_from: float


def read_confidence(path: Path = SHIPPED) -> Confidence:
    data = json.loads(path.read_text(encoding="utf-8"))
    return Confidence(
        right=Logistic(**data["right"]),
        subject=Logistic(**data["subject"]),
        answer=data["answer"],
        subject_from=data["subject_from"],
    )
