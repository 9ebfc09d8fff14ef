"""The articles over HTTP: as JSON, as Markdown, of an earlier revision, rated; and hostile ones made harmless."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.database import open_database
from app.publish import publish_tree
from app.settings import Settings
from app.web import make_app
from bot.library import Library
from kb.revision import list_revisions
from kb.tables import article_feedback
from tests.conftest import WordEmbedder, article

NAME = "/v1/articles/en/account/name"
OLD = article("Change your name", "Once in 60 days.")
NEW = article(
    "Change your *name*",
    "Once in 30 days.\n\n## How {#how}\n\n1. Tap **Edit**, see [photos](kb:account/photo#size).\n2. Save.",
    summary="How often.",
    updated="2026-11-22",
    redirect_from="[account/rename]",
)
HOSTILE = """# Hostile <script>alert(1)</script>

<script>alert(1)</script>

Before <img src=x onerror=alert(1)> after [click](javascript:alert(1)) <a href="javascript:alert(1)">here</a>.

## <svg onload=alert(1)> "heading" {#x"onclick="alert(1)}

[a](https://example.com "x\\" onmouseover=\\"alert(1)") ![p](https://evil.example/pixel.png)

#### <iframe src=//evil.example>

| <b onclick=alert(1)>cell</b> |
|---|
| `</code><script>alert(1)</script>` |
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("pages")
    settings = Settings(data_dir=folder / "data", articles_dir=folder)
    engine, words = open_database(settings.database), WordEmbedder()
    for name, now in ((OLD, 1.0), (NEW, 2.0)):
        root = folder / f"tree{now}"
        (root / "en/account").mkdir(parents=True)
        (root / "en/account/name.md").write_text(name)
        (root / "en/account/photo.md").write_text(article("Change your photo", "Tap.\n\n## Size\n\nAny."))
        publish_tree(engine, root, words, now)
    engine.dispose()
    return settings


@pytest.fixture(scope="module")
def small(settings: Settings) -> Iterator[TestClient]:
    with TestClient(make_app(settings, embedder=WordEmbedder()), follow_redirects=False) as client:
        yield client


def test_an_article_is_json_with_its_sections(small: TestClient) -> None:
    found = small.get(NAME).json()
    assert found.pop("revision") == small.get("/readyz").json()["revision"]
    how = found["sections"][1]
    assert found | {"sections": len(found["sections"])} == {
        "id": "account/name",
        "locale": "en",
        "title": "Change your *name*",
        "summary": "How often.",
        "updated": "2026-11-22",
        "sections": 2,
    }
    assert found["sections"][0] == {
        "anchor": "top",
        "title": "Change your *name*",
        "text": "Once in 30 days.",
        "html": "<p>Once in 30 days.</p>",
    }
    assert (how["anchor"], how["title"], how["text"]) == ("how", "How", "Tap Edit, see photos. Save.")
    assert 'href="/help/en/account/photo#size"' in how["html"]


def test_an_article_is_markdown_that_links_to_pages(small: TestClient) -> None:
    answer = small.get(f"{NAME}.md")
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.text == (
        "# Change your \\*name\\*\n\nOnce in 30 days.\n\n## How\n\n"
        "1. Tap **Edit**, see [photos](</help/en/account/photo#size>).\n2. Save.\n"
    )


def test_an_earlier_revision_can_be_read_by_the_start_of_its_id(small: TestClient, settings: Settings) -> None:
    engine = open_database(settings.database)
    with engine.connect() as conn:
        new, old = (r.id for r in list_revisions(conn))
    engine.dispose()
    before = small.get(NAME, params={"revision": old[:8]}).json()
    assert (before["revision"], before["sections"][0]["text"]) == (old, "Once in 60 days.")
    assert "60 days" in small.get(f"{NAME}.md", params={"revision": old}).text
    assert small.get(NAME, params={"revision": new}).json() == small.get(NAME).json()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/articles/en/account/none",
        "/v1/articles/xx/account/none.md",
        f"{NAME}?revision=nosuch",
        f"{NAME}?revision=%25",
    ],
)
def test_what_is_not_there_is_a_404_that_says_so(small: TestClient, path: str) -> None:
    answer = small.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "there is no" in answer.json()["detail"]


