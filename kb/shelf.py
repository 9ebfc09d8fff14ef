"""The published articles as pages and API need them: looked up by address, redirects followed. Knows no search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kb.article import Article


@dataclass(frozen=True, slots=True)
class Shelf:
    """One revision's articles by (locale, id)."""

    revision: str
    articles: Mapping[tuple[str, str], Article]

    @property
    def locales(self) -> list[str]:
        return sorted({locale for locale, _ in self.articles})

    def find(self, locale: str, id: str) -> Article | None:
        return self.articles.get((locale, id))

    def moved(self, locale: str, id: str) -> Article | None:
        """The article that an old id leads to, or the same id in English where `locale` has none."""
        for article in self.articles.values():
            if article.locale == locale and id in article.redirect_from:
                return article
        return self.articles.get(("en", id)) if locale != "en" else None

    def categories(self, locale: str) -> dict[str, list[Article]]:
        """Articles by category, both in alphabetical order of what is shown."""
        found: dict[str, list[Article]] = {}
        for (language, id), article in self.articles.items():
            if language == locale:
                found.setdefault(id.split("/")[0], []).append(article)
        return {name: sorted(found[name], key=lambda a: a.title) for name in sorted(found)}
