"""`chamberlain audit`: lists, verifies and exports the audit log, by calls to a server."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, BinaryIO

import click
from chamberlain.v1 import audit_service_pb2 as pb
from chamberlain.v1.audit_service_pb2_grpc import AuditServiceStub
from google.protobuf.timestamp_pb2 import Timestamp

from server.cli_calls import Server, asks_a_server
from server.cli_output import add_row, plain, print_json, print_table, table_of, time_text, with_json

PAGE_SIZE = 200
_KIND_PREFIX = "AUDIT_FAULT_KIND_"


@click.group(short_help="List, verify and export the audit log.")
def audit() -> None:
    """List the audit log (who did what, with what result), verify that it was not changed, and export it."""


def _with_filter(command: Callable[..., None]) -> Callable[..., None]:
    """The options that become an `AuditFilter`."""
    for option in (
        click.option("--until", type=click.DateTime(), help="Only entries before this time (UTC)."),
        click.option("--since", type=click.DateTime(), help="Only entries since this time (UTC)."),
        click.option("--trace", "trace_id", default="", help="Only entries of this trace."),
        click.option(
            "--target", "target_id", default="", metavar="ID", help="Only entries with this target."
        ),
        click.option("--type", "target_type", default="", help="Only entries with this type of target."),
        click.option("--method", default="", metavar="SERVICE/METHOD", help="Only entries of this method."),
        click.option("--actor", default="", help="Only entries of this actor."),
    ):
        command = option(command)
    return command


def _filter(since: datetime | None, until: datetime | None, **fields: str) -> pb.AuditFilter:
    return pb.AuditFilter(begin_time=_timestamp(since), end_time=_timestamp(until), **fields)


def _timestamp(time: datetime | None) -> Timestamp | None:
    if time is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(time)
    return timestamp


@audit.command("list")
@_with_filter
@click.option("--oldest-first", is_flag=True, help="Start with the oldest entry.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1), help="How many.")
@with_json
@asks_a_server
def list_entries(server: Server, /, oldest_first: bool, limit: int, as_json: bool, **wanted: Any) -> None:
    """List entries, newest first."""
    request = pb.ListAuditRequest(filter=_filter(**wanted), oldest_first=oldest_first)
    method = server.stub(AuditServiceStub).ListAudit
    pages = server.pages(method, request, "entries", page_size=PAGE_SIZE, limit=limit)
    found = [entry for page in pages for entry in page.entries]
    if as_json:
        print_json([plain(entry) for entry in found])
        return
    table = table_of("entry", "time", "actor", "method", "result", "target", "id", "subject", "counts")
    for entry in found:
        counts = " ".join(f"{name}={count}" for name, count in sorted(entry.counts.items()))
        add_row(
            table,
            entry.number,
            time_text(entry.time),
            entry.actor,
            entry.method,
            entry.result,
            entry.target_type,
            entry.target_id,
            entry.subject,
            counts,
        )
    print_table(table)


@audit.command()
@click.option("--anchor-number", default=0, type=click.IntRange(min=0), help="An entry recorded earlier.")
@click.option("--anchor-hash", default="", metavar="HEX", help="The hash it had then.")
@with_json
@asks_a_server
def verify(server: Server, anchor_number: int, anchor_hash: str, as_json: bool) -> None:
    """Walk the chain and report the first broken link.

    Exits with 1 if there is one, or if the anchor cannot be checked because its entry is pruned.
    """
    request = pb.VerifyAuditRequest(anchor_number=anchor_number, anchor_hash=anchor_hash)
    *_, last = server.follow(server.stub(AuditServiceStub).VerifyAudit, request)
    unchecked = anchor_number > 0 and not last.HasField("fault") and not last.anchor_checked
    if as_json:
        print_json(plain(last))
    elif last.HasField("fault"):
        kind = pb.AuditFaultKind.Name(last.fault.kind).removeprefix(_KIND_PREFIX).lower()
        click.echo(f"broken at entry {last.fault.number} ({kind}): {last.fault.description}")
    elif unchecked:
        click.echo(
            f"the anchor was not checked: entry {anchor_number} is pruned, the log begins with entry"
            f" {last.first_number}. No link is broken from there to entry {last.verified_number}, but nothing"
            " shows that this is the log that the anchor belongs to."
        )
    else:
        count = last.verified_number - last.first_number + 1
        click.echo(f"{count} entries up to number {last.verified_number} are as they were written")
        click.echo(f"entry {last.head_number} has hash {last.head_hash}")
    if last.HasField("fault") or unchecked:
        raise SystemExit(1)


@audit.command()
@_with_filter
@click.option("--after", "after_number", default=0, type=click.IntRange(min=0), help="Only later entries.")
@click.option(
    "--output", type=click.File("wb"), default="-", help="Write to this file instead of standard output."
)
@asks_a_server
def export(server: Server, /, after_number: int, output: BinaryIO, **wanted: Any) -> None:
    """Write entries as NDJSON, oldest first, with their hashes: one per line."""
    request = pb.ExportAuditRequest(filter=_filter(**wanted), after_number=after_number)
    for chunk in server.follow(server.stub(AuditServiceStub).ExportAudit, request):
        output.write(chunk.ndjson)
