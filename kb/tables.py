"""The SQL tables of articles and revisions; knows their columns, not how they are filled."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Integer, MetaData, String, Table, Text

metadata = MetaData()

articles = Table(
    "articles",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("id", String(200), nullable=False),
    Column("locale", String(12), nullable=False),
    Column("title", Text, nullable=False),
    Column("data", Text, nullable=False),
)

revisions = Table(
    "revisions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("created", Float, nullable=False),
    Column("author", String(200), nullable=False),
    Column("articles", Integer, nullable=False),
    Column("glossary", Text, nullable=False, server_default=""),
)

revision_articles = Table(
    "revision_articles",
    metadata,
    Column("revision", ForeignKey("revisions.id"), primary_key=True),
    Column("locale", String(12), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("digest", ForeignKey("articles.digest"), nullable=False),
)

# One row: the pointer that a publish or a rollback moves.
live = Table(
    "live",
    metadata,
    Column("slot", Integer, primary_key=True),
    Column("revision", ForeignKey("revisions.id"), nullable=False),
)

publications = Table(
    "publications",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("revision", ForeignKey("revisions.id"), nullable=False),
    Column("action", String(20), nullable=False),
    Column("author", String(200), nullable=False),
    Column("at", Float, nullable=False),
)

article_feedback = Table(
    "article_feedback",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("article", String(200), nullable=False),
    Column("locale", String(12), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("helpful", Boolean, nullable=False),
    Column("comment", Text, nullable=False, default=""),
    Column("at", Float, nullable=False),
)
