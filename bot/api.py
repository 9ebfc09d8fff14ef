"""The creators' HTTP API: reads requests, calls the bot or a conversation, writes answers. Decides nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from bot import schema
from bot.ask import ask
from bot.conversation import Service, hand_over, say
from bot.guard import guard_rate
from bot.language import identify_language
from bot.library import Library
from bot.limit import RateLimit
from bot.problem import Problem
from bot.reply import Question, Reply, Tell, reply_json, tell_nobody
from bot.scene import Scene
from bot.stream import stream_reply, thread_events
from bot.voice import suggest_titles
from handoff.desk import last_ticket, ticket_summary
from handoff.log import find_message, find_thread, keep_feedback, keep_rating, read_messages, start_thread
from handoff.once import KeyReused, StillRunning, run_once
from handoff.thread import Thread, holds_token, make_token
from kb.sql import writing

SSE = "text/event-stream"
MAX_FOUND = 50
Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]


@dataclass(frozen=True, slots=True)
class Api:
    """What the routes need. `open_revision` gives an earlier revision, exactly searched, or raises LookupError."""

    service: Service
    secret: bytes
    limit: RateLimit
    open_revision: Callable[[str], Library]
    count: Callable[[str], None]


def make_router(api: Api) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["creators"])
    service, guard = api.service, partial(guard_rate, api.service, api.limit)

    def known_thread(id: str, authorization: Annotated[str, Header()] = "") -> Thread:
        """The conversation that the bearer token holds; unknown and foreign ones are the same 404."""
        token = authorization.removeprefix("Bearer ").strip()
        if not token or not holds_token(api.secret, id, token):
            raise Problem(404, "there is no such conversation, or this token does not hold it")
        with service.engine.connect() as conn:
            thread = find_thread(conn, id)
        if thread is None:
            raise Problem(404, "there is no such conversation, or this token does not hold it")
        return thread

    held = Depends(known_thread)

    @router.post("/ask")
    def ask_once(body: schema.AskIn, request: Request) -> dict[str, Any]:
        """One stateless turn: nothing is written, no ticket is opened."""
        guard(request, body.question)
        bot = service.bot
        if body.revision:
            try:
                library = api.open_revision(body.revision)
            except LookupError as error:
                raise Problem(404, str(error)) from error
            bot = replace(bot, library=lambda: library)
        turns = tuple(turn.question for turn in body.turns)
        reply = ask(bot, Question(body.question, body.locale, turns, body.creator.known()))
        api.count(reply.kind)
        return reply_json(reply)

    @router.post("/conversations", status_code=201)
    def start_conversation(body: schema.ConversationIn, request: Request, key: Key = None) -> schema.ConversationOut:
        """A repeat of an Idempotency-Key from the same browser and address gives the same conversation: make it random,
        for it leads to the token."""
        guard(request)
        locale = identify_language("", body.locale)

        def work(conn: Connection) -> dict[str, Any]:
            thread = Thread(
                service.desk.new_id("cnv"),
                locale,
                service.bot.clock(),
                page_url=body.page_url,
                creator=body.creator.known(),
            )
            start_thread(conn, thread)
            return {"id": thread.id}

        # The answer is a token: a key that somebody else uses too must not lead to it.
        made = answer_once(service, f"conversations:{_caller(request)}", key, body.model_dump(), work)
        return schema.ConversationOut(
            id=made["id"],
            token=make_token(api.secret, made["id"]),
            greeting=service.bot.phrases[locale].say("greeting"),
            suggestions=list(suggest_titles(service.bot.library(), locale)),
        )

    @router.post("/conversations/{id}/messages", response_model=None)
    def send_message(
        id: str,
        body: schema.MessageIn,
        request: Request,
        authorization: Annotated[str, Header()] = "",
        accept: Annotated[str, Header()] = "",
    ) -> Response:
        """The Reply, as JSON or as events; 202 where a person has the conversation and the bot keeps silent."""

        def work(tell: Tell) -> tuple[dict[str, Any] | None, Reply | None]:
            data, reply = say(service, thread, body.text, body.client_id, tell)
            api.count(reply.kind if reply else "silent")
            return data, reply

        try:
            # Looked up here and not before: somebody in danger is answered without the database too.
            thread = known_thread(id, authorization)
            guard(request, body.text, thread)
            if SSE in accept:
                return StreamingResponse(stream_reply(work), media_type=SSE, headers={"Cache-Control": "no-store"})
            data, _ = work(tell_nobody)
        except KeyReused as error:
            raise Problem(422, "this client_id was used before with another text", field="client_id") from error
        except StillRunning as error:
            raise Problem(409, "this message is still being answered; ask again in a moment") from error
        except SQLAlchemyError as error:
            raise _unrecorded(api, id, body.text) from error
        if data is None:
            return JSONResponse({"status": "with_person"}, 202)
        return JSONResponse(data)

    @router.get("/conversations/{id}")
    def read_transcript(thread: Thread = held) -> dict[str, Any]:
        with service.engine.connect() as conn:
            messages = read_messages(conn, thread.id)
            ticket = last_ticket(conn, thread.id)
        return {
            "id": thread.id,
            "locale": thread.locale,
            "messages": [schema.message_json(m) for m in messages],
            "ticket": ticket_summary(ticket) if ticket else None,
        }

    @router.get("/conversations/{id}/events", response_model=None)
    def stream_events(
        request: Request, thread: Thread = held, last_event_id: Annotated[str, Header()] = ""
    ) -> Response:
        """What happens in the conversation: messages from Last-Event-ID on, the ticket, who is typing, known issues."""
        if last_event_id and not (last_event_id.isdecimal() and len(last_event_id) < 16):
            raise Problem(422, "Last-Event-ID must be a number that this stream sent", field="Last-Event-ID")
        scene = Scene(partial(service.presence.writing, thread.id), partial(_notices, service, thread.locale))
        events = thread_events(service.engine, thread.id, int(last_event_id or 0), request.is_disconnected, scene)
        return StreamingResponse(events, media_type=SSE, headers={"Cache-Control": "no-store"})

    @router.post("/conversations/{id}/handover", status_code=201)
    def ask_person(body: schema.HandoverIn, request: Request, thread: Thread = held, key: Key = None) -> dict[str, Any]:
        """A ticket for a person; the one that is open already if there is one."""
        guard(request, " ".join([body.reason, *body.fields.values()]), thread)
        fields = {**body.fields, **({"reason": body.reason} if body.reason else {})}

        def work(conn: Connection) -> dict[str, Any]:
            return hand_over(conn, service, thread, body.email, fields)

        return answer_once(service, f"handover:{thread.id}", key, body.model_dump(), work)

    @router.post("/conversations/{id}/rating", status_code=201)
    def rate_conversation(
        body: schema.RatingIn, request: Request, thread: Thread = held, key: Key = None
    ) -> dict[str, Any]:
        guard(request, body.comment)

        def work(conn: Connection) -> dict[str, Any]:
            keep_rating(conn, thread.id, body.score, body.comment, service.bot.clock())
            return {"score": body.score}

        return answer_once(service, f"rating:{thread.id}", key, body.model_dump(), work)

    @router.post("/messages/{id}/feedback", status_code=201)
    def rate_message(
        id: str,
        body: schema.FeedbackIn,
        request: Request,
        key: Key = None,
        authorization: Annotated[str, Header()] = "",
    ) -> dict[str, Any]:
        guard(request, body.comment)
        token = authorization.removeprefix("Bearer ").strip()
        with service.engine.connect() as conn:
            message = find_message(conn, id)
        if message is None or message.role != "bot" or not holds_token(api.secret, message.thread, token):
            raise Problem(404, "there is no such message, or this token does not hold it")

        def work(conn: Connection) -> dict[str, Any]:
            keep_feedback(conn, id, body.helpful, body.comment, service.bot.clock())
            return {"helpful": body.helpful}

        return answer_once(service, f"feedback:{id}", key, body.model_dump(), work)

    @router.get("/search")
    def search(q: schema.Text, locale: schema.Locale = "en", k: int = 10) -> dict[str, Any]:
        """Articles and sections for a search box, best first."""
        library = service.bot.library()
        if library is None:
            raise Problem(503, "nothing is published yet", {"Retry-After": "5"})
        if not 1 <= k <= MAX_FOUND:
            raise Problem(422, f"k must be 1 to {MAX_FOUND}", field="k")
        return {"query": q, "revision": library.revision, "results": _found(library, q, locale, k)}

    return router


def _found(library: Library, q: str, locale: str, k: int) -> list[dict[str, Any]]:
    found = library.index.search(q, locale, 4 * MAX_FOUND)
    results = []
    for ranked in found.articles[:k]:
        article = library.articles[ranked.locale, ranked.article]
        anchors = library.index.rank_sections(article.id, article.locale, found)[:3]
        sections = [s for anchor in anchors if (s := article.section(anchor))]
        results.append(
            {
                "article": article.id,
                "locale": article.locale,
                "title": article.title,
                "summary": article.summary,
                "url": article.url(),
                "score": round(ranked.score, 4),
                "sections": [
                    {
                        "anchor": s.anchor,
                        "title": s.title or article.title,
                        "url": article.url(s.anchor),
                        "text": s.text[:200],
                    }
                    for s in sections
                ],
            }
        )
    return results


def _caller(request: Request) -> str:
    """What tells callers apart before they hold anything: address and browser."""
    address = request.client.host if request.client else "?"
    return hashlib.sha256(f"{address} {request.headers.get('user-agent', '')}".encode()).hexdigest()[:32]


def _notices(service: Service, locale: str) -> dict[str, dict[str, Any]]:
    library = service.bot.library()
    held = library.notices_at(service.bot.clock(), locale) if library else {}
    return {id: schema.notice_json(notice) for id, notice in held.items()}


def _unrecorded(api: Api, thread: str, text: str) -> Problem:
    """The database is down. Somebody in danger still gets the safety text, and is told that it was not recorded."""
    flag = api.service.bot.screen.check(text)
    extra: dict[str, Any] = {}
    if flag and flag.severity in ("P0", "P1"):
        reply = ask(replace(api.service.bot, library=lambda: None), Question(text))
        extra = {"reply": reply_json(reply, thread), "recorded": False}
    return Problem(503, "this message could not be recorded; send it again in a moment", {"Retry-After": "5"}, **extra)


def answer_once(
    service: Service, scope: str, key: str | None, body: dict[str, Any], work: Callable[[Connection], dict[str, Any]]
) -> dict[str, Any]:
    """`work`'s answer in one transaction; with an Idempotency-Key, done once however often it is sent."""
    if key is None:
        with writing(service.engine) as conn:
            return work(conn)
    try:
        with service.running.alone(scope, key):
            return run_once(service.engine, scope, key, body, service.bot.clock(), work)
    except KeyReused as error:
        raise Problem(422, "this Idempotency-Key was used before with another body", field="Idempotency-Key") from error
    except StillRunning as error:
        raise Problem(409, "the first request with this Idempotency-Key is still running") from error
