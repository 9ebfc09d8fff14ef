"""The SQL tables of threads, tickets and the outbox; knows their columns, not how they are filled."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

threads = Table(
    "threads",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("locale", String(12), nullable=False),
    Column("page_url", Text, nullable=False),
    Column("creator", JSON, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("created", Float, nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("thread", ForeignKey("threads.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("role", String(10), nullable=False),
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("client_id", String(100)),
    Column("reply", JSON),
    Column("created", Float, nullable=False),
    UniqueConstraint("thread", "seq"),
    UniqueConstraint("thread", "client_id"),
)

tickets = Table(
    "tickets",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("thread", ForeignKey("threads.id"), nullable=False),
    # The thread again while the ticket is active, else null: unique, so that two can never be open at once.
    Column("active_thread", String(40), unique=True),
    Column("status", String(10), nullable=False),
    Column("priority", String(10), nullable=False),
    Column("queue", String(60), nullable=False),
    Column("language", String(12), nullable=False),
    Column("reason", String(30), nullable=False),
    Column("assignee", String(200)),
    Column("safety", JSON),
    Column("creator", JSON, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("sla", JSON, nullable=False),
    Column("created", Float, nullable=False),
    Column("updated", Float, nullable=False),
    Index("tickets_by_status", "status", "number"),
    Index("tickets_by_thread", "thread", "number"),
)

ticket_events = Table(
    "ticket_events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("ticket", String(40), nullable=False, index=True),
    Column("kind", String(30), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("before", String(10)),
    Column("after", String(10), nullable=False),
    Column("at", Float, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("type", String(40), nullable=False),
    Column("ticket", String(40), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("created", Float, nullable=False),
    Column("delivered", Float),
)

# Beside each of the bot's messages, what it takes to say it again. The reference keeps an erasure from forgetting it.
records = Table(
    "records",
    metadata,
    Column("message", ForeignKey("messages.id"), primary_key=True),
    Column("thread", ForeignKey("threads.id"), nullable=False, index=True),
    Column("question", Text, nullable=False),
    Column("turns", JSON, nullable=False),
    Column("locale", String(12), nullable=False),
    Column("creator", JSON, nullable=False),
    Column("revision", String(64), nullable=False),
    Column("engine", String(200), nullable=False),
    Column("basis", JSON, nullable=False),
    Column("at", Float, nullable=False),
    Column("added", Text, nullable=False),
    Column("weighed", JSON, nullable=False),
)

feedback = Table(
    "feedback",
    metadata,
    Column("message", ForeignKey("messages.id"), primary_key=True),
    Column("helpful", Boolean, nullable=False),
    Column("comment", Text, nullable=False),
    Column("at", Float, nullable=False),
)

ratings = Table(
    "ratings",
    metadata,
    Column("thread", ForeignKey("threads.id"), primary_key=True),
    Column("score", Integer, nullable=False),
    Column("comment", Text, nullable=False),
    Column("at", Float, nullable=False),
)

contacts = Table(
    "contacts",
    metadata,
    Column("thread", ForeignKey("threads.id"), primary_key=True),
    Column("email", String(320), nullable=False),
    Column("at", Float, nullable=False),
)

# What a POST with an Idempotency-Key was answered; swept after a day.
once = Table(
    "once",
    metadata,
    Column("scope", String(200), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("body", String(64), nullable=False),
    Column("answer", JSON(none_as_null=True)),
    Column("at", Float, nullable=False),
)
