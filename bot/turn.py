"""Takes a turn so that it can be taken again: one moment, one revision, what it rests on noted. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.ask import Bot, ask
from bot.library import Library
from bot.reply import Question, Reply, Tell, tell_nobody
from handoff.record import Record
from handoff.thread import Thread
from kb.render import render_html


@dataclass(frozen=True, slots=True)
class Turn:
    """A question with the Reply it got `at` that moment (seconds since the epoch). `basis` is {what: name or hash}."""

    question: Question
    reply: Reply
    basis: dict[str, str]
    at: float


def take_turn(bot: Bot, question: Question, tell: Tell = tell_nobody) -> Turn:
    """The bot asked now, of the revision in hand. `tell` as in `ask`."""
    return turn_at(bot, bot.library(), question, bot.clock(), tell)


def turn_at(bot: Bot, library: Library | None, question: Question, at: float, tell: Tell = tell_nobody) -> Turn:
    reply = ask(replace(bot, clock=lambda: at, library=lambda: library), question, tell)
    model = {"embedding_model": library.index.model} if library else {}
    return Turn(question, reply, {**bot.basis, **model}, at)


def add_text(reply: Reply, text: str) -> Reply:
    """The reply with one more sentence under it."""
    html = render_html(text, reply.locale).strip()
    return replace(
        reply,
        text=f"{reply.text}\n\n{text}",
        html=f"{reply.html}\n{html}",
        sentences=(*reply.sentences, (text, html)),
    )


def make_record(thread: Thread, turn: Turn, added: str) -> Record:
    """What is kept beside the reply; `added` is the sentence that was put under it, or nothing."""
    question, reply = turn.question, turn.reply
    return Record(
        message=reply.id,
        thread=thread.id,
        question=question.text,
        turns=question.turns,
        locale=question.locale or "",
        creator=question.creator,
        revision=reply.revision,
        engine=reply.engine,
        basis=turn.basis,
        at=turn.at,
        added=added,
        weighed=list(reply.weighed),
    )


def take_again(bot: Bot, library: Library | None, record: Record) -> Turn:
    """The recorded question asked of `library` at the recorded moment, and what was put under the reply then."""
    question = Question(record.question, record.locale or None, record.turns, record.creator)
    turn = turn_at(bot, library, question, record.at)
    return replace(turn, reply=add_text(turn.reply, record.added)) if record.added else turn
