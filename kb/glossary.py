"""Reads the glossary: for each language, the articles' own words and what creators say instead.

Knows YAML and positions; nothing of how a question is searched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import yaml
from babel import Locale, UnknownLocaleError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from kb.problem import Problem

NAME = "glossary.yaml"
TO_ENGLISH = "to_en"

Words = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Glossary:
    """`meant[locale]`: what creators say → the articles' word. `english[locale]`: a word → the English one, so that
    a question finds an article that exists in English only."""

    meant: Mapping[str, Words] = field(default_factory=dict)
    english: Mapping[str, Words] = field(default_factory=dict)

    def dump(self) -> str:
        """One text for equal glossaries; empty for an empty one."""
        if not self.meant and not self.english:
            return ""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)


def load_glossary(text: str) -> Glossary:
    """What `dump` wrote."""
    return Glossary(**json.loads(text)) if text else Glossary()


def find_glossary(articles: Path) -> Path | None:
    """`glossary.yaml` in the folder of articles, or beside it where that folder is called `articles`."""
    places = [articles / NAME, *([articles.parent / NAME] if articles.name == "articles" else [])]
    return next((path for path in places if path.is_file()), None)


def read_glossary(path: Path | None) -> tuple[Glossary, list[Problem]]:
    """What the file holds, and everything that is wrong with it; an empty glossary for None."""
    if path is None:
        return Glossary(), []
    try:
        root = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        return Glossary(), [Problem(path.name, 1, 1, "G001", f"not UTF-8 at byte {error.start}; save it as UTF-8")]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, col = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return Glossary(), [Problem(path.name, line, col, "G001", f"not YAML: {getattr(error, 'problem', error)}")]
    if root is None:
        return Glossary(), []
    reader = _Reader(path.name)
    return reader.read(root), reader.problems


class _Reader:
    def __init__(self, file: str) -> None:
        self._file = file
        self.problems: list[Problem] = []

    def read(self, root: Node) -> Glossary:
        meant: dict[str, Words] = {}
        english: dict[str, Words] = {}
        for key, value in self._pairs(root):
            if key.value == TO_ENGLISH:
                english |= {k.value: self._translations(v) for k, v in self._pairs(value) if self._is_locale(k)}
            elif self._is_locale(key):
                meant[key.value] = self._variants(value)
        return Glossary(meant, english)

    def _variants(self, node: Node) -> Words:
        owner: dict[str, str] = {}
        for key, value in self._pairs(node):
            if not isinstance(value, SequenceNode):
                self._add(value, "G004", f"`{key.value}` needs a list of what creators say instead")
                continue
            for item in value.value:
                word = item.value.strip().lower() if isinstance(item, ScalarNode) else ""
                if not word:
                    self._add(item, "G004", f"`{key.value}`: each entry is a word or a few")
                elif word == key.value.lower():
                    self._add(item, "G006", f"“{word}” is listed under itself")
                elif word in owner:
                    self._add(item, "G005", f"“{word}” already means `{owner[word]}`")
                else:
                    owner[word] = key.value
        return owner

    def _translations(self, node: Node) -> Words:
        words: dict[str, str] = {}
        for key, value in self._pairs(node):
            if isinstance(value, ScalarNode) and value.value.strip():
                words[key.value.strip().lower()] = value.value.strip()
            else:
                self._add(value, "G004", f"`{key.value}` needs its English words")
        return words

    def _pairs(self, node: Node) -> Iterator[tuple[ScalarNode, Node]]:
        """A mapping's keys and values; scalars keep their written form (`no` is a word here, not a truth value)."""
        if not isinstance(node, MappingNode):
            self._add(node, "G002", "a mapping was expected here")
            return
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._add(key, "G002", "a key is a word or a few")
            elif key.value in seen:
                self._add(key, "G007", f"`{key.value}` stands here twice")
            else:
                seen.add(key.value)
                yield key, value

    def _is_locale(self, key: ScalarNode) -> bool:
        try:
            Locale.parse(key.value, sep="-")
        except (ValueError, UnknownLocaleError):
            self._add(key, "G003", f"“{key.value}” is not a language code such as fr or zh")
            return False
        return True

    def _add(self, node: Node, code: str, message: str) -> None:
        mark = node.start_mark
        self.problems.append(Problem(self._file, mark.line + 1, mark.column + 1, code, message))
