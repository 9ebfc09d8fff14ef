"""Prints for people and programs: JSON, progress, errors; knows terminals, not commands."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn


def print_json(document: Any) -> None:
    print(json.dumps(document, ensure_ascii=False, indent=2))


def fail(message: str, code: int) -> NoReturn:
    print(f"callboard: {message}", file=sys.stderr)
    raise SystemExit(code)


@contextmanager
def progress_bar(what: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, a line at each quarter elsewhere, both on standard error."""
    shown = {"at": 0}

    def bar(done: int, total: int) -> None:
        if sys.stderr.isatty():
            width = 30 * done // max(1, total)
            end = "\n" if done >= total else ""
            print(
                f"\r{what} {'█' * width}{'·' * (30 - width)} {done}/{total}",
                end=end,
                file=sys.stderr,
                flush=True,
            )
        elif 4 * done // max(1, total) > shown["at"]:
            shown["at"] = 4 * done // max(1, total)
            print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)

    yield (lambda _done, _total: None) if quiet else bar
