"""What the browser tests share: the product on a real port, pages of another site, and a visitor with a browser."""

from __future__ import annotations

import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Frame, Locator, Page, expect, sync_playwright

from app.settings import Settings
from app.web import make_app
from retrieval.embed import Embedder
from tests.conftest import need

PATIENCE = 20_000
FLAGS = [
    "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-quic", "--no-first-run",
]  # fmt: skip
DESKTOP = {"width": 1200, "height": 800}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@contextmanager
def serve(settings: Settings, embedder: Embedder) -> Iterator[str]:
    """The whole product on a free loopback port, as `callboard serve` runs it; gives its address."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        config = uvicorn.Config(make_app(settings, embedder=embedder), log_level="warning", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 60
        while not server.started:
            assert thread.is_alive(), "the server ended while it started"
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.02)
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


class Host:
    """Another site: a server of tiny pages, which is one origin as `localhost` and another one as `127.0.0.1`."""

    def __init__(self, port: int) -> None:
        self.localhost, self.loopback = f"http://localhost:{port}", f"http://127.0.0.1:{port}"
        self.body = ""


@contextmanager
def host_pages() -> Iterator[Host]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = f"<!doctype html><html lang=en><title>A shop</title><link rel=icon href=data:,>{host.body}"
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        host = Host(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield host
        server.shutdown()
        thread.join(5)


@contextmanager
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    need(path, "chromium")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Visitor:
    """Somebody with a browser. `faults` collects what the browser complains of in any of their pages and frames,
    broken content security policies included; `foresee` names a complaint that a test brings about on purpose."""

    def __init__(self, context: BrowserContext, site: str) -> None:
        self.context, self.site = context, site
        self.faults: list[str] = []
        self.foreseen: list[str] = []
        context.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        context.on("weberror", lambda error: self.faults.append(str(error.error)))
        self.page: Page = context.new_page()
        self.page.on("dialog", lambda dialog: (self.faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))

    def foresee(self, pattern: str) -> None:
        self.foreseen.append(pattern)

    def surprises(self) -> list[str]:
        return [fault for fault in self.faults if not any(re.search(p, fault) for p in self.foreseen)]

    def goto(self, path: str) -> None:
        self.page.goto(self.site + path)

    @property
    def launcher(self) -> Locator:
        return self.page.locator("callboard-widget button.button")

    @property
    def panel(self) -> Locator:
        return self.page.locator("callboard-widget").get_by_role("dialog")

    def open_chat(self) -> None:
        """Clicks the round button, and waits until the greeting stands."""
        self.launcher.click()
        self.see("#log .message").first.wait_for()

    def see(self, selector: str) -> Locator:
        """Something inside the chat."""
        return self.page.frame_locator("callboard-widget iframe").locator(selector)

    @property
    def frame(self) -> Frame:
        """The chat's own document."""
        return next(frame for frame in self.page.frames if "/widget/chat" in frame.url)

    def ask(self, question: str) -> Locator:
        """Writes into the box, clicks Send and gives the answer when it is whole."""
        answers = self.see("#log .message.bot")
        before = answers.count()
        self.see("#text").fill(question)
        self.see("#send").click()
        expect(answers).to_have_count(before + 1)
        return answers.last

    def conversation(self) -> dict[str, Any]:
        """Id and token of the conversation, as this tab remembers them."""
        kept: dict[str, Any] = self.frame.evaluate("() => JSON.parse(Object.values(sessionStorage)[0]).session")
        return kept

    def transcript(self) -> dict[str, Any]:
        """The conversation as the server has it."""
        held = self.conversation()
        answer = httpx.get(
            f"{self.site}/v1/conversations/{held['id']}", headers={"Authorization": f"Bearer {held['token']}"}
        )
        assert answer.status_code == 200
        transcript: dict[str, Any] = answer.json()
        return transcript


@contextmanager
def visiting(browser: Browser, site: str, **options: Any) -> Iterator[Visitor]:
    """A visitor with a fresh profile. Leaving fails if the browser complained of anything."""
    context = browser.new_context(**{"viewport": DESKTOP, "locale": "en-GB", "reduced_motion": "reduce"} | options)
    context.set_default_timeout(PATIENCE)
    visitor = Visitor(context, site)
    try:
        yield visitor
    finally:
        context.close()
    surprises = visitor.surprises()
    assert surprises == []


def barriers(document: Page | Frame) -> list[str]:
    """What axe-core finds wrong in one document: rule and element."""
    found = Axe().run(document, options={"resultTypes": ["violations"], "iframes": False}).response
    assert found["testEngine"]["name"] == "axe-core"
    return [f"{rule['id']}: {node['target']}" for rule in found["violations"] for node in rule["nodes"]]


def plain(text: str) -> str:
    return " ".join(text.split())
