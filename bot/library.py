"""One revision as the bot sees it: its articles, the search over them, and its notices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kb.article import Article
from retrieval.index import Index


@dataclass(frozen=True, slots=True)
class Library:
    """Immutable: a turn holds one Library from beginning to end, whatever is published meanwhile."""

    revision: str
    articles: dict[tuple[str, str], Article]
    index: Index
    notices: tuple[Article, ...]

    def article(self, id: str, locale: str) -> Article | None:
        """The article in `locale`, else in English, else in whatever language it has."""
        for wanted in (locale, locale.split("-")[0], "en"):
            if found := self.articles.get((wanted, id)):
                return found
        return next((a for (_, other), a in self.articles.items() if other == id), None)

    def notices_for(self, ids: set[str], now: float) -> tuple[dict[str, str], ...]:
        """Notices that hold at `now` (seconds since the epoch) and touch one of the articles."""
        return tuple(
            {"title": notice.title, "text": " ".join(s.text for s in notice.sections)}
            for notice in self.notices
            if ids & set(notice.meta.get("affects", ())) and _holds(notice, now)
        )

    def notices_at(self, now: float, locale: str) -> dict[str, Article]:
        """Every notice that holds at `now`, by id, in `locale` or in English where it is not translated."""
        wanted = ("en", locale.split("-")[0], locale)
        holding = [n for n in self.notices if n.locale in wanted and _holds(n, now)]
        return {n.id: n for n in sorted(holding, key=lambda n: wanted.index(n.locale))}


def make_library(revision: str, articles: Sequence[Article], index: Index) -> Library:
    notices = tuple(a for a in articles if a.meta.get("kind") == "notice")
    pages = [a for a in articles if a.meta.get("kind") != "notice"]
    return Library(revision, {(a.locale, a.id): a for a in pages}, index, notices)


def _holds(notice: Article, now: float) -> bool:
    starts, ends = notice.meta.get("starts"), notice.meta.get("ends")
    if starts and datetime.fromisoformat(starts).timestamp() > now:
        return False
    return not (ends and datetime.fromisoformat(ends).timestamp() <= now)
