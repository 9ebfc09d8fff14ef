from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service import DANGER, HUMAN, KINDS, Chat, small

JSON = {"Content-Type": "application/json"}
LIMIT = 256_000


@pytest.fixture(scope="module")
def chat(client: TestClient) -> Chat:
    return Chat(client)


def refused(response: httpx.Response, status: int, said: str, field: str | None = None) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = dict(response.json())
    assert problem["status"] == status
    assert problem["title"]
    assert said in problem["detail"]
    if field is not None:
        assert problem["field"] == field
    return problem


BAD_TEXTS = {
    "empty": ("", "at least 1 character"),
    "white space": (" \n\t ", "the text is empty"),
    "too long": ("how do i " * 5556, "at most 4000 characters"),
    "control characters": ("\x00\x07\x1b\x7f\x85", "the text is empty"),
    "a lone surrogate": ("\ud800", "unicode"),
    "a number": (7, "valid string"),
    "nothing": (None, "valid string"),
    "a list": (["hi"], "valid string"),
}


@pytest.mark.parametrize("name", sorted(BAD_TEXTS))
def test_a_question_that_cannot_be_read_is_refused_with_its_field(client: TestClient, chat: Chat, name: str) -> None:
    text, said = BAD_TEXTS[name]
    refused(client.post("/v1/ask", content=json.dumps({"question": text}), headers=JSON), 422, said, "question")
    body = json.dumps({"text": text, "client_id": "bad"})
    refused(client.post(f"{chat.at}/messages", content=body, headers=chat.headers | JSON), 422, said, "text")
    turns = json.dumps({"question": "hi", "turns": [{"question": text}]})
    refused(client.post("/v1/ask", content=turns, headers=JSON), 422, said, "turns.0.question")


@pytest.mark.parametrize("question", ["😀😀", "asdfgh qwrtz", "?!…", "\u200b\u202e"])
def test_what_has_no_words_is_asked_back(client: TestClient, question: str) -> None:
    reply = client.post("/v1/ask", json={"question": question})
    assert reply.status_code == 200
    assert reply.json()["kind"] == "clarify"
    assert reply.json()["suggestions"]


@pytest.mark.parametrize(
    "question",
    [
        "Wie oft kann ich meinen Benutzernamen ändern?",
        "ユーザー名はどのくらいの頻度で変更できますか",
        "сколько раз можно менять имя",
        "ชื่อผู้ใช้เปลี่ยนได้บ่อยแค่ไหน",
        "\x00how often can i change\x07 my username\x1b",
        "a" * 4000,
        "<script>alert(1)</script> ${7*7} {{7*7}} '; DROP TABLE tickets; --",
    ],
)
def test_a_question_in_whatever_language_or_shape_gets_a_reply(client: TestClient, question: str) -> None:
    reply = client.post("/v1/ask", json={"question": question})
    assert reply.status_code == 200
    assert reply.json()["kind"] in KINDS
    assert "<script" not in reply.json()["html"]


def test_unknown_and_foreign_conversations_are_the_same_404(client: TestClient, chat: Chat) -> None:
    other = Chat(client)
    unknown = "/v1/conversations/cnv_000000000000000000000000"
    tokens = [{}, other.headers, {"Authorization": "Bearer "}, {"Authorization": "Basic abc"}, {"Authorization": "é"}]
    answers = []
    for at in (chat.at, unknown, "/v1/conversations/%00", "/v1/conversations/%F0%9F%98%80"):
        for token in tokens:
            headers = {name: value.encode("latin-1") for name, value in token.items()}
            answers += [
                client.get(at, headers=headers),
                client.get(f"{at}/events", headers=headers),
                client.post(f"{at}/messages", json={"text": "hi", "client_id": "x"}, headers=headers),
                client.post(f"{at}/handover", json={}, headers=headers),
                client.post(f"{at}/rating", json={"score": 3}, headers=headers),
            ]
    problems = [refused(answer, 404, "there is no such conversation") for answer in answers]
    assert all(problem == problems[0] for problem in problems)
    assert chat.roles() == []


