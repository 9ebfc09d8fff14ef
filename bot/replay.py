"""Compares a stored reply with the same question asked again; knows two replies, not where they are kept."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.ask import Bot
from bot.library import Library
from bot.reply import reply_json
from bot.turn import take_again
from handoff.record import Record

# New at every asking, or said of the moment and not of the extract.
MOVING = frozenset({"id", "conversation_id", "ticket", "would_open", "timing_ms", "degraded"})
# A language model's own words; what it wrote from is compared.
WRITTEN = frozenset({"text", "html", "citations", "engine"})
EXTRACTIVE = "extractive"
# Scores are kept to four digits, and their last one follows the number of threads.
NEAR = 0.001


@dataclass(frozen=True, slots=True)
class Change:
    """Something that replies rest on and that is another one now; None: there was none."""

    what: str
    then: str | None
    now: str | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """`stored` and `again` are Replies as JSON without what moves; `differs` names the keys in which they differ."""

    record: Record
    stored: dict[str, Any]
    again: dict[str, Any]
    differs: tuple[str, ...]
    weighed: bool
    """The searches found the same articles and passages, with scores that agree to NEAR."""
    changed: tuple[Change, ...]

    @property
    def same(self) -> bool:
        return not self.differs

    @property
    def diff(self) -> str:
        """A unified diff of the keys that differ; nothing where none does."""
        before, after = (
            [line for key in self.differs for line in _lines(key, side.get(key))] for side in (self.stored, self.again)
        )
        return "\n".join(difflib.unified_diff(before, after, "stored", "again", lineterm=""))


def replay_reply(bot: Bot, library: Library | None, record: Record, stored: dict[str, Any]) -> Replayed:
    """Ask the recorded question again of its own revision (`library`), and compare byte for byte with `stored`."""
    turn = take_again(bot, library, record)
    skipped = MOVING if record.engine == EXTRACTIVE else MOVING | WRITTEN
    before, after = (_kept(reply, skipped) for reply in (stored, reply_json(turn.reply)))
    return Replayed(
        record=record,
        stored=before,
        again=after,
        differs=tuple(key for key in sorted(before.keys() | after.keys()) if _differ(before.get(key), after.get(key))),
        weighed=_agree(record.weighed, list(turn.reply.weighed)),
        changed=tuple(_changes(record.basis, turn.basis)),
    )


def _kept(reply: dict[str, Any], skipped: frozenset[str]) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(json.dumps({key: reply[key] for key in reply if key not in skipped}))
    return kept


def _differ(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True)


def _agree(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_agree(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_agree, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= NEAR
    return bool(one == other)


def _changes(then: dict[str, str], now: dict[str, str]) -> Iterator[Change]:
    for what in sorted(then.keys() | now.keys()):
        if then.get(what) != now.get(what):
            yield Change(what, then.get(what), now.get(what))


def _lines(key: str, value: Any) -> list[str]:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
    first, *rest = text.split("\n")
    return [f"{key}: {first}", *(f"  {line}" for line in rest)]
