from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from bot.library import Library
from bot.reply import Flag, Reply
from eval.case import Case, Expect
from eval.score import Verdict, judge_reply
from tests.bots import KNOWS_NOT, Write, open_small, say, small_bot
from tests.conftest import article

QUESTION = "what do cats eat"
HUMAN = "i want to talk to a human"
CATS: dict[str, str | bytes] = {
    "en/pets/cats.md": article(
        "Feed a cat", "Cats eat **2 fish** a day.\n\n## Kittens\n\nKittens drink milk.", QUESTION
    ),
    "en/pets/dogs.md": article("Walk a dog", "Dogs walk twice a day."),
}


@pytest.fixture
def library(tree: Write, engine: Engine) -> Library:
    return open_small(engine, tree(CATS))


@pytest.fixture
def answer(library: Library) -> Reply:
    reply = say(small_bot(library), QUESTION)
    assert reply.kind == "answer"
    return reply


def judge(library: Library, reply: Reply, *kinds: str, ranking: tuple[str, ...] = (), **expect: Any) -> Verdict:
    case = Case("c", QUESTION, Expect(frozenset(kinds or {"answer"}), **expect))
    return judge_reply(case, reply, library, ranking)


def test_the_right_kind_article_section_and_words_are_right(library: Library, answer: Reply) -> None:
    verdict = judge(
        library,
        answer,
        articles=("pets/dogs", "pets/cats"),
        anchors=("top",),
        must_say=("CATS eat",),
        must_not_say=("mice",),
    )
    assert (verdict.right, verdict.why, verdict.kind) == (True, "", "answer")


@pytest.mark.parametrize(
    ("expect", "why"),
    [
        ({"articles": ("pets/dogs",)}, "cites pets/cats instead of pets/dogs"),
        ({"articles": ("pets/cats",), "anchors": ("tomcats",)}, "none of the sections tomcats"),
        ({"must_say": ("a day", "mice")}, "does not say “mice”"),
        ({"must_not_say": ("CATS EAT",)}, "says “CATS EAT”"),
        ({"safety": "violence"}, "safety none instead of violence"),
        ({"queue": "safety"}, "queue none instead of safety"),
    ],
)
def test_what_is_wrong_is_said(library: Library, answer: Reply, expect: dict[str, Any], why: str) -> None:
    verdict = judge(library, answer, **expect)
    assert not verdict.right
    assert why in verdict.why


def test_another_kind_of_reply_is_wrong_and_any_of_several_right_ones_is_right(library: Library) -> None:
    handover = say(small_bot(library), HUMAN)
    assert judge(library, handover, "answer").why == "handover instead of answer"
    assert judge(library, handover, "answer", "clarify").why == "handover instead of answer or clarify"
    assert judge(library, handover, "answer", "handover", articles=("pets/cats",)).right
    assert judge(library, handover, "handover", queue="general").right
    assert "queue general instead of safety" in judge(library, handover, "handover", queue="safety").why


def test_safety_is_judged_by_its_category(library: Library, answer: Reply) -> None:
    flagged = replace(answer, safety=Flag("violence", "P3"))
    assert judge(library, flagged, safety="violence").safety_right is True
    assert judge(library, flagged, safety="self_harm").safety_right is False
    assert judge(library, flagged, safety="self_harm").why == "safety violence instead of self_harm"
    assert judge(library, flagged).safety_right is None


def test_quotes_and_anchors_are_looked_up_in_the_revision_in_hand(library: Library, answer: Reply) -> None:
    n = len(answer.citations)
    assert judge(library, answer).quotes == judge(library, answer).anchors == (n, n)
    first, *others = answer.citations
    for changed, quotes, anchors in (
        ({"quote": first.quote + "!"}, n - 1, n),
        ({"quote": ""}, n - 1, n),
        ({"anchor": "gone"}, n - 1, n - 1),
        ({"article": "pets/dogs"}, n - 1, n),
        ({"locale": "fr"}, n - 1, n - 1),
    ):
        verdict = judge(library, replace(answer, citations=(replace(first, **changed), *others)))
        assert (verdict.quotes, verdict.anchors) == ((quotes, n), (anchors, n)), changed


def test_the_rank_is_that_of_the_first_right_article(library: Library, answer: Reply) -> None:
    right = ("pets/cats", "pets/kittens")
    assert judge(library, answer, articles=right, ranking=("x/y", "pets/kittens", "pets/cats")).rank == 2
    assert judge(library, answer, articles=right, ranking=("x/y",)).rank == 0
    assert judge(library, answer, ranking=("x/y",)).rank is None


def test_an_answer_is_counted_as_wrong_only_where_none_was_wanted(library: Library, answer: Reply) -> None:
    silent = say(small_bot(library, KNOWS_NOT), "why do my dogs not walk with the cats")
    assert judge(library, answer, "handover").answered_wrongly is True
    assert judge(library, silent, "handover").answered_wrongly is False
    assert judge(library, answer, "answer", "clarify").answered_wrongly is None


def test_citations_count_where_an_answer_was_given_and_articles_are_known(library: Library, answer: Reply) -> None:
    n = len(answer.citations)
    assert judge(library, answer, articles=("pets/cats",)).cited == (n, n)
    assert judge(library, answer, articles=("pets/dogs",)).cited == (0, n)
    assert judge(library, answer).cited == (0, 0)
    assert judge(library, say(small_bot(library), HUMAN), articles=("pets/cats",)).cited == (0, 0)
