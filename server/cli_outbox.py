"""`chamberlain outbox`: manages the extrinsics for the chain, by calls to a server."""

from collections.abc import Iterable

import click
from chamberlain.v1 import outbox_service_pb2 as pb
from chamberlain.v1.extrinsic_pb2 import Extrinsic, ExtrinsicStatus, SubmissionPause
from chamberlain.v1.outbox_service_pb2_grpc import OutboxServiceStub

from server.cli_calls import Server, asks_a_server
from server.cli_output import add_row, plain, print_json, print_table, printable, table_of, with_json

PAGE_SIZE = 200
HEADINGS = ("extrinsic", "status", "call", "signer", "attempts", "last error")
_PREFIX = "EXTRINSIC_STATUS_"
_STATUSES = [name.removeprefix(_PREFIX).lower() for name in ExtrinsicStatus.keys()[1:]]


@click.group(short_help="List, requeue and cancel extrinsics; pause and resume submission.")
def outbox() -> None:
    """Manage the outbox: list, cancel and requeue extrinsics, pause and resume their submission."""


@outbox.command()
@click.option("--signer", default="", metavar="NAME", help="Pause only this signer; all if not given.")
@click.option("--reason", default="", metavar="TEXT", help="Why; shown with the pause.")
@asks_a_server
def pause(server: Server, signer: str, reason: str) -> None:
    """Stop signing and sending, until `resume`. Extrinsics that a node already has may still be executed."""
    request = pb.PauseSubmissionRequest(signer=signer, reason=reason)
    answer = server.ask(server.stub(OutboxServiceStub).PauseSubmission, request)
    _show_pauses(answer.pauses)
    if answer.unknown_signer:
        click.echo(f"note: nothing is queued for {signer!r}, and the server has no key for it", err=True)


@outbox.command()
@click.option(
    "--signer",
    default="",
    metavar="NAME",
    help="End the pause of this signer; the pause of all if not given.",
)
@asks_a_server
def resume(server: Server, signer: str) -> None:
    """Resume signing and sending. A signer with its own pause stays paused when the pause of all ends."""
    request = pb.ResumeSubmissionRequest(signer=signer)
    _show_pauses(server.ask(server.stub(OutboxServiceStub).ResumeSubmission, request).pauses)


@outbox.command("list")
@click.option("--status", type=click.Choice(_STATUSES), help="Only extrinsics in this state.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1), help="How many.")
@with_json
@asks_a_server
def list_extrinsics(server: Server, status: str | None, limit: int, as_json: bool) -> None:
    """List extrinsics, newest first, and the pauses in effect (for JSON, see `status --json`)."""
    wanted = _PREFIX + (status or "unspecified").upper()
    request = pb.ListExtrinsicsRequest(status=wanted, include_total_size=True)
    stub = server.stub(OutboxServiceStub)
    pages = list(server.pages(stub.ListExtrinsics, request, "extrinsics", page_size=PAGE_SIZE, limit=limit))
    found = [extrinsic for page in pages for extrinsic in page.extrinsics]
    if as_json:
        print_json([plain(extrinsic) for extrinsic in found])
        return
    _show(found, *HEADINGS)
    if pages[-1].total_size > len(found):
        click.echo(f"{len(found)} of {pages[-1].total_size}")
    _show_pauses(server.ask(stub.GetSubmission, pb.GetSubmissionRequest()).pauses)


@outbox.command()
@click.argument("correlation_ids", nargs=-1, required=True, metavar="CORRELATION_ID...")
@asks_a_server
def requeue(server: Server, correlation_ids: tuple[str, ...]) -> None:
    """Requeue extrinsics that are dead or cancelled."""
    for correlation_id in correlation_ids:
        request = pb.RequeueExtrinsicRequest(correlation_id=correlation_id)
        _show([server.ask(server.stub(OutboxServiceStub).RequeueExtrinsic, request).extrinsic])


@outbox.command()
@click.argument("correlation_ids", nargs=-1, required=True, metavar="CORRELATION_ID...")
@asks_a_server
def cancel(server: Server, correlation_ids: tuple[str, ...]) -> None:
    """Withdraw extrinsics, unless they were executed or a signature may still be executed."""
    for correlation_id in correlation_ids:
        request = pb.CancelExtrinsicRequest(correlation_id=correlation_id)
        _show([server.ask(server.stub(OutboxServiceStub).CancelExtrinsic, request).extrinsic])


def _show(extrinsics: Iterable[Extrinsic], *headings: str) -> None:
    table = table_of(*(headings or [""] * len(HEADINGS)))
    for extrinsic in extrinsics:
        add_row(
            table,
            extrinsic.correlation_id,
            ExtrinsicStatus.Name(extrinsic.status).removeprefix(_PREFIX).lower(),
            f"{extrinsic.pallet}.{extrinsic.call}",
            extrinsic.signer or "(default)",
            extrinsic.attempt_count,
            extrinsic.last_error,
        )
    print_table(table)


def _show_pauses(pauses: Iterable[SubmissionPause]) -> None:
    shown = [
        f"paused: {pause.signer or 'all signers'}" + (f": {pause.reason}" if pause.reason else "")
        for pause in pauses
    ]
    click.echo("\n".join(map(printable, shown)) or "nothing is paused")
