"""A conversation's message log: who said what, in which order. Knows no SQL and no ticket rules."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["creator", "bot", "agent", "system"]


@dataclass(frozen=True, slots=True)
class Thread:
    """One conversation. `seq` is the number of its last message."""

    id: str
    locale: str
    created: float
    seq: int = 0
    page_url: str = ""
    creator: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `reply` holds what the creator was answered (on their message) or what the bot said (on its own)."""

    id: str
    thread: str
    role: Role
    text: str
    created: float
    seq: int = 0
    html: str = ""
    client_id: str | None = None
    reply: dict[str, Any] | None = None


def make_token(secret: bytes, thread: str) -> str:
    """The bearer token of a conversation. It is derived, so nothing at rest can be used as one."""
    return base64.urlsafe_b64encode(hmac.digest(secret, thread.encode(), "sha256")).decode().rstrip("=")


def holds_token(secret: bytes, thread: str, token: str) -> bool:
    return hmac.compare_digest(make_token(secret, thread).encode(), token.encode())
