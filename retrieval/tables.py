"""The SQL table of vectors; knows hashes and bytes, not how a vector is made."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, MetaData, String, Table, Text

metadata = MetaData()

passages = Table(
    "passages",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("model", String(200), primary_key=True),
    Column("article", String(200), nullable=False),
    Column("text", Text, nullable=False),
    Column("vector", LargeBinary, nullable=False),
)
