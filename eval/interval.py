"""Intervals for shares and means, and for paired differences; pure numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Z = 1.959964
ROUNDS = 2000


def wilson(good: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927); (0, 1) when there is nothing to count."""
    if n == 0:
        return 0.0, 1.0
    p = good / n
    centre = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    # Rounding must not put a share of 0 or 1 outside its own interval.
    return min(p, max(0.0, centre - half)), max(p, min(1.0, centre + half))


def bootstrap(values: Sequence[float], seed: int = 7) -> tuple[float, float]:
    """95 % percentile interval of a mean (Efron 1979). Paired differences are a list of differences."""
    if not values:
        return 0.0, 0.0
    data = np.asarray(values, dtype=float)
    rng = np.random.default_rng(seed)
    means = data[rng.integers(0, len(data), (ROUNDS, len(data)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
