from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.screen import Screen
from tests.service import DANGER, Chat, small

HACKED = "my account was hacked and someone changed my email"
RULES = "is it allowed to talk about suicide in a video"
# Every POST of a creator that is not a message, with the field that they write into.
Send = Callable[[Chat, str, str], httpx.Response]


def vote(chat: Chat, message: str, words: str) -> httpx.Response:
    body = {"helpful": False, "comment": words}
    return chat.client.post(f"/v1/messages/{message}/feedback", json=body, headers=chat.headers)


def vote_article(chat: Chat, _message: str, words: str) -> httpx.Response:
    body = {"helpful": False, "comment": words}
    return chat.client.post("/v1/articles/en/account/username/feedback", json=body)


def rate(chat: Chat, _message: str, words: str) -> httpx.Response:
    return chat.post("rating", {"score": 1, "comment": words})


def hand_over(chat: Chat, _message: str, words: str) -> httpx.Response:
    return chat.handover({"reason": words})


def hand_over_form(chat: Chat, _message: str, words: str) -> httpx.Response:
    return chat.handover({"fields": {"what": words}})


SENDS = [vote, vote_article, rate, hand_over, hand_over_form]


def limited(answer: httpx.Response) -> None:
    assert answer.status_code == 429, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert 1 <= int(answer.headers["retry-after"]) <= 60


@pytest.mark.parametrize("send", SENDS)
def test_whatever_a_creator_posts_is_limited_like_a_message_but_for_a_matter_of_safety(
    tmp_path: Path, send: Send
) -> None:
    with small(tmp_path, rate_limit=3).client() as client:
        chat = Chat(client)
        message = chat.say("hello").json()["id"]
        assert send(chat, message, "so so").status_code == 201
        limited(send(chat, message, "so so"))
        limited(send(chat, message, RULES))
        for words in (DANGER, HACKED):
            assert send(chat, message, words).status_code == 201


def test_a_request_that_was_limited_has_done_nothing_and_its_key_is_still_free(tmp_path: Path) -> None:
    with small(tmp_path, rate_limit=2).client() as client:
        chat = Chat(client)
        chat.say("hello")
        limited(chat.handover({"reason": "slow"}, key="k"))
        assert chat.roles() == ["creator", "bot"]
        assert chat.handover({"reason": DANGER}, key="k").status_code == 201


def test_a_conversation_in_which_somebody_is_in_danger_is_never_limited(tmp_path: Path) -> None:
    with small(tmp_path, rate_limit=2).client() as client:
        chat, other = Chat(client), Chat(client)
        limited(other.say("are you there"))
        assert chat.say(DANGER).status_code == 200
        assert chat.say("are you there").status_code == 200
        assert chat.handover().status_code == 201
        limited(other.handover())


def test_a_screen_that_fails_lets_everybody_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("broken")

    with small(tmp_path, rate_limit=1).client() as client:
        chat = Chat(client)
        limited(chat.handover({"reason": "hello"}))
        monkeypatch.setattr(Screen, "check", broken)
        assert chat.handover({"reason": "hello"}).status_code == 201
