"""`callboard tickets …`: works straight on SQL, beside a running server too."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from sqlalchemy import Connection

from app.output import fail, print_json
from app.packet import print_packet
from app.settings import read_settings
from app.wire import make_desk, make_engine
from handoff import desk as tickets
from handoff.evidence import evidence_packet
from handoff.ticket import STATUSES, Event, Ticket, WrongMove
from kb.sql import writing

cli = typer.Typer(no_args_is_help=True, help="List, read, answer and solve tickets.")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Actor = Annotated[str, typer.Option("--as", help="Who is doing it.")]


@cli.command("list")
def list_tickets(
    limit: Annotated[int, typer.Option(min=1, max=tickets.MAX_LIST)] = 50,
    status: Annotated[str | None, typer.Option(help="Only tickets in this state.")] = None,
    as_json: Json = False,
) -> None:
    """List tickets, newest first."""
    if status and status not in STATUSES:
        fail(f"{status!r} is no state of a ticket; they are {', '.join(STATUSES)}", 2)
    with make_engine(read_settings()).connect() as conn:
        rows = tickets.list_tickets(conn, limit, status)
    if as_json:
        print_json([tickets.ticket_json(t) for t in rows])
        return
    for t in rows:
        flag = f" {t.safety['category']}/{t.safety['severity']}" if t.safety else ""
        print(f"#{t.number:<5} {t.status:8} {t.priority:7} {t.queue:17} {t.language}  {t.reason}{flag}")
    if not rows:
        print("no tickets")


@cli.command()
def show(ticket: str, as_json: Json = False) -> None:
    """Show a ticket with its evidence packet."""
    desk = make_desk()
    with make_engine(read_settings()).connect() as conn:
        found = _found(conn, ticket)
        packet = evidence_packet(conn, desk, found)
    if as_json:
        print_json(tickets.ticket_json(found) | {"evidence": packet})
        return
    print_packet(found, packet)


@cli.command()
def reply(ticket: str, text: str, actor: Actor = "", as_json: Json = False) -> None:
    """Answer the creator; the ticket then waits for them."""
    if not text.strip():
        fail("an answer needs some text", 2)
    with _moving(ticket) as (conn, found):
        moved, _ = tickets.agent_reply(conn, make_desk(), found, actor or getpass.getuser(), text)
    _print(moved, as_json)


@cli.command()
def take(ticket: str, actor: Actor = "", as_json: Json = False) -> None:
    """Take a ticket: the bot keeps silent in its conversation."""
    _move(ticket, Event("take", actor or getpass.getuser()), as_json)


@cli.command()
def hold(ticket: str, actor: Actor = "", as_json: Json = False) -> None:
    """Put a ticket on hold."""
    _move(ticket, Event("hold", actor or getpass.getuser()), as_json)


@cli.command("hand-back")
def hand_back(ticket: str, actor: Actor = "", as_json: Json = False) -> None:
    """Give the conversation back to the bot."""
    _move(ticket, Event("hand_back", actor or getpass.getuser()), as_json)


@cli.command()
def solve(ticket: str, actor: Actor = "", as_json: Json = False) -> None:
    """Mark a ticket as solved."""
    _move(ticket, Event("solve", actor or getpass.getuser()), as_json)


@cli.command()
def close(ticket: str, actor: Actor = "", as_json: Json = False) -> None:
    """Close a solved ticket for good."""
    _move(ticket, Event("close", actor or getpass.getuser()), as_json)


def _move(ticket: str, event: Event, as_json: bool) -> None:
    with _moving(ticket) as (conn, found):
        moved = tickets.move_ticket(conn, make_desk(), found, event)
    _print(moved, as_json)


def _print(ticket: Ticket, as_json: bool) -> None:
    if as_json:
        print_json(tickets.ticket_json(ticket))
    else:
        print(f"#{ticket.number} is {ticket.status}")


@contextmanager
def _moving(ticket: str) -> Iterator[tuple[Connection, Ticket]]:
    try:
        with writing(make_engine(read_settings())) as conn:
            yield conn, _found(conn, ticket)
    except WrongMove as error:
        fail(str(error), 1)


def _found(conn: Connection, ticket: str) -> Ticket:
    found = tickets.find_ticket(conn, ticket)
    if found is None:
        fail(f"there is no ticket {ticket!r}; `callboard tickets list` shows them", 2)
    return found
