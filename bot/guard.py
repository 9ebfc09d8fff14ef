"""Refuses who sends too much, and never who is in trouble; knows callers and texts, not what they are sent to."""

from __future__ import annotations

import math

from fastapi import Request

from bot.conversation import Service
from bot.limit import RateLimit
from bot.problem import Problem
from handoff.desk import last_ticket
from handoff.thread import Thread

# What opens a ticket by itself; a question about the rules (P3) does not.
GRAVE = ("P0", "P1", "P2")


def guard_rate(
    service: Service, limit: RateLimit, request: Request, text: str = "", thread: Thread | None = None
) -> None:
    """429 when a caller sends too much; never where the text, or the conversation's ticket, is about safety."""
    wait = limit.wait(request.client.host if request.client else "?")
    if wait and not _is_grave(service, text) and not (thread and _has_grave_ticket(service, thread)):
        raise Problem(429, "too many messages; wait a moment and send again", {"Retry-After": str(math.ceil(wait))})


def _is_grave(service: Service, text: str) -> bool:
    if not text.strip():
        return False
    try:
        flag = service.bot.screen.check(text)
    except Exception:  # a failing voice means people, not silence
        return True
    return flag is not None and flag.severity in GRAVE


def _has_grave_ticket(service: Service, thread: Thread) -> bool:
    with service.engine.connect() as conn:
        ticket = last_ticket(conn, thread.id)
    return bool(ticket and ticket.safety and ticket.safety["severity"] in GRAVE)
