"""What a creator asks and what they are answered, as plain values; knows no flow and no HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from handoff.policy import Priority
from handoff.ticket import Reason
from kb.article import Citation

Kind = Literal["answer", "clarify", "handover", "smalltalk"]
Severity = Literal["P0", "P1", "P2", "P3"]
DIGITS = 3
Tell = Callable[[str, dict[str, Any]], None]
"""Told while a reply is written: the name and the data of an event that a creator may see at once."""


@dataclass(frozen=True, slots=True)
class Question:
    """One turn. `turns` are the questions asked before it, oldest first; `locale` is what the page is set to;
    `conversation` is empty where the question is asked statelessly."""

    text: str
    locale: str | None = None
    turns: tuple[str, ...] = ()
    creator: dict[str, Any] = field(default_factory=dict)
    conversation: str = ""


@dataclass(frozen=True, slots=True)
class Flag:
    """What the safety screen saw. P0 is the gravest."""

    category: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Option:
    """Something to tap: `label` is shown, `question` is asked."""

    label: str
    question: str


@dataclass(frozen=True, slots=True)
class Handover:
    """The ticket that a handover opens, or, asked statelessly, would open."""

    queue: str
    priority: Priority
    reason: Reason
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer has citations; a handover has `handover`. `sentences` are the parts of `text` in the order in
    which they may be shown, each whole and checked. `weighed` is each search with its candidates, kept and not sent."""

    id: str
    kind: Kind
    locale: str
    text: str
    html: str
    revision: str
    confidence: float = 0.0
    citations: tuple[Citation, ...] = ()
    options: tuple[Option, ...] = ()
    suggestions: tuple[str, ...] = ()
    safety: Flag | None = None
    handover: Handover | None = None
    notices: tuple[dict[str, str], ...] = ()
    degraded: bool = False
    engine: str = "extractive"
    timing_ms: dict[str, float] = field(default_factory=dict)
    sentences: tuple[tuple[str, str], ...] = ()
    weighed: tuple[dict[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if self.kind == "answer" and not self.citations:
            raise ValueError("an answer cannot exist without a citation")
        if self.kind == "handover" and self.handover is None:
            raise ValueError("a handover cannot exist without what it opens")


def tell_nobody(_name: str, _data: dict[str, Any]) -> None:
    """For whoever waits for the whole reply."""


def reply_json(reply: Reply, conversation: str | None = None, ticket: dict[str, Any] | None = None) -> dict[str, Any]:
    """The Reply of the contract. Without a ticket, a handover says what it would open."""
    data = asdict(reply)
    handover = data.pop("handover")
    for inner in ("sentences", "weighed"):
        data.pop(inner)
    # The last digits of a float follow the number of threads; a reply has to be the same on every machine.
    data |= {"conversation_id": conversation, "ticket": ticket, "confidence": round(reply.confidence, DIGITS)}
    if handover and ticket is None:
        data["would_open"] = {key: handover[key] for key in ("queue", "priority", "reason")}
    return data
