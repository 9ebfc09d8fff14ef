"""Fuses cosine and BM25 into one score; knows numbers, not passages.

A convex combination rather than reciprocal ranks: Bruch, Gai and Ingber, "An Analysis of Fusion Functions for
Hybrid Retrieval" (2023), find it better and less fickle, and ranks alone let a model that does not read the
language outvote one that does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Weight of the cosine. Chosen on the public help centers and on XQuAD in three languages, see docs/decisions/.
READS = 0.8
READS_NOT = 0.5

Scores = NDArray[np.float64]


def fuse_scores(dense: Scores, lexical: Scores, *, reads: bool) -> Scores:
    """`dense` are cosines, `lexical` BM25 scores of the same rows; `reads`: the model knows the question's language."""
    weight = READS if reads else READS_NOT
    top = lexical.max(initial=0.0)
    return weight * dense + (1 - weight) * (lexical / top if top > 0 else lexical)
