"""Measures how much of a question's vocabulary an article holds; knows terms, not vectors."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from retrieval.analyze import content_terms
from retrieval.passage import Passage

Key = tuple[str, str]
"""(locale, article id)"""


class Coverage:
    """Terms of one revision's articles, weighted by inverse document frequency (Spärck Jones 1972)."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        held: dict[Key, set[str]] = {}
        for p in passages:
            text = " ".join([p.title, *p.path, p.text])
            held.setdefault((p.locale, p.article), set()).update(content_terms(text, p.locale))
        self._terms = held
        self._frequency = Counter(term for terms in held.values() for term in terms)
        self._n = max(1, len(held))
        self._triples = frozenset(t for term in self._frequency for t in _triples(term))

    @property
    def articles(self) -> Iterable[Key]:
        return self._terms

    def weigh(self, question: str, locale: str) -> dict[str, float]:
        """The question's content terms with their weights."""
        return {t: math.log(1 + self._n / (1 + self._frequency[t])) for t in content_terms(question, locale)}

    def share(self, wanted: dict[str, float], key: Key) -> float:
        """0…1: the weighted share of `wanted` that the article holds."""
        held = self._terms.get(key, ())
        total = sum(wanted.values())
        return sum(weight for term, weight in wanted.items() if term in held) / total if total else 0.0

    def known(self, wanted: Iterable[str]) -> float:
        """0…1: the share of the terms that occur anywhere in the revision."""
        terms = list(wanted)
        return sum(term in self._frequency for term in terms) / len(terms) if terms else 0.0

    def spelled(self, question: str, locale: str) -> float:
        """0…1: the share of letter triples in the question that occur in the revision's words. Keys struck at
        random score low, words of the language high, known or not."""
        wanted = [t for term in content_terms(question, locale) for t in _triples(term)]
        return sum(t in self._triples for t in wanted) / len(wanted) if wanted else 0.0


def _triples(word: str) -> list[str]:
    padded = f"^{word}$"
    return [padded[i : i + 3] for i in range(len(padded) - 2)]