def test_an_old_id_leads_to_the_article(small: TestClient) -> None:
    assert small.get("/v1/articles/en/account/rename").json()["id"] == "account/name"
    moved = small.get("/help/en/account/rename")
    assert (moved.status_code, moved.headers["location"]) == (308, "/help/en/account/name")
    assert small.get("/help/fr/account/name").status_code == 302
    assert small.get("/help").headers["location"] == "/help/en"


def test_a_page_that_is_not_there_is_a_404_page(small: TestClient) -> None:
    for path in ("/help/en/account/none", "/help/xx/account/none", "/help/xx", "/help/en/%00/%ff"):
        answer = small.get(path)
        assert (path, answer.status_code) == (path, 404)
        assert "There is no such page" in answer.text


def test_feedback_is_kept_with_the_version_that_was_read(small: TestClient, settings: Settings) -> None:
    assert small.post(f"{NAME}/feedback", json={"helpful": False, "comment": "too short"}).status_code == 201
    assert small.post("/v1/articles/en/account/rename/feedback", json={"helpful": True}).json() == {"helpful": True}
    engine = open_database(settings.database)
    with engine.connect() as conn:
        rows = conn.execute(select(article_feedback).order_by(article_feedback.c.seq)).all()
    engine.dispose()
    assert [(r.article, r.locale, r.helpful, r.comment) for r in rows] == [
        ("account/name", "en", False, "too short"),
        ("account/name", "en", True, ""),
    ]
    assert rows[0].digest == rows[1].digest
    assert rows[0].at > 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "helpful"),
        ({"helpful": "maybe"}, "helpful"),
        ({"helpful": True, "comment": "x" * 2001}, "comment"),
        ({"helpful": True, "email": "a@example.com"}, "email"),
    ],
)
def test_wrong_feedback_names_the_field(small: TestClient, body: dict[str, object], field: str) -> None:
    answer = small.post(f"{NAME}/feedback", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_feedback_on_no_article_is_a_404(small: TestClient) -> None:
    assert small.post("/v1/articles/en/account/none/feedback", json={"helpful": True}).status_code == 404


def test_hostile_markdown_is_inert_on_its_page_and_in_the_api(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "evil.md").write_text(HOSTILE)
    (tmp_path / "tree" / 'x" onload="a.md').write_text("---\ntitle: '</title><script>alert(1)</script>'\n---\ntext\n")
    settings = Settings(data_dir=tmp_path / "data", articles_dir=tmp_path / "tree")
    engine = open_database(settings.database)
    publish_tree(engine, settings.articles_dir, WordEmbedder(), 1.0)
    engine.dispose()
    with TestClient(make_app(settings, embedder=WordEmbedder())) as client:
        pages = [client.get(f"/help/en{path}").text for path in ("", "/general/evil", "/general/x-onload-a")]
        api = client.get("/v1/articles/en/general/evil").json()
    for page in [*pages, *(s["html"] for s in api["sections"])]:
        tags = re.findall(r"<[a-zA-Z][^>]*>", page)
        scripts = [t for t in tags if t.lower().startswith(("<script", "<img", "<svg", "<iframe", "<b "))]
        assert scripts in ([], ['<script async src="/widget.js" data-locale="en">'])
        assert not [t for t in tags if re.search(r"\son\w+=", re.sub(r'="[^"]*"', "=", t))]
        assert not re.search(r'(href|src)="\s*(javascript|data:text|//|https://evil)', page, re.I)
    assert re.search(r"Before\s+after .*\(1\)\) here\.", pages[1]), "its words are still read"
    assert "&lt;/title&gt;&lt;script&gt;" in pages[2]


def test_every_anchor_of_every_shipped_article_is_an_id_of_its_page_and_of_the_api(
    client: TestClient, library: Library
) -> None:
    assert len(library.articles) >= 50
    for found in library.articles.values():
        page = client.get(found.url())
        assert page.status_code == 200
        ids = re.findall(r'\bid="([^"]+)"', page.text)
        assert len(ids) == len(set(ids)), found.id
        assert {s.anchor for s in found.sections} <= set(ids), found.id
        served = client.get(f"/v1/articles/{found.locale}/{found.id}").json()["sections"]
        assert [(s["anchor"], s["text"]) for s in served] == [(s.anchor, s.text) for s in found.sections]
