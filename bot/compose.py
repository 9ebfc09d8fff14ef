"""Writes an answer out of an article's own words: whole sections, steps in order, each with its mark.

Knows articles and scores; nothing of phrases, tickets or why this article was chosen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from kb.article import TOP, Article, Block, Citation, Section
from kb.render import render_html

BUDGET = 120
LEAD = 60
QUOTE = 240
TWO_PART_BUDGET = 80
EDGE = 4


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer in the making: `sentences` are (Markdown, HTML) pieces in order, each complete with its mark."""

    citations: tuple[Citation, ...]
    sentences: tuple[tuple[str, str], ...]


def compose_answer(
    article: Article, ranked: Sequence[str], revision: str, first: int = 1, budget: int = BUDGET
) -> Draft:
    """The best section of `article` (`ranked`: its anchors, best first), under its opening words where they are short.

    About `budget` words, but a list of steps is never cut. Citations are numbered from `first`.
    """
    chosen = _choose(article, ranked, budget)
    citations: list[Citation] = []
    pieces: list[tuple[str, str]] = []
    for section, blocks in chosen:
        citation = cite_block(article, section, blocks[0], revision, first + len(citations))
        citations.append(citation)
        pieces += [_piece(block, citation, article.locale) for block in blocks]
    return Draft(tuple(citations), tuple(pieces))


def _choose(article: Article, ranked: Sequence[str], budget: int) -> list[tuple[Section, list[Block]]]:
    filled = {s.anchor: s for s in article.sections if s.blocks}
    order = [filled[a] for a in ranked if a in filled] or list(filled.values())[:1]
    best = order[0]
    chosen: dict[str, list[Block]] = {best.anchor: _take(best, budget)}
    spent = _words(chosen[best.anchor])
    lead = filled.get(TOP)
    if lead and best is not lead and spent + _words(lead.blocks) <= budget + LEAD and _words(lead.blocks) <= LEAD:
        chosen[TOP] = list(lead.blocks)
        spent += _words(lead.blocks)
    for section in order[1:2]:
        blocks = _take(section, budget)
        if section.anchor not in chosen and spent + _words(blocks) <= budget:
            chosen[section.anchor] = blocks
    return [(s, chosen[s.anchor]) for s in article.sections if s.anchor in chosen]


def _take(section: Section, budget: int) -> list[Block]:
    """Blocks from the section's start up to the budget. A list belongs to the words before it, and is never cut."""
    taken: list[Block] = []
    for block in section.blocks:
        whole = block.kind in ("steps", "list")
        if taken and not whole and _words([*taken, block]) > budget:
            break
        if taken and whole and taken[-1].kind == block.kind and _words([*taken, block]) > budget:
            break
        taken.append(block)
    return taken


def _words(blocks: Sequence[Block]) -> int:
    return sum(len(block.text.split()) for block in blocks)


def _piece(block: Block, citation: Citation, locale: str) -> tuple[str, str]:
    marked = _mark(block, f"[{citation.n}]")
    linked = _mark(block, f"[\\[{citation.n}\\]](cite:{citation.n})")
    return marked, render_html(linked, locale, {f"cite:{citation.n}": (citation.n, citation.url)}).strip()


def _mark(block: Block, mark: str) -> str:
    """The block with its citation mark: after the last words, or under a block that nothing can be added to."""
    if block.kind in ("code", "table") or block.markdown.rstrip().endswith(("```", "|")):
        return f"{block.markdown}\n\n{mark}"
    return f"{block.markdown} {mark}"


def cite_block(article: Article, section: Section, block: Block, revision: str, n: int) -> Citation:
    """The citation numbered `n`, its quote the first words of `block`."""
    words = clip_quote(block.text)
    # A directive cannot reach over the edge of a list item: its beginning has to do.
    url = article.url(section.anchor) + text_fragment(words, whole=block.kind == "text")
    title = section.title or article.title
    return Citation(n, article.id, article.locale, article.title, title, section.anchor, url, words, revision)


def clip_quote(text: str) -> str:
    """The first sentences of `text` that fit, word for word; cut between words if the first alone is too long."""
    if len(text) <= QUOTE:
        return text
    ends = [match.end() for match in re.finditer(r"[.!?。！？؟](?=\s|$)", text) if match.end() <= QUOTE]
    if ends and ends[-1] > 40:
        return text[: ends[-1]]
    return text[:QUOTE].rsplit(" ", 1)[0] if " " in text[:QUOTE] else text[:QUOTE]


def text_fragment(words: str, *, whole: bool = True) -> str:
    """A text directive that highlights the quote (WICG Scroll to Text Fragment): its first and last words, or only
    the first ones."""
    parts = words.split()
    edges = [" ".join(parts[:EDGE])]
    if whole and len(parts) <= 2 * EDGE:
        edges = [words]
    elif whole:
        edges.append(" ".join(parts[-EDGE:]))
    return ":~:text=" + ",".join(quote(edge, safe="").replace("-", "%2D") for edge in edges)
