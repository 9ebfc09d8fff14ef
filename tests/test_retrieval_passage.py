"""Articles in, passages out."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.library import Library
from kb.article import Article
from kb.parse import Source, parse_article
from retrieval.passage import MAX_WORDS, Passage, cut_article, cut_articles
from tests.conftest import article


def made(title: str, body: str, *questions: str, **front: str) -> Article:
    found = parse_article(article(title, body, *questions, **front).encode(), Source("f", "a/b", "en"), {}.get).article
    assert found is not None
    return found


def hashes(source: Article) -> set[str]:
    return {p.hash for p in cut_article(source)}


def shown(passages: list[Passage]) -> list[tuple[str, str, str]]:
    return [(p.kind, p.anchor, p.text) for p in passages]


def test_an_article_becomes_its_sections_its_title_and_its_questions() -> None:
    source = made(
        "Name", "Intro.\n\n## How\n\n1. Tap.\n2. Save.\n\n### On the web\n\nClick.", "how do i", summary="Sum."
    )
    passages = cut_article(source)
    assert shown(passages) == [
        ("section", "top", "Sum. Intro."),
        ("section", "how", "Tap. Save."),
        ("section", "on-the-web", "Click."),
        ("title", "", "Name"),
        ("question", "", "how do i"),
    ]
    assert [p.embedded for p in passages] == [
        "Name\nSum. Intro.",
        "Name › How\nTap. Save.",
        "Name › How › On the web\nClick.",
        "Name",
        "how do i",
    ]


def test_a_notice_is_not_searched() -> None:
    notice = made("Outage", "Uploads fail.", kind="notice", starts="2026-01-01T00:00:00Z", affects="[a/b]")
    assert cut_article(notice) == []


def test_a_long_section_is_cut_between_blocks_and_loses_no_word() -> None:
    blocks = [" ".join(f"w{b}x{i}" for i in range(70)) for b in range(5)]
    parts = [p.text for p in cut_article(made("T", "## S\n\n" + "\n\n".join(blocks))) if p.kind == "section"]
    assert parts == [" ".join(blocks[:2]), " ".join(blocks[2:4]), blocks[4]]


def test_one_endless_block_is_cut_within() -> None:
    words = [f"w{i}" for i in range(3 * MAX_WORDS + 1)]
    parts = [p.text.split() for p in cut_article(made("T", " ".join(words))) if p.kind == "section"]
    assert [len(p) for p in parts] == [MAX_WORDS] * 3 + [1]
    assert [word for part in parts for word in part] == words


def test_a_section_without_text_is_found_by_its_heading() -> None:
    assert ("section", "empty", "") in shown(cut_article(made("T", "x\n\n## Empty")))


def test_a_question_asked_twice_is_one_passage() -> None:
    assert len(cut_article(made("T", "x", "how", "how"))) == 3


def test_a_passage_keeps_its_hash_until_it_changes() -> None:
    source = made("T", "One.\n\n## A\n\nTwo.", "how")
    changed = made("T", "One!\n\n## A\n\nTwo.", "how")
    assert len(hashes(source) - hashes(changed)) == 1
    assert hashes(source) == hashes(made("T", "One.\n\n## A\n\nTwo.", "how", owner="someone"))
    for other in (replace(source, id="a/c"), replace(source, locale="fr"), replace(source, title="U")):
        assert not {p.hash for p in cut_article(other) if p.kind == "section"} & hashes(source)


def test_no_two_passages_of_the_shipped_articles_share_a_hash(library: Library) -> None:
    passages = cut_articles(library.articles.values())
    assert len({p.hash for p in passages}) == len(passages)
    assert {(p.locale, p.article) for p in passages} == set(library.articles)
    for p in passages:
        if p.kind == "section":
            section = library.articles[p.locale, p.article].section(p.anchor)
            assert section is not None
            assert p.text.removeprefix(library.articles[p.locale, p.article].summary).strip() in section.text


@given(st.lists(st.text("ab\n#- 1.", max_size=300), max_size=4).map("\n\n".join))
def test_every_word_of_a_section_is_in_its_passages_in_order(body: str) -> None:
    found = parse_article(f"---\ntitle: T\n---\n{body}".encode(), Source("f", "a/b", "en", True), {}.get).article
    assert found is not None
    for section in found.sections:
        texts = [p.text for p in cut_article(found) if p.kind == "section" and p.anchor == section.anchor]
        assert " ".join(texts).split() == section.text.split()
