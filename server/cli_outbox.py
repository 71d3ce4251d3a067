"""`chamberlain outbox`: looks after what is sent to the chain, by calls to a server."""

import functools
from collections.abc import Callable, Iterable
from typing import Any

import click
import grpc
from chamberlain.v1 import outbox_service_pb2 as pb
from chamberlain.v1.extrinsic_pb2 import Extrinsic, ExtrinsicStatus, SubmissionPause
from chamberlain.v1.outbox_service_pb2_grpc import OutboxServiceStub

from server.cli_options import address_option, refusal

CALL_SECONDS = 30.0
PAGE_SIZE = 200
_PREFIX = "EXTRINSIC_STATUS_"
_STATUSES = [name.removeprefix(_PREFIX).lower() for name in ExtrinsicStatus.keys()[1:]]


class Server:
    """The outbox of a server."""

    def __init__(self, address: str, channel: grpc.Channel) -> None:
        self._address = address
        self.stub: Any = OutboxServiceStub(channel)

    def ask(self, method: Callable[..., Any], request: object) -> Any:
        """Call the server; what it refuses ends the command with its words."""
        try:
            return method(request, timeout=CALL_SECONDS)
        except grpc.RpcError as error:
            raise refusal(error, self._address) from None


def asks_a_server(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--address`, and the server there as its first argument."""

    @address_option
    @functools.wraps(command)
    def connected(address: str, **given: Any) -> None:
        with grpc.insecure_channel(address) as channel:
            command(Server(address, channel), **given)

    return connected


@click.group(short_help="List, requeue and cancel extrinsics; pause and resume sending.")
def outbox() -> None:
    """Look after the outbox: list, cancel and requeue extrinsics, pause and resume their submission."""


@outbox.command()
@click.option("--signer", default="", metavar="NAME", help="Only what this one signs; all if not given.")
@click.option("--reason", default="", metavar="TEXT", help="Why, for those who will wonder.")
@asks_a_server
def pause(server: Server, signer: str, reason: str) -> None:
    """Sign and send nothing any more, until `resume`. What a node has already may still be executed."""
    request = pb.PauseSubmissionRequest(signer=signer, reason=reason)
    _show_pauses(server.ask(server.stub.PauseSubmission, request).pauses)


@outbox.command()
@click.option(
    "--signer", default="", metavar="NAME", help="End the pause of this one; that of all if not given."
)
@asks_a_server
def resume(server: Server, signer: str) -> None:
    """Sign and send again. A signer with a pause of its own stays paused when that of all ends."""
    _show_pauses(server.ask(server.stub.ResumeSubmission, pb.ResumeSubmissionRequest(signer=signer)).pauses)


@outbox.command("list")
@click.option("--status", type=click.Choice(_STATUSES), help="Only extrinsics in this state.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, PAGE_SIZE), help="How many.")
@asks_a_server
def list_extrinsics(server: Server, status: str | None, limit: int) -> None:
    """List extrinsics, newest first, and the pauses that stand."""
    wanted = _PREFIX + (status or "unspecified").upper()
    request = pb.ListExtrinsicsRequest(status=wanted, page_size=limit, include_total_size=True)
    listed = server.ask(server.stub.ListExtrinsics, request)
    for extrinsic in listed.extrinsics:
        click.echo(_line(extrinsic))
    if listed.total_size > len(listed.extrinsics):
        click.echo(f"{len(listed.extrinsics)} of {listed.total_size}")
    _show_pauses(server.ask(server.stub.GetSubmission, pb.GetSubmissionRequest()).pauses)


@outbox.command()
@click.argument("correlation_ids", nargs=-1, required=True, metavar="CORRELATION_ID...")
@asks_a_server
def requeue(server: Server, correlation_ids: tuple[str, ...]) -> None:
    """Queue extrinsics again that are dead or cancelled."""
    for correlation_id in correlation_ids:
        request = pb.RequeueExtrinsicRequest(correlation_id=correlation_id)
        click.echo(_line(server.ask(server.stub.RequeueExtrinsic, request).extrinsic))


@outbox.command()
@click.argument("correlation_ids", nargs=-1, required=True, metavar="CORRELATION_ID...")
@asks_a_server
def cancel(server: Server, correlation_ids: tuple[str, ...]) -> None:
    """Withdraw extrinsics, unless they were executed or a signature may still be."""
    for correlation_id in correlation_ids:
        request = pb.CancelExtrinsicRequest(correlation_id=correlation_id)
        click.echo(_line(server.ask(server.stub.CancelExtrinsic, request).extrinsic))


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
