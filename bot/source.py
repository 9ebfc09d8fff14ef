"""Gathers the sections that a language model may write from; knows articles and ranks, not what is written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.ground import Evidence
from bot.judge import Judgement
from bot.library import Library
from bot.prompts import enclose
from kb.article import Article, Block, Section

SECTIONS = 6
WORDS = 700
ITEM = re.compile(r"^\s*(?:\d{1,9}[.)]|[-*+])\s+", re.M)
STYLE = re.compile(r"\*\*|~~|(?<!\\)[*`]")
LINK = re.compile(r"\[((?:[^\]\\]|\\.)*)\]\(<?[^)>]*>?\)")
ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


@dataclass(frozen=True, slots=True)
class Source:
    """A section and what it can carry."""

    article: Article
    section: Section
    evidence: Evidence


def gather_sources(library: Library, chosen: Sequence[Judgement]) -> list[Source]:
    """The best sections of the chosen articles, about WORDS words in all; each article gives at least one."""
    return [
        make_source(judged.article, section)
        for judged in chosen
        if judged.article
        for section in _sections(library, judged.article, judged, WORDS // len(chosen))
    ]


def make_source(article: Article, section: Section) -> Source:
    lines = [section.title, *(ITEM.sub("", plain_block(block)) for block in section.blocks)]
    titles = "\n".join([article.title, *section.path])
    return Source(article, section, Evidence(titles, "\n".join(filter(None, lines)), article.locale))


def enclose_source(n: int, source: Source) -> str:
    """The section as the model gets it, under its number."""
    titles = " › ".join([source.article.title, *source.section.path])
    text = "\n".join(map(plain_block, source.section.blocks))
    return enclose("passage", text, n=str(n), title=titles)


def plain_block(block: Block) -> str:
    """Lists stay lists, an item a line; links and styles are left out, since none may be written."""
    if block.kind not in ("steps", "list"):
        return block.text
    return ESCAPED.sub(r"\1", STYLE.sub("", LINK.sub(r"\1", block.markdown)))


def _sections(library: Library, article: Article, judged: Judgement, words: int) -> list[Section]:
    ranked = library.index.rank_sections(article.id, article.locale, judged.found)
    found = [s for anchor in ranked if (s := article.section(anchor)) and s.blocks][:SECTIONS]
    spent = 0
    for n, section in enumerate(found):
        spent += len(section.text.split())
        if n and spent > words:
            return found[:n]
    return found
