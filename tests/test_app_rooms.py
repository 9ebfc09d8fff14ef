"""The rooms' import rules, read from the code with `ast` alone."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("kb", "retrieval", "handoff", "bot", "eval", "app")
BELOW = {
    "kb": set(),
    "retrieval": {"kb"},
    "handoff": {"kb"},
    "bot": {"kb", "retrieval", "handoff"},
    "eval": {"kb", "retrieval", "handoff", "bot"},
    "app": {"kb", "retrieval", "handoff", "bot", "eval"},
}
ANY = {"fastapi", "starlette", "pydantic", "sqlalchemy", "jinja2", "numpy", "yaml", "babel", "anyio"}
OWN = {
    "kb": {"markdown_it", "nh3"},
    "retrieval": {
        "sentence_transformers",
        "torch",
        "chromadb",
        "tantivy",
        "snowballstemmer",
        "rapidfuzz",
        "langchain_core",
        "filelock",
    },
    "handoff": {"phonenumbers", "stdnum"},
    "bot": {"langchain", "langchain_core", "py3langid"},
    "eval": {"sklearn", "scipy", "ir_measures"},
    "app": {"uvicorn", "typer", "alembic", "pydantic_settings"},
}
FILES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield str(node.module)
            # `from kb import tree` names a file too.
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module in ROOMS)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_room_imports_only_what_it_may(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    for name in imports_of(path):
        top = name.split(".")[0]
        if top in ROOMS:
            assert top == room or top in BELOW[room], f"{room} must not import {name}"
        elif top not in sys.stdlib_module_names:
            assert top in ANY | OWN[room], f"{room} must not import {name}"


def test_nothing_hides_the_builtin_eval() -> None:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert all(alias.asname or not alias.name.startswith("eval") for alias in node.names), path


def test_no_import_goes_round() -> None:
    modules = {".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p for p in FILES}
    edges = {
        name: {found for found in imports_of(path) if found in modules and found != name}
        for name, path in modules.items()
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join((*trail, name))
        if name not in done:
            for other in edges[name]:
                # A package's own docstring file imports nothing, so leading through it is no cycle.
                visit(other, (*trail, name))
            done.add(name)

    for name in modules:
        visit(name, ())


def test_every_module_says_what_it_is() -> None:
    for path in FILES:
        if "versions" not in path.parts:
            assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{path} opens with no sentence"
