"""Fits the second safety voice on examples that we wrote, and says by cross-validation how it does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from bot.alarm import decide
from retrieval.embed import Embedder

EXAMPLES = Path(__file__).parent / "examples" / "safety.jsonl"
FOLDS = 5
STRENGTH = 5.0
NOTHING = "none"


def fit_alarm(
    embedder: Embedder, ordinary: Sequence[str], examples: Path = EXAMPLES
) -> tuple[dict[str, Any], dict[str, float]]:
    """The content of alarm.json, and its cross-validated quality. `ordinary`: questions that nothing is wrong with."""
    lines = [json.loads(line) for line in examples.read_text(encoding="utf-8").splitlines() if line.strip()]
    texts = [line["text"] for line in lines] + list(ordinary)
    labels = np.array([line["label"] or NOTHING for line in lines] + [NOTHING] * len(ordinary))
    x = embedder.embed(texts)
    said = np.empty(len(texts), dtype=object)
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(x, labels):
        model = _model().fit(x[train], labels[train])
        said[test] = _decide(model.predict_proba(x[test]), list(model.classes_))
    model = _model().fit(x, labels)
    fitted = {
        "model": embedder.name,
        "classes": [None if name == NOTHING else str(name) for name in model.classes_],
        "weights": [[round(float(w), 4) for w in row] for row in model.coef_],
        "bias": [round(float(b), 4) for b in model.intercept_],
    }
    wrong = labels != NOTHING
    told = np.array([s is not None for s in said])
    harmless = np.zeros(len(texts), dtype=bool)
    harmless[len(lines) :] = True
    quality = {
        "examples": float(len(lines)),
        "recall": float(told[wrong].mean()),
        "right category": float(
            np.mean([s == y for s, y in zip(said[wrong & told], labels[wrong & told], strict=True)])
        ),
        "false alarms, look-alikes": float(told[~wrong & ~harmless].mean()),
        "false alarms, ordinary": float(told[harmless].mean()) if harmless.any() else 0.0,
    }
    return fitted, {name: round(value, 4) for name, value in quality.items()}


def _decide(shares: Any, names: list[str]) -> list[str | None]:
    classes = [None if name == NOTHING else str(name) for name in names]
    flags = (decide(row, classes) for row in shares)
    return [flag.category if flag else None for flag in flags]


def _model() -> LogisticRegression:
    return LogisticRegression(C=STRENGTH, max_iter=3000)
