"""Writes Markdown tokens back as plain text or as clean Markdown: no image, no raw HTML; knows no sections."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from markdown_it.tree import SyntaxTreeNode

Rewrite = Callable[[str], str | None]

PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
SPECIAL = re.compile(r"([\\`*_\[\]<~|]|&(?=#?\w+;))")
# What would make a list, a rule, a heading or a quotation of a paragraph's first characters.
BLOCK_START = re.compile(r"^(?=[-+](?:\s|$)|[-=][-=\s]*$|#{1,6}(?:\s|$)|>)|(?<=^)(\d{1,9})(?=[.)](?:\s|$))")
IN_HREF = re.compile(r"[<>\\\s\x00-\x1f\x7f]")
UNESCAPED_PIPE = re.compile(r"(?<!\\)\|")
BREAK = re.compile(r"<br\b", re.I)
# A soft break and block edges both read as one space to a person.
SPACED = {
    "paragraph", "heading", "list_item", "tr", "th", "td", "fence", "code_block",
    "softbreak", "hardbreak", "blockquote", "html_block",
}  # fmt: skip


def plain_text(node: SyntaxTreeNode) -> str:
    """What a reader sees of `node`, blocks parted by spaces; images and raw HTML are not words."""
    if node.type in ("text", "code_inline", "fence", "code_block"):
        text = node.content
    elif node.type in ("image", "html_block", "html_inline"):
        text = " " if BREAK.match(node.content) else ""
    else:
        text = "".join(plain_text(child) for child in node.children)
    return f" {text} " if node.type in SPACED else text


def write_block(node: SyntaxTreeNode, rewrite: Rewrite) -> str:
    """`node` as Markdown that renders to the same words."""
    kind = node.type
    if kind == "paragraph":
        return BLOCK_START.sub(r"\1\\", _inline(node, rewrite))
    if kind in ("ordered_list", "bullet_list"):
        return _list(node, rewrite)
    if kind in ("fence", "code_block"):
        fence = "```"
        while fence in node.content:
            fence += "`"
        return f"{fence}\n{node.content.rstrip()}\n{fence}"
    if kind == "blockquote":
        return "\n".join(f"> {line}" for line in _blocks(node, rewrite, "\n\n").split("\n"))
    if kind == "table":
        return _table(node, rewrite)
    if kind == "heading":
        return f"**{_inline(node, rewrite)}**"
    return ""


def escape_words(text: str) -> str:
    """`text` as it may stand within a line of Markdown."""
    return SPECIAL.sub(r"\\\1", text)


def escape_text(text: str) -> str:
    """`text` as Markdown that can mean nothing but its own characters."""
    return PUNCTUATION.sub(r"\\\1", text)


def _blocks(node: SyntaxTreeNode, rewrite: Rewrite, gap: str) -> str:
    parts = (write_block(child, rewrite) for child in node.children)
    return gap.join(part for part in parts if part)


def _list(node: SyntaxTreeNode, rewrite: Rewrite) -> str:
    ordered = node.type == "ordered_list"
    start = int(node.attrs.get("start", 1))
    lines = []
    for n, item in enumerate(node.children, start):
        mark = f"{n}. " if ordered else "- "
        text = _blocks(item, rewrite, "\n")
        lines.append(mark + text.replace("\n", "\n" + " " * len(mark)))
    return "\n".join(lines)


def _table(node: SyntaxTreeNode, rewrite: Rewrite) -> str:
    rows = [
        "| " + " | ".join(UNESCAPED_PIPE.sub(r"\|", _inline(cell, rewrite)) for cell in row.children) + " |"
        for part in node.children
        for row in part.children
    ]
    width = rows[0].count(" | ") + 1
    return "\n".join([rows[0], "|" + " --- |" * width, *rows[1:]])


def _inline(node: SyntaxTreeNode, rewrite: Rewrite) -> str:
    return _spans(node, rewrite).strip()


def _spans(node: SyntaxTreeNode, rewrite: Rewrite) -> str:
    parts = [_span(child, rewrite) for child in node.children]
    for n, child in enumerate(node.children[1:], 1):
        if child.type == "link" and parts[n - 1].endswith("!"):
            parts[n - 1] = parts[n - 1][:-1] + r"\!"  # or the link would be an image
    return "".join(parts)


def _span(node: SyntaxTreeNode, rewrite: Rewrite) -> str:
    kind = node.type
    if kind == "text":
        return escape_words(node.content)
    if kind == "code_inline":
        fence = "`"
        while fence in node.content:
            fence += "`"
        return f"{fence} {node.content} {fence}" if len(fence) > 1 else f"`{node.content}`"
    if kind in ("softbreak", "hardbreak"):
        return " "
    if kind in ("image", "html_inline"):
        return " " if BREAK.match(node.content) else ""
    inner = _spans(node, rewrite)
    if not inner.strip():
        return inner
    if kind in ("strong", "em", "s"):
        mark = {"strong": "**", "em": "*", "s": "~~"}[kind]
        words = inner.strip()
        # A mark beside a space, which an image leaves behind, would stand as a star.
        return inner.replace(words, f"{mark}{words}{mark}")
    if kind == "link":
        href = rewrite(str(node.attrs.get("href", "")))
        return f"[{inner}](<{IN_HREF.sub(lambda m: quote(m[0]), href)}>)" if href else inner
    return inner
