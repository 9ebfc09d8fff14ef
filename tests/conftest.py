"""What tests share: real embeddings, the shipped articles published once, small trees, and a fake model for speed."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.database import open_database
from app.publish import publish_tree
from app.settings import PACKAGED, Settings
from app.web import make_app
from app.wire import exact_library
from bot.library import Library
from retrieval.embed import SentenceEmbedder, Vectors

CI = os.environ.get("CI") == "true"
# A busy machine is no failure.
hypothesis.settings.register_profile("callboard", deadline=None)
hypothesis.settings.load_profile("callboard")


def need(present: object, what: str) -> None:
    """Skip where a user's machine lacks something; under CI it has to be there."""
    if present:
        return
    if CI:
        pytest.fail(f"{what} is missing, and CI must have it")
    pytest.skip(f"{what} is not here")


class WordEmbedder:
    """Stands in for the model: a text's vector is the sum of its words', so texts that share words are near."""

    name = "words"
    reads = frozenset({"*"})
    words: Sequence[str] = ()

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        rows = [sum((_vector(w) for w in re.findall(r"\w+", text.lower())), np.full(64, 1e-6)) for text in texts]
        matrix = np.array(rows, dtype=np.float32)
        return np.asarray(matrix / np.linalg.norm(matrix, axis=1, keepdims=True), dtype=np.float32)


def _vector(word: str) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8])
    return np.random.default_rng(seed).normal(size=64)


def article(title: str, body: str, *questions: str, **front: str) -> str:
    """The text of one article of ours."""
    lines = ["---", f"title: {title}", "status: published", *(f"{k}: {v}" for k, v in front.items())]
    if questions:
        lines += ["questions:", *(f"  - {q}" for q in questions)]
    return "\n".join([*lines, "---", body, ""])


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[dict[str, str | bytes]], Path]:
    """Writes {relative path: text or bytes} below a fresh folder and gives the folder."""

    def write(files: dict[str, str | bytes]) -> Path:
        root = tmp_path / "articles"
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return root

    return write


@pytest.fixture
def words() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_database(f"sqlite:///{tmp_path / 'test.db'}")
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def embedder() -> SentenceEmbedder:
    return SentenceEmbedder()


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory, embedder: SentenceEmbedder) -> Settings:
    """Settings of a data folder in which the shipped articles are published with their real embeddings."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("shipped"), articles_dir=PACKAGED, rate_limit=100_000)
    engine = open_database(settings.database)
    publish_tree(engine, settings.articles_dir, embedder, time.time())
    engine.dispose()
    return settings


@pytest.fixture(scope="session")
def library(shipped: Settings) -> Library:
    """The shipped articles, searched exactly."""
    engine = open_database(shipped.database)
    return exact_library(shipped, engine)


@pytest.fixture(scope="session")
def client(shipped: Settings, embedder: SentenceEmbedder) -> Iterator[TestClient]:
    """The whole product over the shipped articles, through its HTTP door."""
    with TestClient(make_app(shipped, embedder=embedder), raise_server_exceptions=False) as made:
        yield made


@pytest.fixture(scope="session")
def public_data() -> Path:
    """The folder of public data, named by CALLBOARD_PUBLIC_DATA."""
    folder = os.environ.get("CALLBOARD_PUBLIC_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("CALLBOARD_PUBLIC_DATA names no folder")
    return Path(folder)
