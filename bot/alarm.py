"""A second safety voice: a linear model on the question's vector, for wordings that no lexicon lists.

It can only raise an alarm, never lower one, and it is heard after the lexicons because it needs the embedding. Knows
numbers only; they are fitted by `callboard eval calibrate`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.reply import Flag, Severity

SHIPPED = Path(__file__).parent / "alarm.json"
SEVERITY: dict[str, Severity] = {"account_takeover": "P2", "payment_fraud": "P2", "legal_privacy": "P2"}
# A false alarm about a life costs a creator more than one about an account.
SURE: dict[Severity, float] = {"P1": 0.85, "P2": 0.75}


@dataclass(frozen=True, slots=True)
class Alarm:
    """Multinomial logistic regression; the class None means that nothing is wrong."""

    model: str
    classes: tuple[str | None, ...]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def check(self, vector: NDArray[np.float32], model: str) -> Flag | None:
        """The likeliest category if it is likely enough; None for vectors of another model, which say nothing here."""
        if model != self.model:
            return None
        scores = self.weights @ vector + self.bias
        shares = np.exp(scores - scores.max())
        return decide(shares / shares.sum(), self.classes)


def decide(shares: NDArray[np.float64], classes: Sequence[str | None]) -> Flag | None:
    """The likeliest category, if something is likely enough to be wrong at all."""
    nothing = classes.index(None)
    order = [n for n in np.argsort(-shares) if n != nothing]
    category = str(classes[order[0]])
    severity = SEVERITY.get(category, "P1")
    return Flag(category, severity) if 1 - shares[nothing] >= SURE[severity] else None


def read_alarm(path: Path = SHIPPED) -> Alarm:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Alarm(data["model"], tuple(data["classes"]), np.array(data["weights"]), np.array(data["bias"]))
