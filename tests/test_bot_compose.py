from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from sqlalchemy import Engine

from app.settings import PACKAGED
from bot.compose import BUDGET, QUOTE, TWO_PART_BUDGET, clip_quote, compose_answer, text_fragment
from bot.reply import Reply
from kb.article import Article
from kb.markdown import normalize_space
from kb.parse import Source, parse_article
from kb.tree import read_tree
from tests.bots import Seen, Write, cited_section, open_small, say, small_bot
from tests.conftest import article

SAFE = {"p", "ol", "ul", "li", "strong", "em", "s", "code", "pre", "blockquote", "br", "a"} | set(
    "h2 h3 h4 table thead tbody tr th td".split()
)
HOSTILE = """# Pair the <b>badge</b> reader ![x](https://evil.example/t.png)

Pair the badge <img src=x onerror=alert(1)> with ![tracker](https://evil.example/p.png) <script>alert(1)</script>
your [phone](javascript:alert(1)), [file](data:text/html,x), [up](../../../etc/passwd), [site](https://maker.example/ok).

<script>alert(2)</script>

<iframe src="https://evil.example"></iframe>

[9]: https://evil.example/nine

The badge is shown in [1], [2] and ![9] as the badge's maker wrote. [bare] [1]: https://evil.example/bare

## Hold the button

1. Hold the button for 5 seconds, see [1].

   ```
   pair --now [1] <script>alert(3)</script>
   ```
2. Wait ![gif](https://evil.example/g.gif) 30 seconds.

   ```
   ![done](https://evil.example/d.png)
   ```

## What the light says

| Light | Means |
| --- | --- |
| red | no badge [1] |
| ![i](https://evil.example/i.png) | badge <b>off</b> |
"""
ENDINGS = {
    "words": "Tap the plus.",
    "two list items": "- one\n- two",
    "steps": "1. one\n2. two",
    "code": "```\ncallboard\n```",
    "indented code": "    callboard",
    "a table": "| a | b |\n| --- | --- |\n| c | d |",
    "a quote": "> said",
    "code in a list": "- one\n\n  ```\n  two\n  ```",
    "code in a quote": "> ```\n> two\n> ```",
    "a table in a list": "- one\n\n  | a | b |\n  | --- | --- |\n  | c | d |",
    "a table in a quote": "> one\n>\n> | a | b |\n> | --- | --- |\n> | c | d |",
}


def parsed(text: str) -> Article:
    article = parse_article(text.encode(), Source("a.md", "docs/a", "en", foreign=True), lambda _href: None).article
    assert article
    return article


