"""Has a follow-up rewritten so that it can be searched for alone; knows words, not what is found."""

from __future__ import annotations

from collections.abc import Sequence

from bot.ground import Glue, addresses, read_tokens
from bot.prompts import enclose, inert
from bot.writer import Unwritten, Writer

LONGEST = 40


def rewrite_followup(writer: Writer, text: str, turns: Sequence[str], locale: str, conversation: str) -> str | None:
    """`text` (one of the creator's messages) with what `turns` before it say, or None. It is for searching only."""
    said = "\n".join(enclose("message", turn) for turn in turns)
    asked = writer.prompts.fill("rewrite", turns=said, question=inert(text))
    try:
        rewritten = writer.complete("rewrite", conversation, asked).strip()
    except Unwritten:
        return None
    kept = is_faithful(rewritten, text, turns, writer.glue[locale])
    writer.count("rewrite written" if kept else "rewrite dropped")
    return rewritten if kept else None


def is_faithful(rewritten: str, text: str, turns: Sequence[str], glue: Glue) -> bool:
    """It says all that `text` says, and nothing that the creator has not said: a model cannot change the subject."""
    new, asked, known = (set(read_tokens(said)) for said in (rewritten, text, " ".join([*turns, text])))
    plain = "\n" not in rewritten and not addresses(rewritten) and len(rewritten.split()) <= LONGEST
    return plain and asked - glue.glue <= new <= known | glue.glue
