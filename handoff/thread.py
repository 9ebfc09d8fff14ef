"""A conversation's message log: who said what, in which order. Knows no SQL and no ticket rules."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["creator", "bot", "agent", "system"]


@dataclass(frozen=True, slots=True)
class Thread:
    """One conversation. `seq` is the number of its last message; `token_hash` is all that is kept of its token."""

    id: str
    token_hash: str
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


def new_token() -> str:
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def holds_token(thread: Thread, token: str) -> bool:
    return secrets.compare_digest(thread.token_hash, hash_token(token))
