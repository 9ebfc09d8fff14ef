"""Measures speeds, each beside its floor in the same run, because machines are noisy; judges nothing."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bot.ask import Bot, ask
from bot.library import Library
from bot.reply import Question
from retrieval.embed import Embedder

WARM = 5
SHORT = (
    "how often can i change my username",
    "my account got hacked and they changed the email",
    "when do i get paid for creator rewards",
    "why does my video have no views since yesterday",
    "how do i turn on two step verification",
)


def run_bench(name: str, bot: Bot, library: Library, embedder: Embedder, rounds: int) -> dict[str, Any]:
    """Times in milliseconds per call; the parts of one bench take turns, so that a slow spell hits them alike."""
    parts = BENCHES[name](bot, library, embedder)
    times: dict[str, list[float]] = {what: [] for what in parts}
    for number in range(rounds + WARM):
        question = SHORT[number % len(SHORT)]
        # Turned round each time: whoever comes second finds the caches warm.
        for what, part in sorted(parts.items(), reverse=bool(number % 2)):
            started = time.perf_counter()
            part(question)
            if number >= WARM:
                times[what].append((time.perf_counter() - started) * 1000)
    rows = [
        {
            "what": what,
            "p50_ms": round(float(np.percentile(t, 50)), 3),
            "p95_ms": round(float(np.percentile(t, 95)), 3),
            "n": len(t),
        }
        for what, t in times.items()
    ]
    floor = float(np.median(times["embedding"]))
    ratios = {
        f"{what} / embedding (p50)": round(float(np.median(t)) / floor, 3)
        for what, t in times.items()
        if what != "embedding"
    }
    return {
        "name": name,
        "machine": f"{platform.machine()} × {os.cpu_count()}",
        "rounds": rounds,
        "rows": rows,
        "ratios": ratios,
    }


Part = Callable[[str], object]


def _ask(bot: Bot, _library: Library, embedder: Embedder) -> dict[str, Part]:
    return {
        "embedding": lambda text: embedder.embed([text]),
        "answered question": lambda text: ask(bot, Question(text, "en")),
    }


def _search(_bot: Bot, library: Library, embedder: Embedder) -> dict[str, Part]:
    return {
        "embedding": lambda text: embedder.embed([text]),
        "search": lambda text: library.index.search(text, "en"),
    }


def _embed(_bot: Bot, _library: Library, embedder: Embedder) -> dict[str, Part]:
    return {"embedding": lambda text: embedder.embed([text])}


BENCHES: dict[str, Callable[[Bot, Library, Embedder], dict[str, Part]]] = {
    "ask": _ask,
    "search": _search,
    "embed": _embed,
}
