"""The `callboard` command: reads arguments, prints results, sets exit codes; the work is done elsewhere.

Exit codes: 0 ok · 1 a gate or check failed · 2 wrong use · 3 a needed service is unreachable.
"""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import OperationalError

from app import cli_eval, cli_replay, cli_tickets
from app.database import DatabaseError
from app.first import ensure_published
from app.output import fail, print_json, progress_bar
from app.publish import CheckFailed, publish_tree, roll_back
from app.settings import SettingsError, read_settings
from app.wire import exact_library, make_bot, make_embedder, make_engine, make_writer
from kb.problem import Problem
from kb.revision import Revision, diff_revisions, find_revision, list_revisions

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
cli.add_typer(cli_eval.cli, name="eval")
cli.add_typer(cli_tickets.cli, name="tickets")
cli.command("bench")(cli_eval.bench)
cli.command("replay")(cli_replay.replay)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
MAX_QUESTION = 4000


@cli.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
) -> None:
    """Serve the Help Center, the widget and the API; publish the articles first if nothing is published."""
    from app.serve import run_server

    run_server(read_settings(), host, port)


@cli.command()
def ask(
    question: str,
    locale: Annotated[str | None, typer.Option(help="The page's language, e.g. fr.")] = None,
    as_json: Json = False,
) -> None:
    """Ask one question, statelessly, and print the Reply."""
    from bot.ask import ask as ask_bot
    from bot.reply import Question, reply_json

    if not question.strip() or len(question) > MAX_QUESTION:
        fail(f"a question has 1 to {MAX_QUESTION} characters", 2)
    settings = read_settings()
    engine = make_engine(settings)
    ensure_published(settings, engine, make_embedder(settings))
    try:
        library = exact_library(settings, engine)
    except LookupError as error:
        fail(str(error), 2)
    reply = ask_bot(make_bot(settings, lambda: library, make_writer(settings)), Question(question, locale))
    if as_json:
        print_json(reply_json(reply))
        return
    print(f"{reply.kind} · {reply.locale} · confidence {reply.confidence:.2f}\n\n{reply.text}\n")
    for citation in reply.citations:
        print(f"[{citation.n}] {citation.title} › {citation.section}  {citation.url.split(':~:')[0]}")
    for option in reply.options:
        print(f" ○ {option.label}")
    if reply.handover:
        print(f"Would open a ticket: queue {reply.handover.queue}, priority {reply.handover.priority}")


@cli.command()
def check(
    path: Annotated[Path | None, typer.Argument(help="Folder of articles; the configured one if left out.")] = None,
    as_json: Json = False,
) -> None:
    """Check articles, policies and suites: file:line:col CODE message."""
    from app.check import check_all

    problems, articles = check_all(path or read_settings().articles_dir)
    errors = [p for p in problems if p.level == "error"]
    if as_json:
        lists = {
            level + "s": [{k: v for k, v in asdict(p).items() if k != "level"} for p in problems if p.level == level]
            for level in ("error", "warning")
        }
        print_json(lists | {"articles": articles})
    else:
        _print_problems(problems)
        print(f"{articles} articles, {len(errors)} errors, {len(problems) - len(errors)} warnings")
    raise typer.Exit(1 if errors else 0)


@cli.command()
def publish(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only; change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Check the articles and make them the live revision."""
    settings = read_settings()
    try:
        with progress_bar("embedding", quiet=as_json) as progress:
            done = publish_tree(
                make_engine(settings),
                settings.articles_dir,
                make_embedder(settings),
                time.time(),
                dry_run=dry_run,
                progress=progress,
            )
    except CheckFailed as failed:
        if as_json:
            print_json({"errors": [asdict(p) for p in failed.problems]})
        _print_problems(failed.problems)
        fail(f"{len(failed.problems)} errors; the live revision is unchanged", 1)
    if as_json:
        print_json(done.json())
    else:
        state = "would be" if dry_run else "is"
        print(
            f"revision {done.revision} {state} live: {done.articles} articles, {done.passages} passages",
            end="",
        )
        print(f" ({done.embedded} embedded, {done.reused} reused) in {done.seconds:.1f} s")


@cli.command()
def revisions(as_json: Json = False) -> None:
    """List the published revisions, newest first."""
    with make_engine(read_settings()).connect() as conn:
        rows = list_revisions(conn)
    if as_json:
        print_json([_revision_json(r) for r in rows])
        return
    for r in rows:
        print(f"{'*' if r.live else ' '} {r.id}  {_moment(r.created)}  {r.articles:5} articles  {r.author}")


@cli.command()
def diff(before: str, after: str, as_json: Json = False) -> None:
    """Show which articles differ between two revisions."""
    with make_engine(read_settings()).connect() as conn:
        changes = diff_revisions(conn, _revision(conn, before), _revision(conn, after))
    if as_json:
        print_json([asdict(c) for c in changes])
        return
    for c in changes:
        print(f"{c.what:8} {c.locale}/{c.id}  {c.title}")


@cli.command()
def rollback(revision: str) -> None:
    """Make an earlier revision live again."""
    settings = read_settings()
    try:
        done = roll_back(make_engine(settings), revision, make_embedder(settings), time.time())
    except LookupError as error:
        fail(str(error), 2)
    print(f"revision {done} is live")


@cli.command()
def doctor(as_json: Json = False) -> None:
    """Say what is configured and what does not work, and how to mend it."""
    from app.doctor import examine

    rows = examine(read_settings())
    if as_json:
        print_json([asdict(row) for row in rows])
    else:
        for row in rows:
            print(f"{'ok  ' if row.ok else 'BAD '} {row.what}: {row.detail}")
    raise typer.Exit(0 if all(row.ok for row in rows) else 3)


def _revision_json(revision: Revision) -> dict[str, object]:
    data = asdict(revision)
    return {"revision": data.pop("id"), **data, "created": _moment(revision.created)}


def _revision(conn: object, prefix: str) -> str:
    try:
        return find_revision(conn, prefix)  # type: ignore[arg-type]
    except LookupError as error:
        fail(str(error), 2)


def _print_problems(problems: list[Problem]) -> None:
    for problem in problems:
        print(f"{problem}" + (" (warning)" if problem.level == "warning" else ""), file=sys.stderr)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def main() -> None:
    """Run the command; settings and services that fail end in one line that says what to do."""
    try:
        cli()
    except (SettingsError, DatabaseError) as error:
        fail(str(error), 2)
    except OperationalError as error:
        fail(f"the database cannot be reached: {error.orig}; check CALLBOARD_DATABASE_URL", 3)
