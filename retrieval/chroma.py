"""Chroma as a cache of vectors: it proposes candidates, and whatever goes wrong in it costs nothing but time.

Knows hashes and vectors; nothing of passages' text, which never enters it.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

import numpy as np
from filelock import FileLock, Timeout

from retrieval.embed import Vectors

if TYPE_CHECKING:
    from chromadb.api import ClientAPI

log = logging.getLogger(__name__)
DEADLINE = 0.5
PATIENCE = 20.0
REST = 30.0
PROBES = 16
BATCH = 1000


class ChromaCache:
    """An embedded folder (one process at a time, held by a lock file) or a Chroma server.

    `propose` never raises: it gives None when Chroma is absent, slow or broken, and then leaves it alone
    for REST seconds, after which it is mended in the background. Whatever calls Chroma runs in a thread that
    may hang for good and is then left behind.
    """

    def __init__(self, folder: Path, url: str, model: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._url, self._clock = folder, url, clock
        self._name = "passages-" + hashlib.sha256(model.encode()).hexdigest()[:12]
        self._guard = threading.Lock()
        self._lock: FileLock | None = None
        self._collection: Any = None
        self._rest_until = 0.0
        self._held: dict[str, Vectors] = {}
        self.reason = "not started"

    @property
    def ready(self) -> bool:
        return self._collection is not None

    def hold(self, hashes: Sequence[str], vectors: Vectors) -> bool:
        """Bring Chroma up to hold these vectors, and prove it with known answers; False leaves exact search for now.

        What takes longer than PATIENCE goes on in the background."""
        held = dict(zip(hashes, vectors, strict=True))

        def work() -> None:
            with self._guard:
                self._held = held
                self._bring_up()

        worker = _start(work)
        worker.join(PATIENCE)
        return self.ready and not worker.is_alive()

    def propose(self, vector: Vectors, n: int) -> Sequence[str] | None:
        if self._collection is None or self._clock() < self._rest_until:
            if self._clock() >= self._rest_until:
                self._mend_later()
            return None
        answer: Future[list[str]] = Future()
        _start(partial(_query, self._collection, vector, n, answer))
        try:
            return answer.result(timeout=DEADLINE)
        except Exception as error:
            self._fail(f"{type(error).__name__}: {error}")
            return None

    def close(self) -> None:
        self._collection = None
        if self._lock:
            self._lock.release(force=True)

    def _fail(self, reason: str) -> None:
        self.reason = " ".join(reason.split())[:200]
        self._collection = None
        self._rest_until = self._clock() + REST
        log.warning("the vector index is out of use, searching exactly: %s", self.reason)

    def _mend_later(self) -> None:
        def mend() -> None:
            if self._guard.acquire(blocking=False):
                try:
                    self._bring_up()
                finally:
                    self._guard.release()

        _start(mend)

    def _bring_up(self) -> bool:
        for attempt in (1, 2):
            try:
                if attempt == 2:
                    self._start_over()
                collection = self._open()
                self._fill(collection)
                self._prove(collection)
            except Timeout:
                self._fail("another process owns the folder")
                return False
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt | SystemExit):
                    raise
                self._fail(f"{type(error).__name__}: {error}")
                if not (self._lock and self._lock.is_locked):  # it is not ours to start over
                    return False
                continue
            self._collection, self._rest_until, self.reason = collection, 0.0, "ready"
            return True
        return False

    def _open(self) -> Any:
        import chromadb
        from chromadb.config import Settings

        settings = Settings(anonymized_telemetry=False)
        client: ClientAPI
        if self._url:
            at = urlparse(self._url)
            ssl = at.scheme == "https"
            client = chromadb.HttpClient(at.hostname or "", at.port or (443 if ssl else 80), ssl, settings=settings)
        else:
            self._folder.mkdir(parents=True, exist_ok=True)
            # Not one lock for each thread: the one that mends is not the one that started.
            self._lock = self._lock or FileLock(self._folder / "owner.lock", thread_local=False)
            self._lock.acquire(timeout=0)
            client = chromadb.PersistentClient(str(self._shelf()), settings=settings)
        # No embedding function: the default one would download a model.
        return client.get_or_create_collection(
            self._name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )

    def _fill(self, collection: Any) -> None:
        known = set(collection.get(include=[])["ids"])
        dead = len(known - self._held.keys())
        if dead > max(1000, len(self._held)) and not self._url:
            raise RuntimeError(f"{dead} dead entries")
        missing = [h for h in self._held if h not in known]
        for start in range(0, len(missing), BATCH):
            ids = missing[start : start + BATCH]
            collection.add(ids=ids, embeddings=np.stack([self._held[h] for h in ids]))

    def _prove(self, collection: Any) -> None:
        """Known answers rather than `count()`: a passage's own vector must find that passage, or its equal."""
        hashes = sorted(self._held)[:: max(1, len(self._held) // PROBES)][:PROBES]
        if not hashes:
            return
        found = collection.query(query_embeddings=[self._held[h] for h in hashes], n_results=10, include=[])
        for wanted, ids in zip(hashes, found["ids"], strict=True):
            near = [self._held[i] for i in ids if i in self._held]
            if wanted not in ids and not any(float(v @ self._held[wanted]) > 0.9999 for v in near):
                raise RuntimeError("a known answer was not found")

    def _shelf(self) -> Path:
        """The newest index folder. Each start-over gets a name of its own: Chroma remembers paths in-process."""
        shelves = sorted(self._folder.glob("index-*"))
        return shelves[-1] if shelves else self._folder / "index-0001"

    def _start_over(self) -> None:
        old = self._shelf()
        number = int(old.name.rsplit("-", 1)[-1]) + 1
        shutil.rmtree(old, ignore_errors=True)
        (self._folder / f"index-{number:04d}").mkdir(parents=True, exist_ok=True)


def _start(work: Callable[[], None]) -> threading.Thread:
    # A daemon: an executor's threads are waited for when the program ends, and a hung one would hold it up.
    thread = threading.Thread(target=work, daemon=True, name="chroma")
    thread.start()
    return thread


def _query(collection: Any, vector: Vectors, n: int, answer: Future[list[str]]) -> None:
    try:
        found = collection.query(query_embeddings=[vector], n_results=n, include=[])
        answer.set_result(list(found["ids"][0]))
    except BaseException as error:  # its Rust core raises panics that are no Exception
        answer.set_exception(RuntimeError(f"{type(error).__name__}: {error}"))
