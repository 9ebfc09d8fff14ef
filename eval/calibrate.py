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

from bot.judge import GENERAL, OWN, read_features
from bot.lessons import EVIDENCE, TAUGHT, lead, reorder
from bot.library import Library
from eval.example import Example
from eval.lessons import AMONG, WIDTH, Pupil, Taught, fit_order, hold_out, teach
from retrieval.index import Found
from retrieval.passage import Passage
from retrieval.view import ENGLISH

FOLDS = 8
SUBJECT = ("near", "centroid", "coverage", "known", "length")
STRENGTH = 0.3
MAX_WRONG = 0.08
CERTAIN = 4.0

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Folds = list[tuple[NDArray[np.int64], NDArray[np.int64]]]


class TooFew(ValueError):
    """The cases cannot teach anything; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The examples' truths as arrays of one length, and the splits by article."""

    right: Flags
    answerable: Flags
    subject: Flags
    known: Flags
    usual: Flags
    near_miss: Flags
    folds: Folds


def fit_confidence(library: Library, examples: Sequence[Example], model: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The content of confidence.json, with what cross-validation by article says of it, and the lessons' arrays.
    TooFew says what is missing."""
    plain, crossed = [e for e in examples if not e.crossed], [e for e in examples if e.crossed]
    _demand(plain)
    if crossed:
        _demand(crossed)
    articles = tuple(sorted({id for _, id in library.articles}))
    own = _pupil(library, plain, articles)
    fitted = {
        "model": model,
        "articles": list(articles),
        "lessons": {"judged": sorted(own.judged), "width": WIDTH},
        "own": _fit_taught(plain, hold_out(own), articles),
        "crossed": None,
        "general": _fit_general(plain),
    }
    arrays = _arrays("own", own)
    if crossed:
        # English questions teach the others; the others, whose vectors are guesses, would only blur English.
        both = _pupil(library, [*plain, *crossed], articles)
        fitted["crossed"] = _fit_taught(crossed, hold_out(both).part(slice(len(plain), None)), articles)
        arrays |= _arrays("crossed", both)
    return fitted, arrays


def _arrays(name: str, pupil: Pupil) -> dict[str, Any]:
    """What the lessons are made of, each array under `<fit>.<what>`; points shared by both fits are kept twice."""
    taught = teach(pupil, range(len(pupil.vectors)))
    points = np.vstack([pupil.vectors, pupil.own]).astype(np.float16)
    weights = {f"{name}.{key}": w.astype(np.float32) for key, w in taught.judged.items()}
    return {f"{name}.points": points, f"{name}.owners": taught.owners.astype(np.float16), **weights}


def _fit_general(examples: Sequence[Example]) -> dict[str, Any]:
    found = [e.found for e in examples]
    return _fit([read_features(f) for f in found], GENERAL, SUBJECT, _labels(examples, found))


def _fit_taught(examples: Sequence[Example], held: Taught, articles: tuple[str, ...]) -> dict[str, Any]:
    """`held`: what lessons that have not seen an example say of it."""
    order = fit_order(*_candidates(examples, held, articles))
    ordered = [reorder(e.found, told, articles, order) for e, told in zip(examples, held.owners, strict=True)]
    rows = [
        read_features(found) | {name: float(values[n]) for name, values in held.judged.items()} | lead(held.owners[n])
        for n, found in enumerate(ordered)
    ]
    return {"order": order} | _fit(rows, OWN, (*SUBJECT, *sorted(held.judged)), _labels(examples, ordered))


def _demand(examples: Sequence[Example]) -> None:
    groups, unanswerable = len({e.group for e in examples}), sum(not e.articles for e in examples)
    if groups < FOLDS or not unanswerable or unanswerable == len(examples):
        raise TooFew(
            f"calibrating needs cases about {FOLDS} different things at least, some answerable and some not; there are "
            f"{len(examples)} that teach something, about {groups}, {unanswerable} of them not answerable"
        )


def _pupil(library: Library, examples: Sequence[Example], articles: tuple[str, ...]) -> Pupil:
    column = {article: n for n, article in enumerate(articles)}
    asked = [(p, v) for p, v in zip(library.index.passages, library.index.vectors, strict=True) if _is_taught(p)]
    owners, own_owners = np.zeros((len(examples), len(articles))), np.zeros((len(asked), len(articles)))
    for row, example in enumerate(examples):
        owners[row, [column[a] for a in example.articles if a in column]] = 1.0
    for row, (passage, _) in enumerate(asked):
        own_owners[row, column[passage.article]] = 1.0
    subject = np.array([0.0 if e.subject is None else 1.0 if e.subject else -1.0 for e in examples])
    return Pupil(
        vectors=np.stack([e.found.vector for e in examples]),
        judged={"covers": np.where([bool(e.articles) for e in examples], 1.0, -1.0), "platform": subject},
        owners=owners,
        own=np.array([v for _, v in asked], dtype=np.float32).reshape(len(asked), library.index.vectors.shape[1]),
        own_owners=own_owners,
    )


def _is_taught(passage: Passage) -> bool:
    """An article's own questions; translations borrow the same vectors."""
    return passage.kind == "question" and passage.locale == ENGLISH


def _candidates(
    examples: Sequence[Example], held: Taught, articles: tuple[str, ...]
) -> tuple[list[Array], list[Flags]]:
    column = {article: n for n, article in enumerate(articles)}
    rows, right = [], []
    for example, told in zip(examples, held.owners, strict=True):
        first = example.found.articles[:AMONG]
        if example.articles and first:
            rows.append(np.array([[*(r.evidence[n] for n in EVIDENCE), told[column[r.article]]] for r in first]))
            right.append(np.array([r.article in example.articles for r in first]))
    return rows, right


def _labels(examples: Sequence[Example], found: Sequence[Found]) -> Labels:
    tops = [f.articles[0].article if f.articles else "" for f in found]
    return Labels(
        right=np.array([top in e.articles for top, e in zip(tops, examples, strict=True)]),
        answerable=np.array([bool(e.articles) for e in examples]),
        subject=np.array([bool(e.subject) for e in examples]),
        known=np.array([e.subject is not None for e in examples]),
        usual=np.array([e.usual for e in examples]),
        near_miss=np.array([e.near_miss for e in examples]),
        folds=list(GroupKFold(FOLDS).split(examples, groups=[e.group for e in examples])),
    )


def write_confidence(path: Path, fitted: dict[str, Any], arrays: dict[str, Any]) -> None:
    path.write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")
    np.savez_compressed(path.with_suffix(".npz"), **arrays)


def _fit(
    rows: Sequence[dict[str, float]], names: Sequence[str], subject_names: Sequence[str], labels: Labels
) -> dict[str, Any]:
    everything = np.ones(len(rows), dtype=bool)
    right, right_p = _logistic(rows, names, labels.right, labels.folds, everything)
    # Where another article would have been right, answering and handing over are wrong alike: nothing to learn.
    covered, covered_p = _logistic(rows, names, labels.right, labels.folds, labels.right | ~labels.answerable)
    subject, subject_p = _logistic(rows, subject_names, labels.subject, labels.folds, labels.known)
    if TAUGHT in names:
        answer = _answer_from(covered_p[labels.near_miss], covered_p[~labels.answerable & ~labels.near_miss])
    else:
        # Without lessons a strict bound would silence the bot; both errors count alike.
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
        coefficients, intercept = _coefficients(z[train], truth[train])
        held_out[test] = 1 / (1 + np.exp(-(z[test] @ coefficients + intercept)))
    coefficients, intercept = _coefficients(z[use], truth[use])
    weights = coefficients / scale
    bias = float(intercept - weights @ mean)
    named = {name: round(float(w), 5) for name, w in zip(names, weights, strict=True)}
    return {"weights": named, "bias": round(bias, 5)}, held_out


def _coefficients(z: Array, truth: Flags) -> tuple[Array, float]:
    """Weights and intercept; where all are of one kind there is nothing to tell apart, and only that is said."""
    if truth.all() or not truth.any():
        return np.zeros(z.shape[1]), CERTAIN if truth.all() else -CERTAIN
    model = LogisticRegression(C=STRENGTH, max_iter=3000).fit(z, truth)
    return model.coef_[0], float(model.intercept_[0])


def _answer_from(*unanswerable: Array) -> float:
    """The lowest threshold from which at most MAX_WRONG of the unanswerable questions are answered, near misses
    counting as much as all the others however many there are of each."""
    kinds = [p for p in unanswerable if len(p)]
    cuts = np.unique(np.concatenate([*kinds, [0.5]]) + 1e-4)
    return float(next((cut for cut in cuts if np.mean([(p >= cut).mean() for p in kinds]) <= MAX_WRONG), 0.5))


def _best_split(p: Array, truth: Flags) -> float:
    """The threshold that best parts our subject from everything else, both sides counting alike."""
    if truth.all() or not truth.any():
        return 0.5
    cuts = np.unique(np.round(p, 3))
    scores = [(p[truth] >= cut).mean() + (p[~truth] < cut).mean() for cut in cuts]
    return float(cuts[int(np.argmax(scores))])


def _quality(p: Array, answered: Flags, labels: Labels, among: Flags) -> dict[str, float]:
    if not among.any():
        return {"n": 0}
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
