from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.settings import Settings
from eval.case import find_suite
from tests.bots import one_thread
from tests.service import CommandLine

# Below what is reached by what chance may take away, and not below the goals.
AT_LEAST = {"recall@5": 0.96, "RR@10": 0.92, "answer accuracy": 0.86, "quotes verbatim": 1.0, "anchors resolving": 1.0}
AT_MOST = {"unanswerable answered": 0.08}
LIMIT = 6


@pytest.fixture
def callboard(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shipped: Settings
) -> Iterator[CommandLine]:
    line = CommandLine(monkeypatch, capsys)
    line.set(data_dir=shipped.data_dir)
    with one_thread():
        yield line


def write_suite(folder: Path, *questions: str, **expect: Any) -> Path:
    path = folder / "mine.jsonl"
    wanted = {"kind": "answer"} | expect
    lines = (
        json.dumps({"id": f"m{n}", "question": q, "expect": wanted}, ensure_ascii=False)
        for n, q in enumerate(questions)
    )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_run_is_kept_as_a_folder_with_measures_and_a_report(callboard: CommandLine, tmp_path: Path) -> None:
    callboard.set(secret="the-owl-flies-at-noon-and-at-midnight")
    folder = tmp_path / "run"
    ran = callboard("eval", "run", "creators", "--limit", str(LIMIT), "-o", str(folder), "--json")
    assert ran.code == 0
    printed = json.loads(ran.out)
    assert (printed["run"], printed["gate"]) == (str(folder), "none")
    assert {p.name for p in folder.iterdir()} == {"run.json", "samples.jsonl", "metrics.json", "report.html"}

    metrics = json.loads((folder / "metrics.json").read_text())
    assert printed["metrics"] == metrics
    for metric in metrics:
        assert set(metric) == {"name", "slice", "value", "n", "low", "high"}
        assert 0 <= metric["low"] <= metric["value"] <= metric["high"] <= 1
    overall = {m["name"]: m for m in metrics if not m["slice"]}
    assert overall["answer accuracy"]["n"] == LIMIT

    about = json.loads((folder / "run.json").read_text())
    assert (about["cases"], about["suites"]) == (LIMIT, ["creators"])
    assert {"revision", "settings", "versions", "commit", "started", "python"} <= set(about)

    samples = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    first = [json.loads(line)["id"] for line in find_suite("creators").read_text().splitlines()[:LIMIT]]
    assert [s["case"]["id"] for s in samples] == first
    assert sum(s["verdict"]["right"] for s in samples) / LIMIT == overall["answer accuracy"]["value"]
    assert all(s["reply"]["revision"] == about["revision"] for s in samples)

    page = (folder / "report.html").read_text()
    assert "answer accuracy" in page
    assert all(id in page for id in first)
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_a_run_keeps_no_secret(callboard: CommandLine, tmp_path: Path) -> None:
    secret = "the-owl-flies-at-noon-and-at-midnight"
    callboard.set(secret=secret)
    suite = write_suite(tmp_path, "how often can i change my username")
    assert callboard("eval", "run", str(suite), "-o", str(tmp_path / "run")).code == 0
    for path in (tmp_path / "run").iterdir():
        assert secret not in path.read_text(), path.name


def test_a_run_prints_its_measures_and_where_its_report_is(callboard: CommandLine, tmp_path: Path) -> None:
    suite = write_suite(tmp_path, "how often can i change my username", articles=["account/username"])
    ran = callboard("eval", "run", str(suite), "-o", str(tmp_path / "run"))
    assert ran.code == 0
    row = next(line for line in ran.out.splitlines() if line.startswith("answer accuracy"))
    assert row.split()[2] == "1.000"
    assert "n=1" in row
    assert ran.out.strip().endswith(str(tmp_path / "run" / "report.html"))


def test_a_report_shows_whatever_was_asked_as_words(callboard: CommandLine, tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script> how\u2028do i go <img src=x onerror=alert(2)>\x85live"
    suite = write_suite(tmp_path, hostile, kind="clarify")
    folder = tmp_path / "run"
    assert callboard("eval", "run", str(suite), "-o", str(folder)).code == 0
    page = (folder / "report.html").read_text()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert "<img" not in page
    (folder / "report.html").unlink()
    again = callboard("eval", "report", str(folder))
    assert (again.code, again.out.strip()) == (0, str(folder / "report.html"))
    assert (folder / "report.html").read_text() == page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["eval", "run", "nothing-of-the-kind"], "shipped are: calibration, "),
        (["eval", "run", "creators", "--locale", "tlh"], "--locale"),
        (["eval", "run", "creators", "--revision", "0000dead"], "0000dead"),
        (["eval", "run", "creators", "--limit", "0"], "--limit"),
        (["eval", "report", "."], "run.json"),
        (["eval", "run"], "Missing argument"),
    ],
)
def test_wrong_use_ends_with_two_and_says_why(
    callboard: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = callboard(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert list(tmp_path.glob("runs/*/*")) == []


def test_a_suite_that_cannot_be_read_names_its_lines(callboard: CommandLine, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"id": "a"}\n{\n', encoding="utf-8")
    ran = callboard("eval", "run", str(bad), "-o", str(tmp_path / "run"))
    assert ran.code == 2
    assert "bad.jsonl:1:1" in ran.err
    assert "bad.jsonl:2:1" in ran.err


# FLOORS. Each asks a whole half of the shipped suite: a single case is nobody's business here, least of all one of
# the frozen half, which must stay unseen by whoever tunes.
@pytest.mark.parametrize("half", ["creators", "creators.holdout"])
def test_floor_the_shipped_articles_answer_each_half_of_the_shipped_suite(
    callboard: CommandLine, tmp_path: Path, capsys: pytest.CaptureFixture[str], half: str
) -> None:
    ran = callboard("eval", "run", half, "-o", str(tmp_path / "run"), "--json")
    assert ran.code == 0
    overall = {m["name"]: m for m in json.loads(ran.out)["metrics"] if not m["slice"]}
    rows = [f"{m['name']:24} {m['value']:.4f}  [{m['low']:.3f}, {m['high']:.3f}]  n={m['n']}" for m in overall.values()]
    with capsys.disabled():
        sys.stdout.write("\n  ".join([f"\n{half}", *rows]) + "\n")
    missed = {name: overall[name]["value"] for name, floor in AT_LEAST.items() if overall[name]["value"] < floor}
    missed |= {name: overall[name]["value"] for name, ceiling in AT_MOST.items() if overall[name]["value"] > ceiling}
    assert missed == {}
