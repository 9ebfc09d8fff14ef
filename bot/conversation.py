"""Carries a conversation: asks the bot, and writes message, reply, record, ticket and outbox row in one transaction.

Knows threads, tickets and the bot's `ask`; nothing of HTTP.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from bot.ask import Bot
from bot.presence import Presence
from bot.reply import Handover, Question, Reply, Tell, reply_json, tell_nobody
from bot.turn import Turn, add_text, make_record, take_turn
from handoff.desk import (
    Desk,
    active_ticket,
    creator_message,
    draft_ticket,
    last_ticket,
    move_ticket,
    open_ticket,
    ticket_summary,
)  # fmt: skip
from handoff.log import (
    append_message,
    find_thread,
    keep_contact,
    keep_reply,
    last_questions,
    read_messages,
    sent_before,
)
from handoff.once import KeyReused, Running
from handoff.record import keep_record
from handoff.thread import Message, Thread
from handoff.ticket import Event, Ticket
from kb.render import render_html
from kb.sql import writing

TURNS = 3


@dataclass(frozen=True, slots=True)
class Service:
    """What conversations need: where they are kept, who answers, and how tickets are opened."""

    engine: Engine
    bot: Bot
    desk: Desk
    running: Running = field(default_factory=Running)
    presence: Presence = field(default_factory=Presence)


def say(
    service: Service, thread: Thread, text: str, client_id: str, tell: Tell = tell_nobody
) -> tuple[dict[str, Any] | None, Reply | None]:
    """One message of a creator: the Reply as JSON, and as it was composed if that happened now. `tell` as in `ask`.

    None: a person has the conversation and the bot keeps silent. A repeat of `client_id` gives the stored reply;
    KeyReused if the text differs, StillRunning while the first is not done.
    """
    with service.running.alone(thread.id, client_id):
        with service.engine.connect() as conn:
            before = sent_before(conn, thread.id, client_id)
            turns = last_questions(conn, thread.id, TURNS)
            ticket = active_ticket(conn, thread.id)
        if before:
            return _repeated(before, text), None
        silent = ticket is not None and ticket.staffed
        # What nobody will read needs no model.
        bot = replace(service.bot, writer=None) if silent else service.bot
        with nullcontext() if silent else service.presence.composing(thread.id):
            turn = take_turn(bot, Question(text, thread.locale, tuple(turns), thread.creator, thread.id), tell)
        try:
            with writing(service.engine) as conn:
                return _write(conn, service, thread, client_id, turn)
        except IntegrityError:
            # Another process was faster with the same message.
            with service.engine.connect() as conn:
                before = sent_before(conn, thread.id, client_id)
            if before is None:
                raise
            return _repeated(before, text), None


def hand_over(
    conn: Connection, service: Service, thread: Thread, email: str | None, fields: dict[str, Any]
) -> dict[str, Any]:
    """The creator asks for a person by the button: a ticket, and a message that says so."""
    now = service.bot.clock()
    if email:
        keep_contact(conn, thread.id, email, now)
    known = [m.reply for m in read_messages(conn, thread.id) if m.role == "bot" and m.reply]
    handover = Handover(_queue_of(service, known), "normal", "asked_for_human")
    ticket, opened = _ticket_for(conn, service, thread, handover, None, fields)
    phrases = service.bot.phrases[thread.locale]
    text = phrases.say("ticket_opened" if opened else "ticket_exists", number=ticket.number)
    html = render_html(text, thread.locale)
    append_message(conn, Message(service.desk.new_id("msg"), thread.id, "system", text, now, html=html))
    return ticket_summary(ticket)


def _write(
    conn: Connection, service: Service, thread: Thread, client_id: str, turn: Turn
) -> tuple[dict[str, Any] | None, Reply | None]:
    now, reply = service.bot.clock(), turn.reply
    asked = append_message(
        conn, Message(service.desk.new_id("msg"), thread.id, "creator", turn.question.text, now, client_id=client_id)
    )
    ticket = active_ticket(conn, thread.id)
    if ticket:
        ticket = creator_message(conn, service.desk, ticket, asked)
    safety = {"category": reply.safety.category, "severity": reply.safety.severity} if reply.safety else None
    grave = safety is not None and safety["severity"] in ("P0", "P1")
    if ticket and ticket.staffed and not grave:
        if reply.handover and safety:
            _ticket_for(conn, service, thread, reply.handover, safety, {})
        return None, None
    added = ""
    if reply.handover:
        ticket, opened = _ticket_for(conn, service, thread, reply.handover, safety, {})
        phrases = service.bot.phrases[reply.locale]
        added = phrases.say("ticket_opened" if opened else "ticket_exists", number=ticket.number)
        reply = add_text(reply, added)
    data = reply_json(reply, thread.id, ticket_summary(ticket) if ticket else None)
    append_message(conn, Message(reply.id, thread.id, "bot", reply.text, now, html=reply.html, reply=data))
    keep_record(conn, make_record(thread, turn, added))
    keep_reply(conn, asked.id, data)
    return data, reply


def _ticket_for(
    conn: Connection,
    service: Service,
    thread: Thread,
    handover: Handover,
    safety: dict[str, str] | None,
    fields: dict[str, Any],
) -> tuple[Ticket, bool]:
    """The conversation's ticket: the active one, the solved one reopened, or a new one."""
    last = last_ticket(conn, thread.id)
    if last and last.status == "solved":
        move_ticket(conn, service.desk, last, Event("creator_message", "creator"))
    draft = draft_ticket(
        service.desk,
        thread.id,
        queue=handover.queue,
        priority=handover.priority,
        reason=handover.reason,
        language=thread.locale,
        safety=safety,
        creator=thread.creator,
        fields=fields,
        evidence=handover.evidence | {"pointer": _pointer(conn, thread)},
    )
    return open_ticket(conn, service.desk, draft)


def _queue_of(service: Service, replies: list[dict[str, Any]]) -> str:
    """The queue that the last cited article names, so that the right people get it."""
    library = service.bot.library()
    for reply in reversed(replies):
        for citation in reply["citations"]:
            article = library.article(citation["article"], citation["locale"]) if library else None
            if article and (named := (article.meta.get("handoff") or {}).get("queue")):
                return service.bot.policies.queue_for(named, None)
    return service.bot.policies.default


def _pointer(conn: Connection, thread: Thread) -> dict[str, Any]:
    """Where in the transcript the creator was when the ticket was opened."""
    current = find_thread(conn, thread.id)
    return {"conversation": thread.id, "seq": current.seq if current else thread.seq}


def _repeated(before: Message, text: str) -> dict[str, Any] | None:
    if before.text != text:
        raise KeyReused(before.client_id)
    return before.reply
