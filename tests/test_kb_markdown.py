"""Markdown in; sections, blocks, anchors and clean Markdown out."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kb.article import Section
from kb.markdown import normalize_space, parse_body, slugify
from kb.render import render_html, render_section

FIXTURES = Path(__file__).parent / "fixtures" / "markdown.txt"


def keep(href: str) -> str:
    return href


def sections(source: str) -> tuple[Section, ...]:
    return parse_body(source, keep).sections


def words(markup: str) -> str:
    """What a reader of this HTML sees."""
    blocks = re.sub(r"</?(p|ol|ul|li|table|thead|tbody|tr|th|td|blockquote|pre|h[2-4])\b[^>]*>", " ", markup)
    return normalize_space(html.unescape(re.sub(r"<[^>]*>", "", blocks)))


def outline(source: str) -> str:
    """Sections and blocks, one a line, for the fixture file."""
    lines = []
    for section in sections(source):
        lines.append(f"{'#' * section.level} {section.title} {{#{section.anchor}}}".replace("  ", " "))
        lines += [f"{b.kind}: {b.markdown}".replace("\n", "⏎") for b in section.blocks]
    return "\n".join(lines)


def cases() -> list[tuple[str, str, str]]:
    """As in markdown-it-py's own: a title, the input and the output, each ended by a line of one point."""
    parts = re.split(r"^\.\n", FIXTURES.read_text(encoding="utf-8"), flags=re.M)
    return [(parts[i].strip(), parts[i + 1], parts[i + 2].rstrip("\n")) for i in range(0, len(parts) - 2, 3)]


@pytest.mark.parametrize(("source", "expected"), [c[1:] for c in cases()], ids=[c[0] for c in cases()])
def test_fixture(source: str, expected: str) -> None:
    assert outline(source) == expected


def test_a_deeper_section_knows_the_heading_it_stands_under() -> None:
    paths = [s.path for s in sections("## Posting\na\n### On a phone\nb\n### On the web\nc\n## Live\nd\n")]
    assert paths == [("Posting",), ("Posting", "On a phone"), ("Posting", "On the web"), ("Live",)]


def test_links_are_told_with_their_lines() -> None:
    source = "one\ntwo [a](x)\n![b](y)\n\n- item\n  more [c](z)\n\n| h |\n|---|\n| [d](w) |\n"
    assert [(k.href, k.line, k.image) for k in parse_body(source, keep).links] == [
        ("x", 2, False),
        ("y", 3, True),
        ("z", 6, False),
        ("w", 10, False),
    ]


def test_a_dropped_link_leaves_its_words() -> None:
    [section] = parse_body("See [the *old* page](old.md) now.", {}.get).sections
    assert section.blocks[0].markdown == "See the *old* page now."


def test_text_is_composed_and_its_white_space_collapsed() -> None:
    [section] = sections("Cafe\u0301\u00a0 au\n lait")
    assert section.text == "Café au lait"


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Change it in the app!", "change-it-in-the-app"),
        ("Ça marche ?", "ça-marche"),
        ("如何提现", "如何提现"),
        ("كيف أسحب", "كيف-أسحب"),
        ("snake_case & more", "snake-case-more"),
        ("ＦＵＬＬ width", "full-width"),
        ("???", "section"),
    ],
)
def test_anchors_keep_the_letters_of_every_script(heading: str, anchor: str) -> None:
    assert slugify(heading) == anchor


def test_many_headings_of_one_name_are_read_in_reasonable_time() -> None:
    found = sections("## a\nb\n" * 5000)
    assert found[-1].anchor == "a-5000"


HOSTILE = [
    "<script>alert(1)</script>",
    "a <script>alert(1)</script> b",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&colon;alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:x)",
    "<javascript:alert(1)>",
    '[x](http://a "onmouseover=alert(1)")',
    '[x](http://a"onmouseover="alert(1))',
    "![x](http://evil.example/pixel.png)",
    "![x](x onerror=alert(1))",
    "```<script>\n</code></pre><script>alert(1)</script>\n```",
    "`</code><script>alert(1)</script>`",
    "| <script>alert(1)</script> |\n|---|\n| <svg onload=alert(1)> |",
    "#### <img src=x onerror=alert(1)>",
    "\\<script>alert(1)\\</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<a href='javascript:alert(1)'>x</a>",
    "[a](#x%22%3E%3Cscript%3E)",
    "[x]: javascript:alert(1)\n\n[x]",
]


