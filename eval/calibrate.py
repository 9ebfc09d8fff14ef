"""Fits the confidence model on suites and chooses its thresholds; the bot applies the numbers without scikit-learn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from bot.ask import SEARCHED
from bot.judge import GENERAL, read_features
from bot.library import Library
from eval.case import Case
from retrieval.embed import Vectors

FOLDS = 8
SUBJECT = ("near", "centroid", "coverage", "known", "length")
STRENGTH = 0.3
WIDTH = 1.0
RIDGE = 0.1
MAX_WRONG = 0.08

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Folds = list[tuple[NDArray[np.int64], NDArray[np.int64]]]


@dataclass(frozen=True, slots=True)
class Example:
    """A case as numbers. `right`: its best article is a right one; `subject`: None where both ways are right;
    `usual`: it is like what really comes in, so thresholds are chosen on it."""

    features: dict[str, float]
    vector: Vectors
    right: bool
    answerable: bool
    subject: bool | None
    usual: bool
    group: str


@dataclass(frozen=True, slots=True)
class Labels:
    """The examples' truths as arrays of one length."""

    right: Flags
    answerable: Flags
    subject: Flags
    known: Flags
    usual: Flags


def read_examples(library: Library, cases: Sequence[Case], *, usual: bool) -> list[Example]:
    """Cases that the screen or small talk take teach nothing here, nor those that may be asked back."""
    examples = []
    for case in cases:
        expect = case.expect
        if expect.safety or "clarify" in expect.kinds or {"human", "greeting", "gibberish"} & set(case.tags):
            continue
        found = library.index.search(case.question, case.locale, SEARCHED)
        top = found.articles[0].article if found.articles else ""
        examples.append(
            Example(
                features=read_features(library, case.locale, found),
                vector=found.vector,
                right=top in expect.articles,
                answerable=bool(expect.articles),
                subject=None if len(expect.kinds) > 1 and not expect.articles else "smalltalk" not in expect.kinds,
                usual=usual,
                # Cases about one article stay on one side of every split.
                group=expect.articles[0] if expect.articles else case.id,
            )
        )
    return examples


def is_ordinary(case: Case) -> bool:
    """Nothing about the case is a matter of safety, nor near it."""
    near = {"safety", "safety-open", "safety-case", "security"}
    return case.expect.safety is None and not near & set(case.tags)


