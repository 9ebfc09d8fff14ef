"""Fits the confidence model on a suite and chooses its thresholds; the bot applies the numbers without scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict

from bot.ask import SEARCHED
from bot.confidence import FEATURES, Features
from bot.judge import read_features
from bot.library import Library
from eval.case import Case

FOLDS = 5
SUBJECT = ("dense", "coverage", "known", "length")
MAX_WRONG = 0.05


@dataclass(frozen=True, slots=True)
class Example:
    """A case's features; `right`: its best article is a right one; `subject`: it is about our subject."""

    features: Features
    right: bool
    answerable: bool
    subject: bool
    group: str


def read_examples(library: Library, cases: Sequence[Case]) -> list[Example]:
    """Cases that the screen or small talk take, and those where several kinds are right, teach nothing here."""
    examples = []
    for case in cases:
        if case.expect.safety or not _plain(case):
            continue
        found = library.index.search(case.question, case.locale, SEARCHED)
        top = found.articles[0].article if found.articles else ""
        examples.append(
            Example(
                features=read_features(library, case.locale, found),
                right=top in case.expect.articles,
                answerable=bool(case.expect.articles),
                subject="smalltalk" not in case.expect.kinds,
                # Cases about one article stay on one side of every split.
                group=case.expect.articles[0] if case.expect.articles else case.id,
            )
        )
    return examples


def fit_confidence(examples: Sequence[Example]) -> dict[str, Any]:
    """The content of confidence.json, with what cross-validation says of it."""
    groups = [e.group for e in examples]
    right, right_p = _fit(examples, FEATURES, groups, lambda e: e.right)
    subject, subject_p = _fit(examples, SUBJECT, groups, lambda e: e.subject)
    answer = _answer_from(examples, right_p)
    subject_from = _best_split(subject_p, np.array([e.subject for e in examples]), np.array(right_p < answer))
    labels = np.array([e.right for e in examples], dtype=float)
    return {
        "right": right,
        "subject": subject,
        "answer": round(answer, 4),
        "subject_from": round(subject_from, 4),
        "fitted_on": {"n": len(examples), "right": int(labels.sum())},
        "cross_validated": {
            "brier": round(float(np.mean((right_p - labels) ** 2)), 4),
            "auroc": round(_auroc(right_p, labels), 4),
            "wrong_answers": round(float(np.mean((right_p >= answer)[labels == 0])), 4),
            "coverage": round(float(np.mean((right_p >= answer)[labels == 1])), 4),
        },
    }


def _plain(case: Case) -> bool:
    kinds = case.expect.kinds
    return "human" not in case.tags and len(kinds) == 1 and "gibberish" not in case.tags and "greeting" not in case.tags


def _fit(
    examples: Sequence[Example], names: Sequence[str], groups: Sequence[str], label: Callable[[Example], bool]
) -> tuple[dict[str, Any], NDArray[np.float64]]:
    x = np.array([[getattr(e.features, name) for name in names] for e in examples])
    y = np.array([label(e) for e in examples])
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-9
    model = LogisticRegression(C=1.0, max_iter=2000)
    held_out = cross_val_predict(
        model, (x - mean) / scale, y, groups=groups, cv=GroupKFold(FOLDS), method="predict_proba"
    )
    model.fit((x - mean) / scale, y)
    weights = model.coef_[0] / scale
    bias = float(model.intercept_[0] - weights @ mean)
    named = {name: round(float(w), 6) for name, w in zip(names, weights, strict=True)}
    return {"weights": named, "bias": round(bias, 6)}, held_out[:, 1]


def _answer_from(examples: Sequence[Example], p: NDArray[np.float64]) -> float:
    """The threshold with the most right decisions among those that answer at most MAX_WRONG of the unanswerable."""
    answerable = np.array([e.answerable for e in examples])
    right = np.array([e.right for e in examples])
    best, chosen = -1.0, 0.5
    for threshold in np.unique(np.round(p, 3)):
        answers = p >= threshold
        if answers[~answerable].mean() > MAX_WRONG:
            continue
        good = float((answers & right).sum() + (~answers & ~answerable).sum())
        if good > best:
            best, chosen = good, float(threshold)
    return chosen


def _best_split(p: NDArray[np.float64], truth: NDArray[np.bool_], asked: NDArray[np.bool_]) -> float:
    """The threshold that best parts the subject from everything else, among the cases that are not answered."""
    p, truth = p[asked], truth[asked]
    scores = [((p >= t) == truth).mean() for t in np.unique(np.round(p, 3))]
    return float(np.unique(np.round(p, 3))[int(np.argmax(scores))]) if len(scores) else 0.5


def _auroc(p: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    """Mann and Whitney's statistic: how often a right case is surer than a wrong one."""
    right, wrong = p[labels == 1], p[labels == 0]
    if not len(right) or not len(wrong):
        return 0.5
    return float(np.mean((right[:, None] > wrong) + 0.5 * (right[:, None] == wrong)))
