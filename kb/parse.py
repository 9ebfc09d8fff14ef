"""Turns one file's bytes into an Article; knows front matter and Markdown, not the other files of the tree."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

from kb.article import Article
from kb.markdown import Body, Link, normalize_space, parse_body
from kb.matter import Matter, split_matter
from kb.problem import Problem, errors_of
from kb.schema import check_matter

WEB = ("http://", "https://", "mailto:")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a file stands in its tree: `file` is its path, relative to the tree's root."""

    file: str
    id: str
    locale: str
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Parsed:
    """An article with its links (lines counted in the file), or only the problems that kept it from being one."""

    source: Source
    article: Article | None
    problems: tuple[Problem, ...]
    links: tuple[Link, ...] = ()


def parse_article(raw: bytes, source: Source, resolve: Callable[[str], str | None]) -> Parsed:
    """`resolve` turns a relative link of a foreign tree into `kb:category/slug`, or None if it leads out of it."""
    matter, problems = split_matter(raw, source.file, foreign=source.foreign)
    if matter is None:
        return Parsed(source, None, tuple(problems))
    problems += check_matter(matter, source.file, strict=not source.foreign)

    def rewrite(href: str) -> str | None:
        if href.startswith(("kb:", *WEB)):
            return href
        return resolve(href)

    try:
        body = parse_body(matter.body, rewrite)
    except RecursionError:
        problems.append(Problem(source.file, matter.body_line, 1, "A029", "the text is nested too deeply to be read"))
        return Parsed(source, None, tuple(problems))
    problems += _check_body(matter, body, source)
    if errors_of(problems):
        return Parsed(source, None, tuple(problems))
    links = tuple(replace(link, line=link.line + matter.body_line - 1) for link in body.links)
    return Parsed(source, _article(matter, body, source), tuple(problems), links)


def _article(matter: Matter, body: Body, source: Source) -> Article:
    values = matter.values if not source.foreign else _foreign_values(matter.values)
    title = values.get("title") or body.heading or source.id.rsplit("/", 1)[-1].replace("-", " ").capitalize()
    article = Article(
        id=source.id,
        locale=source.locale,
        title=normalize_space(title),
        summary=normalize_space(values.get("summary", "")),
        digest="",
        body=matter.body,
        sections=body.sections,
        questions=tuple(values.get("questions", ())),
        keywords=tuple(values.get("keywords", ())),
        status=values.get("status", "published"),
        updated=str(values["updated"]) if values.get("updated") else None,
        redirect_from=tuple(values.get("redirect_from", ())),
        meta=_plain({key: value for key, value in values.items() if key not in TAKEN}),
    )
    return replace(article, digest=content_hash(article))


TAKEN = {"title", "summary", "questions", "keywords", "status", "updated", "redirect_from"}


def content_hash(article: Article) -> str:
    """SHA-256 (hex) of everything an article holds but its digest."""
    data = {key: value for key, value in asdict(article).items() if key != "digest"}
    return hashlib.sha256(json.dumps(data, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _foreign_values(values: dict[str, Any]) -> dict[str, Any]:
    """What can be trusted of a front matter that was written for another tool."""
    kept: dict[str, Any] = {}
    for key in ("title", "summary", "description"):
        if isinstance(values.get(key), str):
            kept["summary" if key == "description" else key] = values[key]
    for key in ("questions", "keywords"):
        if isinstance(values.get(key), list):
            kept[key] = [item for item in values[key] if isinstance(item, str)]
    return kept


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date | datetime) else value


def _check_body(matter: Matter, body: Body, source: Source) -> list[Problem]:
    found: list[Problem] = []

    def add(line: int, code: str, message: str, *, mild: bool = False) -> None:
        level = "warning" if source.foreign or mild else "error"
        found.append(Problem(source.file, line + matter.body_line - 1, 1, code, message, level))  # type: ignore[arg-type]

    if not source.foreign and "title" not in matter.values:
        found.append(Problem(source.file, 1, 1, "A023", "front matter has no `title`"))
    if not any(section.blocks for section in body.sections):
        add(1, "A024", "the article has no text")
    for line in body.html_lines:
        add(line, "A025", "raw HTML is not shown; write Markdown")
    before = 1
    for level, text, line in body.headings:
        if level == 1 and not source.foreign:
            add(line, "A026", "the title is the front matter's; start headings at ##")
        elif not text:
            add(line, "A030", "the heading has no words")
        elif level > before + 1:
            add(line, "A027", f"heading “{text}” jumps from level {before} to {level}", mild=True)
        before = level
    for link in body.links:
        if link.image and not source.foreign:
            add(link.line, "A028", "images are not shown yet; describe the step in words", mild=True)
    return found
