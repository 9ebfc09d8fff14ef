"""Reads Markdown into sections of blocks; knows CommonMark tokens, not front matter or locales."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from kb.article import TOP, Block, BlockKind, Section
from kb.render import RENDERER
from kb.write import escape_text, plain_text, write_block

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
# The page around an article uses these ids itself.
RESERVED = (TOP, "main", "more")
FIXED_ANCHOR = re.compile(r"\s*\{#([\w-]+)\}\s*$")
KINDS: dict[str, BlockKind] = {
    "ordered_list": "steps",
    "bullet_list": "list",
    "fence": "code",
    "code_block": "code",
    "blockquote": "quote",
    "table": "table",
}


@dataclass(frozen=True, slots=True)
class Link:
    """A link or image found in a body: where it points and the line it stands on (from 1, within the body)."""

    href: str
    line: int
    image: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """A parsed body. `heading` is its leading level-one heading, if any; `html_lines` are lines with raw HTML."""

    sections: tuple[Section, ...]
    heading: str
    links: tuple[Link, ...]
    html_lines: tuple[int, ...]
    headings: tuple[tuple[int, str, int], ...]


def parse_body(source: str, rewrite: Callable[[str], str | None]) -> Body:
    """Cut `source` into sections; `rewrite` turns a link's target into an address, or None to drop the link."""
    root = SyntaxTreeNode(PARSER.parse(source))
    heading = ""
    sections: list[Section] = []
    taken = dict.fromkeys(RESERVED, 2)
    title, level, anchor, path = "", 1, TOP, ()  # type: str, int, str, tuple[str, ...]
    blocks: list[Block] = []
    outline: list[tuple[int, str, int]] = []

    def close() -> None:
        if blocks or (anchor != TOP):
            sections.append(Section(anchor, title, level, path, tuple(blocks)))
        blocks.clear()

    for node in root.children:
        if node.type != "heading":
            if block := _block(node, rewrite):
                blocks.append(block)
            continue
        depth = int(node.tag[1])
        text, fixed = _heading(node)
        outline.append((depth, text, (node.map or (0, 0))[0] + 1))
        if depth == 1 and not heading and not sections and not blocks:
            heading = text
            continue
        if depth > 3:
            if text:
                blocks.append(Block("text", f"**{escape_text(text)}**", text))
            continue
        if not text:
            continue
        close()
        path = (*[t for t, lv in _open_above(sections, depth)], text)
        title, level, anchor = text, depth, _free_anchor(fixed or slugify(text), taken)
    close()
    kept = tuple(s for s in sections if s.blocks or s.title)
    return Body(kept, heading, tuple(_links(root)), tuple(_html_lines(root)), tuple(outline))


def slugify(text: str) -> str:
    """`Change it in the app!` → `change-it-in-the-app`; letters of every script are kept."""
    text = unicodedata.normalize("NFKC", text).lower()
    return re.sub(r"[^\w]+|_+", "-", text).strip("-") or "section"


def normalize_space(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _open_above(sections: list[Section], depth: int) -> Iterator[tuple[str, int]]:
    """The heading one level up that the next section at `depth` stands under, if there is one."""
    if depth == 3:
        for section in reversed(sections):
            if section.level == 2 and section.title:
                yield section.title, section.level
                return


def _heading(node: SyntaxTreeNode) -> tuple[str, str]:
    text = _words(node)
    if match := FIXED_ANCHOR.search(text):
        return text[: match.start()], match[1]
    return text, ""


def _free_anchor(wanted: str, taken: dict[str, int]) -> str:
    """`wanted`, or `wanted-2` and so on; `taken` holds the number that each anchor's next namesake tries first."""
    anchor = wanted
    while anchor in taken:
        anchor = f"{wanted}-{taken[wanted]}"
        taken[wanted] += 1
    taken[anchor] = 2
    return anchor


def _block(node: SyntaxTreeNode, rewrite: Callable[[str], str | None]) -> Block | None:
    text = _words(node)
    if not text:
        return None
    markdown = write_block(node, rewrite)
    if _words(SyntaxTreeNode(RENDERER.parse(markdown))) != text:
        # Emphasis and nesting that Markdown can read but not write again: the words count, not their dress.
        markdown = escape_text(text)
    return Block(KINDS.get(node.type, "text"), markdown, text)


def _words(node: SyntaxTreeNode) -> str:
    return normalize_space(plain_text(node))


def _links(root: SyntaxTreeNode) -> Iterator[Link]:
    for node, line in _lined(root):
        if node.type in ("link", "image"):
            href = str(node.attrs.get("href") or node.attrs.get("src") or "")
            yield Link(href, line, node.type == "image")


def _html_lines(root: SyntaxTreeNode) -> Iterator[int]:
    for node, line in _lined(root):
        if node.type in ("html_block", "html_inline") and not node.content.lstrip().startswith("<!--"):
            yield line


def _lined(root: SyntaxTreeNode) -> Iterator[tuple[SyntaxTreeNode, int]]:
    """Every node with its line, from 1. Spans have no place of their own: the breaks before them are counted."""
    line = 1
    for node in root.walk(include_self=False):
        if node.type in ("softbreak", "hardbreak"):
            line += 1
        elif node.map:
            line = node.map[0] + 1
        yield node, line
