"""Writes server-sent events: a reply as it is shown, and a conversation as it goes on. Decides nothing."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from queue import SimpleQueue
from typing import Any

import anyio
from anyio.to_thread import run_sync
from sqlalchemy import Engine

from bot.reply import Reply, Tell
from bot.scene import Scene, Typing, notice_changes
from bot.schema import message_json
from handoff.desk import last_ticket, ticket_summary
from handoff.log import read_messages

log = logging.getLogger(__name__)
Said = tuple[dict[str, Any] | None, Reply | None]
POLL = 0.4
PING = 15.0
PAGE = 200


def event(name: str, data: Any, seq: int | None = None) -> str:
    """One event (WHATWG HTML, server-sent events)."""
    head = f"id: {seq}\n" if seq is not None else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def stream_reply(work: Callable[[Tell], Said]) -> Iterator[str]:
    """Whole, checked sentences as `work` tells them, then the rest of them and the final Reply.

    What `work` raises before it has told anything is raised here; afterwards it is an `error` event. It is done to its
    end on a thread of its own, whether or not anybody goes on listening.
    """
    told = SimpleQueue[tuple[str, Any]]()

    def run() -> None:
        try:
            told.put(("done", work(lambda name, data: told.put((name, data)))))
        except BaseException as error:
            told.put(("failed", error))

    threading.Thread(target=run, daemon=True, name="reply").start()
    first = told.get()
    if first[0] == "failed":
        raise first[1]
    return _reply_events(first, told)


def _reply_events(first: tuple[str, Any], told: SimpleQueue[tuple[str, Any]]) -> Iterator[str]:
    (name, data), sent = first, 0
    if first != ("done", (None, None)):
        yield event("status", {"state": "searching"})
    while name not in ("done", "failed"):
        # A status takes back what was told.
        sent = sent + 1 if name == "sentence" else 0
        yield event(name, data)
        name, data = told.get()
    if name == "failed":
        log.error("a reply broke off while it was streamed", exc_info=data)
        yield event("error", {"status": 503, "detail": "this message could not be recorded; send it again in a moment"})
        return
    data, reply = data
    if data is None:
        # A person has the conversation: just that.
        yield event("status", {"state": "with_person"})
        return
    for text, html in reply.sentences[sent:] if reply else ():
        cited = [c for c in data["citations"] if f'data-n="{c["n"]}"' in html]
        yield event("sentence", {"text": text, "html": html, "citations": cited})
    yield event("reply", data)


async def thread_events(
    engine: Engine, thread: str, after: int, gone: Callable[[], Any], scene: Scene, poll: float = POLL
) -> AsyncIterator[str]:
    """Messages numbered above `after`, each with its number as id; the ticket whenever it changes; and without a
    number, who begins or stops typing and which notices begin or end while the stream is open."""
    shown: dict[str, Any] | None = None
    typing, notices = Typing(), scene.notices()
    quiet = 0.0
    yield ": hello\n\n"
    while not await gone():
        # Looked at before the messages: what somebody wrote is never followed by the news that they write it.
        writing = scene.writing()
        messages, ticket = await run_sync(_read, engine, thread, after)
        sent = [event("typing", change) for change in typing.begun(writing, poll)]
        for message in messages:
            after = message["seq"]
            sent.append(event("message", message, after))
        sent += [event("typing", change) for change in typing.ended(writing)]
        if ticket != shown:
            shown = ticket
            sent.append(event("ticket", ticket))
        held, notices = notices, scene.notices()
        sent += [event("notice", change) for change in notice_changes(held, notices)]
        for text in sent:
            yield text
        if messages:
            quiet = 0.0
            continue
        quiet += poll
        if quiet >= PING:
            quiet = 0.0
            yield ": still here\n\n"
        await anyio.sleep(poll)


def _read(engine: Engine, thread: str, after: int) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    with engine.connect() as conn:
        messages = [message_json(m) for m in read_messages(conn, thread, after, PAGE)]
        ticket = last_ticket(conn, thread)
    return messages, ticket_summary(ticket) if ticket else None
