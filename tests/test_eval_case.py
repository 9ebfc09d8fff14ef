from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.case import SHIPPED, Case, SuiteError, find_suite, read_suite

ANSWER: dict[str, Any] = {"kind": "answer", "articles": ["account/username"]}


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    return tmp_path / "mine.jsonl"


def line(id: str = "a", question: str = "how?", expect: Any = ANSWER, **more: Any) -> str:
    return json.dumps({"id": id, "question": question, "expect": expect} | more, ensure_ascii=False)


def problems(suite: Path, *lines: str) -> list[str]:
    suite.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(SuiteError) as caught:
        read_suite(suite)
    return str(caught.value).splitlines()


def test_a_case_is_read_with_all_that_it_expects(suite: Path) -> None:
    expect = {
        "kind": ["answer", "handover"],
        "articles": ["a/b", "c/d"],
        "anchors": ["top"],
        "must_say": ["30 days"],
        "must_not_say": ["never"],
        "safety": "self_harm",
        "queue": "safety",
    }
    more = {"locale": "fr", "turns": [{"question": "and?"}], "creator": {"region": "DE"}, "tags": ["x"]}
    suite.write_text(f"{line()}\n\n{line('b', expect=expect, **more)}\n", encoding="utf-8")
    first, second = read_suite(suite)
    assert first == Case("a", "how?", first.expect, locale="en")
    assert first.expect.kinds == {"answer"}
    assert (second.locale, second.turns, second.creator, second.tags) == ("fr", ("and?",), {"region": "DE"}, ("x",))
    assert second.expect.kinds == {"answer", "handover"}
    assert (second.expect.articles, second.expect.must_say) == (("a/b", "c/d"), ("30 days",))
    assert (second.expect.safety, second.expect.queue) == ("self_harm", "safety")


def test_all_bad_lines_are_named_in_one_report(suite: Path) -> None:
    found = problems(
        suite, line(), "{", line("b", ""), line(), line("c", expect={"kind": "shrug"}), '{"id": "d"}', line("e")
    )
    assert [row.split(" ")[0] for row in found] == [f"mine.jsonl:{n}:1" for n in (2, 3, 4, 5, 6)]
    assert all(row.split(" ")[1] == "S001" for row in found)
    assert "stands twice" in found[2]
    assert "answer, clarify, handover, smalltalk" in found[3]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (line(expects="x"), "expects"),
        (line(expect=ANSWER | {"must_sing": []}), "must_sing"),
        (line(expect={"articles": []}), "kind"),
        (line(expect={"kind": []}), "kind"),
        (line(expect=None), ""),
        (line(expect=[]), ""),
        ("[]", ""),
        ('"case"', ""),
        ("null", ""),
        (line(turns=["and?"]), ""),
        (line(question=7), "question"),  # type: ignore[arg-type]
        (line(expect=ANSWER | {"articles": "account/username"}), "articles"),
        (line(expect=ANSWER | {"must_say": "30 days"}), "must_say"),
        (line(tags="payouts"), "tags"),
    ],
)
def test_a_line_that_is_no_case_is_refused(suite: Path, bad: str, why: str) -> None:
    (found,) = problems(suite, bad)
    assert found.startswith("mine.jsonl:1:1 S001 ")
    assert why in found


def test_a_suite_without_a_case_is_refused(suite: Path) -> None:
    assert problems(suite, "", "  ") == ["mine.jsonl:1:1 S002 the suite holds no case"]


def test_a_suite_that_is_no_text_is_refused(suite: Path) -> None:
    suite.write_bytes(b'{"id": "\xff\xfe"}')
    with pytest.raises(SuiteError, match=r"mine\.jsonl:1:1"):
        read_suite(suite)


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x0c"])
def test_only_a_line_feed_ends_a_case(suite: Path, mark: str) -> None:
    question = f"one{mark}two"
    raw = line(question=question) if mark != "\x0c" else line(question=question).replace("\\f", "\\u000c")
    suite.write_text(raw + "\r\n" + line("b") + "\n", encoding="utf-8", newline="")
    assert [case.question for case in read_suite(suite)] == [question, "how?"]


def test_a_suite_is_found_by_path_or_by_the_name_of_a_shipped_one(suite: Path) -> None:
    suite.write_text(line(), encoding="utf-8")
    assert find_suite(str(suite)) == suite
    assert find_suite("creators").parent == SHIPPED
    with pytest.raises(SuiteError, match=r"calibration, .*creators, .*creators\.holdout"):
        find_suite("creaters")


def test_the_shipped_suites_can_be_read_and_share_no_question() -> None:
    suites = {path.stem: {c.question.lower() for c in read_suite(path)} for path in SHIPPED.glob("*.jsonl")}
    assert {"creators", "creators.holdout", "calibration"} <= set(suites)
    frozen = suites.pop("creators.holdout")
    shared = {name: len(frozen & questions) for name, questions in suites.items()}
    assert shared == dict.fromkeys(suites, 0)
