"""`callboard replay`: prints whether a stored reply would be given again, and what changed; reads arguments only.

Exit codes: 0 the same · 1 another one · 2 no such reply.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from app.output import fail, print_json, progress_bar
from app.replay import replay_message
from app.settings import read_settings
from app.wire import make_embedder, make_engine
from bot.replay import EXTRACTIVE, Replayed
from kb.revision import live_revision

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def replay(
    message: Annotated[str, typer.Argument(metavar="MESSAGE_ID", help="The id of a reply of the bot (msg_…).")],
    as_json: Json = False,
) -> None:
    """Ask a stored reply's question again on its own revision; exit 0: the same, 1: another reply, 2: no such reply."""
    settings = read_settings()
    engine = make_engine(settings)
    try:
        with progress_bar("embedding", quiet=as_json) as progress:
            done = replay_message(settings, engine, make_embedder(settings), message, progress)
    except LookupError as error:
        fail(str(error.args[0]), 2)
    with engine.connect() as conn:
        live = live_revision(conn) == done.record.revision
    if as_json:
        print_json(_json(done, live))
    else:
        _print(done, live)
    raise typer.Exit(0 if done.same else 1)


def _json(done: Replayed, live: bool) -> dict[str, Any]:
    record = asdict(done.record)
    return {
        "message": record.pop("message"),
        "conversation": record.pop("thread"),
        "same": done.same,
        "differs": list(done.differs),
        "diff": done.diff,
        "candidates_same": done.weighed,
        "changed": [asdict(change) for change in done.changed],
        "live": live,
        **record | {"at": _moment(done.record.at)},
        "stored": done.stored,
        "again": done.again,
    }


def _print(done: Replayed, live: bool) -> None:
    record = done.record
    print(f"{record.message} · {_moment(record.at)} · revision {record.revision or '-'}{' (live)' if live else ''}")
    print(f"question: {record.question}")
    for turn in record.turns:
        print(f"  before: {turn}")
    if record.engine != EXTRACTIVE:
        print(f"written by {record.engine}: its wording is not compared, what it was written from is")
    print("the same reply, byte for byte" if done.same else f"another reply: {', '.join(done.differs)}")
    if not done.weighed:
        print("the search found other candidates or scores")
    for change in done.changed:
        print(f"changed since: {change.what}: {change.then or '-'} → {change.now or '-'}")
    if done.diff:
        print(f"\n{done.diff}")


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
