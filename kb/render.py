"""Turns clean Markdown into safe HTML; knows which tags a page may hold, not which page it is."""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from kb.article import Article, Section
from kb.write import escape_words

TAGS = {
    "p", "ol", "ul", "li", "strong", "em", "s", "code", "pre", "blockquote", "br", "a",
    "h2", "h3", "h4", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "class", "data-n"}, "ol": {"start"}}
RENDERER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def help_url(href: str, locale: str) -> str:
    """`kb:account/hacked#steps` → the page's address in `locale`; other addresses stay as they are."""
    return f"/help/{locale}/{href.removeprefix('kb:')}" if href.startswith("kb:") else href


def render_html(markdown: str, locale: str, cites: dict[str, tuple[int, str]] | None = None) -> str:
    """Safe HTML. `cites` maps a link's target that stands for a citation to its number and address."""
    tokens = RENDERER.parse(markdown)
    for token in tokens:
        for child in token.children or []:
            if child.type == "link_open":
                _point(child, locale, cites or {})
    html = str(RENDERER.renderer.render(tokens, RENDERER.options, {}))
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener nofollow",
    )


def _point(link: Token, locale: str, cites: dict[str, tuple[int, str]]) -> None:
    href = str(link.attrGet("href"))
    if href in cites:
        number, url = cites[href]
        link.attrs = {"href": url, "class": "cite", "data-n": str(number)}
    else:
        link.attrSet("href", help_url(href, locale))


def render_section(section: Section, locale: str) -> str:
    return "\n".join(render_html(block.markdown, locale).strip() for block in section.blocks)


def article_markdown(article: Article) -> str:
    """The article as one Markdown document, links as addresses of the Help Center."""
    parts = [f"# {escape_words(article.title)}"]
    for section in article.sections:
        if section.title:
            parts.append(f"{'#' * max(2, section.level)} {escape_words(section.title)}")
        parts += [block.markdown for block in section.blocks]
    return "\n\n".join(parts).replace("](<kb:", f"](</help/{article.locale}/") + "\n"
