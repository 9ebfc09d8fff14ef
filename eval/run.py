"""Runs suites through the bot and keeps the run as a folder; knows files, not how a reply is judged."""

from __future__ import annotations

import json
import platform
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bot.ask import SEARCHED, Bot, ask, fit_for
from bot.judge import judge_found
from bot.library import Library
from bot.reply import Question, Reply, reply_json
from eval.case import Case
from eval.measure import Metric, measure_run
from eval.score import Verdict, judge_reply

PACKAGES = ("torch", "sentence-transformers", "chromadb", "tantivy", "langchain-core")


@dataclass(frozen=True, slots=True)
class Sample:
    """One case with what was answered and how it did."""

    suite: str
    case: Case
    reply: Reply
    verdict: Verdict


def run_cases(
    bot: Bot,
    library: Library,
    suite: str,
    cases: Sequence[Case],
    progress: Callable[[int, int], None] | None = None,
) -> list[Sample]:
    """Ask every case as a creator would, statelessly, in order."""
    samples = []
    for number, case in enumerate(cases, 1):
        question = Question(case.question, case.locale, case.turns, case.creator)
        reply = ask(bot, question)
        ranking = _ranking(bot, library, case.question, reply.locale)
        samples.append(Sample(suite, case, reply, judge_reply(case, reply, library, ranking)))
        if progress:
            progress(number, len(cases))
    return samples


def _ranking(bot: Bot, library: Library, question: str, locale: str) -> list[str]:
    """The articles in the order in which the bot weighs them for the whole message."""
    found = library.index.search(question, locale, SEARCHED)
    judged = judge_found(library, fit_for(bot, library, locale), question, found)
    return [ranked.article for ranked in judged.found.articles]


def keep_run(folder: Path, samples: Sequence[Sample], settings: dict[str, Any], revision: str) -> list[Metric]:
    """Write run.json, samples.jsonl and metrics.json; the report is `report.py`'s."""
    folder.mkdir(parents=True, exist_ok=True)
    metrics = measure_run([(s.case, s.verdict) for s in samples])
    about = {
        "revision": revision,
        "suites": sorted({s.suite for s in samples}),
        "cases": len(samples),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "settings": settings,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
        "commit": _commit(),
    }
    _write(folder / "run.json", about)
    _write(folder / "metrics.json", [metric.json() for metric in metrics])
    lines = (json.dumps(_line(s), ensure_ascii=False, default=sorted) for s in samples)
    (folder / "samples.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return metrics


def headline(metrics: Iterable[Metric]) -> list[Metric]:
    """The measures over everything, without the slices."""
    return [metric for metric in metrics if not metric.slice]


def _line(sample: Sample) -> dict[str, Any]:
    return {
        "suite": sample.suite,
        "case": asdict(sample.case),
        "reply": reply_json(sample.reply),
        "verdict": asdict(sample.verdict),
    }


def _write(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _commit() -> str | None:
    """The checkout's commit, or None where this is not a checkout."""
    here = Path(__file__).parent
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
