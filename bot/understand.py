"""Tells what kind of message this is before anything is searched; knows phrases and letters, not articles' meaning."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Literal

from bot.pattern import normalize_text
from bot.phrases import Phrasebook

Intent = Literal["question", "hello", "thanks", "goodbye", "about", "human", "gibberish"]

# In this order: "hi, thanks" is thanks, and a request for a person wins over everything.
SMALL: tuple[tuple[Intent, str], ...] = (
    ("about", "about_bot"),
    ("goodbye", "goodbye_words"),
    ("thanks", "thanks_words"),
    ("hello", "greetings"),
)
FILLER = frozenset("there all everyone bot team again so very much a lot guys pls please ok okay yes no and".split())
SPELLED = 0.55
SENTENCE = re.compile(r"(?<=[.!?…。！？؟])\s+|(?<=[。！？])|\n+")
JOINT = re.compile(
    r"[,;]?\s+and (?:also|then|how|what|when|where|why|which|can|do|is|does|are|will)\b"
    r"|[,;]\s*(?:also|plus|another thing)\b",
    re.I,
)
ASKS = re.compile(
    r"(?:(?:and|also|plus|so|but) )*"
    r"(?:how|what|when|where|why|which|who|can|could|do|does|did|is|are|am|will|would|should|may)\b",
    re.I,
)
MIN_WORDS = 3
LONG = 25


def read_intent(text: str, locale: str, phrasebook: Phrasebook, spelled: Callable[[str], float]) -> Intent:
    """`spelled` gives the share (0…1) of letter triples known from the articles, for a language they are in."""
    plain = normalize_text(text)
    books = [phrasebook[name] for name in dict.fromkeys((locale, "en"))]
    if any(_found(book.patterns["human_words"], plain) for book in books):
        return "human"
    said = [(intent, book.patterns[key]) for intent, key in SMALL for book in books if book.patterns[key]]
    for intent, pattern in said:
        if _empty(pattern.sub(" ", plain)) and pattern.search(plain):
            return intent
    rest = plain
    for _, pattern in said:
        rest = pattern.sub(" ", rest)
    if rest != plain and _empty(rest):
        return next(intent for intent, pattern in said if pattern.search(plain))
    if not re.search(r"\w", plain) or spelled(text) < SPELLED:
        return "gibberish"
    return "question"


def split_question(text: str) -> list[str]:
    """The parts of a message that may each be a question of its own: sentences, and what `and how`, `also` join.

    A short message of one sentence has none.
    """
    parts = [piece.strip() for sentence in SENTENCE.split(text) for piece in _joined(sentence)]
    kept = [part for part in parts if len(part.split()) >= MIN_WORDS]
    return kept if len(kept) > 1 else []


def asks_something(part: str) -> bool:
    """It is put as a question; what surrounds a question is not."""
    return part.rstrip().endswith(("?", "？", "؟")) or bool(ASKS.match(part))


def is_long(text: str) -> bool:
    return len(text.split()) > LONG


def _joined(sentence: str) -> list[str]:
    cuts = [match.start() for match in JOINT.finditer(sentence)]
    edges = [0, *cuts, len(sentence)]
    return [sentence[a:b].strip(" ,;") for a, b in pairwise(edges)]


def _found(pattern: re.Pattern[str] | None, plain: str) -> bool:
    return bool(pattern and pattern.search(plain))


def _empty(rest: str) -> bool:
    return all(word in FILLER for word in rest.split())
