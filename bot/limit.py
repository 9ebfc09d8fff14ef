"""A token bucket per caller; knows keys and a clock, not what is limited."""

from __future__ import annotations

import threading
from collections.abc import Callable

KEPT = 10_000


class RateLimit:
    """`per_minute` calls a minute per key, all of them at once if the caller was quiet before."""

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self._size, self._clock = float(per_minute), clock
        self._buckets: dict[str, tuple[float, float]] = {}
        self._guard = threading.Lock()

    def wait(self, key: str) -> float:
        """0 if the call may go on, else the seconds until it may."""
        now = self._clock()
        with self._guard:
            left, at = self._buckets.pop(key, (self._size, now))
            left = min(self._size, left + (now - at) * self._size / 60)
            allowed = left >= 1
            self._buckets[key] = (left - 1 if allowed else left, now)
            while len(self._buckets) > KEPT:
                # The one longest unused, since each use puts a key at the end.
                self._buckets.pop(next(iter(self._buckets)))
        return 0.0 if allowed else (1 - left) * 60 / self._size
