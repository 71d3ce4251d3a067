"""`python -m chain.devnet`: the development chain as a process of its own."""

import asyncio
import errno
import signal

import click

from chain.devnet import DevChain, DevChainConfig, DevNode, Sealing


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=9944, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one."
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
    "--finality-lag", default=2, show_default=True, help="Blocks that follow a block before it is final."
)
@click.option("--bidding-window", default=300, show_default=True, help="Blocks in which a task takes bids.")
@click.option("--seed", help="Makes the genesis hash the same in every run; otherwise each has its own.")
def main(
    host: str,
    port: int,
    sealing: str,
    block_time_ms: int,
    finality_lag: int,
    bidding_window: int,
    seed: str | None,
) -> None:
    """Run a development chain until Ctrl-C or SIGTERM."""
    try:
        config = DevChainConfig(
            seed=seed,
            sealing=Sealing(sealing),
            block_time_ms=block_time_ms,
            finality_lag_blocks=finality_lag,
            bidding_window_blocks=bidding_window,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        asyncio.run(_serve(DevNode(DevChain(config), host, port)))
    except OSError as error:
        reason = "the port is taken" if error.errno == errno.EADDRINUSE else str(error)
        raise click.ClickException(f"cannot listen on {host}:{port}: {reason}") from error


async def _serve(node: DevNode) -> None:
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
        async with node:
            click.echo(f"{node.url} genesis 0x{node.chain.genesis.hash.hex()}")
            await node.run()
    except asyncio.CancelledError:
        if not stopped:
            raise


if __name__ == "__main__":
    main()
