"""The keys of an article's front matter and what each may hold; knows one article, not the tree it is in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, get_args

from kb.article import Status
from kb.matter import Matter
from kb.problem import Problem

ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*/[a-z0-9]+(?:-[a-z0-9]+)*")
FACT = re.compile(r"F\d{3}")
AUDIENCE = {"regions": list, "tiers": list, "min_age": int, "max_age": int, "min_followers": int}
HANDOFF = {"queue": str, "ask": str}

Check = Callable[[Any], str | None]
"""Takes a value, gives the reason why it is wrong, or None."""


def check_matter(matter: Matter, file: str, *, strict: bool) -> list[Problem]:
    """Unknown keys and wrong values; in a foreign tree (`strict` off) both are warnings."""
    return [
        Problem(file, *matter.marks.get(str(key), (1, 1)), code, message, "error" if strict else "warning")
        for key, code, message in _findings(matter.values)
    ]


def _findings(values: dict[str, Any]) -> Iterator[tuple[object, str, str]]:
    for key, value in values.items():
        check = KEYS.get(str(key))
        if check is None:
            yield key, "A020", f"unknown key `{key}`; the keys are {', '.join(KEYS)}"
        elif reason := check(value):
            yield key, "A021", f"`{key}` {reason}"
    if values.get("kind") == "notice":
        yield from (("kind", "A022", f"a notice needs `{key}`") for key in ("starts", "affects") if key not in values)


def _words(value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else "must be a line of text"


def _word_list(value: Any) -> str | None:
    ok = isinstance(value, list) and all(isinstance(item, str) and item.strip() for item in value)
    return None if ok else "must be a list of texts (quote an item that YAML reads as a number, date or yes/no)"


def _one_of(*allowed: str) -> Check:
    def check(value: Any) -> str | None:
        if isinstance(value, str):
            return None if value in allowed else f"must be one of {', '.join(allowed)}, not {value!r}"
        return f"must be one of {', '.join(allowed)}"

    return check


def _each(pattern: re.Pattern[str], example: str) -> Check:
    def check(value: Any) -> str | None:
        if reason := _word_list(value):
            return reason
        wrong = next((item for item in value if not pattern.fullmatch(item)), None)
        return None if wrong is None else f"holds {wrong!r}; write it like {example}"

    return check


def _mapping(shape: Mapping[str, type]) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, dict):
            return f"must hold {', '.join(shape)}"
        for key, item in value.items():
            if key not in shape:
                return f"has the unknown key `{key}`; the keys are {', '.join(shape)}"
            if not isinstance(item, shape[key]) or isinstance(item, bool):
                return f"needs a {shape[key].__name__} for `{key}`"
            if shape[key] is list and (reason := _word_list(item)):
                return f"has `{key}`, which {reason}"
        return None

    return check


def _date(value: Any) -> str | None:
    if isinstance(value, date) and not isinstance(value, datetime):
        return None
    return "must be a date such as 2026-11-22"


def _moment(value: Any) -> str | None:
    if value is None or (isinstance(value, datetime) and value.tzinfo is not None):
        return None
    return "must be a time with its zone, such as 2026-11-22T09:00:00+01:00"


def _days(value: Any) -> str | None:
    ok = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return None if ok else "must be a number of days above 0"


KEYS: dict[str, Check] = {
    "title": _words,
    "summary": _words,
    "questions": _word_list,
    "keywords": _word_list,
    "audience": _mapping(AUDIENCE),
    "facts": _each(FACT, "F001"),
    "status": _one_of(*get_args(Status)),
    "publish_at": _moment,
    "expires_at": _moment,
    "updated": _date,
    "review_every": _days,
    "owner": _words,
    "redirect_from": _each(ID, "account/hacked"),
    "source_revision": _words,
    "handoff": _mapping(HANDOFF),
    "kind": _one_of("article", "notice"),
    "starts": _moment,
    "ends": _moment,
    "affects": _each(ID, "account/hacked"),
}
