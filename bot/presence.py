"""Knows who is writing in which conversation right now, in this process only; nothing of it is ever stored."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PAUSE = 8.0


class Presence:
    """The bot writes for as long as it composes; a person until PAUSE seconds after their last key."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._composing: Counter[str] = Counter()
        self._keys: dict[str, float] = {}
        self._guard = threading.Lock()

    @contextmanager
    def composing(self, thread: str) -> Iterator[None]:
        """The bot is at work on a reply in this thread."""
        with self._guard:
            self._composing[thread] += 1
        try:
            yield
        finally:
            with self._guard:
                self._composing[thread] -= 1
                if not self._composing[thread]:
                    del self._composing[thread]

    def press(self, thread: str) -> None:
        """A person at the desk has just typed in this thread."""
        now = self._clock()
        with self._guard:
            self._keys = {other: at for other, at in self._keys.items() if now - at < PAUSE} | {thread: now}

    def pause(self, thread: str) -> None:
        """They have sent what they typed, or thrown it away."""
        with self._guard:
            self._keys.pop(thread, None)

    def writing(self, thread: str) -> frozenset[str]:
        """Of `bot` and `agent`, those who are writing now."""
        with self._guard:
            pressed = self._keys.get(thread)
            agent = pressed is not None and self._clock() - pressed < PAUSE
            return frozenset(({"bot"} if thread in self._composing else set()) | ({"agent"} if agent else set()))
