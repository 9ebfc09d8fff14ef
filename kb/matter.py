"""Splits an article's bytes into front matter and body; knows YAML and positions, not what the keys mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode, Node, ScalarNode
from yaml.reader import ReaderError

from kb.problem import Problem

FENCE = "---"
MAX_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Matter:
    """Front matter and body. `marks` gives each top-level key's line and column in the file."""

    values: dict[str, Any] = field(default_factory=dict)
    marks: dict[str, tuple[int, int]] = field(default_factory=dict)
    body: str = ""
    body_line: int = 1


def split_matter(raw: bytes, file: str, *, foreign: bool = False) -> tuple[Matter | None, list[Problem]]:
    """Read `raw` as UTF-8 with optional front matter; nothing but a list of problems if that cannot be done.

    A foreign file may open with a ruled line that only looks like front matter: it is then all body.
    """
    if len(raw) > MAX_BYTES:
        return None, [Problem(file, 1, 1, "A010", f"the file has {len(raw):,} bytes; the limit is {MAX_BYTES:,}")]
    try:
        text = _newlines(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        # `error.object` is what was decoded: `raw` without its byte order mark.
        before = _newlines(error.object[: error.start].decode())
        byte = error.object[error.start]
        where = _place(before, len(before))
        return None, [Problem(file, *where, "A011", f"not UTF-8: byte 0x{byte:02x}; save the file as UTF-8")]
    if not text.strip():
        return None, [Problem(file, 1, 1, "A012", "the file is empty")]
    if "\0" in text:
        where = _place(text, text.index("\0"))
        return None, [Problem(file, *where, "A013", "the file holds a NUL character; is it a text file?")]
    lines = text.split("\n")
    if lines[0].rstrip() != FENCE:
        return Matter(body=text), []
    matter, problems = _front(lines, file)
    if foreign:
        return matter or Matter(body=text), [replace(problem, level="warning") for problem in problems]
    return matter, problems


def _front(lines: list[str], file: str) -> tuple[Matter | None, list[Problem]]:
    end = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() == FENCE), None)
    if end is None:
        return None, [Problem(file, 1, 1, "A014", "front matter opens with --- but is never closed")]
    return _read_yaml("\n".join(lines[1:end]), "\n".join(lines[end + 1 :]), min(end + 2, len(lines)), file)


def _read_yaml(source: str, body: str, body_line: int, file: str) -> tuple[Matter | None, list[Problem]]:
    def at(index: int) -> tuple[int, int]:
        line, col = _place(source, index)
        return line + 1, col

    try:
        loader = _Loader(source)
        node = loader.get_single_node()
        if node is None:
            return Matter(body=body, body_line=body_line), []
        if not isinstance(node, MappingNode):
            return None, [Problem(file, 2, 1, "A015", "front matter must be `key: value` lines")]
        twice = [Problem(file, *at(i), "A016", f"the key `{name}` stands twice") for name, i in _twice(node)]
        keys = [key for key, _ in node.value if isinstance(key, ScalarNode)]
        marks = {str(loader.construct_object(key)): at(key.start_mark.index) for key in keys}
        return Matter(loader.construct_document(node), marks, body, body_line), twice
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where, reason = at(mark.index if mark else 0), str(error.problem or error.context)
    except ReaderError as error:
        where, reason = at(error.position), f"the character #x{error.character:04x} is not allowed"
    except RecursionError:
        where, reason = (2, 1), "it is nested too deeply"
    return None, [Problem(file, *where, "A017", f"front matter is not valid YAML: {' '.join(reason.split())[:200]}")]


class _Loader(yaml.SafeLoader):
    """Says where a value cannot be read, and refuses what front matter never needs but hostile files use: aliases
    (a few lines of them unfold to gigabytes) and characters that no database stores."""

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise ComposerError(None, None, "aliases (`*name`) are not read here", mark)
        return super().compose_node(parent, index)

    def construct_scalar(self, node: Any) -> Any:
        value = super().construct_scalar(node)
        if isinstance(value, str) and any(c == "\0" or "\ud800" <= c <= "\udfff" for c in value):
            raise ConstructorError(None, None, "the value holds a character that cannot be stored", node.start_mark)
        return value

    def construct_object(self, node: Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (yaml.YAMLError, RecursionError):
            raise
        except Exception as error:  # `!!int x` and the like raise whatever int() and its kin raise
            raise ConstructorError(None, None, f"{node.value!r} is no value: {error}", node.start_mark) from error


def _twice(node: Node) -> Iterator[tuple[str, int]]:
    """Every key that its mapping holds already, at any depth, with its place."""
    if isinstance(node, MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, ScalarNode):
                if key.value in seen:
                    yield key.value, key.start_mark.index
                seen.add(key.value)
            yield from _twice(value)
    elif not isinstance(node, ScalarNode):
        for item in node.value:
            yield from _twice(item)


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _place(text: str, index: int) -> tuple[int, int]:
    """Line and column of a character, both from 1."""
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)
