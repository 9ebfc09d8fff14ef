"""Tells one browser from another behind the same address, before either has a conversation; knows no route.

A browser is given a signed random name in a cookie. Nothing is counted or followed by it: it only keeps two browsers
that happen to use the same Idempotency-Key apart, and it ends when keys do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from fastapi import Request, Response

from handoff.once import KEPT
from handoff.thread import holds_token, make_token

COOKIE = "callboard_caller"
PATH = "/v1/conversations"


def name_caller(request: Request, response: Response, secret: bytes, new_id: Callable[[str], str]) -> str:
    """A name that only this browser has, hashed so that what is at rest is of no use; a new one sets the cookie."""
    name, _, seal = request.cookies.get(COOKIE, "").partition(".")
    if not (name and holds_token(secret, name, seal)):
        name = new_id("clr")
        value = f"{name}.{make_token(secret, name)}"
        secure = request.url.scheme == "https"
        response.set_cookie(
            COOKIE, value, max_age=int(KEPT), path=PATH, secure=secure, httponly=True, samesite="strict"
        )
    return hashlib.sha256(name.encode()).hexdigest()[:32]
