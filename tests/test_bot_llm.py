"""A language model that fails, over real HTTP: whatever it does, a cited extract comes within the deadline."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from tests import standin
from tests.service import Chat, parse_events, served, small, until
from tests.standin import Behaviour, StandIn, fails, quoting, standing_in, writes

QUESTION = "how often can i change my username"
FIRST, BETWEEN, TOTAL = 0.6, 0.4, 1.2
# What a busy machine may add to a deadline.
SLACK = 2.0
LIE = "You can change your username once every 3 days [1].\nUsernames cost 5 dollars [1]."
UNKNOWN = "You can change your username once every 30 days [7]."
FAILURES: dict[str, tuple[Behaviour, float]] = {
    "429": (fails(429, Retry_After="3600"), 0.5),
    "500": (fails(500), 0.5),
    "503": (fails(503), 0.5),
    "a wrong key": (fails(401), 0),
    "hang": (standin.hang, FIRST),
    "hang midway": (standin.hang_midway, BETWEEN),
    "drip": (standin.drip, TOTAL),
    "pings only": (standin.ping, FIRST),
    "empty pieces only": (standin.ping_empty, FIRST),
    "truncated": (standin.truncate, 0),
    "cut off": (standin.cut, 0.5),
    "malformed": (standin.garble, 0.5),
    "no event stream": (standin.not_json, 0.5),
    "endless": (standin.babble, 0),
    "stopped by length": (writes(quoting, "length"), 0),
    "stopped by a filter": (writes(quoting, "content_filter"), 0),
    "empty": (writes(""), 0),
    "nothing but white space": (writes(" \n\n "), 0),
    "says NONE": (writes("NONE"), 0),
    "lies": (writes(LIE), 0),
    "cites what it was not given": (writes(UNKNOWN), 0),
    "cites nothing": (writes("You can change your username once every 30 days."), 0),
}


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as made:
        yield made


@pytest.fixture(scope="module")
def model(patch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with standing_in(patch) as made:
        yield made


@pytest.fixture(scope="module")
def client(model: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    assert not model.prompts
    limits = {"llm_first": FIRST, "llm_between": BETWEEN, "llm_total": TOTAL, "llm_per_conversation": 3}
    with small(tmp_path_factory.mktemp("llm"), llm="openai:stand-in", **limits).client() as made:
        yield made


@pytest.fixture(autouse=True)
def _well(model: StandIn, client: TestClient) -> None:
    """Each test begins with a model that has just answered, so that the breaker is closed."""
    model.behaviour = writes(quoting)
    assert asked(client)["engine"] == "openai:stand-in"
    model.prompts.clear()


def asked(client: TestClient, question: str = QUESTION, **body: Any) -> dict[str, Any]:
    return dict(client.post("/v1/ask", json={"question": question, **body}).json())


def extract(tmp_path: Path) -> dict[str, Any]:
    with small(tmp_path).client() as plain:
        return asked(plain)


def timeless(reply: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in reply.items() if key not in ("id", "timing_ms", "degraded", "revision")}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failing_model_ends_in_the_extract_within_the_deadline(
    client: TestClient, model: StandIn, tmp_path: Path, name: str
) -> None:
    model.behaviour, expected = FAILURES[name]
    started = time.monotonic()
    reply = asked(client)
    took = time.monotonic() - started
    assert model.prompts
    assert took <= expected + SLACK
    assert (reply["kind"], reply["engine"]) == ("answer", "extractive")
    wanted = timeless(extract(tmp_path))
    for citation in [*reply["citations"], *wanted["citations"]]:
        del citation["revision"]
    assert timeless(reply) == wanted
    # Nothing is held behind the scenes: not a thread, not a connection.
    model.settle()


@pytest.mark.parametrize("name", ["hang midway", "truncated", "cut off", "malformed", "endless"])
def test_sentences_that_were_shown_already_are_taken_back(client: TestClient, model: StandIn, name: str) -> None:
    model.behaviour, _ = FAILURES[name]
    response = Chat(client).say(QUESTION, Accept="text/event-stream")
    events = list(parse_events(iter(response.text.splitlines())))
    names = [event.name for event in events]
    assert names[:2] == ["status", "sentence"]
    assert names[-1] == "reply"
    taken = next(n for n, event in enumerate(events) if "withdrawn" in event.data)
    assert names[taken:] == ["status", "sentence", "reply"]


@pytest.mark.parametrize("status", [429, 500])
def test_what_may_pass_is_tried_once_more(client: TestClient, model: StandIn, status: int) -> None:
    model.behaviour = [fails(status), writes(quoting)]
    assert asked(client)["engine"] == "openai:stand-in"
    assert len(model.prompts) == 2
    model.prompts.clear()
    model.behaviour = fails(401)
    assert asked(client)["engine"] == "extractive"
    assert len(model.prompts) == 1


def test_a_model_that_keeps_failing_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with standing_in(monkeypatch) as broken, small(tmp_path, llm="openai:stand-in").client() as alone:
        broken.behaviour = fails(401)
        for _ in range(20):
            assert asked(alone)["engine"] == "extractive"
        assert len(broken.prompts) == 5
        assert 'callboard_llm_total{outcome="answer refused open"} 15' in alone.get("/metrics").text


def test_a_conversation_has_its_budget_and_goes_on_without(client: TestClient, model: StandIn) -> None:
    chat = Chat(client)
    engines = [chat.say(QUESTION).json()["engine"] for _ in range(5)]
    assert engines == ["openai:stand-in"] * 3 + ["extractive"] * 2
    assert Chat(client).say(QUESTION).json()["engine"] == "openai:stand-in"
    assert len(model.prompts) == 4


def test_a_day_has_its_budget(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with standing_in(monkeypatch) as model, small(tmp_path, llm="openai:stand-in", llm_per_day=2).client() as client:
        assert [asked(client)["engine"] for _ in range(4)] == ["openai:stand-in"] * 2 + ["extractive"] * 2
        assert len(model.prompts) == 2


def test_nobody_in_danger_waits_for_a_model_that_hangs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with standing_in(monkeypatch) as model:
        app = small(tmp_path, llm="openai:stand-in", llm_first=3).app
        with served(app) as at, httpx.Client(base_url=at, timeout=30) as client, ThreadPoolExecutor(60) as many:
            model.behaviour = standin.hang
            waiting = [many.submit(client.post, "/v1/ask", json={"question": QUESTION}) for _ in range(60)]
            until(lambda: len(model.prompts) == 8)
            started = time.monotonic()
            reply = client.post("/v1/ask", json={"question": "i want to kill myself"}).json()
            assert time.monotonic() - started < 1.5
            assert reply["safety"]["category"] == "self_harm"
            # Nor did the others queue for it: they got the extract at once.
            assert {response.result().json()["engine"] for response in waiting} == {"extractive"}
            assert len(model.prompts) == 8


def test_a_server_that_is_not_there_is_no_trouble(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-key")
    with small(tmp_path, llm="openai:stand-in").client() as client:
        assert asked(client)["engine"] == "extractive"
        response: httpx.Response = client.get("/readyz")
        assert response.status_code == 200
