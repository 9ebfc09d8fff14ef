"""Chroma proposes; whatever goes wrong in it, search goes on exactly and says so."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import chromadb
import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.database import open_database
from app.publish import publish_tree
from app.settings import Settings
from app.web import make_app
from bot.library import Library
from kb.parse import Source, parse_article
from retrieval import chroma as module
from retrieval.chroma import REST, ChromaCache
from retrieval.embed import SentenceEmbedder
from retrieval.index import Found, Index
from retrieval.passage import cut_articles
from retrieval.view import own_vectors
from tests.conftest import WordEmbedder, article

Open = Callable[..., ChromaCache]
ASKED = [
    "my account got hacked",
    "how do i get paid",
    "why was my video taken down",
    "change username",
    "someone stole my video",
    "start a live",
    "what is the minimum age",
    "tax form",
    "pineapple on pizza",
]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_cache(tmp_path: Path, clock: Clock) -> Iterator[Callable[..., ChromaCache]]:
    made: list[ChromaCache] = []

    def open_one(url: str = "") -> ChromaCache:
        made.append(ChromaCache(tmp_path / "chroma", url, "words", clock))
        return made[-1]

    yield open_one
    for cache in made:
        cache.close()


@pytest.fixture
def exact(words: WordEmbedder) -> Index:
    """A small revision, searched exactly; `held` puts a cache before it."""
    return small_index(words, range(80))


def small_index(words: WordEmbedder, numbers: range) -> Index:
    parsed = [
        parse_article(article(f"Title {n}", f"Body word{n}.").encode(), Source("f", f"a/b{n}", "en"), {}.get)
        for n in numbers
    ]
    passages = cut_articles(p.article for p in parsed if p.article)
    return Index("r", passages, words.embed([p.embedded for p in passages]), words)


def held(exact: Index, cache: ChromaCache) -> Index:
    cache.hold([p.hash for p in exact.passages], exact.vectors)
    return Index("r", exact.passages, exact.vectors, WordEmbedder(), cache.propose)


def stored(tmp_path: Path) -> chromadb.Collection:
    settings = chromadb.Settings(anonymized_telemetry=False)
    [collection] = chromadb.PersistentClient(str(tmp_path / "chroma/index-0001"), settings=settings).list_collections()
    return collection


def same(found: Found, wanted: Found) -> bool:
    return [(h.passage.hash, h.score) for h in found.hits[:5]] == [(h.passage.hash, h.score) for h in wanted.hits[:5]]


def until(true: Callable[[], bool], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


def mended(index: Index, cache: ChromaCache, clock: Clock) -> bool:
    """After the rest, a search has it mended in the background."""
    clock.now += REST + 1
    index.search("word1")
    return until(lambda: cache.ready) and not index.search("word1").degraded


def test_it_proposes_what_exact_search_finds_on_the_shipped_articles(
    library: Library, embedder: SentenceEmbedder, open_cache: Open
) -> None:
    cache, index = open_cache(), library.index
    own = [p.locale == "en" for p in index.passages]
    assert cache.hold([p.hash for p in own_vectors(index.passages, embedder.reads)], index.vectors[own])
    proposals: list[int] = []

    def propose(vector: Any, n: int) -> Any:
        hashes = cache.propose(vector, n)
        proposals.append(len(hashes or ()))
        return hashes

    proposed = Index(index.revision, index.passages, index.vectors, embedder, propose, index.thesaurus)
    for question in ASKED:
        found, wanted = proposed.search(question), index.exact().search(question)
        assert not found.degraded
        assert same(found, wanted), question
        assert [r.article for r in found.articles[:5]] == [r.article for r in wanted.articles[:5]]
    assert proposals == [128] * len(ASKED)


def test_nothing_but_hashes_and_vectors_enters_it(exact: Index, open_cache: Open, tmp_path: Path) -> None:
    cache = open_cache()
    held(exact, cache).search("what a creator asks about secretword")
    cache.close()
    collection = stored(tmp_path)
    rows = collection.get(include=["documents", "metadatas", "uris", "embeddings"])
    assert set(rows["ids"]) == {p.hash for p in exact.passages}
    assert not any(rows["documents"] or [])
    assert not any(rows["metadatas"] or [])
    assert not any(rows["uris"] or [])
    data = b"".join(p.read_bytes() for p in (tmp_path / "chroma").rglob("*") if p.is_file())
    assert b"secretword" not in data
    assert b"word1" not in data


def test_a_new_revision_adds_only_what_is_new(open_cache: Open, words: WordEmbedder, tmp_path: Path) -> None:
    cache = open_cache()
    for numbers in (range(70), range(10, 80)):
        exact = small_index(words, numbers)
        index = held(exact, cache)
        assert cache.ready
        for question in ("word15", "title 42", "word79"):
            found = index.search(question)
            assert not found.degraded
            assert same(found, exact.search(question))
    cache.close()
    assert stored(tmp_path).count() == 160


def test_a_folder_of_mostly_dead_entries_is_started_over(open_cache: Open, words: WordEmbedder, tmp_path: Path) -> None:
    cache = open_cache()
    held(small_index(words, range(600)), cache)
    exact = small_index(words, range(1000, 1040))
    assert same(held(exact, cache).search("word1001"), exact.search("word1001"))
    assert cache.ready
    assert [p.name for p in (tmp_path / "chroma").glob("index-*")] == ["index-0002"]


def test_it_can_be_held_again_and_again_and_lets_go_of_its_folder(exact: Index, open_cache: Open) -> None:
    first = open_cache()
    for _ in range(3):
        assert first.hold([p.hash for p in exact.passages], exact.vectors)
    first.close()
    second = open_cache()
    assert not held(exact, second).search("word1").degraded
    assert second.reason == "ready"


def corrupt(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "owner.lock":
            path.write_bytes(os.urandom(max(4096, path.stat().st_size)))


@pytest.mark.parametrize("harm", [corrupt, shutil.rmtree], ids=["overwritten", "deleted"])
def test_a_folder_harmed_between_two_starts_is_built_anew(
    exact: Index, open_cache: Open, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    cache = open_cache()
    held(exact, cache)
    cache.close()
    harm(tmp_path / "chroma")
    again = open_cache()
    index = held(exact, again)
    assert again.ready
    assert same(index.search("word7"), exact.search("word7"))
    assert not index.search("word7").degraded


HARMED = """
import os, shutil, sys
from pathlib import Path
from tests.test_retrieval_chroma import *

