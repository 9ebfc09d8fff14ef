"""Reads Markdown into sections of blocks; knows CommonMark tokens, not front matter or locales."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from kb.article import TOP, Block, BlockKind, Section
from kb.write import plain_text, write_block

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
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
    taken: set[str] = {TOP}
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
                blocks.append(Block("text", f"**{text}**", text))
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
    text = normalize_space(plain_text(node))
    if match := FIXED_ANCHOR.search(text):
        return text[: match.start()], match[1]
    return text, ""


def _free_anchor(wanted: str, taken: set[str]) -> str:
    anchor, n = wanted, 2
    while anchor in taken:
        anchor, n = f"{wanted}-{n}", n + 1
    taken.add(anchor)
    return anchor


def _block(node: SyntaxTreeNode, rewrite: Callable[[str], str | None]) -> Block | None:
    text = normalize_space(plain_text(node))
    if not text:
        return None
    return Block(KINDS.get(node.type, "text"), write_block(node, rewrite), text)


def _links(root: SyntaxTreeNode) -> Iterator[Link]:
    for node in root.walk():
        if node.type in ("link", "image"):
            href = str(node.attrs.get("href") or node.attrs.get("src") or "")
            yield Link(href, _line(node), node.type == "image")


def _html_lines(root: SyntaxTreeNode) -> Iterator[int]:
    for node in root.walk():
        if node.type in ("html_block", "html_inline") and not node.content.lstrip().startswith("<!--"):
            yield _line(node)


def _line(node: SyntaxTreeNode) -> int:
    at: SyntaxTreeNode | None = node
    while at is not None and (at.is_root or at.map is None):
        at = at.parent
    return at.map[0] + 1 if at is not None and at.map else 1