def walk(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from walk(token.children or [])


@pytest.fixture(scope="module")
def packaged() -> list[Article]:
    articles = list(read_tree(PACKAGED).articles)
    assert len(articles) > 50
    return articles


def hostile_replies(write: Write, engine: Engine) -> Iterator[tuple[Reply, list[str]]]:
    """Replies from the hostile article, each with the texts of the sections it cites."""
    library = open_small(engine, write({"docs/badge.md": HOSTILE, "docs/kite.md": "# Kites\n\nKites fly."}))
    for text in (
        "how do i pair the badge with my phone",
        "hold the button for how many seconds",
        "what does the red light say",
    ):
        reply = say(small_bot(library), text)
        assert reply.kind == "answer"
        assert {c.article for c in reply.citations} == {"docs/badge"}
        yield reply, [cited_section(library, reply, c.n).text for c in reply.citations]


def test_a_hostile_article_brings_no_image_markup_or_foreign_link_into_an_answer(tree: Write, engine: Engine) -> None:
    seen_tags: set[str] = set()
    for reply, _ in hostile_replies(tree, engine):
        seen = Seen(reply.html)
        seen_tags |= seen.tags
        assert seen.tags <= SAFE
        assert seen.attributes <= {"href", "class", "data-n", "rel", "start"}
        written = [
            unquote(str(t.attrs["href"]))
            for t in walk(MarkdownIt("commonmark", {"html": True}).parse(reply.text))
            if t.type == "link_open"
        ]
        for href in {*seen.links, *written}:
            assert href == "https://maker.example/ok" or href.startswith("/help/en/"), href
        for citation in reply.citations:
            assert urlsplit(citation.url)[:3] == ("", "", "/help/en/docs/badge")
    assert {"ol", "table", "pre"} <= seen_tags


def test_the_markdown_of_an_answer_is_as_harmless_as_its_html(tree: Write, engine: Engine) -> None:
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    for reply, _ in hostile_replies(tree, engine):
        kinds = {token.type for token in walk(reader.parse(reply.text))}
        assert not kinds & {"html_block", "html_inline", "image"}


def test_quotes_of_a_hostile_article_stand_in_it_and_its_own_brackets_are_no_citations(
    tree: Write, engine: Engine
) -> None:
    for reply, held in hostile_replies(tree, engine):
        assert all(c.quote in text for c, text in zip(reply.citations, held, strict=True))
        assert len(Seen(reply.html).cites) == len(reply.sentences)
        assert {int(n) for n in Seen(reply.html).cites} == {c.n for c in reply.citations}


@pytest.mark.parametrize("ending", sorted(ENDINGS))
def test_every_part_of_an_answer_shows_its_mark_however_it_ends(ending: str) -> None:
    draft = compose_answer(parsed(f"# A\n\n{ENDINGS[ending]}\n"), ["top"], "r", first=3)
    assert [c.n for c in draft.citations] == [3]
    for text, html in draft.sentences:
        assert text.rstrip().endswith("[3]")
        assert Seen(html).cites == ["3"]


def test_the_last_words_of_a_block_are_not_lost_to_its_mark() -> None:
    for body in ENDINGS.values():
        page = parsed(f"# A\n\n{body}\n")
        draft = compose_answer(page, ["top"], "r")
        assert Seen(draft.sentences[-1][1]).text == page.sections[0].blocks[-1].text


@pytest.mark.parametrize("budget", [BUDGET, TWO_PART_BUDGET, 1])
def test_a_list_of_steps_is_never_cut_nor_parted_from_the_words_before_it(packaged: list[Article], budget: int) -> None:
    lists = 0
    for page in packaged:
        for best in page.sections:
            draft = compose_answer(page, [best.anchor], "r", budget=budget)
            shown = [text.rsplit("[", 1)[0].strip() for text, _ in draft.sentences]
            blocks = [b for s in page.sections for b in s.blocks]
            assert all(text in {b.markdown.strip() for b in blocks} for text in shown)
            for before, block in zip(best.blocks, best.blocks[1:], strict=False):
                if block.kind == "steps" and before.kind == "text" and before.markdown.strip() in shown:
                    lists += 1
                    assert block.markdown.strip() in shown, f"{page.id}#{best.anchor}"
    assert lists > 20


def test_forty_steps_are_shown_to_the_last(tree: Write, engine: Engine) -> None:
    steps = "\n".join(f"{n}. Turn the wheel number {n} a little to the left." for n in range(1, 41))
    files: dict[str, str | bytes] = {
        "en/lab/wheel.md": article("Turn the wheels", f"Do this:\n\n{steps}\n\nThen rest.", "how do i turn the wheels"),
        "en/lab/kite.md": article("Fly a kite", "Kites fly in the wind.", "how do i fly a kite"),
    }
    bot = small_bot(open_small(engine, tree(files)))
    for text in ("how do i turn the wheels", "how do i turn the wheels? and how do i fly a kite?"):
        seen = Seen(say(bot, text).html).text
        assert all(f"Turn the wheel number {n} a" in seen for n in range(1, 41))


def test_every_part_of_every_shipped_answer_is_marked_with_a_citation_of_its_own_section(
    packaged: list[Article],
) -> None:
    for page in packaged:
        for best in page.sections:
            draft = compose_answer(page, [best.anchor], "r")
            held = {str(c.n): page.section(c.anchor) for c in draft.citations}
            for _, html in draft.sentences:
                (n,) = Seen(html).cites
                assert held[n]
                assert Seen(html).text.replace(" ", "") in held[n].text.replace(" ", "")
            for citation in draft.citations:
                assert citation.quote in held[str(citation.n)].text


def test_short_opening_words_stand_above_the_section_and_long_ones_do_not() -> None:
    for words, shown in ((20, True), (200, False)):
        page = parsed(f"# Cats\n\n{'opening ' * words}\n\n## Kittens\n\nKittens drink milk.\n")
        draft = compose_answer(page, ["kittens", "top"], "r", budget=100)
        anchors = [c.anchor for c in draft.citations]
        assert anchors == (["top", "kittens"] if shown else ["kittens"])


def test_sections_are_shown_in_the_order_of_the_article() -> None:
    page = parsed("# A\n\n## One\n\nfirst\n\n## Two\n\nsecond\n\n## Three\n\nthird\n")
    draft = compose_answer(page, ["three", "one", "two"], "r")
    assert [c.anchor for c in draft.citations] == ["one", "three"]
    assert [c.n for c in draft.citations] == [1, 2]


@given(st.text(max_size=600).map(normalize_space).filter(bool))
def test_a_quote_is_the_beginning_of_its_text(text: str) -> None:
    quote = clip_quote(text)
    assert quote
    assert text.startswith(quote)
    assert len(quote) <= QUOTE
    assert len(text) > QUOTE or quote == text


@given(st.lists(st.text("abcde.,", min_size=1, max_size=12), min_size=60, max_size=90).map(" ".join))
def test_a_clipped_quote_ends_between_words(text: str) -> None:
    quote = clip_quote(text)
    assert text == quote or text[len(quote)] == " "


def test_a_quote_ends_with_a_sentence_where_one_fits() -> None:
    first = "A sentence that is long enough to be quoted by itself."
    assert clip_quote(f"{first} {'more words ' * 40}end.") == first


@given(st.lists(st.text("ab-,&#é日", min_size=1, max_size=8), min_size=1, max_size=30), st.booleans())
def test_a_text_fragment_names_the_first_and_last_words_of_its_quote(words: list[str], whole: bool) -> None:
    quote = " ".join(words)
    prefix, _, directive = text_fragment(quote, whole=whole).partition("text=")
    assert prefix == ":~:"
    assert not re.search(r"[-&#\s]", directive)
    parts = [unquote(part) for part in directive.split(",")]
    assert quote.startswith(parts[0])
    assert quote.endswith(parts[-1]) or not whole
    assert len(parts) <= (2 if whole else 1)
