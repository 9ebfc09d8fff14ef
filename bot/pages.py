"""Serves the widget: the loader, the chat page, its files and words, and the demo page. Knows no conversation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse

from bot.language import identify_language
from bot.phrases import Phrasebook
from bot.problem import Problem

WIDGET = Path(__file__).parent / "widget"
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'"
)
CACHE = {"Cache-Control": "no-cache"}


def make_router(phrases: Phrasebook, site: str, origins: list[str]) -> APIRouter:
    """`origins` may embed the chat page; this server's own pages always may."""
    router = APIRouter(include_in_schema=False)
    ancestors = " ".join(["'self'", *origins])

    @router.get("/")
    def demo() -> FileResponse:
        return _file("demo.html", {"Content-Security-Policy": f"{STRICT}; frame-src 'self'; frame-ancestors 'none'"})

    @router.get("/widget.js")
    def loader() -> FileResponse:
        return _file("widget.js", {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"})

    @router.get("/widget/chat")
    def chat() -> FileResponse:
        return _file("chat.html", {"Content-Security-Policy": f"{STRICT}; frame-ancestors {ancestors}"})

    @router.get("/widget/strings")
    def strings(locale: str = "en") -> dict[str, Any]:
        book = phrases[identify_language("", locale)]
        direction = "rtl" if book.locale == "ar" else "ltr"
        return {
            "locale": book.locale,
            "dir": direction,
            "site": site,
            "origins": origins,
            "ui": book.data["ui"],
        }

    @router.get("/widget/{name}")
    def asset(name: str) -> FileResponse:
        return _file(name, {})

    return router


def _file(name: str, headers: dict[str, str]) -> FileResponse:
    path = WIDGET / name
    if path.parent != WIDGET or path.suffix not in TYPES or not path.is_file():
        raise Problem(404, "there is no such file")
    return FileResponse(path, media_type=TYPES[path.suffix], headers=CACHE | headers)
