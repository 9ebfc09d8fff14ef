"""Fusing two scores into one, and passages into articles."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retrieval.fuse import fuse_scores

COSINES = st.floats(-1, 1)
BM25 = st.floats(0, 100)
PAIRS = st.lists(st.tuples(COSINES, BM25), min_size=1, max_size=20)


def fused(pairs: list[tuple[float, float]], reads: bool) -> list[float]:
    dense, lexical = (np.array(column, dtype=np.float64) for column in zip(*pairs, strict=True))
    return list(fuse_scores(dense, lexical, reads=reads))


@given(PAIRS, st.booleans())
def test_what_is_better_by_both_is_better_fused(pairs: list[tuple[float, float]], reads: bool) -> None:
    scores = fused(pairs, reads)
    for (d1, l1), s1 in zip(pairs, scores, strict=True):
        for (d2, l2), s2 in zip(pairs, scores, strict=True):
            if d1 >= d2 and l1 >= l2:
                assert s1 >= s2


@given(PAIRS, st.booleans(), st.floats(0.1, 10))
def test_the_scale_of_bm25_does_not_matter(pairs: list[tuple[float, float]], reads: bool, scale: float) -> None:
    scaled = fused([(d, x * scale) for d, x in pairs], reads)
    assert np.allclose(scaled, fused(pairs, reads))


@given(st.lists(COSINES, min_size=1, max_size=9), st.booleans())
def test_without_a_shared_word_the_cosine_decides(cosines: list[float], reads: bool) -> None:
    scores = fused([(c, 0.0) for c in cosines], reads)
    assert list(np.argsort(scores, kind="stable")) == list(np.argsort(cosines, kind="stable"))


def test_a_model_that_does_not_read_the_language_is_trusted_less() -> None:
    near, shared = (0.7, 1.0), (0.4, 2.0)
    assert fused([near, shared], reads=True)[0] > fused([near, shared], reads=True)[1]
    assert fused([near, shared], reads=False)[0] < fused([near, shared], reads=False)[1]


def test_nothing_fuses_to_nothing() -> None:
    assert len(fuse_scores(np.array([]), np.array([]), reads=True)) == 0
