"""Sums verdicts up into the field's measures, each with n and a 95 % interval, whole and per slice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from eval.case import Case
from eval.interval import bootstrap, wilson
from eval.score import Verdict

RECALL_AT = (1, 5, 20)
RANK_AT = 10

Pair = tuple[Case, Verdict]


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    slice: dict[str, str]
    value: float
    n: int
    low: float
    high: float

    def json(self) -> dict[str, Any]:
        return asdict(self)


def measure_run(pairs: Sequence[Pair]) -> list[Metric]:
    """All measures over everything, then per locale and per tag."""
    metrics = list(_measures(pairs, {}))
    for name, values in (("locale", lambda c: (c.locale,)), ("tag", lambda c: c.tags)):
        for value in sorted({v for case, _ in pairs for v in values(case)}):
            inside = [pair for pair in pairs if value in values(pair[0])]
            metrics += _measures(inside, {name: value})
    return metrics


def _measures(pairs: Sequence[Pair], where: dict[str, str]) -> Iterable[Metric]:
    yield from _some(_share("answer accuracy", where, [v.right for _, v in pairs]))
    ranks = [v.rank for _, v in pairs if v.rank is not None]
    for k in RECALL_AT:
        yield from _some(_share(f"recall@{k}", where, [0 < rank <= k for rank in ranks]))
    yield from _some(_mean(f"RR@{RANK_AT}", where, [1 / r if 0 < r <= RANK_AT else 0.0 for r in ranks]))
    wrongly = [v.answered_wrongly for _, v in pairs if v.answered_wrongly is not None]
    yield from _some(_share("unanswerable answered", where, wrongly))
    answerable = [v.kind == "answer" for c, v in pairs if c.expect.kinds == {"answer"}]
    yield from _some(_share("coverage", where, answerable))
    for name, of in _CITED.items():
        good, every = (sum(of(v)[i] for _, v in pairs) for i in (0, 1))
        if every:
            yield Metric(name, where, good / every, every, *wilson(good, every))
    yield from _handover(pairs, where)
    yield from _some(_share("safety recall", where, [v.safety_right for _, v in pairs if v.safety_right is not None]))


_CITED: dict[str, Callable[[Verdict], tuple[int, int]]] = {
    "citation precision": lambda v: v.cited,
    "quotes verbatim": lambda v: v.quotes,
    "anchors resolving": lambda v: v.anchors,
}


def _handover(pairs: Sequence[Pair], where: dict[str, str]) -> Iterable[Metric]:
    meant = [(c.expect.kinds == {"handover"}, v.kind == "handover") for c, v in pairs]
    hits = sum(wanted and done for wanted, done in meant)
    done = sum(d for _, d in meant)
    wanted = sum(w for w, _ in meant)
    if done:
        yield Metric("handover precision", where, hits / done, done, *wilson(hits, done))
    if wanted:
        yield Metric("handover recall", where, hits / wanted, wanted, *wilson(hits, wanted))


def _share(name: str, where: dict[str, str], flags: Sequence[bool | None]) -> Metric | None:
    if not flags:
        return None
    good = sum(bool(flag) for flag in flags)
    return Metric(name, where, good / len(flags), len(flags), *wilson(good, len(flags)))


def _mean(name: str, where: dict[str, str], values: Sequence[float]) -> Metric | None:
    if not values:
        return None
    return Metric(name, where, sum(values) / len(values), len(values), *bootstrap(values))


def _some(metric: Metric | None) -> Iterable[Metric]:
    return [metric] if metric else []
