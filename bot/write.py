"""Has a language model put an answer into words, showing only what has been checked.

The extract is there before the model is asked, and whatever fails here, it is what the creator gets. Which kind of
reply it is and from which articles has been decided; knows nothing of how.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, replace

from bot.judge import Judgement
from bot.library import Library
from bot.page import Broken, Page
from bot.prompts import LANGUAGES, inert
from bot.reply import Reply, Tell
from bot.source import enclose_source, gather_sources
from bot.translate import translate_reply
from bot.voice import Voice
from bot.writer import Unwritten, Writer


def write_reply(
    writer: Writer, voice: Voice, extract: Reply, chosen: Sequence[Judgement], conversation: str, tell: Tell
) -> Reply:
    """`extract` in the model's words or, where it is English and the creator's language is another, translated; else as
    it is. `tell` hears each sentence once it is checked; `status` with the state `withdrawn` takes back those told."""
    languages = {judged.article.locale.split("-")[0] for judged in chosen if judged.article}
    try:
        if languages == {extract.locale} and voice.library:
            return _write(writer, voice.library, extract, chosen, conversation, tell) or extract
        if languages == {"en"}:
            title = voice.phrases.say("machine_translated")
            return translate_reply(writer, extract, title, conversation) or extract
    except Unwritten:
        pass
    return extract


def _write(
    writer: Writer, library: Library, extract: Reply, chosen: Sequence[Judgement], conversation: str, tell: Tell
) -> Reply | None:
    page = Page(gather_sources(library, chosen), writer.glue, extract.revision, extract.locale)
    asked = writer.prompts.fill(
        "answer",
        language=LANGUAGES[extract.locale],
        question=inert("\n".join(judged.text for judged in chosen)),
        passages="\n".join(enclose_source(n, source) for n, source in enumerate(page.sources, 1)),
    )
    told, done = 0, False
    try:
        with closing(writer.stream("answer", conversation, asked)) as pieces:
            for line in _lines(pieces):
                page.accept(line)
                told = _tell_new(page, told, tell)
        done = page.enough and _covers(page, chosen)
    except Broken:
        pass
    finally:
        if told and not done:
            tell("status", {"state": "withdrawn"})
    writer.count("answer written" if done else "answer dropped")
    return _finish(extract, page, writer.model.name) if done else None


def _covers(page: Page, chosen: Sequence[Judgement]) -> bool:
    """Two questions were asked where two articles were chosen: both have to be answered."""
    cited = {(citation.article, citation.locale) for citation in page.citations.values()}
    return {(judged.article.id, judged.article.locale) for judged in chosen if judged.article} <= cited


def _tell_new(page: Page, told: int, tell: Tell) -> int:
    """Nothing is told before it is enough for an answer, so that little is ever taken back."""
    if not page.enough:
        return told
    for text, html in page.pieces[told:]:
        cited = [asdict(c) for c in page.citations.values() if f'data-n="{c.n}"' in html]
        tell("sentence", {"text": text, "html": html, "citations": cited})
    return len(page.pieces)


def _finish(extract: Reply, page: Page, engine: str) -> Reply:
    return replace(
        extract,
        text="\n\n".join(text for text, _ in page.pieces),
        html="\n".join(html for _, html in page.pieces),
        sentences=tuple(page.pieces),
        citations=tuple(page.citations.values()),
        engine=engine,
    )


def _lines(pieces: Iterable[str]) -> Iterator[str]:
    rest = ""
    for piece in pieces:
        *lines, rest = (rest + piece).split("\n")
        yield from lines
    yield rest
