"""Weighs what a search found: which article is best, which is its rival, and how sure that is. Writes nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bot.confidence import Confidence, Features
from bot.library import Library
from kb.article import Article
from retrieval.analyze import content_terms
from retrieval.index import Found


@dataclass(frozen=True, slots=True)
class Judgement:
    """`right` is the probability that `article` answers `text`; `subject` that it is our subject at all."""

    text: str
    article: Article | None
    rivals: tuple[Article, ...]
    found: Found
    features: Features
    right: float
    subject: float


def judge_found(library: Library, confidence: Confidence, text: str, locale: str, found: Found) -> Judgement:
    articles = [library.articles[ranked.locale, ranked.article] for ranked in found.articles[:4]]
    features = read_features(library, locale, found)
    right = confidence.right.probability(features) if articles else 0.0
    subject = confidence.subject.probability(features)
    top = articles[0] if articles else None
    return Judgement(text, top, tuple(articles[1:]), found, features, right, subject)


def read_features(library: Library, locale: str, found: Found) -> Features:
    text = found.question
    words = len(content_terms(text, locale))
    known = library.coverage.known(text, locale)
    if not found.articles:
        return Features(0.0, 0.0, 0.0, 0.0, 0.0, known, math.log1p(words))
    top, *others = found.articles
    own = [hit for hit in found.hits if (hit.passage.article, hit.passage.locale) == (top.article, top.locale)]
    return Features(
        dense=max((hit.dense for hit in own), default=0.0),
        section=max((hit.dense for hit in own if hit.passage.kind == "section"), default=0.0),
        asked=max((hit.dense for hit in own if hit.passage.kind != "section"), default=0.0),
        coverage=library.coverage.share(text, top.article, top.locale),
        margin=top.score - (others[0].score if others else 0.0),
        known=known,
        length=math.log1p(words),
    )
