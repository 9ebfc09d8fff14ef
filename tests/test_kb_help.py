"""The Help Center's pages: in a real browser where looks and keys matter, over HTTP where addresses do."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, expect

from app.database import open_database
from app.publish import publish_tree
from app.settings import Settings
from app.web import make_app
from bot.library import Library
from retrieval.embed import SentenceEmbedder
from tests.browser import PHONE, Visitor, barriers, chromium, serve, visiting
from tests.conftest import WordEmbedder, article

USERNAME = "/help/en/account/username"


@pytest.fixture(scope="module")
def site(shipped: Settings, embedder: SentenceEmbedder) -> Iterator[str]:
    with serve(shipped, embedder) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture
def visitor(browser: Browser, site: str) -> Iterator[Visitor]:
    with visiting(browser, site) as person:
        yield person


@pytest.fixture
def two_languages(
    tree: Callable[[dict[str, str | bytes]], Path], words: WordEmbedder, tmp_path: Path
) -> Iterator[TestClient]:
    """A small Help Center in English and Arabic."""
    english = article("Change your name", "Once in 30 days.\n\n## In the app\n\nTap **Edit**.", redirect_from="[a/old]")
    english = english.replace("title:", 'summary: A "name" & <more>.\ntitle:', 1)
    root = tree(
        {
            "en/account/name.md": english,
            "en/account/photo.md": article("Change your photo", "Tap the photo.", redirect_from="[account/face]"),
            "ar/account/name.md": article("تغيير الاسم", "مرة كل 30 يومًا."),
        }
    )
    settings = Settings(data_dir=tmp_path / "data", articles_dir=root)
    engine = open_database(settings.database)
    publish_tree(engine, root, words, 0)
    engine.dispose()
    with TestClient(make_app(settings, embedder=words), follow_redirects=False) as client:
        yield client


def ids(page: str) -> list[str]:
    return re.findall(r'\bid="([^"]+)"', page)


def links(page: str) -> list[str]:
    return [html.unescape(href) for href in re.findall(r'<a\b[^>]*\bhref="([^"]+)"', page)]


def test_the_front_page_lists_every_article_once(visitor: Visitor, library: Library) -> None:
    visitor.goto("/help")
    assert visitor.page.url == f"{visitor.site}/help/en"

    shown = visitor.page.locator("main li a")
    addresses = [link.get_attribute("href") for link in shown.all()]
    assert sorted(map(str, addresses)) == sorted(a.url() for (lang, _), a in library.articles.items() if lang == "en")
    expect(visitor.page.get_by_role("heading", name="EU", exact=True)).to_be_visible()


def test_a_reader_goes_from_the_front_page_to_an_article_to_its_neighbour_and_back(visitor: Visitor) -> None:
    visitor.goto("/help/en")
    visitor.page.get_by_role("link", name="Change your username").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Change your username")
    expect(visitor.page).to_have_title("Change your username · Callboard Help Center")

    beside = visitor.page.get_by_role("complementary").get_by_role("link").first
    title = beside.inner_text()
    beside.click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(title)

    visitor.page.get_by_role("navigation", name="Where you are").get_by_role("link").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("How can we help?")


def test_a_sections_address_shows_the_section_marked(visitor: Visitor) -> None:
    visitor.goto(USERNAME)
    quiet = visitor.page.locator("h2").last.evaluate("node => getComputedStyle(node).backgroundColor")
    anchor = str(visitor.page.locator("article h2").last.get_attribute("id"))
    visitor.goto(f"{USERNAME}#{anchor}")

    heading = visitor.page.locator(f'[id="{anchor}"]')
    expect(heading).to_be_in_viewport()
    expect(heading).not_to_have_css("background-color", quiet)


def test_the_chat_answers_on_an_articles_page(visitor: Visitor) -> None:
    visitor.goto(USERNAME)
    visitor.open_chat()
    expect(visitor.ask("when do i get paid for creator rewards")).to_contain_text("on the 15th")


def test_the_first_tab_stop_skips_to_the_article(visitor: Visitor) -> None:
    visitor.goto(USERNAME)
    visitor.page.keyboard.press("Tab")
    expect(visitor.page.get_by_role("link", name="Skip to the article")).to_be_in_viewport()
    visitor.page.keyboard.press("Enter")
    visitor.page.keyboard.press("Tab")
    assert visitor.page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_a_missing_page_says_so_and_leads_on(visitor: Visitor) -> None:
    visitor.foresee("status of 404")
    answer = visitor.page.goto(f"{visitor.site}/help/en/account/no-such-thing")
    assert answer is not None
    assert answer.status == 404
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    visitor.page.get_by_role("link", name="Look through all articles").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("How can we help?")


def test_no_page_is_wider_than_a_phone(browser: Browser, site: str, library: Library) -> None:
    tables = [
        a.url() for a in library.articles.values() if any(b.kind == "table" for s in a.sections for b in s.blocks)
    ]
    with visiting(browser, site, **PHONE) as visitor:
        for path in ["/help/en", USERNAME, *tables[:4]]:
            visitor.goto(path)
            assert (path, visitor.page.evaluate("document.documentElement.scrollWidth")) == (path, 390)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_barrier_on_the_front_page_nor_on_an_article(browser: Browser, site: str, scheme: str) -> None:
    with visiting(browser, site, color_scheme=scheme) as visitor:
        for path in ("/help/en", USERNAME, f"{USERNAME}#change-your-username-in-the-app"):
            visitor.goto(path)
            expect(visitor.launcher).to_be_visible()
            assert barriers(visitor.page) == []


def moved(client: TestClient, target: str) -> str:
    """Where an article leads that has no translation; the browser takes the anchor along."""
    return client.get(target, follow_redirects=False).headers.get("location", "")


def test_every_link_of_every_page_leads_to_a_page_and_to_a_place_on_it(client: TestClient, library: Library) -> None:
    homes = sorted({f"/help/{locale}" for locale, _ in library.articles})
    pages = {path: client.get(path).text for path in [*homes, *(a.url() for a in library.articles.values())]}
    broken = []
    for path, page in pages.items():
        assert len(ids(page)) == len(set(ids(page))), f"{path} gives one id twice"
        for link in links(page):
            target, _, anchor = link.partition("#")
            if link.startswith("http"):
                continue
            there = pages.get(target or path) or pages.get(moved(client, target))
            if there is None or (anchor and anchor not in ids(there)):
                broken.append((path, link))
    assert broken == []
    assert len(pages) > 50


def test_every_citable_section_has_its_anchor_on_the_page(client: TestClient, library: Library) -> None:
    missing = [
        (found.id, section.anchor)
        for found in library.articles.values()
        for section in found.sections
        if section.anchor not in ids(client.get(found.url()).text)
    ]
    assert missing == []


def test_pages_carry_a_strict_policy_and_their_style(client: TestClient) -> None:
    page = client.get(USERNAME)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<style" not in page.text
    assert not re.search(r"<script(?![^>]*\bsrc=)", page.text)
    assert client.get("/help/static/help.css").headers["content-type"].startswith("text/css")
    assert client.get("/help/static/..%2fpages.py").status_code == 404


def test_an_arabic_article_reads_from_right_to_left_and_links_to_its_english_twin(two_languages: TestClient) -> None:
    page = two_languages.get("/help/ar/account/name").text
    assert '<html lang="ar" dir="rtl">' in page
    assert "مرة كل 30 يومًا." in page
    assert "/help/en/account/name" in links(page)
    assert '<html lang="en" dir="ltr">' in two_languages.get("/help/en/account/name").text


def test_an_article_without_a_translation_leads_to_the_english_one_for_now(two_languages: TestClient) -> None:
    answer = two_languages.get("/help/ar/account/photo")
    assert (answer.status_code, answer.headers["location"]) == (302, "/help/en/account/photo")


def test_a_moved_article_leads_to_its_new_address_for_good(two_languages: TestClient) -> None:
    for old, new in (("account/face", "account/photo"), ("a/old", "account/name")):
        answer = two_languages.get(f"/help/en/{old}")
        assert (answer.status_code, answer.headers["location"]) == (308, f"/help/en/{new}")


def test_words_of_an_article_are_escaped_where_they_are_attributes(two_languages: TestClient) -> None:
    page = two_languages.get("/help/en/account/name").text
    assert '<meta name="description" content="A &#34;name&#34; &amp; &lt;more&gt;.">' in page


def test_a_language_without_articles_is_no_page(two_languages: TestClient) -> None:
    assert two_languages.get("/help/fr").status_code == 404
