from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from eval.beir import BeirError, measure_beir
from retrieval.embed import SentenceEmbedder
from tests.bots import one_thread
from tests.conftest import WordEmbedder
from tests.service import CommandLine

CORPUS = {
    "cats": "Cats eat fish every morning.",
    "dogs": "Dogs walk twice around the lake.",
    "kites": "Kites fly in strong wind.",
    "wheel": "The wheel turns to the left.",
}
QUERIES = {"q1": "what do cats eat", "q2": "where do dogs walk", "q3": "when do kites fly", "q9": "nobody judged this"}
JUDGED = {"q1": "cats", "q2": "dogs", "q3": "kites"}
FILES = ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv")
PUBLIC = ("xquad-es", "gumroad-hard")


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "pets"
    (folder / "qrels").mkdir(parents=True)
    write_lines(
        folder / "corpus.jsonl", [{"_id": id, "title": id.title(), "text": text} for id, text in CORPUS.items()]
    )
    write_lines(folder / "queries.jsonl", [{"_id": id, "text": text} for id, text in QUERIES.items()])
    judged(folder, JUDGED)
    return folder


def write_lines(path: Path, rows: list[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def judged(folder: Path, right: dict[str, str], split: str = "test") -> None:
    rows = ["query-id\tcorpus-id\tscore", *(f"{query}\t{document}\t1" for query, document in right.items())]
    (folder / "qrels" / f"{split}.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")


@pytest.fixture
def callboard(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    line = CommandLine(monkeypatch, capsys)
    line.set(data_dir=tmp_path / "var")
    return line


def test_a_folder_is_measured_beside_each_half_alone(beir: Path) -> None:
    result = measure_beir(beir, "test", "en", WordEmbedder())
    assert (result["documents"], result["queries"], result["locale"]) == (4, 3, "en")
    perfect = {"nDCG@10": 1.0, "R@5": 1.0, "R@20": 1.0, "RR@10": 1.0}
    assert result["metrics"] == perfect
    assert result["alone"] == {"bm25": perfect, "dense": perfect}
    assert {key: result["gain"][key] for key in ("value", "low", "high")} == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_what_is_judged_otherwise_is_measured_otherwise(beir: Path) -> None:
    judged(beir, {"q1": "cats", "q2": "wheel", "q3": "nothing"}, "dev")
    metrics = measure_beir(beir, "dev", "en", WordEmbedder())["metrics"]
    assert metrics["R@5"] == pytest.approx(2 / 3, abs=1e-3)
    assert 1 / 3 < metrics["RR@10"] < 2 / 3
    assert measure_beir(beir, "test", "en", WordEmbedder())["metrics"]["RR@10"] == 1.0


def test_the_command_prints_one_document_and_needs_no_published_articles(callboard: CommandLine, beir: Path) -> None:
    ran = callboard("eval", "beir", str(beir), "--json")
    assert ran.code == 0
    result = json.loads(ran.out)
    assert {"documents", "passages", "queries", "metrics"} <= set(result)
    assert set(result["metrics"]) == {"nDCG@10", "R@5", "R@20", "RR@10"}
    assert result["locale"] == "en"
    assert not (Path(beir.parent) / "var").exists()


@pytest.mark.parametrize("missing", FILES)
def test_a_missing_file_is_named(callboard: CommandLine, beir: Path, missing: str) -> None:
    (beir / missing).unlink()
    ran = callboard("eval", "beir", str(beir))
    assert (ran.code, ran.out) == (2, "")
    assert str(beir / missing) in ran.err.replace("\n", "")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("corpus.jsonl", "{"),
        ("corpus.jsonl", '{"text": "no id"}\n'),
        ("corpus.jsonl", ""),
        ("queries.jsonl", '{"_id": "q1"}\n'),
        ("queries.jsonl", ""),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\tcats\n"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\n"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\tcats\tvery\n"),
    ],
)
def test_a_broken_file_is_refused(beir: Path, file: str, content: str) -> None:
    (beir / file).write_text(content, encoding="utf-8")
    with pytest.raises(BeirError, match="pets"):
        measure_beir(beir, "test", "en", WordEmbedder())


def test_a_folder_or_split_that_is_not_there_is_named(beir: Path) -> None:
    with pytest.raises(BeirError, match=r"dev\.tsv"):
        measure_beir(beir, "dev", "en", WordEmbedder())
    for wrong in (beir / "nowhere", beir / "corpus.jsonl"):
        with pytest.raises(BeirError, match=r"qrels"):
            measure_beir(wrong, "test", "en", WordEmbedder())


@pytest.mark.parametrize("name", PUBLIC)
def test_searching_both_ways_is_no_worse_than_the_better_one_alone(
    public_data: Path, embedder: SentenceEmbedder, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    with one_thread():
        result = measure_beir(public_data / "beir" / name, "test", None, embedder)
    with capsys.disabled():
        sys.stdout.write(f"\n{name}: {result['metrics']} alone {result['alone']} gain {result['gain']}\n")
    assert result["gain"]["high"] >= 0
    assert result["gain"]["value"] >= -0.005
    assert result["metrics"]["nDCG@10"] >= max(m["nDCG@10"] for m in result["alone"].values()) - 0.005
