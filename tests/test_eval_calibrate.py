from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from app.settings import Settings
from app.wire import make_bot
from bot.confidence import Confidence, Logistic, read_confidence
from bot.judge import GENERAL, OWN, judge_found
from bot.library import Library
from eval.calibrate import SUBJECT, TooFew, fit_confidence, write_confidence
from eval.case import Case, Expect, find_suite
from eval.example import read_examples
from tests.bots import SCREEN, Write, open_small, say, small_bot
from tests.conftest import article
from tests.service import CommandLine

THINGS = "cat dog kite wheel lamp boat drum fern goat harp iris jade".split()
TEACHES = "how does the {} work at home"
ANSWERED = frozenset({"answer"})
HANDED = frozenset({"handover"})
CASES_ASKED = 48
ODD = ("quick", "slow", "wide", "tall", "round", "flat", "green", "blue")


@pytest.fixture
def pets(tree: Write, engine: Engine) -> Library:
    return open_small(engine, tree(files(questions=True)))


def files(*, questions: bool) -> dict[str, str | bytes]:
    made = {}
    for n, thing in enumerate(THINGS):
        asked = (TEACHES.format(thing),) if questions else ()
        made[f"en/{'lab' if n % 2 else 'pets'}/{thing}.md"] = article(
            f"The {thing}", f"The {thing} works by moving the {thing} wire number {n} softly.", *asked
        )
    return made


def cases() -> list[Case]:
    made = []
    for n, thing in enumerate(THINGS):
        id = f"{'lab' if n % 2 else 'pets'}/{thing}"
        for m, text in enumerate((f"how does my {thing} work", f"{thing} works how", f"moving the {thing} wire")):
            made.append(Case(f"a{n}.{m}", text, Expect(ANSWERED, articles=(id,))))
        made.append(Case(f"h{n}", f"where may the broken {thing} be sold for money", Expect(HANDED)))
        made.append(Case(f"s{n}", f"recipe number {n} soup pepper onion", Expect(frozenset({"smalltalk"}))))
    return made


def fitted(library: Library) -> tuple[dict[str, Any], dict[str, Any]]:
    return fit_confidence(library, read_examples(library, SCREEN, cases(), usual=True), "words")


def test_what_is_fitted_is_written_read_back_and_applied_identically(pets: Library, tmp_path: Path) -> None:
    values, arrays = fitted(pets)
    path = tmp_path / "confidence.json"
    write_confidence(path, values, arrays)
    read = read_confidence(path)
    assert (read.model, read.articles) == ("words", frozenset(id for _, id in pets.articles))
    for name, fit in (("own", read.own), ("general", read.general)):
        for part in ("right", "covered", "subject"):
            assert getattr(fit, part) == Logistic(**values[name][part])
        assert (fit.answer, fit.subject_from) == (values[name]["answer"], values[name]["subject_from"])
    assert (set(read.general.right.weights), set(read.own.right.weights)) == (set(GENERAL), set(OWN))
    assert set(read.own.subject.weights) == {*SUBJECT, "covers", "platform"}

    lessons = read.own.lessons
    assert lessons
    for text in ("how does my cat work", "soup pepper onion"):
        found = pets.index.search(text, "en", 60)
        judged = judge_found(pets, read.own, text, found)
        distance = 2 - 2 * arrays["own.points"].astype(np.float64) @ found.vector
        for name in ("covers", "platform"):
            by_hand = float(np.exp(-lessons.width * distance) @ arrays[f"own.{name}"].astype(np.float64))
            assert judged.features[name] == pytest.approx(by_hand, rel=1e-3, abs=1e-3)
        for part in ("right", "covered", "subject"):
            model = values["own"][part]
            z = model["bias"] + sum(w * judged.features[f] for f, w in model["weights"].items())
            assert getattr(judged, part) == pytest.approx(1 / (1 + np.exp(-z)))


def test_fitting_twice_gives_the_same_numbers(pets: Library) -> None:
    (one, first), (two, second) = fitted(pets), fitted(pets)
    assert json.dumps(one) == json.dumps(two)
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_a_bot_answers_what_it_was_taught_and_hands_over_what_it_was_taught_not_to_answer(
    pets: Library, tmp_path: Path
) -> None:
    values, arrays = fitted(pets)
    write_confidence(tmp_path / "confidence.json", values, arrays)
    read: Confidence = read_confidence(tmp_path / "confidence.json")
    bot = small_bot(pets, read.fit_for("words", [id for _, id in pets.articles]))
    kinds = [(case.expect.kinds, say(bot, case.question).kind) for case in cases()]
    answered = [kind == "answer" for wanted, kind in kinds if wanted == ANSWERED]
    wrongly = [kind == "answer" for wanted, kind in kinds if wanted != ANSWERED]
    assert sum(answered) > 0.8 * len(answered)
    assert sum(wrongly) < 0.2 * len(wrongly)


