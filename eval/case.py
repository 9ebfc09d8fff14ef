"""A case of a suite and what is expected of its answer; reads JSON Lines, asks nobody."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SHIPPED = Path(__file__).parent / "suites"
KINDS = frozenset({"answer", "clarify", "handover", "smalltalk"})
KEYS = frozenset({"id", "question", "locale", "turns", "creator", "expect", "tags"})
EXPECT = frozenset({"kind", "articles", "anchors", "must_say", "must_not_say", "safety", "queue"})
LISTS = ("articles", "anchors", "must_say", "must_not_say")


@dataclass(frozen=True, slots=True)
class Expect:
    """`kinds` are all that are right; any of `articles` is; `anchors`, where given, name the right sections."""

    kinds: frozenset[str]
    articles: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()
    must_say: tuple[str, ...] = ()
    must_not_say: tuple[str, ...] = ()
    safety: str | None = None
    queue: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    id: str
    question: str
    expect: Expect
    locale: str = "en"
    turns: tuple[str, ...] = ()
    creator: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()


class SuiteError(ValueError):
    """A suite that cannot be read; the message lists file, line and reason of every bad line."""


def find_suite(name: str) -> Path:
    """A path as it is, or the name of a shipped suite."""
    for path in (Path(name), SHIPPED / f"{name}.jsonl"):
        if path.is_file():
            return path
    known = ", ".join(sorted(path.name.removesuffix(".jsonl") for path in SHIPPED.glob("*.jsonl")))
    raise SuiteError(f"there is no suite {name!r}; shipped are: {known}")


def read_suite(path: Path) -> list[Case]:
    cases: list[Case] = []
    problems: list[str] = []
    seen: set[str] = set()
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SuiteError(f"{path.name}:1:1 S001 is not UTF-8: {error.reason}") from error
    # A question may hold the other characters that Python takes for the end of a line.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            case = _case(json.loads(line))
            if case.id in seen:
                raise ValueError(f"the id {case.id!r} stands twice")
            seen.add(case.id)
            cases.append(case)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"missing {error}" if isinstance(error, KeyError) else str(error)
            problems.append(f"{path.name}:{number}:1 S001 {reason}")
    if problems:
        raise SuiteError("\n".join(problems))
    if not cases:
        raise SuiteError(f"{path.name}:1:1 S002 the suite holds no case")
    return cases


def _case(data: dict[str, Any]) -> Case:
    expect = data["expect"]
    for found, known in ((data, KEYS), (expect, EXPECT)):
        if unknown := set(found) - known:
            raise ValueError(f"unknown key {', '.join(sorted(unknown))}")
    kinds = expect["kind"] if isinstance(expect["kind"], list) else [expect["kind"]]
    if not kinds or not set(kinds) <= KINDS:
        raise ValueError(f"kind must be one of {', '.join(sorted(KINDS))}")
    if not isinstance(data["question"], str) or not data["question"].strip():
        raise ValueError("the question must be words")
    lists = {key: _list(expect, key) for key in LISTS}
    return Case(
        id=str(data["id"]),
        question=data["question"],
        expect=Expect(frozenset(kinds), **lists, safety=expect.get("safety"), queue=expect.get("queue")),
        locale=data.get("locale", "en"),
        turns=tuple(turn["question"] for turn in data.get("turns", ())),
        creator=data.get("creator", {}),
        tags=_list(data, "tags"),
    )


def _list(data: dict[str, Any], key: str) -> tuple[str, ...]:
    found = data.get(key, [])
    if not isinstance(found, list):
        raise ValueError(f"{key} must be a list")
    return tuple(found)