def test_unknown_and_foreign_messages_are_the_same_404(client: TestClient) -> None:
    mine, other = Chat(client), Chat(client)
    reply = mine.say("hello").json()
    vote = {"helpful": True}
    answers = [
        client.post(f"/v1/messages/{id}/feedback", json=vote, headers=headers)
        for id in (reply["id"], "msg_0", "%00")
        for headers in ({}, other.headers)
    ]
    problems = [refused(answer, 404, "there is no such message") for answer in answers]
    assert all(problem == problems[0] for problem in problems)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "the body is not JSON"),
        (b"question=hi", "the body is not JSON"),
        (b'{"question": "hi",}', "at character 18"),
        (b"", "required"),
        (b"[]", "dictionary"),
        (b'"hi"', "dictionary"),
        (b"null", "dictionary"),
        (b'{"question": "hi", "\\ud800": 1}', "unicode"),
        (b"{}", "question: Field required"),
    ],
)
def test_a_body_that_is_no_request_is_refused(client: TestClient, body: bytes, said: str) -> None:
    refused(client.post("/v1/ask", content=body, headers=JSON), 422, said)


@pytest.mark.parametrize("body", [b"[" * 100_000, b"\xff\xfe\x00", b'{"question": 1' + b"0" * 5000 + b"}"])
def test_a_body_that_would_break_a_parser_is_refused(client: TestClient, body: bytes) -> None:
    refused(client.post("/v1/ask", content=body, headers=JSON), 400, "body")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", None])
def test_a_body_that_is_not_called_json_is_told_what_to_say(client: TestClient, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = client.post("/v1/ask", content=b'{"question": "hi"}', headers=headers)
    refused(answer, 422, "Content-Type: application/json", "Content-Type")


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/ask"), ("PUT", "/v1/conversations"), ("DELETE", "/healthz")])
def test_a_wrong_method_is_told_the_right_one(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path)
    refused(answer, 405, "this address takes")
    assert answer.headers["allow"] in answer.json()["detail"]


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/nothing", "/v1/conversations/a/b/c", "/v1/articles/en/account", "/.env"]
)
def test_an_unknown_address_is_a_404_that_says_where_to_look(client: TestClient, path: str) -> None:
    refused(client.get(path), 404, "/openapi.json")


@pytest.mark.parametrize("path", ["/v1/articles/en/account/nothing", "/v1/articles/xx/account/username.md"])
def test_an_unknown_article_is_named(client: TestClient, path: str) -> None:
    answer = client.get(path)
    if answer.status_code != 200:  # a locale without the article falls back to English
        refused(answer, 404, "there is no article")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/ask", {"question": "hi", "colour": "red"}, "colour"),
        ("/v1/ask", {"question": "hi", "creator": {"name": "x"}}, "creator.name"),
        ("/v1/ask", {"question": "hi", "creator": {"age": -1}}, "creator.age"),
        ("/v1/ask", {"question": "hi", "creator": {"age": "old"}}, "creator.age"),
        ("/v1/ask", {"question": "hi", "creator": {"region": "germany"}}, "creator.region"),
        ("/v1/ask", {"question": "hi", "turns": [{"question": "a"}] * 51}, "turns"),
        ("/v1/ask", {"question": "hi", "locale": "english please"}, "locale"),
        ("/v1/ask", {"question": "hi", "locale": "../../etc"}, "locale"),
        ("/v1/ask", {"question": "hi", "locale": 7}, "locale"),
        ("/v1/ask", {"question": "hi", "revision": "f" * 65}, "revision"),
        ("/v1/conversations", {"locale": "e"}, "locale"),
        ("/v1/conversations", {"page_url": "x" * 2001}, "page_url"),
        ("/v1/conversations", {"token": "mine"}, "token"),
    ],
)
def test_a_wrong_field_is_named(client: TestClient, path: str, body: dict[str, Any], field: str) -> None:
    refused(client.post(path, json=body), 422, field, field)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("rating", {"score": 0}, "score"),
        ("rating", {"score": 6}, "score"),
        ("rating", {"score": 4.5}, "score"),
        ("rating", {}, "score"),
        ("rating", {"score": 3, "comment": "x" * 2001}, "comment"),
        ("handover", {"email": "nobody"}, "email"),
        ("handover", {"email": "a b@c.d"}, "email"),
        ("handover", {"fields": {"a": 1}}, "fields.a"),
        ("handover", {"fields": {str(n): "x" for n in range(31)}}, "fields"),
        ("messages", {"text": "hi"}, "client_id"),
        ("messages", {"text": "hi", "client_id": ""}, "client_id"),
        ("messages", {"text": "hi", "client_id": "a b"}, "client_id"),
    ],
)
def test_a_wrong_field_of_a_conversation_is_named(chat: Chat, path: str, body: dict[str, Any], field: str) -> None:
    refused(chat.post(path, body), 422, field, field)


