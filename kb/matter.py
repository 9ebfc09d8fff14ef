"""Splits an article's bytes into front matter and body; knows YAML and positions, not what the keys mean."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode, ScalarNode

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
        text = raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        col = len(before.rsplit(b"\n", 1)[-1]) + 1
        byte = raw[error.start]
        return None, [Problem(file, line, col, "A011", f"not UTF-8: byte 0x{byte:02x}; save the file as UTF-8")]
    if not text.strip():
        return None, [Problem(file, 1, 1, "A012", "the file is empty")]
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        return None, [Problem(file, line, 1, "A013", "the file holds a NUL character; is it a text file?")]
    lines = text.split("\n")
    if lines[0].rstrip() != FENCE:
        return Matter(body=text), []
    matter, problems = _front(lines, file)
    if matter is None and foreign:
        return Matter(body=text), [replace(problem, level="warning") for problem in problems]
    return matter, problems


def _front(lines: list[str], file: str) -> tuple[Matter | None, list[Problem]]:
    end = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() == FENCE), None)
    if end is None:
        return None, [Problem(file, 1, 1, "A014", "front matter opens with --- but is never closed")]
    return _read_yaml("\n".join(lines[1:end]), "\n".join(lines[end + 1 :]), end + 2, file)


def _read_yaml(source: str, body: str, body_line: int, file: str) -> tuple[Matter | None, list[Problem]]:
    loader = yaml.SafeLoader(source)
    try:
        node = loader.get_single_node()
        if node is None:
            return Matter(body=body, body_line=body_line), []
        if not isinstance(node, MappingNode):
            return None, [Problem(file, 2, 1, "A015", "front matter must be `key: value` lines")]
        marks: dict[str, tuple[int, int]] = {}
        problems: list[Problem] = []
        for key, _ in node.value:
            where = (key.start_mark.line + 2, key.start_mark.column + 1)
            name = key.value if isinstance(key, ScalarNode) else ""
            if name in marks:
                problems.append(Problem(file, *where, "A016", f"the key `{name}` stands twice"))
            marks[name] = where
        values = loader.construct_document(node)
        return Matter(values, marks, body, body_line), problems
    except (yaml.MarkedYAMLError, ConstructorError) as error:
        mark = error.problem_mark or error.context_mark
        line, col = (mark.line + 2, mark.column + 1) if mark else (2, 1)
        reason = " ".join(str(error.problem or error.context).split())
        return None, [Problem(file, line, col, "A017", f"front matter is not valid YAML: {reason}")]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        return None, [Problem(file, 2, 1, "A017", f"front matter is not valid YAML: {reason}")]
    finally:
        loader.dispose()
