"""The first safety screen: plain lexicons in five languages, run on every message before anything else.

Knows text only: no index, database, network or model stands in its way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.data import read_yaml
from bot.pattern import compile_patterns, normalize_text
from bot.reply import Flag, Severity

LEXICONS = Path(__file__).parent / "lexicons"
SEVERITIES: tuple[Severity, ...] = ("P0", "P1", "P2", "P3")
EXTRAS = ("idioms", "rules", "negations", "minors")
# At equal severity the one that must not be missed comes first.
ORDER = (
    "child_safety",
    "self_harm",
    "harassment",
    "violence",
    "account_takeover",
    "payment_fraud",
    "legal_privacy",
)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language's phrases. `triggers` in order of severity, gravest first."""

    triggers: tuple[tuple[Flag, re.Pattern[str]], ...]
    idioms: re.Pattern[str] | None
    rules: re.Pattern[str] | None
    negations: re.Pattern[str] | None
    minors: re.Pattern[str] | None


class Screen:
    """All the lexicons together: a message is read in every language, whatever the page is set to."""

    def __init__(self, lexicons: tuple[Lexicon, ...]) -> None:
        self._lexicons = lexicons

    def check(self, text: str) -> Flag | None:
        """The gravest thing seen, or None. A question about the rules is P3, but never lowers a P0."""
        # “killl” may stand for a word with one l or with two.
        found = [flag for plain in {normalize_text(text), normalize_text(text, 2)} if (flag := self._worst(plain))]
        worst = min(found, key=_gravity, default=None)
        if worst is None or worst.severity == "P0":
            return worst
        return Flag(worst.category, "P3") if self.asks_rule(text) else worst

    def _worst(self, plain: str) -> Flag | None:
        for lexicon in self._lexicons:
            if lexicon.idioms:
                plain = " ".join(lexicon.idioms.sub(" ", plain).split())
        found = [flag for lexicon in self._lexicons if (flag := _first(lexicon, plain))]
        worst = min(found, key=_gravity, default=None)
        if worst and worst.category == "harassment" and any(x.minors.search(plain) for x in self._lexicons if x.minors):
            # Blackmail of a child is a child in danger.
            return Flag("child_safety", "P0")
        return worst

    def asks_rule(self, text: str) -> bool:
        """The message asks what the rules are; nobody is in danger by that."""
        plain = normalize_text(text)
        return any(lex.rules.search(plain) for lex in self._lexicons if lex.rules)


def _gravity(flag: Flag) -> tuple[str, int]:
    return flag.severity, ORDER.index(flag.category)


def read_screen(folder: Path = LEXICONS) -> Screen:
    files = sorted(folder.glob("*.yaml"))
    return Screen(tuple(_lexicon(read_yaml(file)) for file in files))


def _first(lexicon: Lexicon, plain: str) -> Flag | None:
    for flag, pattern in lexicon.triggers:
        for match in pattern.finditer(plain):
            if not _negated(lexicon, plain[: match.start()]):
                return flag
    return None


def _negated(lexicon: Lexicon, before: str) -> bool:
    if lexicon.negations is None:
        return False
    ends = [match.end() for match in lexicon.negations.finditer(before)]
    return bool(ends) and not before[ends[-1] :].strip()


def _lexicon(data: dict[str, Any]) -> Lexicon:
    triggers = [
        (Flag(category, severity), pattern)
        for severity in SEVERITIES
        for category in ORDER
        if (pattern := compile_patterns(data.get(category, {}).get(severity) or ()))
    ]
    extras = {name: compile_patterns(data.get(name) or ()) for name in EXTRAS}
    return Lexicon(tuple(triggers), *(extras[name] for name in EXTRAS))
