"""`chamberlain chain`: reading the chain anew, through the server that owns the database."""

import sys
from collections.abc import Iterable
from typing import Any

import click
import grpc
from chamberlain.v1 import chain_service_pb2 as pb
from chamberlain.v1.chain_service_pb2_grpc import ChainServiceStub

from server.cli_options import address_option, refusal


@click.group()
def chain() -> None:
    """Decode or reflect anew what was read of the chain.

    The server does it, since a SQLite file has one owner, and since one process reads the chain. It must be
    running: start it with `chamberlain serve`.
    """


@chain.command(short_help="Decode anew what could not be decoded or reflected.")
@address_option
def redecode(address: str) -> None:
    """Decode anew what could not be decoded or reflected, and all that was built on it."""
    with grpc.insecure_channel(address) as channel:
        _follow(address, ChainServiceStub(channel).RedecodeChainEvents(pb.RedecodeChainEventsRequest()))


@chain.command(short_help="Rebuild what the chain owns from a block on.")
@click.option(
    "--from", "first_block", type=click.IntRange(0, 2**32 - 1), required=True, help="The first block."
)
@address_option
def replay(first_block: int, address: str) -> None:
    """Rebuild what the chain owns from a block on; what was right stays as it is."""
    with grpc.insecure_channel(address) as channel:
        request = pb.ReplayChainRequest(first_block=first_block)
        _follow(address, ChainServiceStub(channel).ReplayChain(request))


def _follow(address: str, messages: Iterable[Any]) -> None:
    """Show how far a replay is until it is over. Exits with 1 if it fails."""
    progress = pb.ChainReplay()
    try:
        for message in messages:
            progress = message.replay
            _show(progress)
    except grpc.RpcError as error:
        raise refusal(error, address) from None
    if progress.error:
        raise click.ClickException(progress.error)
    click.echo(f"blocks {progress.first_block} to {progress.last_block} are replayed")


def _show(progress: pb.ChainReplay) -> None:
    if sys.stderr.isatty() and not progress.done:
        blocks = progress.last_block - progress.first_block + 1
        done = progress.next_block - progress.first_block
        click.echo(f"\r{done:,} of {blocks:,} blocks ", nl=False, err=True)
