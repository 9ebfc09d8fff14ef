"""Takes an answer line by line and keeps what stands in its sources; knows lines and citations, not who writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.compose import cite_block
from bot.ground import Evidence, Glue, find_fault, read_tokens, split_sentences
from bot.source import Source
from kb.article import Citation
from kb.render import render_html
from kb.write import BLOCK_START, escape_words

ENOUGH = 6
LONGEST = 800
SHARE = 0.5
ITEM = re.compile(r"^\s*(?:(\d{1,3})[.)]|[-*•])\s+")
MARKS = re.compile(r"\s*\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
AFTER_STOP = re.compile(r"([.!?…。！？؟])((?:\s*\[\d{1,3}(?:\s*,\s*\d{1,3})*\])+)")
STYLE = re.compile(r"\*\*|__|`")


class Broken(Exception):
    """A numbered step fails its check: steps with a gap are worse than none."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence without its marks, and the numbers of the sources that they name."""

    words: str
    marks: tuple[int, ...]

    @property
    def length(self) -> int:
        return len(read_tokens(self.words))


@dataclass(slots=True)
class Page:
    """What has been accepted. `kept` and `dropped` count words. Sources are numbered from 1, as the model sees them;
    citations anew, in the order in which they are first needed."""

    sources: Sequence[Source]
    glue: Mapping[str, Glue]
    revision: str
    locale: str
    citations: dict[int, Citation] = field(default_factory=dict)
    pieces: list[tuple[str, str]] = field(default_factory=list)
    kept: int = 0
    dropped: int = 0

    @property
    def enough(self) -> bool:
        return self.kept >= ENOUGH and self.kept >= SHARE * (self.kept + self.dropped)

    def accept(self, line: str) -> None:
        """Keep the line's sentences that stand; an item of a list as a whole or not at all."""
        if len(line) > LONGEST:
            self.dropped += len(line.split())
            return
        mark, claims = read_line(line)
        good = [claim for claim in claims if self._stands(claim)]
        if mark and len(good) < len(claims):
            if mark != "- ":
                raise Broken
            good = []
        kept = sum(claim.length for claim in good)
        self.kept += kept
        self.dropped += sum(claim.length for claim in claims) - kept
        for group in [good] if mark and good else [[claim] for claim in good]:
            self.pieces.append(self._piece(mark, group))

    def _stands(self, claim: Claim) -> bool:
        if not claim.marks or not all(1 <= n <= len(self.sources) for n in claim.marks):
            return False
        cited = [self.sources[n - 1].evidence for n in claim.marks]
        glue = self.glue.get(cited[0].locale.split("-")[0])
        return glue is not None and find_fault(claim.words, _together(cited), glue) is None

    def _piece(self, mark: str, claims: Sequence[Claim]) -> tuple[str, str]:
        words = escape_words(" ".join(claim.words for claim in claims))
        words = mark + words if mark else BLOCK_START.sub(r"\1\\", words)
        cited = {c.n: c for claim in claims for n in claim.marks for c in [self._citation(n, claim)]}
        linked = f"{words} " + "".join(f"[\\[{n}\\]](cite:{n})" for n in cited)
        html = render_html(linked, self.locale, {f"cite:{n}": (n, c.url) for n, c in cited.items()}).strip()
        return f"{words} " + "".join(f"[{n}]" for n in cited), html

    def _citation(self, n: int, claim: Claim) -> Citation:
        if n not in self.citations:
            source, wanted = self.sources[n - 1], set(read_tokens(claim.words))
            block = max(source.section.blocks, key=lambda b: len(wanted & set(read_tokens(b.text))))
            number = len(self.citations) + 1
            self.citations[n] = cite_block(source.article, source.section, block, self.revision, number)
        return self.citations[n]


def read_line(line: str) -> tuple[str, list[Claim]]:
    """A line's list mark (`3. `, `- ` or nothing) and its claims. A sentence without marks has those that come next."""
    item = ITEM.match(line)
    mark = "" if item is None else f"{item[1]}. " if item[1] else "- "
    text = AFTER_STOP.sub(r"\2\1", STYLE.sub("", line[item.end() if item else 0 :])).strip()
    claims: list[Claim] = []
    marks: tuple[int, ...] = ()
    for sentence in reversed(split_sentences(text)):
        found = [int(n) for marked in MARKS.findall(sentence) for n in re.findall(r"\d+", marked)]
        marks = tuple(dict.fromkeys(found)) or marks
        words = MARKS.sub("", sentence).strip()
        if read_tokens(words):
            claims.insert(0, Claim(words, marks))
    return mark, claims


def _together(cited: Sequence[Evidence]) -> Evidence:
    if len(cited) == 1:
        return cited[0]
    return Evidence("\n".join(e.title for e in cited), "\n".join(e.text for e in cited), cited[0].locale)