def fit_confidence(library: Library, examples: Sequence[Example], model: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The content of confidence.json, with what cross-validation by article says of it, and the kernel's arrays."""
    folds: Folds = list(GroupKFold(FOLDS).split(examples, groups=[e.group for e in examples]))
    labels = Labels(
        right=np.array([e.right for e in examples]),
        answerable=np.array([e.answerable for e in examples]),
        subject=np.array([bool(e.subject) for e in examples]),
        known=np.array([e.subject is not None for e in examples]),
        usual=np.array([e.usual for e in examples]),
    )
    taught = library.index.vectors[[passage.kind == "question" for passage in library.index.passages]]
    vectors = np.stack([e.vector for e in examples])
    targets = {
        "covers": np.where(labels.answerable, 1.0, -1.0),
        "platform": np.where(labels.subject, 1.0, -1.0) * labels.known,
    }
    held_out = {name: np.zeros(len(examples)) for name in targets}
    for train, test in folds:
        points, weights = _kernel(vectors[train], taught, {name: t[train] for name, t in targets.items()})
        near = _near(vectors[test], points)
        for name in targets:
            held_out[name][test] = near @ weights[name]
    points, weights = _kernel(vectors, taught, targets)
    plain = [dict(e.features) for e in examples]
    taught_rows = [row | {name: float(held_out[name][i]) for name in targets} for i, row in enumerate(plain)]
    fitted = {
        "model": model,
        "articles": sorted({id for _, id in library.articles}),
        "kernel": {"names": sorted(targets), "width": WIDTH},
        "own": _fit(taught_rows, (*GENERAL, "covers"), (*SUBJECT, "covers", "platform"), labels, folds),
        "general": _fit(plain, GENERAL, SUBJECT, labels, folds),
    }
    return fitted, {"points": points.astype(np.float16), **{n: w.astype(np.float32) for n, w in weights.items()}}


def write_confidence(path: Path, fitted: dict[str, Any], arrays: dict[str, Any]) -> None:
    path.write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")
    np.savez_compressed(path.with_suffix(".npz"), **arrays)


def _fit(
    rows: Sequence[dict[str, float]], names: Sequence[str], subject_names: Sequence[str], labels: Labels, folds: Folds
) -> dict[str, Any]:
    everything = np.ones(len(rows), dtype=bool)
    right, right_p = _logistic(rows, names, labels.right, folds, everything)
    # Where another article would have been right, answering and handing over are wrong alike: nothing to learn.
    covered, covered_p = _logistic(rows, names, labels.right, folds, labels.right | ~labels.answerable)
    subject, subject_p = _logistic(rows, subject_names, labels.subject, folds, labels.known)
    if "covers" in names:
        answer = _answer_from(covered_p[labels.usual & ~labels.answerable])
    else:
        # Without the kernel a strict bound would silence the bot; both errors count alike.
        told = labels.right | ~labels.answerable
        answer = _best_split(covered_p[told], labels.right[told])
    unanswered = labels.known & labels.usual & ~labels.answerable
    return {
        "right": right,
        "covered": covered,
        "subject": subject,
        "answer": round(answer, 4),
        "subject_from": round(_best_split(subject_p[unanswered], labels.subject[unanswered]), 4),
        "cross_validated": {
            "usual": _quality(right_p, covered_p >= answer, labels, labels.usual),
            "all": _quality(right_p, covered_p >= answer, labels, everything),
        },
    }


def _kernel(vectors: Vectors, taught: Vectors, targets: dict[str, Array]) -> tuple[Vectors, dict[str, Array]]:
    """Kernel ridge regression, both classes weighing alike. `taught`: the articles' own questions, which they cover.
    Solved in closed form (Saunders, Gammerman and Vovk 1998)."""
    points = np.vstack([vectors, taught])
    gram = _near(points, points)
    weights = {}
    for name, target in targets.items():
        y = np.concatenate([target, np.ones(len(taught))])
        balance = np.where(y > 0, 0.5 / np.mean(y > 0), 0.5 / np.mean(y < 0))
        weights[name] = np.linalg.solve(gram + RIDGE * np.diag(1 / balance), y)
    return points, weights


def _near(a: Vectors, b: Vectors) -> Array:
    return np.asarray(np.exp(-2 * WIDTH * (1 - a.astype(np.float64) @ b.T.astype(np.float64))))


def _logistic(
    rows: Sequence[dict[str, float]], names: Sequence[str], truth: Flags, folds: Folds, use: Flags
) -> tuple[dict[str, Any], Array]:
    """The fitted model, and each example's probability from a model that has not seen its group."""
    x = np.array([[row[name] for name in names] for row in rows])
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-9
    z = (x - mean) / scale
    held_out = np.zeros(len(truth))
    for train, test in folds:
        train = train[use[train]]
        held_out[test] = _model().fit(z[train], truth[train]).predict_proba(z[test])[:, 1]
    model = _model().fit(z[use], truth[use])
    weights = model.coef_[0] / scale
    bias = float(model.intercept_[0] - weights @ mean)
    named = {name: round(float(w), 5) for name, w in zip(names, weights, strict=True)}
    return {"weights": named, "bias": round(bias, 5)}, held_out


def _model() -> LogisticRegression:
    return LogisticRegression(C=STRENGTH, max_iter=3000)


def _answer_from(unanswerable: Array) -> float:
    """The lowest threshold from which at most MAX_WRONG of the unanswerable questions are answered."""
    worst = np.sort(unanswerable)[::-1]
    allowed = int(MAX_WRONG * len(worst))
    return float(worst[allowed]) + 1e-4 if allowed < len(worst) else 0.5


def _best_split(p: Array, truth: Flags) -> float:
    """The threshold that best parts our subject from everything else, both sides counting alike."""
    if truth.all() or not truth.any():
        return 0.5
    cuts = np.unique(np.round(p, 3))
    scores = [(p[truth] >= cut).mean() + (p[~truth] < cut).mean() for cut in cuts]
    return float(cuts[int(np.argmax(scores))])


def _quality(p: Array, answered: Flags, labels: Labels, among: Flags) -> dict[str, float]:
    p, answered, right, answerable = p[among], answered[among], labels.right[among], labels.answerable[among]
    sure, unsure = p[right][:, None], p[~right][None, :]
    values = {
        "n": len(p),
        "auroc": np.mean((sure > unsure) + 0.5 * (sure == unsure)),
        "brier": np.mean((p - right) ** 2),
        "unanswerable answered": answered[~answerable].mean(),
        "answerable answered rightly": (answered & right)[answerable].mean(),
    }
    return {name: round(float(value), 4) for name, value in values.items()}
