"""Says whether the language model may be asked now: a breaker, and budgets of calls. Knows a clock, not the model."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

DAY = 86_400
KEPT = 10_000


class Refused(Exception):
    """The model is not to be asked now; the message is one word of why: open, busy, day or conversation."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls per conversation and per day (UTC); how many at once, so that waiting for a model never takes the threads
    that somebody in danger is answered on; failures in a row that open the breaker, and for how many seconds."""

    per_conversation: int
    per_day: int
    at_once: int = 8
    failures: int = 5
    pause: float = 30.0


class Budget:
    """Counts are this process' own and begin anew with it. After `pause` one call may try whether the model is back."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits, self._clock = limits, clock
        self._guard = threading.Lock()
        self._spent: OrderedDict[str, int] = OrderedDict()
        self._day, self._today = 0, 0
        self._running, self._failed = 0, 0
        self._shut_until = 0.0

    @contextmanager
    def spend(self, conversation: str) -> Iterator[None]:
        """Around one call, or Refused. An exception from inside counts as the model's failure.

        Stateless asking has no conversation (`""`) and only the day's budget.
        """
        with self._guard:
            self._take(conversation)
        try:
            yield
        except Exception:
            self._end(failed=True)
            raise
        except BaseException:
            self._end(failed=False)
            raise
        self._end(failed=False)

    def _take(self, conversation: str) -> None:
        now = self._clock()
        if int(now // DAY) != self._day:
            self._day, self._today = int(now // DAY), 0
        if self._failed >= self._limits.failures and now < self._shut_until:
            raise Refused("open")
        if self._running >= self._limits.at_once:
            raise Refused("busy")
        if self._today >= self._limits.per_day:
            raise Refused("day")
        if conversation and self._spent.get(conversation, 0) >= self._limits.per_conversation:
            raise Refused("conversation")
        # Others wait until this call has shown whether the model is back.
        self._shut_until = now + self._limits.pause
        self._running += 1
        self._today += 1
        if conversation:
            self._spent[conversation] = self._spent.pop(conversation, 0) + 1
            while len(self._spent) > KEPT:
                self._spent.popitem(last=False)

    def _end(self, *, failed: bool) -> None:
        with self._guard:
            self._running -= 1
            self._failed = self._failed + 1 if failed else 0
            self._shut_until = self._clock() + self._limits.pause
