"""`callboard eval …` and `callboard bench`: runs suites and measures; reads arguments and prints."""

from __future__ import annotations

import json
import time
from pathlib import Path
from sys import maxsize
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from app.library import open_library
from app.output import fail, print_json, progress_bar
from app.settings import EXAMPLES, Settings, read_settings
from app.wire import exact_library, make_bot, make_embedder, make_engine, make_writer
from bot.library import Library
from eval.case import Case, SuiteError, find_suite, read_suite
from kb.revision import find_revision
from retrieval.chroma import ChromaCache

FITS = ("own", "crossed", "general")
cli = typer.Typer(no_args_is_help=True, help="Run suites, measure, calibrate.")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@cli.command()
def run(
    suites: list[str],
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many cases of each suite.")] = None,
    locale: Annotated[str | None, typer.Option(help="Only cases in this language.")] = None,
    revision: Annotated[str, typer.Option(help="The revision to ask.")] = "live",
    output: Annotated[Path | None, typer.Option("-o", help="Folder for the run.")] = None,
    llm: Annotated[bool, typer.Option("--llm", help="Have the configured language model word the answers.")] = False,
    as_json: Json = False,
) -> None:
    """Ask every case of the suites and write run.json, samples.jsonl, metrics.json and report.html."""
    from eval.report import write_report
    from eval.run import headline, keep_run, run_cases

    settings = read_settings()
    if llm and not settings.llm:
        fail(f"--llm needs CALLBOARD_LLM, for example {EXAMPLES['llm']}", 2)
    writer = make_writer(settings.model_copy(update={"llm_per_day": maxsize})) if llm else None
    library = _library(settings, revision)
    bot = make_bot(settings, lambda: library, writer)
    folder = output or Path("runs") / time.strftime("%Y%m%d-%H%M%S")
    samples = []
    for name in suites:
        cases = [c for c in _cases(name) if locale in (None, c.locale)][:limit]
        with progress_bar(name, quiet=as_json) as progress:
            samples += run_cases(bot, library, name, cases, progress)
    if not samples:
        fail("no case is left to run; check --locale", 2)
    metrics = keep_run(
        folder,
        samples,
        settings.model_dump(mode="json", exclude={"database_url", "chroma_url", "secret"})
        | {"llm": writer.model.name if writer else "", "prompts": writer.prompts.hash if writer else ""},
        library.revision,
    )
    write_report(folder)
    if as_json:
        print_json({"run": str(folder), "metrics": [m.json() for m in metrics], "gate": "none"})
        return
    for m in headline(metrics):
        print(f"{m.name:24} {m.value:6.3f}  [{m.low:.3f}, {m.high:.3f}]  n={m.n}")
    print(f"\n{folder / 'report.html'}")


@cli.command()
def report(run: Path) -> None:
    """Write a run's report.html anew."""
    from eval.report import write_report

    try:
        print(write_report(run))
    except (FileNotFoundError, NotADirectoryError):
        fail(f"{run} is not the folder of a run (no run.json)", 2)


@cli.command()
def calibrate(
    suites: list[str],
    output: Annotated[
        Path | None, typer.Option("-o", help="File to write; DATA_DIR/confidence.json if left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fit the confidence model on suites; its thresholds are chosen on the first, which should be like real traffic."""
    from bot.screen import read_screen
    from eval.alarm import fit_alarm
    from eval.calibrate import TooFew, fit_confidence, write_confidence
    from eval.example import is_ordinary, read_examples

    settings = read_settings()
    library = _library(settings, "live")
    embedder = make_embedder(settings)
    screen = read_screen()
    examples = [e for n, name in enumerate(suites) for e in read_examples(library, screen, _cases(name), usual=n == 0)]
    try:
        fitted, arrays = fit_confidence(library, examples, embedder.name)
    except TooFew as error:
        fail(str(error), 2)
    path = output or settings.data_dir / "confidence.json"
    write_confidence(path, fitted | {"suites": suites}, arrays)
    alarm, quality = fit_alarm(embedder, [c.question for name in suites for c in _cases(name) if is_ordinary(c)])
    path.with_name("alarm.json").write_text(json.dumps(alarm) + "\n", encoding="utf-8")
    if as_json:
        print_json(
            {"file": str(path), "alarm": quality}
            | {name: fitted[name]["cross_validated"] for name in FITS if fitted[name]}
        )
        return
    for name in [name for name in FITS if fitted[name]]:
        for among, values in fitted[name]["cross_validated"].items():
            print(f"{name:8} {among:6} " + " · ".join(f"{key} {value:g}" for key, value in values.items()))
    print(f"{'alarm':15} " + " · ".join(f"{key} {value:g}" for key, value in quality.items()))
    print(f"written to {path} and beside it")


@cli.command()
def beir(
    folder: Path,
    split: Annotated[str, typer.Option(help="Which qrels/<split>.tsv.")] = "test",
    locale: Annotated[str | None, typer.Option(help="The language of the texts; recognised if left out.")] = None,
    as_json: Json = False,
) -> None:
    """Measure retrieval on a BEIR-layout folder, beside BM25 and the vectors alone."""
    from eval.beir import BeirError, measure_beir

    try:
        result = measure_beir(folder, split, locale, make_embedder(read_settings()))
    except BeirError as error:
        fail(str(error), 2)
    if as_json:
        print_json(result)
        return
    print(f"{folder.name}: {result['documents']} documents, {result['passages']} passages, {result['queries']} queries")
    for name, row in {"hybrid": result["metrics"], **result["alone"]}.items():
        print(f"{name:8} " + "  ".join(f"{k} {v:.4f}" for k, v in row.items()))
    gain = result["gain"]
    interval = f"{gain['value']:+.4f} [{gain['low']:+.4f}, {gain['high']:+.4f}]"
    print(f"hybrid − {gain['over']}: nDCG@10 {interval} paired, n={result['queries']}")


def bench(
    name: Annotated[str, typer.Argument(help="ask · embed · search")],
    rounds: Annotated[int, typer.Option(min=1)] = 100,
    as_json: Json = False,
) -> None:
    """Measure a speed in this very run and print medians and ratios."""
    from eval.bench import BENCHES, run_bench

    if name not in BENCHES:
        fail(f"there is no bench {name!r}; there are {', '.join(BENCHES)}", 2)
    settings = read_settings()
    engine, embedder = make_engine(settings), make_embedder(settings)
    # With Chroma, as when serving, but in a folder of its own: the server's has one owner.
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder, engine.connect() as conn:
        chroma = ChromaCache(Path(folder), "", embedder.name)
        try:
            library = open_library(conn, find_revision(conn, "live"), embedder, chroma)
        except LookupError as error:
            fail(str(error), 2)
        result: dict[str, Any] = run_bench(name, make_bot(settings, lambda: library), library, embedder, rounds)
        chroma.close()
    if as_json:
        print_json(result)
        return
    for row in result["rows"]:
        print(f"{row['what']:28} p50 {row['p50_ms']:8.2f} ms   p95 {row['p95_ms']:8.2f} ms   n={row['n']}")
    for what, ratio in result["ratios"].items():
        print(f"{what:28} {ratio:.2f}")


def _cases(name: str) -> list[Case]:
    try:
        return read_suite(find_suite(name))
    except SuiteError as error:
        fail(str(error), 2)


def _library(settings: Settings, revision: str) -> Library:
    try:
        return exact_library(settings, make_engine(settings), revision)
    except LookupError as error:
        fail(str(error), 2)
