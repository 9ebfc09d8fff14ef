"""Normalises text and matches phrase patterns in it; knows letters, not what a phrase means.

In a pattern `*` stands for up to three words (up to six characters between Chinese ones), `(a|b)` for a choice.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

CJK = "\u3400-\u9fff"
ARABIC = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه", "ـ": None})
APOSTROPHES = re.compile("[’‘ʼ´`′]")
REPEATED = re.compile(r"([^\W\d_])\1{2,}")
NOT_WORD = re.compile(rf"[^\w'{CJK}]+|_")


def normalize_text(text: str, letters: int = 1) -> str:
    """Lower case, accents and tashkeel off, one apostrophe, Arabic letters folded, punctuation to spaces; of three or
    more equal letters `letters` are left."""
    text = APOSTROPHES.sub("'", unicodedata.normalize("NFKC", text).lower())
    decomposed = unicodedata.normalize("NFD", text)
    text = unicodedata.normalize("NFC", "".join(c for c in decomposed if not unicodedata.combining(c)))
    text = "".join(c for c in text if unicodedata.category(c) != "Cf").translate(ARABIC)
    return " ".join(REPEATED.sub(r"\1" * letters, NOT_WORD.sub(" ", text)).split())


def compile_patterns(patterns: Iterable[str]) -> re.Pattern[str] | None:
    """One expression that finds any of `patterns` at word boundaries; None if there are none."""
    # The longest first: an alternation takes the first that fits, not the best.
    parts = [_expression(pattern) for pattern in sorted(patterns, key=len, reverse=True)]
    return re.compile("|".join(parts)) if parts else None


def _expression(pattern: str) -> str:
    chinese = bool(re.search(f"[{CJK}]", pattern))
    gap = r".{0,6}?" if chinese else r"(?:\S+ ){0,3}?"
    pieces = []
    for piece in re.split(r"(\*|[()|])", pattern):
        if piece == "*":
            pieces.append(gap)
        elif piece in ("(", ")", "|"):
            pieces.append("(?:" if piece == "(" else piece)
        else:
            pieces.append(re.escape(_literal(piece)))
    body = "".join(pieces).replace(r"\ " + gap + r"\ ", r"\ " + gap)
    return body if chinese else rf"(?<!\w)(?:{body})(?!\w)"


def _literal(piece: str) -> str:
    inner = normalize_text(piece)
    lead = " " if piece[:1] == " " else ""
    tail = " " if piece[-1:] == " " and piece.strip() else ""
    return f"{lead}{inner}{tail}"
