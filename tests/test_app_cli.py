from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, make_url

from app.database import open_database
from app.settings import PACKAGED, Settings
from app.wire import make_desk
from handoff.desk import draft_ticket, open_ticket
from handoff.log import append_message, read_messages, start_thread
from handoff.thread import Message, Thread
from kb.sql import writing
from tests.conftest import article, need
from tests.service import DANGER, TREE, CommandLine, Ran, write_tree
from tests.standin import fails, standing_in, writes

REPLY = set(
    "id conversation_id kind locale text html citations confidence options suggestions safety ticket notices "
    "degraded revision engine timing_ms".split()
)
TICKET = set(
    "id number thread status priority queue language creator reason safety assignee tags sla fields evidence "
    "created updated".split()
)


@pytest.fixture
def callboard(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shipped: Settings, tmp_path: Path
) -> CommandLine:
    """The command line over a copy of the published articles."""
    data = tmp_path / "var"
    data.mkdir()
    name = "callboard.db"
    with closing(sqlite3.connect(shipped.data_dir / name)) as source, closing(sqlite3.connect(data / name)) as copy:
        source.backup(copy)
    monkeypatch.chdir(tmp_path)
    line = CommandLine(monkeypatch, capsys)
    line.set(data_dir=data, articles_dir=PACKAGED)
    return line


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    """The command line over a small tree, with nothing published."""
    monkeypatch.chdir(tmp_path)
    line = CommandLine(monkeypatch, capsys)
    line.set(data_dir=tmp_path / "new", articles_dir=write_tree(tmp_path / "articles", TREE))
    return line


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_database(f"sqlite:///{tmp_path / 'new' / 'callboard.db'}")
    yield made
    made.dispose()


@pytest.fixture
def ticket(engine: Engine) -> str:
    """The number of a ticket that waits for a person."""
    desk = make_desk()
    draft = draft_ticket(desk, "cnv_a", queue="payouts", priority="high", reason="no_article", language="en")
    with writing(engine) as conn:
        start_thread(conn, Thread("cnv_a", "en", 0.0))
        append_message(conn, Message("msg_a", "cnv_a", "creator", "where is my money", 0.0))
        return str(open_ticket(conn, desk, draft)[0].number)


def printed(ran: Ran, code: int = 0) -> Any:
    """The one document on standard output."""
    assert ran.code == code, ran.err
    return json.loads(ran.out)


def refused(ran: Ran, code: int, said: str) -> None:
    assert ran.code == code, ran.out + ran.err
    assert said in " ".join(ran.err.split())
    assert "Traceback" not in ran.err


def test_every_command_has_help(empty: CommandLine) -> None:
    top = empty("--help")
    assert top.code == 0
    for command in (
        "serve",
        "ask",
        "check",
        "publish",
        "revisions",
        "diff",
        "rollback",
        "eval",
        "tickets",
        "replay",
        "doctor",
    ):
        assert command in top.out
        assert empty(command, "--help").code == 0
    for command in ("list", "show", "reply", "take", "hold", "hand-back", "solve", "close"):
        assert empty("tickets", command, "--help").code == 0


