"""Vectors in SQL: made once, read back exactly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, delete, func, select, update

from app.library import open_library
from app.publish import publish_tree
from kb.tree import read_tree
from retrieval.embed import SentenceEmbedder
from retrieval.passage import Passage, cut_articles
from retrieval.tables import passages as table
from retrieval.vectors import ensure_vectors, load_vectors
from tests.conftest import WordEmbedder, article

Write = Callable[[dict[str, str | bytes]], Path]


@pytest.fixture
def passages(tree: Write) -> list[Passage]:
    files: dict[str, str | bytes] = {f"en/a/b{i}.md": article(f"T{i}", f"Text {i}.") for i in range(40)}
    return cut_articles(read_tree(tree(files)).articles)


def test_vectors_are_read_back_exactly_and_in_order(
    engine: Engine, passages: list[Passage], words: WordEmbedder
) -> None:
    assert ensure_vectors(engine, passages, words) == 80
    backwards = passages[::-1]
    with engine.connect() as conn:
        found = load_vectors(conn, backwards, words.name)
    assert found.dtype == np.float32
    for passage, vector in zip(backwards, found, strict=True):
        assert vector.tobytes() == words.embed([passage.embedded])[0].tobytes()


def test_progress_is_told_batch_by_batch_to_the_end(
    engine: Engine, passages: list[Passage], words: WordEmbedder
) -> None:
    told: list[tuple[int, int]] = []
    ensure_vectors(engine, passages, words, lambda done, total: told.append((done, total)))
    assert told == [(64, 80), (80, 80)]
    ensure_vectors(engine, passages, words, lambda done, total: told.append((done, total)))
    assert len(told) == 2


def test_each_model_has_its_own_vectors(engine: Engine, passages: list[Passage], words: WordEmbedder) -> None:
    other = WordEmbedder()
    other.name = "other"
    ensure_vectors(engine, passages, words)
    assert ensure_vectors(engine, passages, other) == 80
    with engine.connect() as conn:
        assert conn.execute(select(func.count()).select_from(table)).scalar() == 160


def test_another_publisher_may_be_quicker(engine: Engine, passages: list[Passage], words: WordEmbedder) -> None:
    class Slow(WordEmbedder):
        def embed(self, texts: object) -> np.ndarray:
            ensure_vectors(engine, passages, words)
            return super().embed(texts)  # type: ignore[arg-type]

    ensure_vectors(engine, passages, Slow())
    with engine.connect() as conn:
        assert conn.execute(select(func.count()).select_from(table)).scalar() == 80


def test_a_missing_vector_says_what_to_do(engine: Engine, passages: list[Passage], words: WordEmbedder) -> None:
    ensure_vectors(engine, passages, words)
    with engine.begin() as conn:
        conn.execute(delete(table).where(table.c.hash == passages[0].hash))
    with engine.connect() as conn, pytest.raises(LookupError, match=r"1 passages have no vector.*callboard publish"):
        load_vectors(conn, passages, words.name)
    assert ensure_vectors(engine, passages, words) == 1


def test_search_reads_the_vectors_that_sql_holds(tree: Write, engine: Engine, words: WordEmbedder) -> None:
    root = tree({"en/a/cats.md": article("Cats", "Meow."), "en/a/dogs.md": article("Dogs", "Woof.")})
    done = publish_tree(engine, root, words, now=1.0)
    with engine.begin() as conn:
        swapped = words.embed(["Dogs"])[0].tobytes()
        conn.execute(update(table).where(table.c.text == "Cats").values(vector=swapped))
    with engine.connect() as conn:
        found = open_library(conn, done.revision, words).index.search("dogs")
    assert {h.passage.article for h in found.hits if h.passage.kind == "title" and h.dense > 0.99} == {
        "a/cats",
        "a/dogs",
    }


def test_no_passages_have_no_vectors(engine: Engine) -> None:
    with engine.connect() as conn:
        assert len(load_vectors(conn, [], "words")) == 0


def test_the_bundled_model_gives_unit_vectors_alone_or_in_a_batch(embedder: SentenceEmbedder) -> None:
    texts = ["how do I get paid", "my account was hacked and I cannot log in " * 20, "付款", ""]
    together = embedder.embed(texts)
    assert together.shape == (4, 384)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.concatenate([embedder.embed([t]) for t in texts])
    assert np.allclose(together, alone, atol=1e-5)
    money = embedder.embed(["when will I receive my money"])[0]
    assert float(together[0] @ money) > float(together[1] @ money) + 0.1


def test_the_bundled_model_brings_the_words_of_its_language(embedder: SentenceEmbedder) -> None:
    assert {"account", "video", "money"} <= set(embedder.words)
    assert embedder.reads == {"en"}
