"""`chamberlain status`."""

import json
import time

import click
from rich.console import Console
from rich.live import Live

from server.cli_calls import Server, asks_a_server
from server.status.page import page
from server.status.report import Report, ask

WATCH_SECONDS = 2.0
EXIT_NOT_HEALTHY = 1
FILE_COLUMNS = 200
"""The width of the page if the output is not a terminal."""


@click.command(short_help="Show the status of a server.")
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object, for scripts; one per line with --watch."
)
@click.option("--watch", is_flag=True, help=f"Repeat every {WATCH_SECONDS:g} seconds, until Ctrl-C.")
@asks_a_server
def status(server: Server, as_json: bool, watch: bool) -> None:
    """Show the status of a server: its chain, its outbox, and its entities.

    Exits with 0 if it is healthy, else with 1: if no server responds or it is not serving; or with a chain,
    if no node is connected, the chain cannot be followed, needed blocks are pruned, extrinsics were given up,
    submission is paused, or a signer is low on funds. A server that is catching up, or has notes, is healthy.
    """
    try:
        healthy = _status(_console(), server, as_json, watch)
    except KeyboardInterrupt:
        return  # the end of a watch
    if not healthy:
        raise SystemExit(EXIT_NOT_HEALTHY)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=FILE_COLUMNS)


def _status(console: Console, server: Server, as_json: bool, watch: bool) -> bool:
    """Show the page, repeatedly with `watch`; return whether the server is healthy."""
    report = ask(server)
    if not watch:
        _print(console, report, as_json)
    elif as_json or not console.is_terminal:
        while True:
            _print(console, report, as_json)
            time.sleep(WATCH_SECONDS)
            report = ask(server)
    else:
        with Live(page(report), console=console, auto_refresh=False, screen=True) as live:
            while True:
                time.sleep(WATCH_SECONDS)
                report = ask(server)
                live.update(page(report), refresh=True)
    return not report.problems


def _print(console: Console, report: Report, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report.as_json()))
    elif report.no_answer:
        click.ClickException(report.no_answer).show()
    else:
        console.print(page(report), soft_wrap=True, highlight=False)
