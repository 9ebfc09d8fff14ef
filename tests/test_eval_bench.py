from __future__ import annotations

import json

import pytest
from sqlalchemy import Engine

from app.settings import Settings
from eval.bench import BENCHES, WARM, run_bench
from tests.bots import Write, open_small, small_bot
from tests.conftest import WordEmbedder, article
from tests.service import CommandLine

ROWS = {"ask": {"embedding", "answered question"}, "search": {"embedding", "search"}, "embed": {"embedding"}}


@pytest.mark.parametrize("name", sorted(BENCHES))
def test_every_part_is_timed_as_often_as_asked_beside_the_bare_embedding(
    tree: Write, engine: Engine, name: str
) -> None:
    library = open_small(engine, tree({"en/pets/cats.md": article("Cats", "Cats eat fish.")}))
    words = WordEmbedder()
    result = run_bench(name, small_bot(library), library, words, 7)
    assert (result["name"], result["rounds"]) == (name, 7)
    assert result["machine"]
    rows = {row["what"]: row for row in result["rows"]}
    assert set(rows) == ROWS[name]
    for row in rows.values():
        assert row["n"] == 7
        assert 0 <= row["p50_ms"] <= row["p95_ms"]
    assert len(words.embedded) == 7 + WARM
    expected = {f"{what} / embedding (p50)": row["p50_ms"] for what, row in rows.items() if what != "embedding"}
    assert set(result["ratios"]) == set(expected)
    for what, p50 in expected.items():
        assert result["ratios"][what] == pytest.approx(p50 / rows["embedding"]["p50_ms"], rel=0.2)


def test_the_command_prints_rows_and_ratios_and_knows_its_benches(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shipped: Settings
) -> None:
    callboard = CommandLine(monkeypatch, capsys)
    callboard.set(data_dir=shipped.data_dir)
    ran = callboard("bench", "search", "--rounds", "3", "--json")
    assert ran.code == 0
    result = json.loads(ran.out)
    assert {"name", "machine", "rounds", "rows", "ratios"} <= set(result)
    assert all({"what", "p50_ms", "p95_ms"} <= set(row) for row in result["rows"])
    assert result["ratios"]["search / embedding (p50)"] > 0
    wrong = callboard("bench", "speed")
    assert wrong.code == 2
    assert "ask, search, embed" in wrong.err