def test_what_cross_validation_says_is_kept_with_the_numbers(pets: Library) -> None:
    values, _ = fitted(pets)
    for name in ("own", "general"):
        for among in ("usual", "all"):
            quality = values[name]["cross_validated"][among]
            assert quality["n"] == len(cases())
            assert 0.5 < quality["auroc"] <= 1
            assert 0 <= quality["brier"] < 0.25


def test_articles_that_list_no_questions_can_be_calibrated_too(tree: Write, engine: Engine) -> None:
    library = open_small(engine, tree(files(questions=False)))
    values, arrays = fitted(library)
    assert len(arrays["own.points"]) == len(cases())
    assert values["own"]["cross_validated"]["all"]["auroc"] > 0.5


def test_cases_that_search_does_not_decide_teach_nothing(pets: Library) -> None:
    expect = Expect(ANSWERED, articles=("pets/cat",))
    taught = [
        Case("1", "the cat", expect),
        Case("2", "the cat", Expect(HANDED, safety="violence")),
        Case("3", "the cat", Expect(frozenset({"clarify"}))),
        Case("4", "the cat", expect, tags=("greeting",)),
        Case("5", "a person please", Expect(HANDED), tags=("human",)),
    ]
    (example,) = read_examples(pets, SCREEN, taught, usual=False)
    assert (example.articles, example.subject, example.near_miss, example.usual) == (("pets/cat",), True, False, False)


def test_a_question_that_the_safety_screen_takes_teaches_nothing(pets: Library) -> None:
    grave = Case("1", "i want to kill myself tonight", Expect(ANSWERED, articles=("pets/cat",)))
    assert read_examples(pets, SCREEN, [grave], usual=True) == []


@pytest.mark.parametrize("kept", [slice(0, 0), slice(0, 3), slice(0, 100, 5)])
def test_too_few_cases_are_refused_in_words(pets: Library, kept: slice) -> None:
    with pytest.raises(TooFew, match="some answerable and some not"):
        fit_confidence(pets, read_examples(pets, SCREEN, cases()[kept], usual=True), "words")


def test_lessons_bring_the_article_forward_that_such_questions_belong_to(pets: Library, tmp_path: Path) -> None:
    """Nothing in the words says so: only the labelled questions do."""
    odd = [Case(f"o{n}", f"zoom {word} zoom", Expect(ANSWERED, articles=("pets/cat",))) for n, word in enumerate(ODD)]
    values, arrays = fit_confidence(pets, read_examples(pets, SCREEN, [*cases(), *odd], usual=True), "words")
    write_confidence(tmp_path / "confidence.json", values, arrays)
    lessons = read_confidence(tmp_path / "confidence.json").own.lessons
    assert lessons
    found = pets.index.search("zoom zoom", "en", 60)
    told, _ = lessons.apply(found, values["own"]["order"])
    assert told.articles[0].article == "pets/cat"
    assert found.articles[0].article != "pets/cat" or told.articles[0].score > told.articles[1].score
    assert {r.article for r in told.articles} == {r.article for r in found.articles}


def test_the_fit_of_these_very_articles_serves_them_and_no_others(pets: Library, tmp_path: Path) -> None:
    values, arrays = fitted(pets)
    write_confidence(tmp_path / "c.json", values, arrays)
    read = read_confidence(tmp_path / "c.json")
    ids = [id for _, id in pets.articles]
    assert read.fit_for("words", ids) is read.own
    assert read.fit_for("words", [*ids, "new/one"]) is read.own
    assert read.fit_for("words", ["new/one", "new/two", ids[0]]) is read.general
    assert read.fit_for("other-model", ids) is read.general


def test_the_command_writes_a_fit_that_the_next_bot_uses(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    shipped: Settings,
    library: Library,
    tmp_path: Path,
) -> None:
    suite = tmp_path / "some.jsonl"
    tuning = find_suite("creators").read_text(encoding="utf-8").splitlines()
    suite.write_text("\n".join(tuning[:: len(tuning) // CASES_ASKED]), encoding="utf-8")
    callboard = CommandLine(monkeypatch, capsys)
    callboard.set(data_dir=shipped.data_dir)
    path = tmp_path / "var" / "confidence.json"
    path.parent.mkdir()
    ran = callboard("eval", "calibrate", str(suite), "-o", str(path), "--json")
    assert ran.code == 0
    printed = json.loads(ran.out)
    assert (printed["file"], set(printed)) == (str(path), {"file", "alarm", "own", "general"})
    assert json.loads(path.read_text())["suites"] == [str(suite)]
    bot = make_bot(shipped.model_copy(update={"data_dir": path.parent}), lambda: library)
    assert bot.confidence.own.right == read_confidence(path).own.right
    assert bot.confidence.own.right != read_confidence().own.right
    assert say(bot, "how often can i change my username").kind in ("answer", "handover")
