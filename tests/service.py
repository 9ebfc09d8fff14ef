"""The product as its users meet it: small apps, a real server, one conversation, the command line."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.cli import main
from app.database import open_database
from app.publish import publish_tree
from app.settings import Settings
from app.web import make_app
from tests.conftest import WordEmbedder, article

HUMAN = "i want to talk to a human"
DANGER = "i want to kill myself"
KINDS = {"answer", "clarify", "handover", "smalltalk"}
TREE = {
    "en/account/username.md": article(
        "Change your username",
        "You can change your username once every 30 days.\n",
        "how often can i change my username",
    ),
    "en/live/start.md": article("Start a LIVE", "Tap the plus and choose LIVE.\n", "how do i go live"),
}


@dataclass
class Small:
    """An app over a few articles with a fake model; `engine` is its database."""

    app: FastAPI
    engine: Engine
    settings: Settings
    embedder: WordEmbedder

    @contextmanager
    def client(self) -> Iterator[TestClient]:
        with TestClient(self.app, raise_server_exceptions=False) as made:
            yield made


def small(folder: Path, files: dict[str, str] | None = None, **values: Any) -> Small:
    """`files` are the published articles, {path: text}; `{}` publishes nothing."""
    articles = write_tree(folder / "articles", TREE if files is None else files)
    settings = Settings(**{"data_dir": folder / "var", "articles_dir": articles, "rate_limit": 100_000} | values)
    engine, embedder = open_database(settings.database), WordEmbedder()
    if files is None or files:
        publish_tree(engine, articles, embedder, time.time())
    return Small(make_app(settings, engine, embedder), engine, settings, embedder)


def write_tree(root: Path, files: dict[str, str]) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


class Chat:
    """One conversation through the HTTP door."""

    def __init__(self, client: httpx.Client, **body: Any) -> None:
        self.client = client
        self.started = client.post("/v1/conversations", json=body).json()
        self.at = f"/v1/conversations/{self.started['id']}"
        self.headers = {"Authorization": f"Bearer {self.started['token']}"}
        self._sent = 0

    def say(self, text: str, client_id: str = "", **headers: str) -> httpx.Response:
        self._sent += 1
        body = {"text": text, "client_id": client_id or f"c{self._sent}"}
        return self.post("messages", body, **headers)

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return self.client.post(f"{self.at}/{path}", json=body, headers=self.headers | headers)

    def handover(self, body: dict[str, Any] | None = None, key: str = "") -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self.client.post(f"{self.at}/handover", json=body or {}, headers=self.headers | headers)

    def transcript(self) -> dict[str, Any]:
        return dict(self.client.get(self.at, headers=self.headers).json())

    def roles(self) -> list[str]:
        return [m["role"] for m in self.transcript()["messages"]]


@dataclass(frozen=True)
class Event:
    name: str
    data: str
    id: str


def parse_events(lines: Iterator[str]) -> Iterator[Event]:
    """Server-sent events as a browser reads them."""
    name, data, id = "message", list[str](), ""
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield Event(name, "\n".join(data), id)
            name, data, id = "message", [], ""
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "id":
            id = value


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address of `app` under a real server on a free loopback port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        until(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(15)
        assert not thread.is_alive()


def until(happens: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


class CommandLine:
    """`callboard …` in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def set(self, **values: object) -> None:
        for name, value in values.items():
            self._monkeypatch.setenv(f"CALLBOARD_{name.upper()}", str(value))

    def __call__(self, *arguments: str) -> Ran:
        self._monkeypatch.setattr(sys, "argv", ["callboard", *arguments])
        self._capsys.readouterr()
        code: object = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        out, err = self._capsys.readouterr()
        return Ran(code if isinstance(code, int) else int(code is not None), out, err)
