"""`chamberlain serve`: the server as a process.

Its options are the fields of `Settings`, except the secret ones, which come only from the environment:
every user of a machine can read the command lines of its processes.
"""

import asyncio
import gc
import os
import signal
from importlib.metadata import version

import click
import uvloop
from rich.console import Console
from sqlalchemy import make_url

from server import logs
from server.app import App
from server.catch_up_bar import show_catch_up
from server.listener import PortTaken
from server.settings import BadSettings, Settings, default_text, environment_name, is_secret
from storage.errors import Misconfigured
from storage.store import LOCAL

EXIT_MISCONFIGURED = 2
GARBAGE_LOOKED_FOR_AT_OBJECTS = 20_000


class ServeCommand(click.Command):
    """Its help ends with the settings that only the environment can set."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        secret = [
            (environment_name(name), _help(name))
            for name, field in Settings.model_fields.items()
            if is_secret(field)
        ]
        with formatter.section("Settings from the environment only"):
            formatter.write_dl(secret)


def _help(name: str) -> str:
    field = Settings.model_fields[name]
    default = default_text(field)
    parts = [] if is_secret(field) else [f"env: {environment_name(name)}"]
    parts += [f"default: {default}"] if default else []
    return f"{field.description}" + (f"  [{'; '.join(parts)}]" if parts else "")


def _options(command: click.Command) -> click.Command:
    """Add an option for each setting that is not secret."""
    command.params += [
        click.Option([f"--{name.replace('_', '-')}"], metavar="VALUE", help=_help(name))
        for name, field in Settings.model_fields.items()
        if not is_secret(field)
    ]
    return command


@_options
@click.command(cls=ServeCommand, short_help="Run the server.")
@click.option("--dev", is_flag=True, help="Run a development chain inside, with a database in memory.")
@click.option(
    "--insecure",
    is_flag=True,
    help="Listen on an address that other machines can reach, without authentication.",
)
def serve(dev: bool, insecure: bool, **given: str | None) -> None:
    """Run the server until Ctrl-C or SIGTERM; a second signal stops it at once."""
    try:
        settings = Settings.load({name: value for name, value in given.items() if value is not None})
        if not settings.loopback and not insecure:
            raise BadSettings(
                f"BIND_ADDR: {settings.bind_addr} can be reached from other machines, without"
                " authentication: pass --insecure if this is intended"
            )
        logs.configure(settings.log_format, settings.log_level)
        uvloop.run(_serve(App(settings, development=dev)))
    except (BadSettings, Misconfigured, PortTaken) as error:
        for line in str(error).splitlines():
            click.ClickException(line).show()
        raise SystemExit(EXIT_MISCONFIGURED) from None


def calm_garbage_collection() -> None:
    """Exempt the objects made at the start from garbage collection, since they live as long as the process.

    Scanning them costs a busy server a tenth of its CPU, and stops its calls for tens of milliseconds. The
    threshold is above what calls in flight allocate, since those objects are not garbage either.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_LOOKED_FOR_AT_OBJECTS)


async def _serve(app: App) -> None:
    """Start, print the greeting, and run until a signal."""
    stopping = _stop_on_signals()
    await app.start()
    calm_garbage_collection()
    progress = asyncio.ensure_future(show_catch_up(app.observer, Console(stderr=True)))
    try:
        click.echo(_greeting(app))
        failing = asyncio.ensure_future(app.wait())
        await asyncio.wait((stopping, failing), return_when=asyncio.FIRST_COMPLETED)
        if failing.done():
            await failing
        failing.cancel()
    finally:
        progress.cancel()
        await asyncio.gather(progress, return_exceptions=True)
        await app.stop()


def _stop_on_signals() -> asyncio.Future[None]:
    """Completed by the first SIGINT or SIGTERM; the second ends the process at once."""
    loop = asyncio.get_running_loop()
    stopping: asyncio.Future[None] = loop.create_future()

    def stop(number: int) -> None:
        if stopping.done():
            os._exit(128 + number)
        stopping.set_result(None)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    return stopping


def _greeting(app: App) -> str:
    """One line: the version, the address, and the chain and database that it is bound to."""
    where = app.settings.bind_addr
    if not where.startswith("unix:"):
        where = f"{where.rpartition(':')[0]}:{app.port}"
    binding = app.storage.binding
    bound = {"": "waiting for its database or its chain", LOCAL: "local mode"}.get(
        binding, f"bound to the chain with genesis 0x{binding}"
    )
    url = app.settings.database_url.get_secret_value()
    database = url if url == ":memory:" else make_url(url).render_as_string(hide_password=True)
    return f"chamberlain {version('chamberlain')} listens on {where}, {bound}, database {database}"
