"""Reads a folder of articles, ours or a foreign one; knows paths and links between files, not SQL."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from babel import Locale, UnknownLocaleError

from kb.article import Article
from kb.markdown import slugify
from kb.parse import WEB, Parsed, Source, parse_article
from kb.problem import Problem, errors_of
from kb.schema import ID

SUFFIXES = {".md", ".markdown"}
FRONT_LOCALE = re.compile(rb"^(?:lang|locale|language):\s*[\"']?([A-Za-z]{2,3}(?:[-_][A-Za-z]{2,4})?)[\"']?\s*$", re.M)


@dataclass(frozen=True, slots=True)
class Tree:
    """All that a folder holds: the articles that could be read, and every problem found."""

    articles: tuple[Article, ...]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> list[Problem]:
        return errors_of(list(self.problems))


def read_tree(root: Path) -> Tree:
    """Read every Markdown file under `root`. A folder that is not there raises FileNotFoundError."""
    if not root.is_dir():
        raise FileNotFoundError(f"{root} is not a folder")
    files = sorted(_walk(root))
    foreign = not is_ours(root)
    sources: dict[str, Source] = {}
    problems: list[Problem] = []
    for file in files:
        source, problem = _place(root, file, foreign, sources)
        if problem:
            problems.append(problem)
        if source:
            sources[file] = source
    if not sources and not problems:
        problems.append(Problem(str(root), 1, 1, "A001", "there is no Markdown file in this folder"))
    parsed = [_read(root, source, sources) for source in sources.values()]
    articles = [p.article for p in parsed if p.article]
    problems += [problem for p in parsed for problem in p.problems]
    problems += _check_links(parsed, sources) + _check_redirects(parsed)
    return Tree(tuple(articles), tuple(sorted(problems)))


def is_ours(root: Path) -> bool:
    """A tree of ours has nothing but locale folders at its root."""
    entries = [entry for entry in root.iterdir() if not entry.name.startswith(".")]
    folders = [entry for entry in entries if entry.is_dir()]
    loose = any(entry.suffix in SUFFIXES and entry.stem.upper() != "README" for entry in entries)
    return bool(folders) and not loose and all(is_locale(folder.name) for folder in folders)


def is_locale(name: str) -> bool:
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z]{2,4})?", name):
        return False
    try:
        Locale.parse(name, sep="-")
    except (UnknownLocaleError, ValueError):
        return False
    return True


def _walk(root: Path) -> Iterator[str]:
    # Links are not followed: a tree must not read what lies outside it.
    for folder, folders, names in os.walk(root, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            path = Path(folder, name)
            if path.suffix in SUFFIXES and not name.startswith(".") and not path.is_symlink() and path.is_file():
                yield path.relative_to(root).as_posix()


def _place(root: Path, file: str, foreign: bool, taken: dict[str, Source]) -> tuple[Source | None, Problem | None]:
    path = PurePosixPath(file)
    if not file.isprintable():
        shown = os.fsencode(file).decode(errors="replace")
        note = "the name holds characters that cannot be shown; the file is left out"
        return None, Problem(ascii(shown), 1, 1, "A003", note, "warning" if foreign else "error")
    if foreign:
        folders = "-".join(slugify(part) for part in path.parts[:-1]) or "general"
        source = Source(file, f"{folders}/{slugify(path.stem)}", _foreign_locale(root / file), foreign=True)
    elif path.stem.upper() == "README":
        return None, None
    elif len(path.parts) != 3:
        return None, Problem(file, 1, 1, "A002", "articles stand at <locale>/<category>/<slug>.md")
    else:
        source = Source(file, f"{path.parts[1]}/{path.stem}", path.parts[0])
        if not ID.fullmatch(source.id):
            return None, Problem(file, 1, 1, "A003", "folder and file names are lower-case words joined by -")
    same = [s for s in taken.values() if (s.id, s.locale) == (source.id, source.locale)]
    if not same:
        return source, None
    if not foreign:
        return None, Problem(file, 1, 1, "A004", f"duplicate id `{source.id}`: it is also {same[0].file}")
    n = 2
    while any(s.id == f"{source.id}-{n}" for s in taken.values()):
        n += 1
    renamed = Source(file, f"{source.id}-{n}", source.locale, foreign=True)
    note = f"duplicate id `{source.id}` (also {same[0].file}); called `{renamed.id}`"
    return renamed, Problem(file, 1, 1, "A004", note, "warning")


def _foreign_locale(path: Path) -> str:
    with path.open("rb") as stream:
        head = stream.read(4096)
    end = head.find(b"\n---", 3) if head.startswith(b"---") else -1
    found = FRONT_LOCALE.search(head[:end]) if end > 0 else None
    name = found[1].decode().replace("_", "-") if found else "en"
    return name if is_locale(name) else "en"


def _read(root: Path, source: Source, sources: dict[str, Source]) -> Parsed:
    try:
        raw = (root / source.file).read_bytes()
    except OSError as error:
        return Parsed(source, None, (Problem(source.file, 1, 1, "A005", f"cannot be read: {error.strerror}"),))
    return parse_article(raw, source, partial(_resolve, source=source, sources=sources))


def _resolve(href: str, source: Source, sources: dict[str, Source]) -> str | None:
    """A relative link to another file of the tree as `kb:` link; by path first, then by bare file name."""
    path, _, anchor = unquote(href).partition("#")
    suffix = f"#{anchor}" if anchor else ""
    if not path:
        return f"kb:{source.id}{suffix}" if anchor else None
    if re.match(r"[a-z][a-z0-9+.-]*:|//", path, re.I):
        return None
    target = os.path.normpath((PurePosixPath(source.file).parent / path).as_posix())
    for file, other in sources.items():
        if target in (file, file.removesuffix(".md"), file.removesuffix(".markdown")):
            return f"kb:{other.id}{suffix}"
    stem = slugify(PurePosixPath(path).name.removesuffix(".md"))
    same = [s for s in sources.values() if s.id.rsplit("/", 1)[-1] == stem]
    return f"kb:{same[0].id}{suffix}" if same else None


def _check_links(parsed: list[Parsed], sources: dict[str, Source]) -> list[Problem]:
    anchors = {(p.article.id, p.article.locale): {s.anchor for s in p.article.sections} for p in parsed if p.article}
    ids = {p.source.id for p in parsed}
    read = {p.article.id for p in parsed if p.article}
    found = []
    for p in parsed:
        for link in p.links:
            if link.image or (p.source.foreign and _resolve(link.href, p.source, sources)):
                continue
            if reason := _dead(link.href, p.source, ids, read, anchors):
                level = "warning" if p.source.foreign else "error"
                found.append(Problem(p.source.file, link.line, 1, "A040", reason, level))  # type: ignore[arg-type]
    return found


def _dead(
    href: str, source: Source, ids: set[str], read: set[str], anchors: dict[tuple[str, str], set[str]]
) -> str | None:
    if href.startswith("kb:"):
        target, _, anchor = href.removeprefix("kb:").partition("#")
        if target not in ids:
            return f"dead link: there is no article `{target}`"
        # A target that could not be read has its own error; its anchors are not known.
        known = anchors.get((target, source.locale)) or anchors.get((target, "en"))
        if anchor and target in read and known is not None and anchor not in known:
            return f"dead link: `{target}` has no section `#{anchor}`"
        return None
    if href.startswith(WEB):
        return None
    if source.foreign:
        return f"link {href!r} leads out of the tree"
    return f"link {href!r}: write kb:category/slug or a full https address"


def _check_redirects(parsed: list[Parsed]) -> list[Problem]:
    ids = {p.source.id for p in parsed}
    return [
        Problem(p.source.file, 1, 1, "A041", f"redirect_from `{old}` is the id of an article that exists")
        for p in parsed
        if p.article
        for old in p.article.redirect_from
        if old in ids
    ]
