from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.case import Case, Expect
from eval.interval import bootstrap, wilson
from eval.measure import Metric, Pair, measure_run
from eval.score import Verdict

SHARE = st.tuples(st.integers(0, 500), st.integers(0, 500)).map(lambda pair: (min(pair), max(pair)))


def pair(number: int, *kinds: str, locale: str = "en", tags: tuple[str, ...] = (), **values: Any) -> Pair:
    given = {"right": True, "why": "", "kind": "answer", "rank": None, "quotes": (0, 0), "anchors": (0, 0)}
    none = {"cited": (0, 0), "answered_wrongly": None, "safety_right": None}
    case = Case(f"c{number}", "?", Expect(frozenset(kinds or {"answer"})), locale=locale, tags=tags)
    return case, Verdict(case=case.id, **(given | none | values))


RUN = [
    pair(1, rank=1, quotes=(2, 2), anchors=(2, 2), cited=(2, 2), tags=("typo", "long")),
    pair(2, rank=4, quotes=(1, 2), anchors=(2, 2), cited=(0, 2), right=False, locale="fr", tags=("typo",)),
    pair(3, rank=0, kind="handover", right=False),
    pair(4, rank=15, kind="clarify", right=False),
    pair(5, "handover", kind="handover", answered_wrongly=False, safety_right=True),
    pair(6, "handover", "smalltalk", kind="answer", answered_wrongly=True, right=False, safety_right=False),
]


def whole(metrics: list[Metric]) -> dict[str, tuple[float, int]]:
    return {m.name: (round(m.value, 4), m.n) for m in metrics if not m.slice}


def test_the_measures_of_a_run_are_those_counted_by_hand() -> None:
    assert whole(measure_run(RUN)) == {
        "answer accuracy": (round(2 / 6, 4), 6),
        "recall@1": (0.25, 4),
        "recall@5": (0.5, 4),
        "recall@20": (0.75, 4),
        "RR@10": (round((1 + 1 / 4) / 4, 4), 4),
        "unanswerable answered": (0.5, 2),
        "coverage": (0.5, 4),
        "citation precision": (0.5, 4),
        "quotes verbatim": (0.75, 4),
        "anchors resolving": (1.0, 4),
        "handover precision": (0.5, 2),
        "handover recall": (1.0, 1),
        "safety recall": (0.5, 2),
    }


def test_every_measure_stands_inside_its_interval() -> None:
    for metric in measure_run(RUN):
        assert 0 <= metric.low <= metric.value <= metric.high <= 1
        assert metric.n > 0
        assert set(metric.json()) == {"name", "slice", "value", "n", "low", "high"}


def test_slices_count_only_their_own_cases() -> None:
    sizes = {tuple(m.slice.items()): m.n for m in measure_run(RUN) if m.name == "answer accuracy"}
    assert sizes == {
        (): 6,
        (("locale", "en"),): 5,
        (("locale", "fr"),): 1,
        (("tag", "long"),): 1,
        (("tag", "typo"),): 2,
    }
    values = {m.slice.get("tag"): m.value for m in measure_run(RUN) if m.name == "quotes verbatim" and "tag" in m.slice}
    assert values == {"long": 1.0, "typo": 0.75}


def test_what_was_not_asked_for_is_not_measured() -> None:
    assert set(whole(measure_run([pair(1, "smalltalk", kind="smalltalk")]))) == {"answer accuracy"}
    assert measure_run([]) == []


@given(SHARE)
def test_a_share_stands_inside_its_interval_and_that_inside_nought_and_one(share: tuple[int, int]) -> None:
    good, n = share
    low, high = wilson(good, n)
    assert 0 <= low < high <= 1
    if n:
        assert low - 1e-9 <= good / n <= high + 1e-9


@given(st.integers(1, 100), st.integers(2, 10))
def test_more_cases_make_an_interval_narrower(n: int, times: int) -> None:
    (low, high), (low2, high2) = wilson(n, 2 * n), wilson(times * n, times * 2 * n)
    assert high2 - low2 < high - low


def test_the_interval_of_a_share_is_wilsons() -> None:
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=40))
def test_the_interval_of_a_mean_stays_within_the_values_and_repeats(values: list[float]) -> None:
    low, high = bootstrap(values)
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9
    assert bootstrap(values) == (low, high)


def test_the_interval_of_a_mean_holds_it_and_is_near_the_normal_one() -> None:
    values = [float(n % 10) for n in range(1000)]
    low, high = bootstrap(values)
    assert (low, high) == pytest.approx((4.5 - 1.96 * 2.8723 / 1000**0.5, 4.5 + 1.96 * 2.8723 / 1000**0.5), abs=0.03)
    assert bootstrap([]) == (0.0, 0.0)
