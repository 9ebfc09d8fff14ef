"""Bots over a few articles and a fake model, and what a reader sees of their replies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from html.parser import HTMLParser
from itertools import count
from pathlib import Path

import torch
from sqlalchemy import Engine

from app.library import open_library
from app.publish import publish_tree
from bot.alarm import read_alarm
from bot.ask import Bot, ask
from bot.confidence import Confidence, Fit, Logistic
from bot.library import Library
from bot.phrases import read_phrases
from bot.reply import Question, Reply
from bot.screen import read_screen
from handoff.policy import read_policies
from kb.article import Section
from tests.conftest import WordEmbedder

Write = Callable[[dict[str, str | bytes]], Path]
LANGUAGES = ("en", "fr", "es", "ar", "zh")
# Read once: each is many expressions to compile.
SCREEN, PHRASES, POLICIES = read_screen(), read_phrases("Callboard"), read_policies()
ALWAYS, NEVER = Logistic({}, 50.0), Logistic({}, -50.0)
# What the bot thinks of every question: an article answers it · it is ours, but nothing does · it is none of ours.
ANSWERS = Fit(ALWAYS, ALWAYS, ALWAYS, answer=0.5, subject_from=0.5)
KNOWS_NOT = Fit(NEVER, NEVER, ALWAYS, answer=0.5, subject_from=0.5)
OFF_TOPIC = Fit(NEVER, NEVER, NEVER, answer=0.5, subject_from=0.5)


@contextmanager
def one_thread() -> Iterator[None]:
    """Single questions gain little from a second thread; two that wait for each other are slow on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def open_small(engine: Engine, root: Path, words: WordEmbedder | None = None) -> Library:
    words = words or WordEmbedder()
    revision = publish_tree(engine, root, words, 1.0).revision
    with engine.connect() as conn:
        return open_library(conn, revision, words)


def small_bot(library: Library | None, fit: Fit = ANSWERS) -> Bot:
    numbers = count(1)
    return Bot(
        library=lambda: library,
        alarm=read_alarm(),
        screen=SCREEN,
        phrases=PHRASES,
        confidence=Confidence(fit, fit, fit, "words", frozenset()),
        policies=POLICIES,
        clock=lambda: 0.0,
        new_id=lambda prefix: f"{prefix}_{next(numbers)}",
    )


def say(bot: Bot, text: str, locale: str | None = "en", *turns: str) -> Reply:
    return ask(bot, Question(text, locale, turns))


def timeless(reply: Reply) -> Reply:
    """But for what is new at every asking."""
    return replace(reply, id="", timing_ms={})


def cited_section(library: Library, reply: Reply, n: int) -> Section:
    """The section that citation `n` (from 1) leads to."""
    citation = reply.citations[n - 1]
    assert citation.n == n
    section = library.articles[citation.locale, citation.article].section(citation.anchor)
    assert section
    return section


class Seen(HTMLParser):
    """Tags, links and words of a reply's HTML; the words of citation marks are not among them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.cites: list[str] = []
        self._words: list[str] = []
        self._in_cite = False
        self.feed(html)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._words).split())

    @property
    def numbers(self) -> set[str]:
        return numbers_in(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        self.attributes |= set(values)
        if values.get("class") == "cite":
            self._in_cite = True
            self.cites.append(str(values["data-n"]))
        elif "href" in values:
            self.links.append(str(values["href"]))

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._in_cite = False

    def handle_data(self, data: str) -> None:
        if not self._in_cite:
            self._words.append(data)


def numbers_in(text: str) -> set[str]:
    return set(re.findall(r"\d+(?:[.,:]\d+)*", text))
