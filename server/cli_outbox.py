"""`chamberlain outbox`: looks after what is sent to the chain, by calls to a server."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click
import grpc
from chamberlain.v1 import outbox_service_pb2 as pb
from chamberlain.v1.extrinsic_pb2 import Extrinsic, ExtrinsicStatus, SubmissionPause
from chamberlain.v1.outbox_service_pb2_grpc import OutboxServiceStub

from server.cli_options import address_option

CALL_SECONDS = 30.0
PAGE_SIZE = 200
_PREFIX = "EXTRINSIC_STATUS_"
_STATUSES = [name.removeprefix(_PREFIX).lower() for name in ExtrinsicStatus.keys()[1:]]

Answer = TypeVar("Answer")


@click.group()
@address_option
@click.pass_context
def outbox(context: click.Context, address: str) -> None:
    """Look after the outbox: list, cancel and requeue extrinsics, pause and resume their submission."""
    channel = context.with_resource(grpc.insecure_channel(address))
    context.obj = OutboxServiceStub(channel)


@outbox.command()
@click.option("--signer", default="", metavar="NAME", help="Only what this one signs; all if not given.")
@click.option("--reason", default="", metavar="TEXT", help="Why, for those who will wonder.")
@click.pass_obj
def pause(stub: Any, signer: str, reason: str) -> None:
    """Sign and send nothing any more, until `resume`. What a node has already may still be executed."""
    request = pb.PauseSubmissionRequest(signer=signer, reason=reason)
    _show_pauses(_ask(stub.PauseSubmission, request).pauses)


@outbox.command()
@click.option(
    "--signer", default="", metavar="NAME", help="End the pause of this one; that of all if not given."
)
@click.pass_obj
def resume(stub: Any, signer: str) -> None:
    """Sign and send again. A signer with a pause of its own stays paused when that of all ends."""
    _show_pauses(_ask(stub.ResumeSubmission, pb.ResumeSubmissionRequest(signer=signer)).pauses)


@outbox.command("list")
@click.option("--status", type=click.Choice(_STATUSES), help="Only extrinsics in this state.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, PAGE_SIZE), help="How many.")
@click.pass_obj
def list_extrinsics(stub: Any, status: str | None, limit: int) -> None:
    """List extrinsics, newest first, and the pauses that stand."""
    wanted = _PREFIX + (status or "unspecified").upper()
    request = pb.ListExtrinsicsRequest(status=wanted, page_size=limit, include_total_size=True)
    listed = _ask(stub.ListExtrinsics, request)
    for extrinsic in listed.extrinsics:
        click.echo(_line(extrinsic))
    if listed.total_size > len(listed.extrinsics):
        click.echo(f"{len(listed.extrinsics)} of {listed.total_size}")
    _show_pauses(_ask(stub.GetSubmission, pb.GetSubmissionRequest()).pauses)


@outbox.command()
@click.argument("correlation_ids", nargs=-1, required=True, metavar="CORRELATION_ID...")
@click.pass_obj
def requeue(stub: Any, correlation_ids: tuple[str, ...]) -> None:
    """Queue extrinsics again that are dead or cancelled."""
    for correlation_id in correlation_ids:
        request = pb.RequeueExtrinsicRequest(correlation_id=correlation_id)
        click.echo(_line(_ask(stub.RequeueExtrinsic, request).extrinsic))


@outbox.command()
@click.argument("correlation_ids", nargs=-1, required=True, metavar="CORRELATION_ID...")
@click.pass_obj
def cancel(stub: Any, correlation_ids: tuple[str, ...]) -> None:
    """Withdraw extrinsics that were not executed and have no signature that may still be."""
    for correlation_id in correlation_ids:
        request = pb.CancelExtrinsicRequest(correlation_id=correlation_id)
        click.echo(_line(_ask(stub.CancelExtrinsic, request).extrinsic))


def _ask(method: Callable[..., Answer], request: object) -> Answer:
    """Call the server; what it refuses ends the command with its words."""
    try:
        return method(request, timeout=CALL_SECONDS)
    except grpc.RpcError as error:
        code: Any = error
        raise click.ClickException(f"{code.details()} ({code.code().name})") from None


def _line(extrinsic: Extrinsic) -> str:
    status = ExtrinsicStatus.Name(extrinsic.status).removeprefix(_PREFIX).lower()
    call = f"{extrinsic.pallet}.{extrinsic.call}"
    signer = extrinsic.signer or "(default)"
    line = f"{extrinsic.correlation_id}  {status:<9}  {call}  {signer}  attempts {extrinsic.attempt_count}"
    return f"{line}  {extrinsic.last_error}" if extrinsic.last_error else line


def _show_pauses(pauses: Iterable[SubmissionPause]) -> None:
    shown = [
        f"paused: {pause.signer or 'all signers'}" + (f": {pause.reason}" if pause.reason else "")
        for pause in pauses
    ]
    click.echo("\n".join(shown) or "nothing is paused")
