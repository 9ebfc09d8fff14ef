"""Has an English answer translated block by block and checks what can be checked without reading the language."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bot.ground import addresses, read_numbers
from bot.language import identify_language
from bot.prompts import LANGUAGES, enclose
from bot.reply import Reply
from bot.writer import Writer
from kb.article import Citation
from kb.render import render_html

BLOCK = re.compile(r"<block>\s*(.*?)\s*</block>", re.S)
MARK = re.compile(r"\[(\d+)\](?!\()")
TARGET = re.compile(r"\]\(\s*<?([^)>\s]*)")
ITEM = re.compile(r"^\s*(?:\d+[.)]|[-*+])(?=\s)|^\s*>", re.M)
LATIN = re.compile(r"[A-Za-z][A-Za-z0-9-]+")
# Chinese needs about a third of English's characters, French a quarter more.
SHORTEST, LONGEST = 0.2, 2.5
GROUPED = re.compile(r"(?<=\d)[.,٬\u00a0\u202f ](?=\d{3}(?!\d))")


def translate_reply(writer: Writer, reply: Reply, title: str, conversation: str) -> Reply | None:
    """`reply` in its own language, None if the model did badly, or Unwritten.

    `title` takes the place of its first block, which says that it is in English.
    """
    blocks = [text for text, _ in reply.sentences[1:]]
    asked = writer.prompts.fill(
        "translate",
        language=LANGUAGES[reply.locale],
        blocks="\n".join(enclose("block", text) for text in blocks),
    )
    translated = BLOCK.findall(writer.complete("translate", conversation, asked))
    kept = is_translation(blocks, translated, reply.locale)
    writer.count("translate written" if kept else "translate dropped")
    if not kept:
        return None
    first = (title, render_html(title, reply.locale).strip())
    pieces = (first, *((text, _html(text, reply.locale, reply.citations)) for text in translated))
    return replace(
        reply,
        text="\n\n".join(text for text, _ in pieces),
        html="\n".join(html for _, html in pieces),
        sentences=pieces,
        engine=writer.model.name,
    )


def is_translation(blocks: Sequence[str], translated: Sequence[str], locale: str) -> bool:
    """Block for block: the same numbers, marks, list items, links and names, no address or markup more, about the same
    length; and each in the language of `locale`."""
    spoken = (identify_language(TARGET.sub("", MARK.sub("", text)), locale) for text in translated)
    return (
        len(blocks) == len(translated)
        and all(language == locale for language in spoken)
        and all(map(_matches, blocks, translated))
    )


def _matches(source: str, text: str) -> bool:
    if "```" in source or "|" in source:  # a table or code says nothing in another language that can be checked
        return False
    kept = all(read(source) == read(text) for read in (_numbers, MARK.findall, TARGET.findall, _items, _shouted))
    new = {*addresses(TARGET.sub("", text))} - {*addresses(TARGET.sub("", source))}
    markup = any(text.count(sign) > source.count(sign) for sign in ("![", "<", "```", "[", "|"))
    fits = SHORTEST * len(source) <= len(text) <= LONGEST * len(source)
    return kept and not new and not markup and fits


def _numbers(text: str) -> Counter[str]:
    """1,000 and 1 000 and 1.000 are one number, 2.5 and 2,5 another."""
    plain = GROUPED.sub("", ITEM.sub(" ", TARGET.sub("", MARK.sub(" ", text))))
    return Counter(re.sub(r"\D+", ".", number).strip(".") for number in read_numbers(plain))


def _items(text: str) -> list[str]:
    return [found.strip() for found in ITEM.findall(text)]


def _shouted(text: str) -> set[str]:
    """Names that are written the same in every language: two capitals at least, such as TikTok, LIVE or QR."""
    return {word for word in LATIN.findall(TARGET.sub("", text)) if sum(c.isupper() for c in word) > 1}


def _html(text: str, locale: str, citations: Sequence[Citation]) -> str:
    linked = MARK.sub(r"[\\[\1\\]](cite:\1)", text)
    return render_html(linked, locale, {f"cite:{c.n}": (c.n, c.url) for c in citations}).strip()
