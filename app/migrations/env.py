"""Runs migrations on the connection that `app/database.py` hands over."""

from alembic import context

from handoff.tables import metadata as handoff_tables
from kb.tables import metadata as kb_tables
from retrieval.tables import metadata as retrieval_tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=[kb_tables, retrieval_tables, handoff_tables],
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
