"""Notes what a search weighed, in plain values that can be kept beside a reply. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot.judge import Judgement
from kb.article import Citation

ARTICLES = 5
PASSAGES = 10
SHOWN = 300


def trace_search(judged: Judgement, cited: Iterable[Citation]) -> dict[str, Any]:
    """The question as it was searched, the probabilities, and the best articles and passages with their scores.

    A passage is `used` if its section is among `cited`; titles and questions speak for their whole article.
    """
    sections = {(c.article, c.locale, c.anchor) for c in cited}
    used = sections | {(article, locale, "") for article, locale, _ in sections}
    return {
        "question": judged.found.question,
        "right": round(judged.right, 4),
        "covered": round(judged.covered, 4),
        "subject": round(judged.subject, 4),
        "articles": [
            {"article": ranked.article, "locale": ranked.locale, "score": round(ranked.score, 4)}
            for ranked in judged.found.articles[:ARTICLES]
        ],
        "passages": [
            {
                "hash": hit.passage.hash,
                "article": hit.passage.article,
                "locale": hit.passage.locale,
                "anchor": hit.passage.anchor,
                "kind": hit.passage.kind,
                "text": hit.passage.text[:SHOWN],
                "score": round(hit.score, 4),
                "dense": round(hit.dense, 4),
                "lexical": round(hit.lexical, 4),
                "used": (hit.passage.article, hit.passage.locale, hit.passage.anchor) in used,
            }
            for hit in judged.found.hits[:PASSAGES]
        ],
    }
