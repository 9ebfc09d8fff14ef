"""Holds the library that is being served and changes over when another revision goes live; answers nothing."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable

from sqlalchemy import Connection, Engine

from bot.library import Library
from kb.revision import find_revision, live_revision
from kb.shelf import Shelf

log = logging.getLogger(__name__)
EVERY = 1.0
KEPT = 3


class Holder:
    """`open_live` opens a revision with all caches, `open_exact` one that is only searched exactly.

    A reader takes the Library once and keeps it for its turn; changing over is one assignment.
    """

    def __init__(
        self,
        engine: Engine,
        open_live: Callable[[Connection, str], Library],
        open_exact: Callable[[Connection, str], Library],
    ) -> None:
        self._engine, self._open_live, self._open_exact = engine, open_live, open_exact
        self._library: Library | None = None
        self._earlier: OrderedDict[str, Library] = OrderedDict()
        self._guard = threading.Lock()
        self._stop = threading.Event()

    def library(self) -> Library | None:
        return self._library

    def shelf(self) -> Shelf | None:
        library = self._library
        return Shelf(library.revision, library.articles) if library else None

    def refresh(self) -> None:
        """Bring the live revision up if it is another one than the one held."""
        with self._engine.connect() as conn:
            revision = live_revision(conn)
            if revision and (self._library is None or self._library.revision != revision):
                self._library = self._open_live(conn, revision)
                log.info("serving revision %s", revision)
                threading.Thread(target=self._library.index.warm, daemon=True, name="views").start()

    def revision(self, prefix: str) -> Library:
        """An earlier revision, exactly searched; LookupError says why there is none."""
        with self._engine.connect() as conn:
            name = find_revision(conn, prefix)
            if self._library and self._library.revision == name:
                return self._library
            with self._guard:
                if name not in self._earlier:
                    self._earlier[name] = self._open_exact(conn, name)
                    while len(self._earlier) > KEPT:
                        self._earlier.popitem(last=False)
                return self._earlier[name]

    def watch(self) -> None:
        threading.Thread(target=self._watch, daemon=True, name="revision-watch").start()

    def close(self) -> None:
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(EVERY):
            try:
                self.refresh()
            except Exception as error:  # whatever it is, the revision in hand goes on serving and the watch goes on
                log.warning("the live revision could not be read: %s", error)