@pytest.mark.parametrize("arguments", [["nothing"], ["ask"], ["ask", "--colour"], ["tickets", "list", "--limit", "0"]])
def test_wrong_use_is_a_2(empty: CommandLine, arguments: list[str]) -> None:
    ran = empty(*arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err


def test_asking_prints_the_reply_of_the_contract(callboard: CommandLine) -> None:
    tickets = callboard("tickets", "list", "--json").out
    reply = printed(callboard("ask", "how often can i change my username", "--json"))
    assert set(reply) == REPLY
    assert (reply["kind"], reply["ticket"], reply["conversation_id"], reply["degraded"]) == (
        "answer",
        None,
        None,
        False,
    )
    assert reply["citations"][0]["article"] == "account/username"
    assert set(reply["citations"][0]) == set("n article locale title section anchor url quote revision".split())
    again = printed(callboard("ask", "how often can i change my username", "--json"))
    moving = ("id", "timing_ms")
    assert {k: v for k, v in again.items() if k not in moving} == {k: v for k, v in reply.items() if k not in moving}
    handover = printed(callboard("ask", DANGER, "--json"))
    assert set(handover) == REPLY | {"would_open"}
    assert (handover["would_open"]["queue"], handover["would_open"]["priority"]) == ("safety", "urgent")
    assert callboard("tickets", "list", "--json").out == tickets


def test_asking_prints_words_for_people(callboard: CommandLine) -> None:
    ran = callboard("ask", "how often can i change my username")
    assert ran.code == 0
    assert "30 days" in ran.out
    assert "/help/en/account/username" in ran.out


@pytest.mark.parametrize("question", ["", "  \n", "x" * 4001])
def test_a_question_that_is_none_is_a_2(empty: CommandLine, question: str) -> None:
    refused(empty("ask", question), 2, "a question has 1 to 4000 characters")


def test_asking_first_publishes_what_is_there(empty: CommandLine) -> None:
    assert printed(empty("ask", "how often can i change my username", "--json"))["revision"]
    assert len(printed(empty("revisions", "--json"))) == 1


def test_checking_the_shipped_articles_finds_no_error(callboard: CommandLine) -> None:
    report = printed(callboard("check", "--json"))
    assert set(report) == {"errors", "warnings", "articles"}
    assert report["errors"] == []
    assert report["articles"] > 50


def test_checking_names_every_error_by_file_line_and_column(empty: CommandLine, tmp_path: Path) -> None:
    bad = write_tree(tmp_path / "bad", {"en/a/one.md": "---\ncolour: red\n---\nText.\n", "en/a/two.md": "no matter\n"})
    report = printed(empty("check", str(bad), "--json"), code=1)
    assert {row["file"] for row in report["errors"]} == {"en/a/one.md", "en/a/two.md"}
    assert all(set(row) == {"file", "line", "col", "code", "message"} for row in report["errors"])
    plain = empty("check", str(bad))
    assert plain.code == 1
    assert "en/a/one.md:2:1" in plain.err
    assert empty("check", str(tmp_path / "nowhere")).code == 1


def test_publishing_comparing_and_rolling_back(empty: CommandLine, tmp_path: Path) -> None:
    first = printed(empty("publish", "--json"))
    assert set(first) == {"revision", "articles", "passages", "embedded", "reused", "seconds", "gate"}
    assert (first["articles"], first["reused"]) == (2, 0)

    changed = {
        "en/live/end.md": article("End a LIVE", "Tap the cross.\n"),
        "en/live/start.md": TREE["en/live/start.md"],
    }
    empty.set(articles_dir=write_tree(tmp_path / "changed", changed))
    dry = printed(empty("publish", "--dry-run", "--json"))
    assert printed(empty("revisions", "--json"))[0]["revision"] == first["revision"]
    second = printed(empty("publish", "--json"))
    assert second["revision"] == dry["revision"] != first["revision"]
    assert second["reused"] > 0

    listed = printed(empty("revisions", "--json"))
    assert all(set(row) == {"revision", "created", "author", "articles", "live"} for row in listed)
    assert {row["revision"]: row["live"] for row in listed} == {first["revision"]: False, second["revision"]: True}
    changes = printed(empty("diff", first["revision"], second["revision"], "--json"))
    assert {(row["id"], row["what"]) for row in changes} == {("account/username", "removed"), ("live/end", "added")}
    assert printed(empty("diff", "live", second["revision"], "--json")) == []

    assert empty("rollback", first["revision"][:10]).code == 0
    live = [row["revision"] for row in printed(empty("revisions", "--json")) if row["live"]]
    assert live == [first["revision"]]


def test_articles_with_errors_are_not_published_and_the_live_revision_stays(empty: CommandLine, tmp_path: Path) -> None:
    live = printed(empty("publish", "--json"))["revision"]
    empty.set(articles_dir=write_tree(tmp_path / "bad", {"en/a/one.md": "---\ncolour: red\n---\nText.\n"}))
    refused(empty("publish"), 1, "the live revision is unchanged")
    assert printed(empty("publish", "--json"), code=1)["errors"]
    assert [row["revision"] for row in printed(empty("revisions", "--json"))] == [live]


@pytest.mark.parametrize(
    "arguments", [["rollback", "ffff"], ["diff", "ffff", "live"], ["rollback", "%"], ["diff", "live", "live"]]
)
def test_a_revision_that_is_not_there_is_a_2(empty: CommandLine, arguments: list[str]) -> None:
    refused(empty(*arguments), 2, "callboard")


def test_a_ticket_is_listed_shown_answered_solved_and_closed(empty: CommandLine, engine: Engine, ticket: str) -> None:
    [listed] = printed(empty("tickets", "list", "--json"))
    assert set(listed) == TICKET
    assert (str(listed["number"]), listed["status"], listed["queue"]) == (ticket, "new", "payouts")
    shown = printed(empty("tickets", "show", f"#{ticket}", "--json"))
    assert set(shown) == TICKET
    assert [row["text"] for row in shown["evidence"]["transcript"]] == ["where is my money"]
    assert shown["evidence"]["procedure"]

    answered = printed(empty("tickets", "reply", ticket, "On its way.", "--as", "sam", "--json"))
    assert (answered["status"], answered["assignee"]) == ("pending", "sam")
    with engine.connect() as conn:
        assert [(m.role, m.text) for m in read_messages(conn, "cnv_a")][1:] == [("agent", "On its way.")]
    assert printed(empty("tickets", "solve", ticket, "--json"))["status"] == "solved"
    assert printed(empty("tickets", "list", "--status", "new", "--json")) == []
    assert printed(empty("tickets", "close", ticket, "--json"))["status"] == "closed"
    history = printed(empty("tickets", "show", ticket, "--json"))["evidence"]["history"]
    assert [row["after"] for row in history] == ["new", "pending", "solved", "closed"]


def test_tickets_are_printed_for_people_too(empty: CommandLine, ticket: str) -> None:
    assert f"#{ticket}" in empty("tickets", "list").out
    shown = empty("tickets", "show", ticket).out
    assert "creator: where is my money" in shown
    assert "first reply due" in shown
    for command, state in (("take", "open"), ("hold", "on_hold"), ("hand-back", "new"), ("solve", "solved")):
        assert empty("tickets", command, ticket).out.strip() == f"#{ticket} is {state}"


def test_a_move_that_the_state_does_not_allow_is_a_1(empty: CommandLine, ticket: str) -> None:
    refused(empty("tickets", "close", ticket), 1, "a ticket that is new cannot be closed; it has to be solved")
    assert printed(empty("tickets", "show", ticket, "--json"))["status"] == "new"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "999"], "there is no ticket '999'"),
        (["solve", "tkt_nothing"], "there is no ticket"),
        (["reply", "999", "hello"], "there is no ticket"),
        (["list", "--status", "lost"], "new, open, pending, on_hold, solved, closed"),
    ],
)
@pytest.mark.usefixtures("ticket")
def test_a_ticket_or_state_that_is_not_there_is_a_2(empty: CommandLine, arguments: list[str], said: str) -> None:
    refused(empty("tickets", *arguments), 2, said)


