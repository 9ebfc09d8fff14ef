"""Guesses the vector of a text in a language that the embedding model does not read; knows letters and vectors only.

Multilingual knowledge distillation (Reimers and Gurevych 2020) in miniature: the vector of the original teaches the
translation's letters. Ridge regression on hashed letter sequences, in closed form, so that a revision always
gives the same student, in about a second, with no training text but its own translated articles.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.analyze import fold
from retrieval.embed import Vectors

WIDTH = 8192
LENGTHS = range(2, 6)
RIDGE = 0.3

Floats = NDArray[np.float32]


class Student:
    """`texts` with the unit vectors (n, d) that their originals have."""

    def __init__(self, texts: Sequence[str], vectors: Vectors) -> None:
        counts = _count(texts)
        self._rarity = np.log((1 + len(texts)) / (1 + (counts > 0).sum(axis=0))) + 1
        x = self._weigh(counts)
        gram = x @ x.T + RIDGE * np.eye(len(texts))
        self._weights: Floats = np.asarray(x.T @ np.linalg.solve(gram, vectors), dtype=np.float32)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), d); zeros for a text without letters."""
        return unit(self._weigh(_count(texts)) @ self._weights)

    def _weigh(self, counts: Floats) -> Floats:
        return unit(np.log1p(counts) * self._rarity)


def unit(rows: NDArray[np.floating]) -> Floats:
    """Rows of length one; a row of zeros stays."""
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1), dtype=np.float32)


def _count(texts: Sequence[str]) -> Floats:
    """How often each letter sequence occurs, shape (len(texts), WIDTH); sequences that share a place are added up."""
    counts = np.zeros((len(texts), WIDTH), dtype=np.float32)
    for row, text in enumerate(texts):
        places = [zlib.crc32(piece.encode()) % WIDTH for word in fold(text).split() for piece in _pieces(f" {word} ")]
        np.add.at(counts[row], np.array(places, dtype=np.int64), 1)
    return counts


def _pieces(word: str) -> list[str]:
    return [word[start : start + length] for length in LENGTHS for start in range(len(word) - length + 1)]
