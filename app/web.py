"""Puts the HTTP application together: rooms' routers, errors, limits and headers. Knows no route's inside."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, Response
from sqlalchemy import Engine, text
from sqlalchemy.exc import DataError, InterfaceError, OperationalError, SQLAlchemyError, TimeoutError
from starlette.exceptions import HTTPException as StarletteException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import bot.api
import bot.pages
import kb.pages
from app.library import open_library
from app.secret import read_secret
from app.settings import Settings
from app.state import Holder
from app.wire import make_bot, make_desk, make_embedder, make_engine, make_writer
from bot.conversation import Service
from bot.guard import guard_rate
from bot.limit import RateLimit
from bot.problem import Problem, problem_response
from retrieval.chroma import ChromaCache
from retrieval.embed import Embedder

log = logging.getLogger(__name__)
RETRY = {"Retry-After": "5"}


def make_app(settings: Settings, engine: Engine | None = None, embedder: Embedder | None = None) -> FastAPI:
    """The whole product as one ASGI application. The articles must be published already, or are soon."""
    engine = engine or make_engine(settings)
    model: Embedder = embedder or make_embedder(settings)
    chroma = ChromaCache(Path(settings.data_dir) / "chroma", settings.chroma_url, model.name)
    holder = Holder(
        engine,
        lambda conn, revision: open_library(conn, revision, model, chroma),
        lambda conn, revision: open_library(conn, revision, model),
    )
    counts: Counter[str] = Counter()
    written: Counter[str] = Counter()
    writer = make_writer(settings, lambda outcome: written.update([outcome]))
    bot_ = make_bot(settings, holder.library, writer)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        holder.refresh()
        holder.watch()
        yield
        holder.close()
        chroma.close()
        if writer:
            writer.model.close()

    app = FastAPI(title="Callboard", version="1", lifespan=lifespan, docs_url=None, redoc_url=None)
    _answer_errors(app)
    app.add_middleware(Guard, limit=settings.max_body)
    service = Service(engine, bot_, make_desk())
    limit = RateLimit(settings.rate_limit, bot_.clock)
    api = bot.api.Api(service, read_secret(settings), limit, holder.revision, lambda kind: counts.update([kind]))
    app.include_router(bot.api.make_router(api))
    app.include_router(
        kb.pages.make_router(
            engine,
            holder.shelf,
            settings.site_name,
            bot_.clock,
            partial(bot.api.answer_once, service),
            partial(guard_rate, service, limit),
        )
    )
    app.include_router(bot.pages.make_router(bot_.phrases, settings.site_name, settings.widget_origins))
    _add_health(app, engine, holder, chroma, counts, written)
    return app


class Guard:
    """Refuses bodies over the limit before they are read, and sets the headers that every answer has."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app, self._limit = app, limit
        self._refusal = f"the body is larger than {limit:,} bytes"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._limit:
                # FastAPI lets an HTTPException through where it reads the body, and nothing else.
                raise HTTPException(413, self._refusal)
            return message

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"same-origin"),
                ]
            await send(message)

        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) <= self._limit:
            await self._app(scope, counted, headed)
            return
        await problem_response(Problem(413, self._refusal, {"Connection": "close"}))(scope, receive, headed)


def _answer_errors(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    def _problem(_request: Request, error: Problem) -> Response:
        return problem_response(error)

    @app.exception_handler(StarletteException)
    def _http(_request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        detail = str(error.detail)
        if detail == HTTPStatus(error.status_code).phrase:
            # Starlette's own words say nothing that the status does not.
            allowed = headers.get("allow") or headers.get("Allow")
            detail = f"this address takes {allowed}" if allowed else "there is nothing here; see /openapi.json"
        return problem_response(Problem(error.status_code, detail, headers))

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            reason = f"the body is not JSON: {first['ctx']['error']} at character {first['loc'][-1]}"
            return problem_response(Problem(422, reason, field="body"))
        if first["loc"] == ("body",) and "json" not in request.headers.get("content-type", ""):
            wanted = "send the body as JSON, with `Content-Type: application/json`"
            return problem_response(Problem(422, wanted, field="Content-Type"))
        field = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
        rows = [{"field": ".".join(map(str, e["loc"][1:])), "message": e["msg"]} for e in error.errors()[:20]]
        return problem_response(Problem(422, f"{field}: {first['msg']}", field=field, errors=rows))

    @app.exception_handler(OperationalError)
    @app.exception_handler(InterfaceError)
    @app.exception_handler(TimeoutError)
    def _no_database(request: Request, error: SQLAlchemyError) -> Response:
        log.error("%s %s: the database does not answer: %s", request.method, request.url.path, error)
        return problem_response(Problem(503, "this cannot be done right now; try again in a moment", RETRY))

    @app.exception_handler(DataError)
    def _unstorable(_request: Request, _error: DataError) -> Response:
        return problem_response(Problem(422, "a value holds characters that cannot be stored"))

    @app.exception_handler(Exception)
    def _unexpected(request: Request, error: Exception) -> Response:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return problem_response(Problem(500, "something went wrong on our side; try again in a moment"))


def _add_health(
    app: FastAPI,
    engine: Engine,
    holder: Holder,
    chroma: ChromaCache,
    counts: Counter[str],
    written: Counter[str],
) -> None:
    @app.get("/healthz", tags=["health"])
    def healthz() -> dict[str, str]:
        """The process is alive."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["health"])
    def readyz() -> dict[str, Any]:
        """The database answers and a revision is served; says what is degraded."""
        try:
            with engine.connect() as conn:
                conn.execute(text("SELECT 1"))
        except SQLAlchemyError as error:
            raise Problem(503, "the database does not answer", RETRY) from error
        library = holder.library()
        if library is None:
            raise Problem(503, "nothing is published yet", RETRY)
        return {"status": "ok", "revision": library.revision, "vector_index": chroma.reason}

    @app.get("/metrics", tags=["health"], response_class=PlainTextResponse)
    def metrics() -> str:
        """Prometheus text format."""
        lines = ["# TYPE callboard_replies_total counter"]
        lines += [f'callboard_replies_total{{kind="{kind}"}} {n}' for kind, n in sorted(counts.items())]
        lines.append("# TYPE callboard_llm_total counter")
        lines += [f'callboard_llm_total{{outcome="{outcome}"}} {n}' for outcome, n in sorted(written.items())]
        lines += [
            "# TYPE callboard_vector_index_ready gauge",
            f"callboard_vector_index_ready {int(chroma.ready)}",
        ]
        return "\n".join(lines) + "\n"