def test_an_answer_without_words_is_a_2(empty: CommandLine, ticket: str) -> None:
    refused(empty("tickets", "reply", ticket, "  "), 2, "needs some text")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rate_limit", "many"),
        ("widget_origins", "example.com"),
        ("articles_dir", "/no/such/folder"),
        ("database_url", "nonsense"),
        ("data_dir", "/dev/null/var"),
    ],
)
def test_a_wrong_setting_is_a_2_that_names_it(empty: CommandLine, name: str, value: str) -> None:
    empty.set(**{name: value})
    refused(empty("revisions"), 2, f"CALLBOARD_{name.upper()}")


def test_a_database_that_cannot_be_reached_is_a_3(empty: CommandLine) -> None:
    try:
        import psycopg
    except ImportError:
        psycopg = None  # type: ignore[assignment]
    need(psycopg, "the package psycopg")
    url = "postgresql+psycopg://user:hush@127.0.0.1:1/nothing"
    assert make_url(url).password == "hush"
    empty.set(database_url=url)
    ran = empty("revisions")
    refused(ran, 3, "CALLBOARD_DATABASE_URL")
    assert "hush" not in ran.err
    assert empty("doctor").code == 3


@pytest.mark.parametrize(
    ("llm", "says"),
    [("ollama:llama3", "callboard[ollama]"), ("nobody:model", "nobody"), ("openai:stand-in", "OPENAI_API_KEY")],
)
def test_a_language_model_that_cannot_be_used_is_said_at_the_start(
    callboard: CommandLine, monkeypatch: pytest.MonkeyPatch, llm: str, says: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setitem(sys.modules, "langchain_ollama", None)
    callboard.set(llm=llm)
    ran = callboard("ask", "how often can i change my username")
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert "CALLBOARD_LLM: " in ran.err
    assert says in ran.err
    assert "for example openai:" in ran.err
    doctor = callboard("doctor")
    assert doctor.code == 3
    (row,) = [line for line in doctor.out.splitlines() if line.startswith("BAD")]
    assert says in row


def test_a_language_model_words_what_the_command_line_asks(
    callboard: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with standing_in(monkeypatch) as model:
        callboard.set(llm="openai:stand-in")
        reply = printed(callboard("ask", "how often can i change my username", "--json"))
        assert (reply["kind"], reply["engine"]) == ("answer", "openai:stand-in")
        assert set(reply) == REPLY
        model.behaviour = writes("OK")
        assert "openai:stand-in answers; prompts " in callboard("doctor").out
        model.behaviour = fails(401)
        ran = callboard("doctor")
        assert ran.code == 3
        assert "does not answer: HTTP 401" in ran.out


def test_suites_are_asked_without_the_language_model_unless_it_is_wanted(
    callboard: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with standing_in(monkeypatch) as model:
        assert callboard("eval", "run", "creators", "--llm", "--limit", "1").code == 2
        callboard.set(llm="openai:stand-in")
        for name, flags in (("without", []), ("with", ["--llm"])):
            ran = callboard("eval", "run", "creators", "--limit", "4", "-o", str(tmp_path / name), *flags)
            assert ran.code == 0, ran.err
            settings = json.loads((tmp_path / name / "run.json").read_text())["settings"]
            assert bool(model.prompts) is bool(flags)
            assert settings["llm"] == ("openai:stand-in" if flags else "")
            assert bool(settings["prompts"]) is bool(flags)


def test_the_doctor_lists_every_setting_and_hides_the_secret(empty: CommandLine) -> None:
    empty.set(secret="hush")
    ran = empty("doctor", "--json")
    rows = printed(ran)
    assert {row["what"] for row in rows} >= {f"CALLBOARD_{name.upper()}" for name in Settings.model_fields}
    assert "hush" not in ran.out
