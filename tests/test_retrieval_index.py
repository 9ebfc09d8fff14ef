"""Search over one revision: the right article first, the same whatever was published before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from app.database import open_database
from app.library import open_library
from app.publish import publish_tree
from bot.library import Library
from kb.tree import read_tree
from retrieval.embed import Vectors
from retrieval.index import Found, Index
from retrieval.passage import cut_articles
from tests.conftest import WordEmbedder, article

Write = Callable[[dict[str, str | bytes]], Path]
CATS: dict[str, str | bytes] = {
    "en/pets/cats.md": article("Feed a cat", "Cats eat fish.\n\n## Kittens\n\nKittens drink milk.", "what do cats eat"),
    "en/pets/dogs.md": article("Walk a dog", "Dogs walk twice a day.\n\n## Puppies\n\nPuppies sleep."),
    "fr/pets/cats.md": article("Nourrir un chat", "Les chats mangent du poisson."),
    "fr/pets/dogs.md": article("Promener un chien", "Les chiens marchent."),
}
OTHER: dict[str, str | bytes] = {
    f"en/other/cat-{i}.md": article(f"Cat number {i}", f"Cats eat fish {i}. Kittens drink milk.", "what do cats eat")
    for i in range(70)
}
ASKED = ["what do cats eat", "kittens", "puppies sleep", "walk", "fish fish milk dog", "nothing of the kind", ""]


def ranking(found: Found) -> list[tuple[str, str, float, float, float]]:
    return [(h.passage.hash, h.passage.anchor, h.score, h.dense, h.lexical) for h in found.hits]


def live(engine: Engine, revision: str) -> Index:
    with engine.connect() as conn:
        return open_library(conn, revision, WordEmbedder()).index


@pytest.fixture
def cats(tree: Write, engine: Engine, words: WordEmbedder) -> Index:
    return live(engine, publish_tree(engine, tree(CATS), words, 1.0).revision)


def test_the_article_that_says_it_is_found_first(cats: Index) -> None:
    found = cats.search("what do cats eat")
    assert found.articles[0].article == "pets/cats"
    assert found.hits[0].passage.text == "what do cats eat"
    assert cats.search("puppies").hits[0].passage.anchor == "puppies"
    assert not found.degraded


def test_hits_stand_in_the_order_of_their_scores_and_are_as_many_as_asked_for(cats: Index) -> None:
    scores = [h.score for h in cats.search("cats and dogs", k=3).hits]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert len(cats.search("cats", k=10_000).hits) == sum(p.locale == "en" for p in cats.passages)


def test_a_question_is_searched_in_its_language_and_in_english_of_what_that_lacks(
    tree: Write, engine: Engine, words: WordEmbedder
) -> None:
    fish = article("Keep a fish", "Fish swim.")
    cats = live(engine, publish_tree(engine, tree(CATS | {"en/pets/fish.md": fish}), words, 1.0).revision)
    assert {h.passage.locale for h in cats.search("chats", "en", 99).hits} == {"en"}
    french = cats.search("que mangent les chats", "fr-CA", 99)
    assert {(r.locale, r.article) for r in french.articles} == {
        ("fr", "pets/cats"),
        ("fr", "pets/dogs"),
        ("en", "pets/fish"),
    }
    assert (french.articles[0].locale, french.articles[0].article) == ("fr", "pets/cats")
    assert {h.passage.locale for h in cats.search("gatos", "es", 99).hits} == {"en"}


def test_without_english_every_language_is_searched(tree: Write, engine: Engine, words: WordEmbedder) -> None:
    root = tree({"fr/pets/cats.md": CATS["fr/pets/cats.md"], "de/pets/dogs.md": article("Hund", "Der Hund bellt.")})
    index = live(engine, publish_tree(engine, root, words, 1.0).revision)
    assert index.search("le poisson", "es").articles[0].article == "pets/cats"


def test_many_questions_are_searched_as_one_by_one(cats: Index) -> None:
    together = cats.search_all(ASKED)
    assert [ranking(f) for f in together] == [ranking(cats.search(q)) for q in ASKED]


def test_a_ranking_is_the_same_whatever_was_published_before(
    tree: Write, engine: Engine, words: WordEmbedder, tmp_path: Path
) -> None:
    fresh = open_database(f"sqlite:///{tmp_path / 'fresh.db'}")
    alone = live(fresh, publish_tree(fresh, tree(CATS), words, 1.0).revision)
    fresh.dispose()
    before = publish_tree(engine, tree(OTHER), words, 1.0)
    for name in OTHER:
        (tree({}) / name).unlink()
    (tree({}) / "en/other").rmdir()
    after = publish_tree(engine, tree(CATS), words, 2.0)
    assert before.revision != after.revision == alone.revision
    index = live(engine, after.revision)
    for question in ASKED:
        for locale in ("en", "fr"):
            assert ranking(index.search(question, locale, 99)) == ranking(alone.search(question, locale, 99))
            assert index.search(question, locale).articles == alone.search(question, locale).articles


def test_proposals_from_other_revisions_and_of_any_order_change_nothing(cats: Index) -> None:
    def index(propose: Callable[[Vectors, int], Sequence[str] | None]) -> Index:
        return Index(cats.revision, cats.passages, cats.vectors, WordEmbedder(), propose)

    hashes = [p.hash for p in cats.passages]
    sources = {
        "all, backwards, among dead ones": lambda _v, _n: [x for h in reversed(hashes) for x in ("dead" + h, h)],
        "too few": lambda _v, _n: hashes[:2],
        "dead ones": lambda _v, _n: ["dead"] * 128,
        "nothing": lambda _v, _n: [],
    }
    for what, propose in sources.items():
        for question in ASKED:
            found = index(propose).search(question)
            assert ranking(found) == ranking(cats.search(question)), what
            assert not found.degraded
    silent = index(lambda _v, _n: None)
    assert ranking(silent.search("cats")) == ranking(cats.search("cats"))
    assert silent.search("cats").degraded
    assert not silent.exact().search("cats").degraded


def test_sections_of_an_article_are_ranked_for_a_question(cats: Index) -> None:
    found = cats.search("milk for kittens")
    assert cats.rank_sections("pets/cats", "en", found) == ["kittens", "top"]
    assert cats.rank_sections("pets/none", "en", found) == []


def test_a_revision_of_notices_alone_finds_nothing(tree: Write, words: WordEmbedder) -> None:
    root = tree({"en/a/b.md": article("Out", "x", kind="notice", starts="2026-01-01T00:00:00Z", affects="[a/b]")})
    passages = cut_articles(read_tree(root).articles)
    found = Index("r", passages, np.zeros((0, 64), np.float32), words).search("anything")
    assert (found.hits, found.articles) == ((), ())


def test_a_question_may_be_endless_or_odd(cats: Index) -> None:
    for question in ("cats " * 5000, "\0", 'AND OR NOT ( ] " * ~ : title:cats', "🐱", "猫" * 2000):
        assert cats.search(question).hits


@given(st.text(max_size=50), st.sampled_from(["en", "fr", "zh-Hans", "x", ""]))
def test_any_question_is_searched(question: str, locale: str) -> None:
    passages = cut_articles([])
    words = WordEmbedder()
    assert Index("r", passages, np.zeros((0, 64), np.float32), words).search(question, locale).hits == ()


@pytest.mark.parametrize(
    ("question", "article_id"),
    [
        ("my account got hacked what do i do", "security/hacked"),
        ("how can i change my usrename", "account/username"),
        ("where is my payout it failed", "payouts/failed"),
        ("why was my video taken down", "enforcement/removed-video"),
        ("how do i withdraw my live gifts", "live/withdraw"),
    ],
)
def test_the_shipped_articles_answer_creators_questions(library: Library, question: str, article_id: str) -> None:
    found = library.index.search(question)
    assert article_id in [r.article for r in found.articles[:3]]


def test_every_shipped_article_is_found_by_its_own_questions(library: Library) -> None:
    asked = [(q, a.id) for a in library.articles.values() if a.locale == "en" for q in a.questions[:1]]
    found = library.index.search_all([q for q, _ in asked])
    wrong = [(q, id) for (q, id), f in zip(asked, found, strict=True) if f.articles[0].article != id]
    assert len(asked) > 50
    assert len(wrong) <= 0.02 * len(asked), wrong


def test_search_over_http_gives_articles_and_the_sections_that_are_there(client: TestClient, library: Library) -> None:
    found = client.get("/v1/search", params={"q": "change my username", "locale": "en", "k": 5}).json()
    rows = found["results"]
    assert rows[0]["article"] == "account/username"
    assert len(rows) <= 5
    assert library.articles["en", rows[0]["article"]].section(rows[0]["sections"][0]["anchor"]) is not None