folder, harm = Path(sys.argv[1]), sys.argv[2]
words, clock = WordEmbedder(), Clock()
exact, cache = small_index(words, range(80)), ChromaCache(folder, "", "words", clock)
index = held(exact, cache)
assert cache.ready and same(index.search("word7"), exact.search("word7"))
corrupt(folder) if harm == "overwritten" else shutil.rmtree(folder)
for n in range(20):
    assert same(index.search(f"word{n}"), exact.search(f"word{n}"))
held(exact, cache)
assert same(index.search("word7"), exact.search("word7"))
assert mended(index, cache, clock), cache.reason
assert same(index.search("word7"), exact.search("word7"))
print("whole")
"""


@pytest.mark.parametrize("harm", ["overwritten", "deleted"])
def test_a_folder_harmed_while_it_serves_costs_no_answer(tmp_path: Path, harm: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HARMED, str(tmp_path / "chroma"), harm], capture_output=True, text=True, timeout=120
    )
    assert done.stdout.endswith("whole\n"), done.stderr[-2000:]


class Panic(BaseException):
    """Chroma's Rust core raises such."""


class FakeCollection:
    """Chroma's collection as far as the cache calls it; `query` does what it is told."""

    def __init__(self, query: Callable[[], Any]) -> None:
        self.asked, self._query = 0, query

    def query(self, **_: Any) -> Any:
        self.asked += 1
        return self._query()


