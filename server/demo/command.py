"""`chamberlain demo`: starts a development chain and a server, and plays the life of a task on them."""

import tempfile
from pathlib import Path

import click
import grpc
import uvloop
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from rich.console import Console

from server import logs
from server.app import App
from server.demo import report
from server.demo.screen import Screen
from server.demo.story import StepFailed, Story
from server.settings import Settings
from storage.errors import Misconfigured

BLOCK_TIME_MS = 500


class _DemoSettings(Settings):
    """Settings that ignore the environment: the demo has a database and a chain of its own."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *others: PydanticBaseSettingsSource,
        **more: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


@click.command(short_help="Play the life of a task on a development chain.")
def demo() -> None:
    """Play the life of a task on a development chain: bid, reveal, allocate, deliver, approve, settle.

    It uses a temporary database, leaves nothing behind, and exits with 0 only if every step reached
    finality and the API agrees with the chain.
    """
    console = Console()
    try:
        agreed = uvloop.run(_demo(console))
    except StepFailed as failure:
        raise click.ClickException(f"the demo failed: {failure}") from None
    except grpc.RpcError as error:
        raise click.ClickException(f"the demo failed: a call was refused: {_said(error)}") from None
    except Misconfigured as error:
        raise click.ClickException(f"the demo cannot start: {error}") from None
    if not agreed:
        raise click.ClickException("the demo failed: the API and the chain disagree")


async def _demo(console: Console) -> bool:
    """Play the story; return whether the API and the chain agree at the end."""
    with tempfile.TemporaryDirectory(prefix="chamberlain-demo-") as folder:
        settings = _DemoSettings.load(
            {
                "database_url": f"sqlite:///{Path(folder) / 'demo.db'}",
                "bind_addr": "127.0.0.1:0",
                "dev_block_time_ms": BLOCK_TIME_MS,
                "outbox_poll_ms": 100,
                "log_level": "error",
            }
        )
        logs.configure(settings.log_format, settings.log_level)
        app = App(settings, development=True)
        await app.start()
        try:
            assert app.chain is not None, "a development server has a chain"
            url = app.chain.endpoint
            console.print(f"A server on 127.0.0.1:{app.port}, a development chain on {url}.\n")
            async with grpc.aio.insecure_channel(f"127.0.0.1:{app.port}") as channel:
                with Screen(console) as screen:
                    ending = await Story(channel, screen).play()
            rows = await report.compare(ending, url)
        finally:
            await app.stop()
    console.print()
    console.print(report.table(rows))
    record = ending.record
    whole = not record.HasField("fault")
    proven = "every link of the chain is intact" if whole else f"broken at entry {record.fault.number}"
    console.print(f"\nThe audit log has {record.head_number} entries; {proven}.", highlight=False)
    console.print(
        "\nNext: [bold]make serve ARGS=--dev[/], then"
        " [bold]grpcurl -plaintext 127.0.0.1:50051 list[/] in another terminal."
    )
    return whole and all(ours == theirs for _, ours, theirs in rows)


def _said(error: grpc.RpcError) -> str:
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name}: {error.details()}"
    return str(error)
