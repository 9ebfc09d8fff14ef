"""Tells what changes around a conversation and is kept nowhere: who is typing, which known issues hold.

Knows no stream and no SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

# A listener takes a typist who is not heard of for long to have stopped.
RENEW = 5.0

Notice = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scene:
    """What is true of a conversation at this moment and is kept nowhere: who writes, and which notices hold (by id)."""

    writing: Callable[[], frozenset[str]]
    notices: Callable[[], dict[str, Notice]]


class Typing:
    """What a listener has been told of who is typing."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def begun(self, writing: frozenset[str], passed: float) -> list[dict[str, Any]]:
        """Who began, and again every RENEW seconds who still is; `passed` are the seconds since the last look."""
        self._told = {role: since + passed for role, since in self._told.items()}
        news = [role for role in sorted(writing) if self._told.get(role, RENEW) >= RENEW]
        self._told |= dict.fromkeys(news, 0.0)
        return [{"role": role, "typing": True} for role in news]

    def ended(self, writing: frozenset[str]) -> list[dict[str, Any]]:
        gone = sorted(self._told.keys() - writing)
        for role in gone:
            del self._told[role]
        return [{"role": role, "typing": False} for role in gone]


def notice_changes(before: dict[str, Notice], after: dict[str, Notice]) -> Iterator[Notice]:
    """Those that ended, then those that began; one whose words changed is both."""
    for id, notice in before.items():
        if after.get(id) != notice:
            yield notice | {"state": "ended"}
    for id, notice in after.items():
        if before.get(id) != notice:
            yield notice | {"state": "started"}
