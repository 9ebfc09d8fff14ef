"""Runs the rooms' checkers one after another; knows which there are, not what they look for."""

from __future__ import annotations

from pathlib import Path

from eval.case import SHIPPED, SuiteError, read_suite
from handoff.policy import PolicyError, read_policies
from kb.glossary import find_glossary, read_glossary
from kb.problem import Problem
from kb.tree import read_tree


def check_all(root: Path) -> tuple[list[Problem], int]:
    """Every problem of the articles under `root`, their glossary, the policies and the shipped suites; and how many
    articles there are."""
    if not root.is_dir():
        return [Problem(str(root), 1, 1, "A000", "is not a folder")], 0
    tree = read_tree(root)
    problems = [*tree.problems, *read_glossary(find_glossary(root))[1]]
    try:
        read_policies()
    except PolicyError as error:
        problems.append(Problem("handoff/policies", 1, 1, "P001", str(error)))
    for suite in sorted(SHIPPED.glob("*.jsonl")):
        problems += _suite(suite)
    return problems, len(tree.articles)


def _suite(path: Path) -> list[Problem]:
    try:
        read_suite(path)
    except SuiteError as error:
        found = []
        for line in str(error).splitlines():
            place, _, rest = line.partition(" ")
            name, row, col = place.split(":")
            code, _, message = rest.partition(" ")
            found.append(Problem(name, int(row), int(col), code, message))
        return found
    return []
