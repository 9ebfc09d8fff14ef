"""The flow of one turn, from question to Reply. Read this file first; each step is a room or a file of its own.

    screen (safety) → understand → retrieve → judge → compose + cite | clarify | hand over

Pure: it reads one immutable Library and writes nothing. Tickets and transcripts are `conversation.py`'s. A language
model, where one is configured, rewrites a follow-up for the search and words an answer after all is decided.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from bot.alarm import Alarm
from bot.confidence import Confidence, Fit
from bot.judge import Judgement, judge_found
from bot.language import identify_language
from bot.library import Library
from bot.phrases import Phrasebook
from bot.reply import Flag, Question, Reply, Tell, tell_nobody
from bot.rewrite import rewrite_followup
from bot.screen import Screen
from bot.understand import asks_something, is_long, read_intent, split_question
from bot.voice import Voice
from bot.write import write_reply
from bot.writer import Writer
from handoff.policy import Policies
from retrieval.view import ENGLISH

SEARCHED = 60
RULE_SHARE = 0.5
FOLLOW_UP = 8
CLARIFIED = 2
KNOWN = 0.5
NEAR = 0.4
SECOND = 0.8


@dataclass(frozen=True, slots=True)
class Bot:
    """What a turn needs. `library` gives the revision in hand, or None when nothing is published. `basis` names what
    replies rest on besides the articles, each by its name or hash."""

    library: Callable[[], Library | None]
    screen: Screen
    alarm: Alarm
    phrases: Phrasebook
    confidence: Confidence
    policies: Policies
    clock: Callable[[], float]
    new_id: Callable[[str], str]
    basis: Mapping[str, str] = field(default_factory=dict)
    writer: Writer | None = None


def ask(bot: Bot, question: Question, tell: Tell = tell_nobody) -> Reply:
    """One turn, stateless. The safety screen comes first and depends on nothing that can be missing.

    `tell` hears the sentences of an answer while a language model writes it.
    """
    started = time.perf_counter()
    locale = identify_language(question.text, question.locale)
    flag = _screened(bot, question.text)
    library = bot.library()
    voice = Voice(bot.phrases[locale], bot.policies, library, bot.clock(), bot.new_id("msg"))
    if flag and flag.severity in ("P0", "P1"):
        reply = voice.emergency(flag)
    elif library is None:
        reply = voice.hand_over("no_article", safety=flag)
    else:
        reply = _answer(bot, library, voice, question, locale, flag, tell)
    return replace(reply, timing_ms={"total": round((time.perf_counter() - started) * 1000, 2)})


def _screened(bot: Bot, text: str) -> Flag | None:
    try:
        return bot.screen.check(text)
    except Exception:  # a failing voice means people, not silence
        return Flag("self_harm", "P1")


def _second_voice(bot: Bot, library: Library, whole: Judgement) -> Flag | None:
    """What the lexicons missed may show in the vector; a question about the rules stays one."""
    if set(whole.found.texts) != {ENGLISH}:
        return None  # it was taught on English only
    flag = bot.alarm.check(whole.found.vector, library.index.model)
    return Flag(flag.category, "P3") if flag and bot.screen.asks_rule(whole.text) else flag


def _known_steps(bot: Bot, library: Library, whole: Judgement, category: str, locale: str) -> Judgement | None:
    """The article that the policies name for such a case, in the creator's language or in English."""
    article = library.article(bot.policies.steps.get(category, ""), locale)
    return replace(whole, article=article) if article else None


def _writer(bot: Bot, library: Library, question: Question, locale: str) -> Writer | None:
    """None too where a message before was about someone's safety: no model gets to see that."""
    if bot.writer is None or not question.turns:
        return bot.writer
    found = library.index.search_all(question.turns, locale, 1)
    flags = [_screened(bot, turn) for turn in question.turns]
    flags += [bot.alarm.check(f.vector, library.index.model) for f in found]
    return None if any(flag and flag.severity in ("P0", "P1") for flag in flags) else bot.writer


