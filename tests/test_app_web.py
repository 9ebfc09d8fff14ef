from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.publish import publish_tree
from tests.conftest import article
from tests.service import DANGER, HUMAN, TREE, Chat, Small, small, until, write_tree

BEFORE = "how often can i change my username"


def break_database(desk: Small) -> None:
    """The database is gone and cannot be opened again."""
    path = Path(str(desk.engine.url.database))
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    path.mkdir()
    desk.engine.dispose()


def mend_database(desk: Small, copy: Path) -> None:
    path = Path(str(desk.engine.url.database))
    path.rmdir()
    shutil.copy(copy, path)


def test_health_says_that_the_process_lives_and_ready_what_it_serves(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz").json()
    assert ready["status"] == "ok"
    assert ready["revision"] == client.post("/v1/ask", json={"question": "hello"}).json()["revision"]
    assert ready["vector_index"]


def test_metrics_count_replies_by_kind(tmp_path: Path) -> None:
    with small(tmp_path).client() as client:
        for question in ("hello", HUMAN, HUMAN):
            client.post("/v1/ask", json={"question": question})
        metrics = client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    lines = metrics.text.splitlines()
    assert 'callboard_replies_total{kind="handover"} 2' in lines
    assert 'callboard_replies_total{kind="smalltalk"} 1' in lines
    assert any(line.startswith("callboard_vector_index_ready ") for line in lines)


@pytest.mark.parametrize("path", ["/", "/healthz", "/widget/chat", "/help/en", "/v1/nothing", "/openapi.json"])
def test_every_answer_has_the_protecting_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_a_refused_body_has_them_too(client: TestClient) -> None:
    assert client.post("/v1/ask", content=b"x" * 300_000).headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/widget/chat", "/help/en", "/help/en/account/username"])
def test_pages_run_no_script_but_their_own(client: TestClient, path: str) -> None:
    policy = client.get(path).headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def ancestors(client: TestClient, path: str) -> list[str]:
    policy = client.get(path).headers["content-security-policy"]
    [directive] = [part.split() for part in policy.split(";") if part.strip().startswith("frame-ancestors")]
    return directive[1:]


def test_only_the_configured_sites_may_embed_the_chat(tmp_path: Path) -> None:
    origins = ["https://a.example", "https://b.example:8443"]
    with small(tmp_path / "some", widget_origins=origins).client() as client:
        assert ancestors(client, "/widget/chat") == ["'self'", *origins]
        assert ancestors(client, "/") == ["'none'"]
        assert ancestors(client, "/help/en") == ["'self'"]
    with small(tmp_path / "none").client() as client:
        assert ancestors(client, "/widget/chat") == ["'self'"]


def test_the_api_describes_itself(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/v1/ask", "/v1/conversations", "/v1/conversations/{id}/messages", "/healthz", "/readyz"} <= set(paths)


def test_nothing_published_is_not_ready_but_people_are_still_reached(tmp_path: Path) -> None:
    with small(tmp_path, files={}).client() as client:
        assert client.get("/healthz").status_code == 200
        for path in ("/readyz", "/help/en", "/v1/search?q=hi"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["detail"]) == (503, "nothing is published yet")
            assert int(answer.headers["retry-after"]) > 0
        chat = Chat(client)
        assert chat.started["suggestions"] == []
        assert chat.say(BEFORE).json()["ticket"]["status"] == "new"
        assert chat.say(DANGER).json()["ticket"]["priority"] == "urgent"


def test_a_revision_published_while_serving_is_picked_up_without_a_restart(tmp_path: Path) -> None:
    desk = small(tmp_path)
    with desk.client() as client:
        first = client.get("/readyz").json()["revision"]
        assert client.get("/v1/articles/en/live/end").status_code == 404
        more = TREE | {"en/live/end.md": article("End a LIVE", "Tap the cross.\n", "how do i end my live")}
        done = publish_tree(desk.engine, write_tree(tmp_path / "more", more), desk.embedder, time.time())
        until(lambda: client.get("/readyz").json()["revision"] == done.revision)
        assert client.get("/v1/articles/en/live/end").status_code == 200
        found = client.get("/v1/search", params={"q": "how do i end my live"}).json()
        assert (found["revision"], found["results"][0]["article"]) == (done.revision, "live/end")
        earlier = client.post("/v1/ask", json={"question": BEFORE, "revision": first}).json()
        assert earlier["revision"] == first


def test_what_is_published_first_while_serving_is_picked_up(tmp_path: Path) -> None:
    desk = small(tmp_path, files={})
    with desk.client() as client:
        assert client.get("/readyz").status_code == 503
        publish_tree(desk.engine, write_tree(tmp_path / "first", TREE), desk.embedder, time.time())
        until(lambda: client.get("/readyz").status_code == 200)


def test_without_its_database_everything_that_writes_is_a_503_and_stateless_asking_goes_on(tmp_path: Path) -> None:
    desk = small(tmp_path)
    with desk.client() as client:
        chat = Chat(client)
        reply = chat.say("hello").json()
        revision = client.get("/readyz").json()["revision"]
        break_database(desk)
        at, vote = f"/v1/messages/{reply['id']}/feedback", {"helpful": True}
        for answer in (
            client.get("/readyz"),
            chat.say(BEFORE),
            chat.handover(),
            chat.handover(key="k"),
            chat.post("rating", {"score": 3}),
            client.get(chat.at, headers=chat.headers),
            client.post("/v1/conversations", json={}),
            client.post(at, json=vote, headers=chat.headers),
        ):
            assert answer.status_code == 503, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            assert int(answer.headers["retry-after"]) > 0
            assert "sqlite" not in answer.text.lower()
            assert "reply" not in answer.json()
        assert client.get("/healthz").status_code == 200
        assert client.post("/v1/ask", json={"question": BEFORE}).json()["revision"] == revision
        assert client.get("/help/en/account/username").status_code == 200


def test_without_its_database_somebody_in_danger_still_gets_the_safety_text(tmp_path: Path) -> None:
    desk = small(tmp_path)
    with desk.client() as client:
        chat = Chat(client)
        recorded = chat.say(DANGER).json()
        break_database(desk)
        answer = chat.say(DANGER)
        assert answer.status_code == 503
        problem: dict[str, Any] = answer.json()
        assert problem["recorded"] is False
        assert problem["reply"]["safety"] == recorded["safety"]
        assert recorded["text"].startswith(problem["reply"]["text"])
        assert problem["reply"]["ticket"] is None
        stranger = client.post(f"{chat.at}/messages", json={"text": DANGER, "client_id": "x"})
        assert stranger.status_code == 404


def test_a_message_that_was_not_recorded_can_be_sent_again_when_the_database_is_back(tmp_path: Path) -> None:
    desk = small(tmp_path)
    with desk.client() as client:
        chat = Chat(client)
        with desk.engine.connect() as conn:
            conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        copy = tmp_path / "copy.db"
        shutil.copy(str(desk.engine.url.database), copy)
        break_database(desk)
        assert chat.say(BEFORE, "same").status_code == 503
        mend_database(desk, copy)
        assert chat.say(BEFORE, "same").status_code == 200
        assert chat.roles() == ["creator", "bot"]
        assert client.get("/readyz").status_code == 200
