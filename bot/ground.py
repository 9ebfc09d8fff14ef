"""Checks that a written sentence stands in the sections it cites; knows texts and words, neither models nor replies.

Every word that carries meaning has to stand in the cited section (as a stem), every name in the same spelling, every
number beside the same word, and each clause has to lean on one clause there without turning it round. That refuses some
true paraphrases: what is refused costs style, what is let through might cost a creator's account.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from bot.data import read_yaml
from retrieval.analyze import CJK, terms

FILE = Path(__file__).parent / "glue.yaml"
LEAN = 0.5
TOKEN = re.compile(
    r"[$€£¥]?\s?\d+(?:[.,:/٫٬]\d+)*(?:\s?[%$€£¥])?"
    r"|[\u3400-\u9fff\u3040-\u30ff]|(?:(?![\u3400-\u9fff\u3040-\u30ff])[^\W\d_])+(?:['’][^\W\d_]+)*"
)
SENTENCE = re.compile(r"(?<=[.!?…؟])\s+|(?<=[。！？])\s*|\n+")
CLAUSE = re.compile(r"[;:；：—()（）]|\b(?:but|however|mais|pero|لكن)\b|但|，但", re.I)
ADDRESS = re.compile(
    r"\S*(?:://|@|www\.)\S*|\b[^\W_][\w-]*(?:\.[^\W\d_]{2,})+(?:/\S*)?"
    r"|\b(?:javascript|data|mailto|tel):\S+",
    re.I,
)
# Format characters hide words or turn them round; a symbol or an emoji is a statement of its own.
HIDDEN = {"Cf", "Cc", "Co", "Cn", "Cs"}
MARKUP = re.compile(r"[\[\]<>{}|\\]|!\[|```|~~|&#?\w+;|^#{1,6}\s")


@dataclass(frozen=True)
class Glue:
    """One language's words: see `glue.yaml`."""

    glue: frozenset[str]
    negations: frozenset[str]
    opposites: tuple[frozenset[str], ...]


@dataclass(frozen=True)
class Evidence:
    """The text of a cited section and the titles above it, in its language. Titles lend words, but no numbers."""

    title: str
    text: str
    locale: str

    @cached_property
    def tokens(self) -> list[str]:
        return read_tokens(self.text)

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset([*self.tokens, *read_tokens(self.title)])

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(_stem(word, self.locale) for word in self.words)

    @cached_property
    def clauses(self) -> list[tuple[frozenset[str], frozenset[str]]]:
        """Each clause's words, and their stems."""
        held = [frozenset(read_tokens(clause)) for clause in split_clauses(self.text)]
        return [(words, frozenset(_stem(word, self.locale) for word in words)) for words in held]


def read_glue(path: Path = FILE) -> Mapping[str, Glue]:
    return {
        locale: Glue(
            frozenset(data["glue"].split()),
            frozenset(data["negations"].split()),
            tuple(frozenset(pair.split()) for pair in data["opposites"]),
        )
        for locale, data in read_yaml(path).items()
    }


def find_fault(sentence: str, evidence: Evidence, glue: Glue) -> str | None:
    """One word of why `sentence` (without its marks) may not be shown, or None: markup, hidden, address, empty, number,
    name, word, meaning."""
    text = unicodedata.normalize("NFKC", sentence)
    tokens = read_tokens(text)
    content = [token for token in tokens if token not in glue.glue and token not in glue.negations]
    checks = (
        ("markup", MARKUP.search(_shown(text, evidence))),
        ("hidden", any(_hides(c) and c not in evidence.text for c in text)),
        ("address", not set(addresses(text)) <= set(addresses(evidence.text))),
        ("empty", not content),
        ("number", not _numbers_stand(tokens, evidence, glue)),
        ("name", any(name not in evidence.words for name in read_names(text))),
        ("word", any(_stem(token, evidence.locale) not in evidence.stems for token in content)),
        ("meaning", any(not _leans(clause, evidence, glue) for clause in split_clauses(text))),
    )
    return next((why for why, faulty in checks if faulty), None)


