"""Writes server-sent events: a reply as it is shown, and a conversation as it goes on. Decides nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
from anyio.to_thread import run_sync
from sqlalchemy import Engine

from bot.reply import Reply
from bot.scene import Scene, Typing, notice_changes
from bot.schema import message_json
from handoff.desk import last_ticket, ticket_summary
from handoff.log import read_messages

POLL = 0.4
PING = 15.0
PAGE = 200


def event(name: str, data: Any, seq: int | None = None) -> str:
    """One event (WHATWG HTML, server-sent events)."""
    head = f"id: {seq}\n" if seq is not None else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def reply_events(data: dict[str, Any] | None, reply: Reply | None) -> Iterator[str]:
    """Whole, checked sentences, then the final Reply; or, where a person has the conversation, just that."""
    if data is None:
        yield event("status", {"state": "with_person"})
        return
    yield event("status", {"state": "searching"})
    for text, html in reply.sentences if reply else ():
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
