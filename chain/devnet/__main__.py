"""`chamberlain devnet` and `python -m chain.devnet`: the development chain as a process of its own."""

import asyncio
import contextlib
import errno
import signal
from typing import Any

import click

from chain.devnet import DevChain, DevChainConfig, DevNode, Sealing
from chain.devnet.filling import FILL_BLOCKS_MAX, FILL_EXTRINSICS, FILL_EXTRINSICS_MAX
from chain.loopback import is_loopback

Address = tuple[str, int]


class CannotListen(click.ClickException):
    """An address cannot be listened on, or must not; ends the process as `chamberlain serve` ends for it."""

    exit_code = 2


class AddressType(click.ParamType[Address]):
    """HOST:PORT, an IPv6 host in brackets."""

    name = "host:port"

    def convert(
        self, value: str | Address, param: click.Parameter | None, ctx: click.Context | None
    ) -> Address:
        if isinstance(value, tuple):
            return value
        host, colon, port = value.rpartition(":")
        if not colon or not host or not port.isdecimal() or int(port) > 65535:
            self.fail(f"expected HOST:PORT, such as 127.0.0.1:9944, not {value!r}", param, ctx)
        return host.removeprefix("[").removesuffix("]"), int(port)


class PruningType(click.ParamType[int | None]):
    """`archive`, or how many blocks a node keeps behind the finalized one."""

    name = "archive|blocks"

    def convert(
        self, value: str | int | None, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        if value is None or isinstance(value, int):
            return value
        if value == "archive":
            return None
        if not value.isdecimal():
            self.fail(f"expected archive or a number of blocks, not {value!r}", param, ctx)
        return int(value)


@click.command(short_help="Run a development chain.", context_settings={"max_content_width": 110})
@click.option(
    "--listen",
    default="127.0.0.1:9944",
    show_default=True,
    type=AddressType(),
    help="Where to serve JSON-RPC over WebSocket. Port 0 picks a free port.",
)
@click.option(
    "--archive-listen",
    type=AddressType(),
    help="Also serve the same chain here, without pruning: an archive endpoint to fall back to.",
)
@click.option(
    "--insecure",
    is_flag=True,
    help="Listen on an address that other machines can reach: anyone there can control the chain.",
)
@click.option(
    "--pruning",
    default="archive",
    show_default=True,
    type=PruningType(),
    help="Keep states and bodies of this many blocks behind the finalized one; real nodes keep 256.",
)
@click.option(
    "--sealing",
    default=Sealing.INTERVAL.value,
    show_default=True,
    type=click.Choice([sealing.value for sealing in Sealing]),
    help="A block every block time, one per transaction, or only by dev_seal.",
)
@click.option("--block-time-ms", default=1000, show_default=True, help="Milliseconds from block to block.")
@click.option(
    "--finality-lag",
    "finality_lag_blocks",
    default=2,
    show_default=True,
    help="How many blocks must follow a block before it is final.",
)
@click.option(
    "--finality-step",
    "finality_step_blocks",
    default=1,
    show_default=True,
    help="Finalize this many blocks at once, so that finalized heads skip the others.",
)
@click.option(
    "--bidding-window",
    "bidding_window_blocks",
    default=300,
    show_default=True,
    help="For how many blocks a task accepts bids.",
)
@click.option(
    "--base-fee", "base_fee_planck", default=1_000_000, show_default=True, help="Planck per transaction."
)
@click.option(
    "--byte-fee",
    "byte_fee_planck",
    default=1_000,
    show_default=True,
    help="Planck per byte of a transaction.",
)
@click.option("--seed", help="Makes the genesis hash the same in every run; otherwise each run has its own.")
@click.option(
    "--genesis-time-ms", type=int, help="The time of genesis, in milliseconds since 1970; now by default."
)
@click.option(
    "--steady-clock",
    is_flag=True,
    help="The time of a block is the genesis time plus one block time per block, not the time of day."
    " Implied by manual sealing.",
)
@click.option(
    "--fill",
    "fill_blocks",
    default=0,
    show_default=True,
    type=click.IntRange(0, FILL_BLOCKS_MAX),
    help="Start with this many blocks (about a thousand per second), as a history to catch up on.",
)
@click.option(
    "--fill-extrinsics",
    default=FILL_EXTRINSICS,
    show_default=True,
    type=click.IntRange(0, FILL_EXTRINSICS_MAX),
    help="Extrinsics in each of these blocks; each extrinsic has three events.",
)
def main(
    listen: Address,
    archive_listen: Address | None,
    insecure: bool,
    pruning: int | None,
    sealing: str,
    fill_blocks: int,
    fill_extrinsics: int,
    **config: Any,
) -> None:
    """Run a development chain until Ctrl-C or SIGTERM: a Substrate node in miniature.

    It speaks what real nodes speak, so that a bridge, polkadot-js or py-substrate-interface connect to it
    unchanged. //Alice, //Bob, //Charlie, //Dave, //Eve and //Ferdie own money on it, and //Arbiter decides
    disputes. The chain is gone when the process ends, and a database that is bound to it with it; start it
    with the same --seed to have the same genesis again.

    Its first line of output is `URL genesis HASH`; with --archive-listen, `URL archive` follows. While it
    runs, calls of the methods `dev_*` steer it: they fork it, stall finality, upgrade the runtime, lose
    transactions and drop connections. docs/devnet.md lists them.

    \b
    A chain that is the same in every run, and makes blocks only by dev_seal:
        chamberlain devnet --seed one --sealing manual --genesis-time-ms 1700000000000
    A block per transaction, final at once:
        chamberlain devnet --sealing instant --finality-lag 0
    A long history, a node that has forgotten most of it, and an archive beside:
        chamberlain devnet --fill 20000 --pruning 256 --archive-listen 127.0.0.1:9945
    """
    for host, port in filter(None, (listen, archive_listen)):
        if not is_loopback(host) and not insecure:
            raise CannotListen(
                f"{host}:{port} can be reached from other machines, without authentication:"
                " pass --insecure if this is intended"
            )
    try:
        chain = DevChain(DevChainConfig(sealing=Sealing(sealing), **config))
        nodes = [DevNode(chain, *listen, pruning_blocks=pruning)]
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if archive_listen is not None:
        nodes.append(DevNode(chain, *archive_listen, author=False))
    chain.fill(fill_blocks, fill_extrinsics)
    try:
        asyncio.run(_serve(nodes))
    except OSError as error:
        reason = "the port is taken" if error.errno == errno.EADDRINUSE else str(error)
        where = " or ".join(f"{host}:{port}" for host, port in filter(None, (listen, archive_listen)))
        raise CannotListen(f"cannot listen on {where}: {reason}") from error


async def _serve(nodes: list[DevNode]) -> None:
    running = asyncio.current_task()
    assert running is not None
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        running.cancel()

    for stopping in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stopping, stop)
    try:
        async with contextlib.AsyncExitStack() as stack:
            author, *archives = [await stack.enter_async_context(node) for node in nodes]
            click.echo(f"{author.url} genesis 0x{author.chain.genesis.hash.hex()}")
            for archive in archives:
                click.echo(f"{archive.url} archive")
            await author.run()
    except asyncio.CancelledError:
        if not stopped:
            raise


if __name__ == "__main__":
    main()
