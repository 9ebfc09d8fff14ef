"""Fits what labelled questions teach: kernel regressions on their vectors, and how articles are put in order.

Knows arrays; nothing of cases, thresholds or files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve
from scipy.optimize import minimize
from sklearn.model_selection import KFold

from bot.judge import SHARPNESS
from bot.lessons import EVIDENCE, TAUGHT
from retrieval.embed import Vectors
from retrieval.rank import WEIGHTS

FOLDS = 8
WIDTH = 1.0
RIDGE = 0.1
OWNER_RIDGE = 0.3
PULL = 0.003
AMONG = 25
NAMES = (*EVIDENCE, TAUGHT)

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pupil:
    """What is learned from: `vectors` (n, d) of the labelled questions, `judged` (n,) targets by name (−1, 0 unknown,
    1), `owners` (n, articles) of 0 and 1; and the articles' own questions with their owners."""

    vectors: Vectors
    judged: Mapping[str, Array]
    owners: Array
    own: Vectors
    own_owners: Array


@dataclass(frozen=True, slots=True)
class Taught:
    """Values for the labelled questions by models that have not seen them, or the models' weights."""

    judged: dict[str, Array]
    owners: Array

    def part(self, rows: slice) -> Taught:
        """The same of some of the questions."""
        return Taught({name: values[rows] for name, values in self.judged.items()}, self.owners[rows])


def teach(pupil: Pupil, rows: Sequence[int] | Array) -> Taught:
    """Weights of all points: the labelled questions of `rows`, then the articles' own. In closed form
    (Saunders, Gammerman and Vovk 1998); in `judged` both answers weigh alike."""
    points = np.vstack([pupil.vectors[rows], pupil.own])
    gram = near(points, points)
    judged = {}
    for name, target in pupil.judged.items():
        y = np.concatenate([target[rows], np.ones(len(pupil.own))])
        balance = np.where(y > 0, 0.5 / np.mean(y > 0), 0.5 / np.mean(y < 0))
        judged[name] = solve(gram + RIDGE * np.diag(1 / balance), y, assume_a="pos")
    owners = np.vstack([pupil.owners[rows], pupil.own_owners])
    return Taught(judged, np.asarray(solve(gram + OWNER_RIDGE * np.eye(len(points)), owners, assume_a="pos")))


def hold_out(pupil: Pupil) -> Taught:
    """What models say of each labelled question that have not seen it (and know its article from others)."""
    n = len(pupil.vectors)
    held = Taught({name: np.zeros(n) for name in pupil.judged}, np.zeros(pupil.owners.shape))
    for train, test in KFold(min(FOLDS, n), shuffle=True, random_state=0).split(pupil.vectors):
        taught = teach(pupil, train)
        close = near(pupil.vectors[test], np.vstack([pupil.vectors[train], pupil.own]))
        held.owners[test] = close @ taught.owners
        for name, weights in taught.judged.items():
            held.judged[name][test] = close @ weights
    return held


def near(a: Vectors, b: Vectors) -> Array:
    return np.asarray(np.exp(-2 * WIDTH * (1 - a.astype(np.float64) @ b.T.astype(np.float64))))


def fit_order(rows: Sequence[Array], right: Sequence[NDArray[np.bool_]]) -> dict[str, float]:
    """How much each kind of evidence counts: softmax regression over a question's candidates (Cao et al. 2007,
    ListNet's top-one form), pulled towards the weights that serve where nothing was taught. `rows`: for each question
    an array (candidates, len(NAMES)); `right`: which of them answer it."""
    asked = [(row - row.max(axis=0), hit) for row, hit in zip(rows, right, strict=True) if hit.any()]
    start = SHARPNESS * np.array([WEIGHTS.get(name, 0.0) for name in NAMES])
    if not asked:
        return {name: float(w) / SHARPNESS for name, w in zip(NAMES, start, strict=True)}
    scale = np.vstack([row for row, _ in asked]).std(axis=0) + 1e-9
    cost = _cost([(row / scale, hit) for row, hit in asked], start * scale)
    weights = minimize(cost, start * scale, jac=True).x / scale / SHARPNESS
    return {name: round(float(w), 5) for name, w in zip(NAMES, weights, strict=True)}


def _cost(asked: Sequence[tuple[Array, NDArray[np.bool_]]], start: Array) -> Callable[[Array], tuple[float, Array]]:
    def cost(weights: Array) -> tuple[float, Array]:
        total, slope = 0.0, np.zeros_like(weights)
        for row, hit in asked:
            z = row @ weights
            share = np.exp(z - z.max())
            share /= share.sum()
            good = share[hit].sum() + 1e-12
            total -= np.log(good)
            slope -= row.T @ (np.where(hit, share / good, 0.0) - share)
        pulled = weights - start
        return float(total / len(asked) + PULL * pulled @ pulled), slope / len(asked) + 2 * PULL * pulled

    return cost
