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
from bot.judge import GENERAL, OWN, read_features
from bot.lessons import EVIDENCE, TAUGHT, lead, reorder
from bot.library import Library
from bot.screen import Screen
from eval.case import Case
from eval.lessons import AMONG, WIDTH, Pupil, Taught, fit_order, hold_out, teach
from retrieval.index import Found
from retrieval.passage import Passage

FOLDS = 8
SUBJECT = ("near", "centroid", "coverage", "known", "length")
STRENGTH = 0.3
SPOKEN = "en"
MAX_WRONG = 0.08
NEAR_MISS = "near-miss"

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Folds = list[tuple[NDArray[np.int64], NDArray[np.int64]]]


class TooFew(ValueError):
    """The cases cannot teach anything; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Example:
    """A case and what was found for it. `articles`: the right ones; `subject`: None where both ways are right;
    `near_miss`: it is worded like an answerable one; `usual`: it is like what really comes in."""

    locale: str
    found: Found
    articles: tuple[str, ...]
    subject: bool | None
    near_miss: bool
    usual: bool
    group: str


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


def read_examples(library: Library, screen: Screen, cases: Sequence[Case], *, usual: bool) -> list[Example]:
    """Cases that the screen or small talk take teach nothing here, nor those that may be asked back."""
    kept = []
    for case in cases:
        passed = {"human", "greeting", "gibberish", "smalltalk"} & set(case.tags) or "clarify" in case.expect.kinds
        if not passed and case.expect.safety is None and screen.check(case.question) is None:
            kept.append(case)
    found = library.index.search_all([case.question for case in kept], SPOKEN, SEARCHED)
    return [_example(case, f, usual) for case, f in zip(kept, found, strict=True)]


def _example(case: Case, found: Found, usual: bool) -> Example:
    expect = case.expect
    return Example(
        locale=case.locale,
        found=found,
        articles=expect.articles,
        subject=None if len(expect.kinds) > 1 and not expect.articles else "smalltalk" not in expect.kinds,
        near_miss=NEAR_MISS in case.tags and not expect.articles,
        usual=usual,
        # Cases about one article stay on one side of every split.
        group=expect.articles[0] if expect.articles else case.id,
    )


def is_ordinary(case: Case) -> bool:
    """Nothing about the case is a matter of safety, nor near it."""
    near = {"safety", "safety-open", "safety-case", "security"}
    return case.expect.safety is None and not near & set(case.tags)


def fit_confidence(library: Library, examples: Sequence[Example], model: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The content of confidence.json, with what cross-validation by article says of it, and the lessons' arrays.
    TooFew says what is missing."""
    _demand(examples)
    articles = tuple(sorted({id for _, id in library.articles}))
    pupil = _pupil(library, examples, articles)
    held, taught = hold_out(pupil), teach(pupil, range(len(examples)))
    order = fit_order(*_candidates(examples, held, articles))
    ordered = [reorder(e.found, held.owners[n], articles, order) for n, e in enumerate(examples)]
    told = [
        {name: float(values[n]) for name, values in held.judged.items()} | lead(held.owners[n])
        for n in range(len(examples))
    ]
    own = [read_features(f) | t for e, f, t in zip(examples, ordered, told, strict=True)]
    general = [read_features(e.found) for e in examples]
    fitted = {
        "model": model,
        "articles": list(articles),
        "lessons": {"judged": sorted(pupil.judged), "order": order, "width": WIDTH},
        "own": _fit(own, OWN, (*SUBJECT, *pupil.judged), _labels(examples, ordered)),
        "general": _fit(general, GENERAL, SUBJECT, _labels(examples, [e.found for e in examples])),
    }
    points = np.vstack([pupil.vectors, pupil.own]).astype(np.float16)
    weights = {name: w.astype(np.float32) for name, w in taught.judged.items()}
    return fitted, {"points": points, "owners": taught.owners.astype(np.float16), **weights}


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
    """An article's own questions, in the language that the lessons are in."""
    return passage.kind == "question" and passage.locale == SPOKEN


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
        held_out[test] = _model().fit(z[train], truth[train]).predict_proba(z[test])[:, 1]
    model = _model().fit(z[use], truth[use])
    weights = model.coef_[0] / scale
    bias = float(model.intercept_[0] - weights @ mean)
    named = {name: round(float(w), 5) for name, w in zip(names, weights, strict=True)}
    return {"weights": named, "bias": round(bias, 5)}, held_out


def _model() -> LogisticRegression:
    return LogisticRegression(C=STRENGTH, max_iter=3000)


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