def read_tokens(text: str) -> list[str]:
    """Words, Chinese characters and numbers (with their sign of money or per cent) in order, folded."""
    return [_fold(match[0]) for match in TOKEN.finditer(unicodedata.normalize("NFKC", text))]


def read_numbers(text: str) -> list[str]:
    return [token for token in read_tokens(text) if _is_number(token)]


def read_names(text: str) -> Iterator[str]:
    """Words with a capital that no sentence's beginning explains, folded."""
    for sentence in split_sentences(text):
        for n, match in enumerate(TOKEN.finditer(sentence)):
            capital = match[0][0].isupper() and n > 0
            if capital or any(c.isupper() for c in match[0][1:]):
                yield _fold(match[0])


def addresses(text: str) -> list[str]:
    """What reads as an address of the web or of mail, with or without a scheme."""
    return [match[0].rstrip(".,;:!?)") for match in ADDRESS.finditer(text)]


def split_sentences(text: str) -> list[str]:
    return [part.strip() for part in SENTENCE.split(text) if part.strip()]


def split_clauses(text: str) -> list[str]:
    parts = (part for sentence in split_sentences(text) for part in CLAUSE.split(sentence))
    return [part.strip() for part in parts if part.strip()]


def _numbers_stand(tokens: Sequence[str], evidence: Evidence, glue: Glue) -> bool:
    """Each number stands in the section before the same word (after it, where the sentence ends with the number)."""
    pairs = set(_pairs(evidence.tokens, evidence.locale, glue))
    kept = _kept(tokens, evidence.locale, glue)
    for at, token in enumerate(kept):
        if not _is_number(token):
            continue
        if token not in evidence.tokens:
            return False
        beside = (token, kept[at + 1]) if at + 1 < len(kept) else (kept[at - 1], token)
        if len(kept) > 1 and beside not in pairs:
            return False
    return True


def _pairs(tokens: Sequence[str], locale: str, glue: Glue) -> Iterator[tuple[str, str]]:
    kept = _kept(tokens, locale, glue)
    return pairwise(kept)


def _kept(tokens: Sequence[str], locale: str, glue: Glue) -> list[str]:
    return [_stem(token, locale) for token in tokens if token not in glue.glue]


def _leans(clause: str, evidence: Evidence, glue: Glue) -> bool:
    """One clause of the section holds half of this one's words, denies what it denies, and says no opposite."""
    tokens = frozenset(read_tokens(clause))
    wanted = {_stem(t, evidence.locale) for t in tokens - glue.glue - glue.negations}
    if not wanted:
        return not tokens & glue.negations
    shares = [(len(wanted & stems), held) for held, stems in evidence.clauses]
    most = max((share for share, _ in shares), default=0)
    if most < LEAN * len(wanted):
        return False
    return any(_same_sense(tokens, held, glue) for share, held in shares if share == most)


def _same_sense(said: frozenset[str], held: frozenset[str], glue: Glue) -> bool:
    if bool(said & glue.negations) != bool(held & glue.negations):
        return False
    return not any((said & pair) - held and held & pair for pair in glue.opposites)


def _shown(text: str, evidence: Evidence) -> str:
    """`text` without the > that menus are written with, where the section has it too."""
    return text.replace(" > ", " ") if " > " in evidence.text else text


def _hides(character: str) -> bool:
    category = unicodedata.category(character)
    return category in HIDDEN or (category in ("So", "Sk") and character not in "°©®™")


def _is_number(token: str) -> bool:
    return any(c.isdigit() for c in token)


def _stem(token: str, locale: str) -> str:
    if _is_number(token) or CJK.match(token):
        return token
    return " ".join(terms(token, locale)) or token


def _fold(token: str) -> str:
    if _is_number(token):
        return "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in token if not c.isspace())
    decomposed = unicodedata.normalize("NFKD", token.lower())
    kept = "".join(c for c in decomposed if not unicodedata.combining(c) and c not in "'’")
    return unicodedata.normalize("NFC", kept)
