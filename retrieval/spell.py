"""Mends a question before it is searched: shorthand is written out, misspelt words get their likeliest spelling.

Knows words and how often they occur; nothing of what is asked. English only for now: it is the language whose words
the embedding model brings along.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path

import yaml
from rapidfuzz import process
from rapidfuzz.distance import OSA

SHORTHAND = Path(__file__).parent / "shorthand.yaml"
TOKEN = re.compile(r"[A-Za-z0-9]+(?:['’][A-Za-z]+)?")
WORD = re.compile(r"[a-z]{3,}")
# The commonest words of the model's vocabulary; rarer ones are more often a misspelling's neighbour than meant.
COMMON = 12_000
LONG = 7
NEAR = 20


class Speller:
    """`texts` are the articles' words, `words` a language's, most frequent first."""

    def __init__(self, texts: Iterable[str], words: Sequence[str] = ()) -> None:
        self._ours = Counter(word for text in texts for word in re.findall(r"[a-z]+", text.lower()))
        plain = [word for word in words if WORD.fullmatch(word)]
        self._rank = {word: rank for rank, word in enumerate(plain)}
        self._known = self._ours.keys() | self._rank.keys()
        self._likely = sorted({w for w in self._ours if len(w) > 2} | set(plain[:COMMON]))
        self._mend = lru_cache(maxsize=10_000)(self._nearest)

    def correct(self, text: str) -> str:
        """`text` with its words mended; case and everything between words stay."""
        return TOKEN.sub(lambda match: self._word(match[0]), text)

    def _word(self, token: str) -> str:
        lower = token.lower().replace("’", "'")
        if meant := shorthand().get(lower):
            return meant
        if lower in self._known or not WORD.fullmatch(lower) or not self._rank:
            return token
        return self._mend(lower) or token

    def _nearest(self, word: str) -> str | None:
        """The likeliest known word at a distance of one slip (two in a long word), or None."""
        found = process.extract(
            word, self._likely, scorer=OSA.distance, score_cutoff=2 if len(word) >= LONG else 1, limit=NEAR
        )
        if len(word) == 3:
            # In so short a word only two swapped letters are a slip; anything else is another word.
            found = [item for item in found if sorted(item[0]) == sorted(word)]
        if not found:
            return None
        best = min(
            found,
            key=lambda item: (
                item[1],
                item[0][0] != word[0],
                -self._ours[item[0]],
                self._rank.get(item[0], COMMON),
            ),
        )
        return str(best[0])


@cache
def shorthand() -> dict[str, str]:
    data = yaml.safe_load(SHORTHAND.read_text(encoding="utf-8"))
    return {str(key): str(value) for key, value in data.items()}
