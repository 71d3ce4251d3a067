"""`chamberlain chain`: replays the chain, through the server that owns the database."""

import sys
from collections.abc import Iterable
from typing import Any

import click
from chamberlain.v1 import chain_service_pb2 as pb
from chamberlain.v1.chain_service_pb2_grpc import ChainServiceStub
from chamberlain.v1.error_reason_pb2 import ErrorReason

from server.cli_calls import Refused, Server, asks_a_server

NOTHING_TO_REPLAY = ErrorReason.Name(ErrorReason.ERROR_REASON_NOTHING_TO_REPLAY).removeprefix("ERROR_REASON_")


@click.group(short_help="Re-decode or replay blocks of the chain.")
def chain() -> None:
    """Re-decode or replay blocks of the chain that were already read.

    The server does it, since a SQLite file has one owner and only one process reads the chain. It must be
    running: start it with `chamberlain serve`.
    """


@chain.command(short_help="Re-decode events that could not be decoded or applied.")
@asks_a_server
def redecode(server: Server) -> None:
    """Re-decode events that could not be decoded or applied, and everything after them.

    If all events are decoded and applied, there is nothing to do.
    """
    method = server.stub(ChainServiceStub).RedecodeChainEvents
    try:
        _show_all(server.follow(method, pb.RedecodeChainEventsRequest()))
    except Refused as refusal:
        if refusal.reason != NOTHING_TO_REPLAY:
            raise
        click.echo("nothing to do: all events are decoded and applied")


@chain.command(short_help="Rebuild the state owned by the chain, from a block on.")
@click.option(
    "--from", "first_block", type=click.IntRange(0, 2**32 - 1), required=True, help="The first block."
)
@asks_a_server
def replay(server: Server, first_block: int) -> None:
    """Rebuild the state owned by the chain, from a block on. State that was already right does not change."""
    request = pb.ReplayChainRequest(first_block=first_block)
    _show_all(server.follow(server.stub(ChainServiceStub).ReplayChain, request))


def _show_all(messages: Iterable[Any]) -> None:
    """Show the progress of a replay until it is over. Exits with 1 if it fails."""
    progress = pb.ChainReplay()
    for message in messages:
        progress = message.replay
        _show(progress)
    if progress.error:
        raise click.ClickException(progress.error)
    click.echo(f"blocks {progress.first_block} to {progress.last_block} were replayed")


def _show(progress: pb.ChainReplay) -> None:
    if sys.stderr.isatty() and not progress.done:
        blocks = progress.last_block - progress.first_block + 1
        done = progress.next_block - progress.first_block
        click.echo(f"\r{done:,} of {blocks:,} blocks ", nl=False, err=True)
