"""What the creators' HTTP API takes and gives, checked by pydantic; knows shapes, not what is done with them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from handoff.thread import Message
from kb.article import Article

MAX_TEXT = 4000


def _clean(text: str) -> str:
    """Control characters say nothing to anyone and can hide what is said."""
    kept = "".join(c for c in text if c in "\n\t" or (ord(c) >= 32 and not 127 <= ord(c) < 160)).strip()
    if not kept:
        raise ValueError("the text is empty")
    return kept


Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT), AfterValidator(_clean)]
Locale = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$", max_length=20)]
Comment = Annotated[str, StringConstraints(max_length=2000)]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]{1,64}@[^@\s]{1,255}$", max_length=320)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Creator(Strict):
    """What is known of who asks; all of it optional."""

    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,3}$")] | None = None
    age: Annotated[int, Field(ge=0, le=150)] | None = None
    followers: Annotated[int, Field(ge=0)] | None = None
    tier: Annotated[str, StringConstraints(max_length=40)] | None = None

    def known(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


class Turn(Strict):
    question: Text


class AskIn(Strict):
    question: Text
    locale: Locale | None = None
    turns: Annotated[list[Turn], Field(max_length=50)] = []
    creator: Creator = Creator()
    revision: Annotated[str, StringConstraints(max_length=64)] | None = None


class ConversationIn(Strict):
    locale: Locale | None = None
    page_url: Annotated[str, StringConstraints(max_length=2000)] = ""
    creator: Creator = Creator()


class ConversationOut(BaseModel):
    id: str
    token: str
    greeting: str
    suggestions: list[str]


class MessageIn(Strict):
    text: Text
    client_id: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[\w.:-]+$")]


class HandoverIn(Strict):
    reason: Comment = ""
    email: Email | None = None
    fields: dict[Annotated[str, StringConstraints(max_length=60)], Comment] = Field({}, max_length=30)


class FeedbackIn(Strict):
    helpful: bool
    comment: Comment = ""


class RatingIn(Strict):
    score: Annotated[int, Field(ge=1, le=5)]
    comment: Comment = ""


def message_json(message: Message) -> dict[str, Any]:
    """A message of a transcript, as the widget shows it."""
    return {
        "seq": message.seq,
        "id": message.id,
        "role": message.role,
        "text": message.text,
        "html": message.html,
        "reply": message.reply if message.role == "bot" else None,
        "client_id": message.client_id,
        "created": datetime.fromtimestamp(message.created, UTC).isoformat(timespec="milliseconds"),
    }


def notice_json(notice: Article) -> dict[str, Any]:
    """A known issue, as its banner shows it; `ends` is when it is expected to be over, if that is known."""
    return {
        "id": notice.id,
        "title": notice.title,
        "text": " ".join(s.text for s in notice.sections),
        "affects": list(notice.meta.get("affects", ())),
        "ends": notice.meta.get("ends"),
    }
