"""Reads labelled cases as examples to fit on: what the search found, and what would have been right.

Knows suites and the search; nothing of what is fitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.ask import SEARCHED
from bot.library import Library
from bot.screen import Screen
from eval.case import Case
from retrieval.index import Found

NEAR_MISS, OFF_TOPIC = "near-miss", "off-topic"


@dataclass(frozen=True, slots=True)
class Example:
    """A case and what was found for it. `articles`: the right ones; `subject`: None where both ways are right;
    `near_miss`: it is worded like an answerable one; `usual`: it is like what really comes in;
    `crossed`: it was asked in a language that the vectors are borrowed for."""

    found: Found
    articles: tuple[str, ...]
    subject: bool | None
    near_miss: bool
    usual: bool
    crossed: bool
    group: str


def read_examples(library: Library, screen: Screen, cases: Sequence[Case], *, usual: bool) -> list[Example]:
    """Cases that the screen or small talk take teach nothing here, nor those that may be asked back."""
    kept = []
    for case in cases:
        passed = {"human", "greeting", "gibberish", "smalltalk"} & set(case.tags) or "clarify" in case.expect.kinds
        if not passed and case.expect.safety is None and screen.check(case.question) is None:
            kept.append(case)
    found: dict[str, Found] = {}
    for locale in sorted({case.locale for case in kept}):
        asked = [case for case in kept if case.locale == locale]
        hits = library.index.search_all([case.question for case in asked], locale, SEARCHED)
        found |= {case.id: hit for case, hit in zip(asked, hits, strict=True)}
    crossed = {case.locale: library.index.view(case.locale).crosses for case in kept}
    return [_example(case, found[case.id], usual=usual, crossed=crossed[case.locale]) for case in kept]


def _example(case: Case, found: Found, *, usual: bool, crossed: bool) -> Example:
    expect = case.expect
    return Example(
        found=found,
        articles=expect.articles,
        subject=_is_subject(case),
        near_miss=NEAR_MISS in case.tags and not expect.articles,
        usual=usual,
        crossed=crossed,
        # Cases about one article stay on one side of every split.
        group=expect.articles[0] if expect.articles else case.id,
    )


def _is_subject(case: Case) -> bool | None:
    """Whether it is about what the articles are about at all."""
    if case.expect.articles or NEAR_MISS in case.tags:
        return True
    if OFF_TOPIC in case.tags or case.expect.kinds == {"smalltalk"}:
        return False
    return None if len(case.expect.kinds) > 1 else True


def is_ordinary(case: Case) -> bool:
    """Nothing about the case is a matter of safety, nor near it."""
    near = {"safety", "safety-open", "safety-case", "security"}
    return case.expect.safety is None and not near & set(case.tags)