def _answer(
    bot: Bot, library: Library, voice: Voice, question: Question, locale: str, flag: Flag | None, tell: Tell
) -> Reply:
    fit = fit_for(bot, library, locale)
    intent = read_intent(question.text, locale, bot.phrases, lambda text: _spelled(library, text, locale))
    grave = flag is not None and flag.severity == "P2"
    if intent == "human" and not grave:
        context = _judge(library, fit, [" ".join([*question.turns[-1:], question.text])], locale)[0]
        return voice.hand_over("asked_for_human", context, flag)
    if intent != "question" and flag is None:
        return voice.small_talk(intent)
    whole, *parts = _judge(library, fit, [question.text, *split_question(question.text)], locale)
    flag = flag or _second_voice(bot, library, whole)
    if flag and flag.severity in ("P0", "P1"):
        return voice.emergency(flag, whole)
    writer = None if flag else _writer(bot, library, question, locale)
    if question.turns and whole.covered < fit.answer and len(question.text.split()) <= FOLLOW_UP:
        # A few words that mean little alone may go on with what was asked before.
        joined = _best(_judge(library, fit, _joined(writer, question, locale), locale))
        whole = joined if joined and joined.covered >= fit.answer else whole
    chosen = _choose(fit, whole, parts)
    if flag and flag.severity == "P3" and not chosen and whole.covered >= RULE_SHARE * fit.answer:
        # A question about the rules of a grave matter gets its article and the help line, not a ticket.
        chosen = [whole]
    if flag and flag.severity == "P2":
        steps = chosen[0] if chosen else _known_steps(bot, library, whole, flag.category, locale)
        return voice.hand_over("safety", steps or whole, flag, steps=steps is not None)
    if chosen:
        extract = voice.answer(chosen, flag)
        return write_reply(writer, voice, extract, chosen, question.conversation, tell) if writer else extract
    if _competes(whole):
        return voice.clarify(whole, flag)
    if whole.subject < fit.subject_from and flag is None:
        return voice.small_talk("off_topic", whole)
    return voice.hand_over("low_confidence" if whole.covered > 0.5 * fit.answer else "no_article", whole, flag)


def fit_for(bot: Bot, library: Library, locale: str) -> Fit:
    """The fit that serves these articles in this language."""
    ids = (id for _, id in library.articles)
    view = library.index.view(locale)
    return bot.confidence.fit_for(library.index.model, ids, reads=view.reads, crosses=view.crosses)


def _judge(library: Library, fit: Fit, texts: list[str], locale: str) -> list[Judgement]:
    found = library.index.search_all(texts, locale, SEARCHED)
    return [judge_found(library, fit, t, f) for t, f in zip(texts, found, strict=True)]


def _joined(writer: Writer | None, question: Question, locale: str) -> list[str]:
    """The message with the one before it, and as the model would put both; the first wins where they are as good."""
    plain = f"{question.turns[-1]} {question.text}"
    turns = question.turns
    better = rewrite_followup(writer, question.text, turns, locale, question.conversation) if writer else None
    return [plain, better] if better else [plain]


def _choose(fit: Fit, whole: Judgement, parts: list[Judgement]) -> list[Judgement]:
    """What to answer from: the message as a whole, and with it a second question that another article answers."""
    if whole.covered < fit.answer:
        # In a long message the point may be one sentence of many.
        return [best] if is_long(whole.text) and (best := _best(parts)) and best.covered >= fit.answer else []
    asked = [part for part in parts if asks_something(part.text)]
    others = [part for part in asked if part.article != whole.article and part.covered >= SECOND * fit.answer]
    if len(asked) < 2 or not (second := _best(others)):
        return [whole]
    first_asked = parts.index(second) == parts.index(asked[0])
    return [second, whole] if first_asked else [whole, second]


def _best(parts: list[Judgement]) -> Judgement | None:
    return max(parts, key=lambda part: part.covered, default=None)


def _competes(whole: Judgement) -> bool:
    """A word or two of the articles' own vocabulary: asking back helps more than handing over."""
    return (
        len(whole.text.split()) <= CLARIFIED
        and len(whole.rivals) > 0
        and (whole.features["known"] >= KNOWN or whole.features["near"] >= NEAR)
    )


def _spelled(library: Library, text: str, locale: str) -> float:
    """How word-like a text is, for languages that the articles are in; others are given the benefit of the doubt."""
    return library.index.spelled(text, locale)