def test_a_hung_query_costs_a_moment_once_and_is_then_left_alone(exact: Index, open_cache: Open, clock: Clock) -> None:
    cache, free = open_cache(), threading.Event()
    index = held(exact, cache)
    cache._collection = FakeCollection(lambda: free.wait(60))
    hung = cache._collection
    started = time.monotonic()
    first = index.search("word7")
    assert time.monotonic() - started < 3
    assert first.degraded
    assert same(first, exact.search("word7"))
    started = time.monotonic()
    for _ in range(20):
        assert index.search("word7").degraded
    assert time.monotonic() - started < module.DEADLINE
    assert hung.asked == 1
    assert mended(index, cache, clock)
    free.set()


@pytest.mark.parametrize("error", [RuntimeError("gone"), KeyError("ids"), Panic()])
def test_a_failing_query_is_answered_exactly_and_mended_later(
    exact: Index, open_cache: Open, clock: Clock, error: BaseException
) -> None:
    def fail() -> None:
        raise error

    cache = open_cache()
    index = held(exact, cache)
    cache._collection = FakeCollection(fail)
    found = index.search("word7")
    assert found.degraded
    assert same(found, exact.search("word7"))
    assert type(error).__name__ in cache.reason
    assert index.search("word7").degraded
    assert mended(index, cache, clock)


def test_wrong_proposals_do_not_hide_what_words_find(exact: Index, open_cache: Open) -> None:
    cache = open_cache()
    index = held(exact, cache)
    far = [p.hash for p in exact.passages if "word7" not in p.text][:128]
    cache._collection = FakeCollection(lambda: {"ids": [far]})
    assert index.search("word7").hits[0] == exact.search("word7").hits[0]


def test_an_index_that_does_not_know_its_own_vectors_is_not_used(
    exact: Index, open_cache: Open, tmp_path: Path
) -> None:
    cache = open_cache()
    hashes = [p.hash for p in exact.passages]
    scrambled = np.random.default_rng(1).permutation(exact.vectors)
    assert cache.hold(hashes, scrambled)
    cache.close()
    again = open_cache()
    index = held(exact, again)
    assert again.ready
    assert not (tmp_path / "chroma" / "index-0001").exists(), "known answers were not found; it was built anew"
    assert same(index.search("word7"), exact.search("word7"))


HOLD = """
import sys
from filelock import FileLock
lock = FileLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_folder_that_another_process_owns_is_left_alone_until_it_is_free(
    exact: Index, open_cache: Open, tmp_path: Path, clock: Clock
) -> None:
    folder = tmp_path / "chroma"
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder / "owner.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        cache = open_cache()
        index = held(exact, cache)
        found = index.search("word7")
        assert found.degraded
        assert same(found, exact.search("word7"))
        assert cache.reason == "another process owns the folder"
        assert list(folder.glob("index-*")) == []
        assert owner.stdin is not None
        owner.stdin.close()
        owner.wait(10)
    assert mended(index, cache, clock)


def test_a_server_that_is_not_there_is_done_without(exact: Index, open_cache: Open) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        cache = open_cache(f"http://127.0.0.1:{taken.getsockname()[1]}")
        index = held(exact, cache)
    assert index.search("word7").degraded
    assert same(index.search("word7"), exact.search("word7"))


def test_a_server_that_never_answers_does_not_hold_up_the_start(
    exact: Index, open_cache: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        cache = open_cache(f"http://127.0.0.1:{silent.getsockname()[1]}")
        started = time.monotonic()
        index = held(exact, cache)
        assert index.search("word7").degraded
        assert time.monotonic() - started < 5


def test_the_server_says_when_it_is_degraded_and_answers_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "articles/en/account").mkdir(parents=True)
    (tmp_path / "articles/en/account/name.md").write_text(article("Change your name", "Tap Edit.", "change my name"))
    settings = Settings(data_dir=tmp_path / "data", articles_dir=tmp_path / "articles")
    engine = open_database(settings.database)
    publish_tree(engine, settings.articles_dir, WordEmbedder(), 1.0)
    engine.dispose()
    (tmp_path / "data/chroma").write_text("a file where the folder should be")
    with TestClient(make_app(settings, embedder=WordEmbedder())) as client:
        assert "chroma" in client.get("/readyz").json()["vector_index"]
        assert "callboard_vector_index_ready 0" in client.get("/metrics").text
        reply = client.post("/v1/ask", json={"question": "change my name"}).json()
    assert reply["degraded"] is True
