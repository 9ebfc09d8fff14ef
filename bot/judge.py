"""Weighs what a search found: which article is best, which are its rivals, and how sure that is. Writes nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bot.confidence import Fit
from bot.lessons import EVIDENCE, TAUGHT, Features
from bot.library import Library
from kb.article import Article
from retrieval.index import Found

RIVALS = 3
AMONG = 20
SHARPNESS = 6.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """Probabilities: `right` that `article` answers `text`, `covered` that an article does, `subject` that it is our
    subject at all."""

    text: str
    article: Article | None
    rivals: tuple[Article, ...]
    found: Found
    features: Features
    right: float
    covered: float
    subject: float


def judge_found(library: Library, fit: Fit, text: str, found: Found) -> Judgement:
    told: Features = {}
    if fit.lessons:
        found, told = fit.lessons.apply(found, fit.order)
    articles = [library.articles[ranked.locale, ranked.article] for ranked in found.articles[: RIVALS + 1]]
    features = read_features(found) | told
    right, covered = (m.probability(features) if articles else 0.0 for m in (fit.right, fit.covered))
    subject = fit.subject.probability(features)
    top = articles[0] if articles else None
    return Judgement(text, top, tuple(articles[1:]), found, features, right, covered, subject)


def read_features(found: Found) -> Features:
    """What the confidence is computed from: the best article's evidence (see `retrieval/rank.py`) and `score`, its
    `margin` to the next, `alone` (its share among the first, softmax of scores), `known` (share of the question's
    terms that occur anywhere), `length` (log of 1 + their number)."""
    features = {"known": found.known, "length": math.log1p(found.length)}
    if not found.articles:
        return features | dict.fromkeys((*EVIDENCE, TAUGHT, "score", "margin", "alone"), 0.0)
    top, *others = found.articles[:AMONG]
    weights = [math.exp(SHARPNESS * (ranked.score - top.score)) for ranked in (top, *others)]
    return features | {
        **{name: top.evidence.get(name, 0.0) for name in (*EVIDENCE, TAUGHT)},
        "score": top.score,
        "margin": top.score - (others[0].score if others else 0.0),
        "alone": 1 / sum(weights),
    }


GENERAL = (*EVIDENCE, "margin", "alone", "known", "length")
OWN = (*GENERAL, TAUGHT, "score", "most", "lead", "covers")
