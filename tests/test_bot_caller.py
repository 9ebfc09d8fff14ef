"""Two browsers behind one address that use the same Idempotency-Key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from bot.caller import COOKIE
from handoff.tables import once
from tests.service import small

KEY = {"Idempotency-Key": "start"}


def start(browser: TestClient, body: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
    answer = browser.post("/v1/conversations", json=body or {}, headers=KEY | headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return small(tmp_path).app


def test_two_browsers_with_the_same_key_get_conversations_of_their_own(app: FastAPI) -> None:
    with TestClient(app) as one:
        other = TestClient(app)
        first, second = start(one), start(other)
        assert first["id"] != second["id"]
        assert first["token"] != second["token"]
        assert start(one) == first
        assert start(other) == second
        # Another body is refused to the browser that has used the key, and to no other.
        assert one.post("/v1/conversations", json={"locale": "fr"}, headers=KEY).status_code == 422
        assert start(TestClient(app), {"locale": "fr"})["id"] not in (first["id"], second["id"])


def test_who_keeps_no_cookie_gets_a_new_conversation_each_time(app: FastAPI) -> None:
    with TestClient(app) as browser:
        ids = set()
        for _ in range(3):
            browser.cookies.clear()
            ids.add(start(browser)["id"])
        assert len(ids) == 3


def test_a_name_that_was_not_given_to_this_browser_leads_nowhere(app: FastAPI) -> None:
    with TestClient(app) as mine:
        first = start(mine)
        cookie = str(mine.cookies[COOKIE]).strip('"')
        name, seal = cookie.split(".")
        stranger = TestClient(app)
        for forged in (name, f"{name}.", f"{name}.{seal[:-2]}", f".{seal}", f"{first['id']}.{seal}", "x" * 5000):
            stranger.cookies.clear()
            assert start(stranger, Cookie=f"{COOKIE}={forged}")["id"] != first["id"]
        stranger.cookies.clear()
        assert start(stranger, Cookie=f"{COOKIE}={cookie}")["id"] == first["id"]


def test_the_cookie_is_closed_to_scripts_and_sites_and_is_only_set_for_a_key(app: FastAPI) -> None:
    with TestClient(app, base_url="https://testserver") as browser:
        assert "set-cookie" not in browser.post("/v1/conversations", json={}).headers
        said = browser.post("/v1/conversations", json={}, headers=KEY).headers["set-cookie"].lower()
        assert all(part in said for part in ("httponly", "secure", "samesite=strict", "path=/v1/conversations"))
        assert "set-cookie" not in browser.post("/v1/conversations", json={}, headers=KEY).headers


def test_what_is_kept_of_a_key_is_of_no_use_to_who_reads_it(tmp_path: Path) -> None:
    desk = small(tmp_path)
    with desk.client() as browser:
        token = start(browser)["token"]
        name = str(browser.cookies[COOKIE]).strip('"').split(".")[0]
        with desk.engine.connect() as conn:
            kept = str(conn.execute(select(once)).all())
        assert name not in kept
        assert token not in kept