def test_an_idempotency_key_that_is_too_long_is_named(client: TestClient) -> None:
    answer = client.post("/v1/conversations", json={}, headers={"Idempotency-Key": "k" * 201})
    refused(answer, 422, "at most 200 characters", "Idempotency-Key")


def test_a_revision_that_is_not_there_is_a_404(client: TestClient) -> None:
    for name in ("ffffffffffffffff", "%", "'; --"):
        refused(client.post("/v1/ask", json={"question": "hi", "revision": name}), 404, "there is no revision")
    refused(client.get("/v1/articles/en/account/username?revision=nope"), 404, "there is no revision")


def test_a_body_over_the_limit_is_refused_whether_or_not_it_says_its_length(client: TestClient) -> None:
    refused(client.post("/v1/ask", content=b"x" * (LIMIT + 1), headers=JSON), 413, "256,000 bytes")

    def chunks() -> Iterator[bytes]:
        for _ in range(60):
            yield b" " * 5000

    refused(client.post("/v1/ask", content=chunks(), headers=JSON), 413, "256,000 bytes")
    just = b'{"question": "hello"' + b" " * (LIMIT - 21) + b"}"
    assert len(just) == LIMIT
    assert client.post("/v1/ask", content=just, headers=JSON).status_code == 200


@pytest.mark.parametrize("last", ["-1", "abc", "1.5", "9" * 16, "1; DROP", " "])
def test_a_last_event_id_that_was_never_sent_is_refused(chat: Chat, last: str) -> None:
    answer = chat.client.get(f"{chat.at}/events", headers=chat.headers | {"Last-Event-ID": last})
    if last.strip():
        refused(answer, 422, "must be a number that this stream sent", "Last-Event-ID")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("q=hi&k=0", "k"),
        ("q=hi&k=51", "k"),
        ("q=hi&k=-1", "k"),
        ("q=hi&k=many", "k"),
        ("q=hi&locale=..", "locale"),
        ("q=", "q"),
        ("q=%20", "q"),
        ("q=%00", "q"),
        ("q=" + "x" * 4001, "q"),
        ("", "q"),
    ],
)
def test_a_wrong_search_is_refused_with_its_field(client: TestClient, query: str, field: str) -> None:
    refused(client.get(f"/v1/search?{query}"), 422, field if field == "k" else "", field)


def test_too_many_messages_are_a_429_that_says_how_long_to_wait_but_never_for_somebody_in_danger(
    tmp_path: Path,
) -> None:
    with small(tmp_path, rate_limit=3).client() as client:
        chat = Chat(client)
        assert chat.say("hello").status_code == 200
        assert client.post("/v1/ask", json={"question": "hello"}).status_code == 200
        for answer in (
            chat.say("hello"),
            client.post("/v1/ask", json={"question": HUMAN}),
            client.post("/v1/conversations", json={}),
        ):
            refused(answer, 429, "too many messages")
            assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert client.post("/v1/ask", json={"question": DANGER}).json()["safety"]["category"] == "self_harm"
        assert chat.say(DANGER).json()["ticket"]["priority"] == "urgent"
        assert chat.roles() == ["creator", "bot", "creator", "bot"]


ANY_TEXT = st.text(st.characters(), max_size=30)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)
NEARLY = st.fixed_dictionaries(
    {"question": ANY_TEXT | ANY_JSON},
    optional={
        "locale": st.sampled_from(["en", "fr", "ar", "zh-CN", "xx"]) | ANY_JSON,
        "turns": st.lists(st.fixed_dictionaries({"question": ANY_TEXT}), max_size=3) | ANY_JSON,
        "creator": st.fixed_dictionaries({}, optional={"region": ANY_JSON, "age": ANY_JSON, "tier": ANY_JSON})
        | ANY_JSON,
        "revision": st.sampled_from(["live", "", "%", "a"]) | ANY_JSON,
    },
)


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(body=NEARLY | ANY_JSON)
def test_whatever_is_posted_is_answered_or_refused_and_never_breaks(client: TestClient, body: Any) -> None:
    answer = client.post("/v1/ask", content=json.dumps(body), headers=JSON)
    if answer.status_code == 200:
        assert answer.json()["kind"] in KINDS
    else:
        assert answer.status_code in (400, 404, 422)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]