@pytest.mark.parametrize("source", HOSTILE)
def test_hostile_markdown_renders_inert(source: str) -> None:
    for rewrite in (keep, lambda href: f"kb:a/b{href}"):
        markup = "".join(render_section(s, "en") for s in parse_body(source, rewrite).sections)
        tags = re.findall(r"<[^>]*>", markup)
        assert not re.search(r"<(script|img|svg|style|iframe|object)", markup, re.I)
        assert not [t for t in tags if re.search(r"\bon\w+\s*=", re.sub(r'"[^"]*"', "", t), re.I)]
        hrefs = [html.unescape(h) for h in re.findall(r'href="([^"]*)"', markup)]
        assert all(re.match(r"https?:|mailto:|/help/en/|#|[^:]*$", h) for h in hrefs), hrefs


def test_a_link_to_an_article_becomes_the_address_of_its_page() -> None:
    [section] = sections("[a](kb:account/hacked#steps)")
    assert 'href="/help/fr/account/hacked#steps"' in render_section(section, "fr")


def test_a_citation_mark_keeps_its_number_and_class() -> None:
    markup = render_html("Done [1](cite-1).", "en", {"cite-1": (1, "/help/en/a/b#c")})
    assert re.search(r'<a [^>]*href="/help/en/a/b#c"[^>]*>1</a>', markup)
    assert 'class="cite"' in markup
    assert 'data-n="1"' in markup


INLINE = st.sampled_from(
    "* ** _ __ ~~ ` `` ``` [ ] ( ) ![ < > <b> <br> </b> <!-- --> & &amp; &lt; &#42; &nbsp; \\ \\* \\| | ! a b é 1. 2) "
    "- + # ## = === --- : :- {#x} {#top} http://a.b <http://a.b> [x](y) [x](kb:a/b#c) ![i](j) $ “q” ’ \u200b 。".split()
)
STARTS = st.sampled_from(
    ["", "- ", "1. ", "7) ", "> ", "    ", "  ", "# ", "## ", "### ", "#### ", "```\n", "~~~\n", "| ", "|-|\n"]
)
LINE = st.tuples(STARTS, STARTS, st.lists(INLINE | st.text(max_size=2), max_size=8), st.sampled_from(["", " "])).map(
    lambda t: t[0] + t[1] + t[3].join(t[2])
)
MARKDOWN = st.lists(LINE, max_size=8).map("\n".join) | st.text(max_size=60)


@settings(max_examples=500)
@given(MARKDOWN)
@example("1986\\. A good year")
@example("\\> not a quotation")
@example("\\## not a heading")
@example("\\---")
@example("a &amp;lt; b")
@example("one<br>two")
@example("\\![x](kb:a/b)")
@example("!\\[x](kb:a/b)")
@example("````` a```b `````")
@example("| a | b |\n|-|-|\n| `x\\|y` | c |")
@example("*a*_b_")
@example("*![i](j) > Menu*")
@example("#### 2*3 *4* <b>")
@example("- a\n\n  5. b")
@example("[x](#a%3Eb)")
@example("\\&colon;\\&#58;")
def test_whatever_is_written_keeps_its_words(source: str) -> None:
    found = sections(source)
    anchors = [s.anchor for s in found]
    assert len(set(anchors)) == len(anchors)
    for section in found:
        assert all(b.text and normalize_space(b.text) == b.text and b.text in section.text for b in section.blocks)
        for block in section.blocks:
            assert words(render_html(block.markdown, "en")) == block.text
        assert words(render_section(section, "en")) == section.text


@given(MARKDOWN)
def test_clean_markdown_read_again_is_the_same_words_without_image_or_html(source: str) -> None:
    for section in sections(source):
        for block in section.blocks:
            again = parse_body(block.markdown, keep)
            assert " ".join(s.text for s in again.sections) == block.text
            assert again.html_lines == ()
            assert not any(link.image for link in again.links)
