"""`chamberlain sessions`: shows sessions and sweeps old ones, by calls to a server."""

import json
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import click
from chamberlain.v1 import session_service_pb2 as pb
from chamberlain.v1 import transcript_service_pb2 as transcript_pb
from chamberlain.v1.session_pb2 import Session, SessionCommand, SessionStatus
from chamberlain.v1.session_service_pb2_grpc import SessionServiceStub
from chamberlain.v1.transcript_pb2 import EntryRole, TranscriptEntry
from chamberlain.v1.transcript_service_pb2_grpc import TranscriptServiceStub
from google.protobuf.message import Message
from rich.table import Table

from server.cli_calls import Server, asks_a_server
from server.cli_output import add_row, plain, print_json, print_table, table_of, time_text, with_json

PAGE_SIZE = 100
ENTRIES_PER_PAGE = 200
CONTENT_SHOWN_CHARS = 200
_PREFIX = "SESSION_STATUS_"
_STATUSES = [name.removeprefix(_PREFIX).lower() for name in SessionStatus.keys()[1:]]


@click.group(short_help="List, show, export and sweep sessions.")
def sessions() -> None:
    """Inspect sessions: list, show and export them, and run or preview the sweep."""


@sessions.command("list")
@click.option("--status", type=click.Choice(_STATUSES), help="Only sessions in this state.")
@click.option("--role", default="", help="Only sessions of this role.")
@click.option("--task", default="", metavar="ID", help="Only sessions about this task.")
@click.option("--metadata-key", default="", metavar="KEY", help="Only sessions whose metadata has this key.")
@click.option("--open", "open_only", is_flag=True, help="Only sessions that have not ended.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1), help="How many.")
@with_json
@asks_a_server
def list_sessions(
    server: Server,
    status: str | None,
    role: str,
    task: str,
    metadata_key: str,
    open_only: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List sessions, newest first."""
    request = pb.ListSessionsRequest(
        status=_PREFIX + (status or "unspecified").upper(),
        role=role,
        task_id=task,
        metadata_key=metadata_key,
        open_only=open_only,
    )
    method = server.stub(SessionServiceStub).ListSessions
    pages = server.pages(method, request, "sessions", page_size=PAGE_SIZE, limit=limit)
    found = [session for page in pages for session in page.sessions]
    if as_json:
        print_json([plain(session) for session in found])
        return
    table = table_of("session", "role", "status", "task", "entries", "revision", "last activity")
    for session in found:
        add_row(
            table,
            session.session_id,
            session.role,
            _status(session),
            session.task_id,
            session.entry_count,
            session.revision,
            time_text(session.last_activity_time),
        )
    print_table(table)


@sessions.command()
@click.argument("session_id")
@click.option(
    "--entries",
    default=10,
    show_default=True,
    type=click.IntRange(1, 200),
    help="How many of the last entries to show.",
)
@with_json
@asks_a_server
def show(server: Server, session_id: str, entries: int, as_json: bool) -> None:
    """Show a session: its state, and the end of its transcript and of its command history."""
    request = pb.ResumeSessionRequest(session_id=session_id, entries_max=entries, commands_max=entries)
    resumed = server.ask(server.stub(SessionServiceStub).ResumeSession, request)
    if as_json:
        print_json(plain(resumed))
        return
    session = resumed.session
    table = table_of("", "")
    for name, value in (
        ("session", session.session_id),
        ("role", session.role),
        ("status", _status(session)),
        ("reason", session.status_reason),
        ("task", session.task_id),
        ("active tasks", " ".join(session.active_task_ids)),
        ("metadata", json.dumps(plain(session)["metadata"], ensure_ascii=False, sort_keys=True)),
        ("made from", _source(session)),
        ("entries", session.entry_count),
        ("commands", session.command_count),
        ("revision", session.revision),
        ("created", time_text(session.create_time)),
        ("last activity", time_text(session.last_activity_time)),
        ("ended", time_text(session.end_time) if session.HasField("end_time") else ""),
    ):
        add_row(table, name, value)
    print_table(table)
    if resumed.entries:
        print_table(_entries(resumed.entries))
    if resumed.commands:
        print_table(_commands(resumed.commands))


def _source(session: Session) -> str:
    if not session.source_session_id:
        return ""
    return f"{session.source_session_id}, up to entry {session.source_position}"


def _entries(entries: Sequence[TranscriptEntry]) -> Table:
    table = table_of("entry", "time", "role", "content")
    for entry in entries:
        content = entry.content
        if len(content) > CONTENT_SHOWN_CHARS:
            content = f"{content[:CONTENT_SHOWN_CHARS]}…"
        role = EntryRole.Name(entry.role).removeprefix("ENTRY_ROLE_").lower()
        add_row(table, entry.position, time_text(entry.create_time), role, content)
    return table


def _commands(commands: Sequence[SessionCommand]) -> Table:
    table = table_of("command", "time", "text")
    for command in commands:
        add_row(table, command.number, time_text(command.create_time), command.command)
    return table


@sessions.command()
@click.argument("session_id")
@click.option(
    "--output", type=click.File("wb"), default="-", help="Write to this file instead of standard output."
)
@asks_a_server
def export(server: Server, session_id: str, output: BinaryIO) -> None:
    """Write a whole session as NDJSON in UTF-8: the session, its commands, its entries, one per line."""
    request = pb.GetSessionRequest(session_id=session_id)
    found = server.ask(server.stub(SessionServiceStub).GetSession, request)
    everything = (
        ("session", iter([found.session])),
        ("command", _all_commands(server, session_id)),
        ("entry", _all_entries(server, session_id)),
    )
    for kind, messages in everything:
        for message in messages:
            output.write(json.dumps({kind: plain(message)}, ensure_ascii=False).encode() + b"\n")


def _all_commands(server: Server, session_id: str) -> Iterator[Message]:
    request = pb.ListCommandsRequest(session_id=session_id)
    method = server.stub(SessionServiceStub).ListCommands
    for page in server.pages(method, request, "commands", page_size=ENTRIES_PER_PAGE):
        yield from page.commands


def _all_entries(server: Server, session_id: str) -> Iterator[Message]:
    request = transcript_pb.ListTranscriptRequest(session_id=session_id)
    method = server.stub(TranscriptServiceStub).ListTranscript
    for page in server.pages(method, request, "entries", page_size=ENTRIES_PER_PAGE):
        yield from page.entries


@sessions.command()
@click.option("--dry-run", is_flag=True, help="Change nothing; show the first batch that is due.")
@with_json
@asks_a_server
def sweep(server: Server, dry_run: bool, as_json: bool) -> None:
    """Expire idle sessions and delete long-expired ones.

    The server does this by itself every minute.
    """
    request = pb.SweepSessionsRequest(dry_run=dry_run)
    method = server.stub(SessionServiceStub).SweepSessions
    swept = server.ask(method, request)
    while swept.more and not dry_run:
        batch = server.ask(method, request)
        swept.expired_session_ids.extend(batch.expired_session_ids)
        swept.deleted_session_ids.extend(batch.deleted_session_ids)
        swept.more = batch.more
    if as_json:
        print_json(plain(swept))
        return
    if not swept.expired_session_ids and not swept.deleted_session_ids:
        click.echo("nothing is due")
        return
    table = table_of("session", "would be" if dry_run else "is")
    for session_id in swept.expired_session_ids:
        add_row(table, session_id, "expired")
    for session_id in swept.deleted_session_ids:
        add_row(table, session_id, "deleted")
    print_table(table)
    if swept.more:
        click.echo("… and possibly more")


def _status(session: Session) -> str:
    return SessionStatus.Name(session.status).removeprefix(_PREFIX).lower()
