"""Measures how much of a question's vocabulary an article holds; knows terms, not vectors."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from kb.article import Article
from retrieval.analyze import content_terms


class Coverage:
    """Document frequencies of one revision. Terms are weighted by inverse document frequency (Sparck Jones 1972)."""

    def __init__(self, articles: Sequence[Article]) -> None:
        self._terms = {(a.locale, a.id): frozenset(_article_terms(a)) for a in articles}
        self._frequency = Counter(term for terms in self._terms.values() for term in terms)
        self._n = max(1, len(articles))
        self._letters = _trigrams(term for terms in self._terms.values() for term in terms)

    def share(self, question: str, article: str, locale: str) -> float:
        """0…1: the weighted share of the question's content terms that the article holds."""
        wanted = set(content_terms(question, locale))
        if not wanted:
            return 0.0
        held = self._terms.get((locale, article), frozenset())
        total = sum(self._weight(term) for term in wanted)
        return sum(self._weight(term) for term in wanted & held) / total

    def known(self, question: str, locale: str) -> float:
        """0…1: the share of the question's content terms that occur anywhere in the revision."""
        wanted = set(content_terms(question, locale))
        return sum(term in self._frequency for term in wanted) / len(wanted) if wanted else 0.0

    def spelled(self, question: str, locale: str) -> float:
        """0…1: the share of letter triples in the question that occur in the revision's words. Keys struck at
        random score low, words of the language high, known or not."""
        wanted = [t for term in content_terms(question, locale) for t in _triples(term)]
        return sum(t in self._letters for t in wanted) / len(wanted) if wanted else 0.0

    def _weight(self, term: str) -> float:
        return math.log(1 + self._n / (1 + self._frequency[term]))


def _article_terms(article: Article) -> list[str]:
    texts = [article.title, article.summary, *article.questions, *article.keywords]
    texts += [part for section in article.sections for part in (section.title, section.text)]
    return [term for text in texts for term in content_terms(text, article.locale)]


def _trigrams(words: Iterable[str]) -> frozenset[str]:
    return frozenset(t for word in words for t in _triples(word))


def _triples(word: str) -> list[str]:
    padded = f"^{word}$"
    return [padded[i : i + 3] for i in range(len(padded) - 2)]
