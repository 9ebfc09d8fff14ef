"""Judges one Reply against one case; knows the contract's definitions, not how a run is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.library import Library
from bot.reply import Reply
from eval.case import Case
from kb.markdown import normalize_space


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a reply did. `rank`: place (from 1) of the first right article among those found, 0 if it was not;
    `quotes`/`anchors`: (good, all) citations; None where the case does not ask for it."""

    case: str
    right: bool
    why: str
    kind: str
    rank: int | None
    quotes: tuple[int, int]
    anchors: tuple[int, int]
    cited: tuple[int, int]
    answered_wrongly: bool | None
    safety_right: bool | None


def judge_reply(case: Case, reply: Reply, library: Library, ranking: Sequence[str]) -> Verdict:
    """`ranking`: the ids of the articles found for the question, best first."""
    expect = case.expect
    why = _wrong(case, reply)
    good = [_verbatim(c.quote, c.article, c.locale, c.anchor, library) for c in reply.citations]
    held = [_resolves(c.article, c.locale, c.anchor, library) for c in reply.citations]
    right_cited = sum(c.article in expect.articles for c in reply.citations)
    rank = None
    if expect.articles:
        rank = next((n for n, article in enumerate(ranking, 1) if article in expect.articles), 0)
    safety = reply.safety.category if reply.safety else None
    return Verdict(
        case=case.id,
        right=not why,
        why=why,
        kind=reply.kind,
        rank=rank,
        quotes=(sum(good), len(good)),
        anchors=(sum(held), len(held)),
        cited=(right_cited, len(reply.citations)) if expect.articles and reply.kind == "answer" else (0, 0),
        answered_wrongly=reply.kind == "answer" if "answer" not in expect.kinds else None,
        safety_right=safety == expect.safety if expect.safety else None,
    )


def _wrong(case: Case, reply: Reply) -> str:
    """Why the answer is wrong, or nothing: the contract's answer accuracy."""
    expect = case.expect
    if reply.kind not in expect.kinds:
        return f"{reply.kind} instead of {' or '.join(sorted(expect.kinds))}"
    if reply.kind == "answer":
        cited = {c.article for c in reply.citations}
        if expect.articles and not cited & set(expect.articles):
            return f"cites {', '.join(sorted(cited))} instead of {' or '.join(expect.articles)}"
        if expect.anchors and not {c.anchor for c in reply.citations} & set(expect.anchors):
            return f"cites none of the sections {', '.join(expect.anchors)}"
        said = normalize_space(reply.text).lower()
        for words in expect.must_say:
            if words.lower() not in said:
                return f"does not say “{words}”"
        for words in expect.must_not_say:
            if words.lower() in said:
                return f"says “{words}”"
    if expect.safety and (reply.safety is None or reply.safety.category != expect.safety):
        return f"safety {reply.safety.category if reply.safety else 'none'} instead of {expect.safety}"
    if expect.queue and (reply.handover is None or reply.handover.queue != expect.queue):
        return f"queue {reply.handover.queue if reply.handover else 'none'} instead of {expect.queue}"
    return ""


def _verbatim(quote: str, article: str, locale: str, anchor: str, library: Library) -> bool:
    found = library.articles.get((locale, article))
    section = found.section(anchor) if found else None
    return bool(section and quote and quote in section.text)


def _resolves(article: str, locale: str, anchor: str, library: Library) -> bool:
    found = library.articles.get((locale, article))
    return bool(found and found.section(anchor))
