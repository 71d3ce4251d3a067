"""A progress bar on the terminal while the database catches up with its chain."""

import asyncio

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from server import logs
from server.observer import Observer

REFRESH_SECONDS = 0.25


async def show_catch_up(observer: Observer, console: Console) -> None:
    """Show a bar whenever a catch-up is under way, until cancelled; none where there is no terminal."""
    while console.is_terminal and observer.chain is not None:
        if observer.catch_up.under_way:
            await _show(observer, console)
        await asyncio.sleep(REFRESH_SECONDS)


async def _show(observer: Observer, console: Console) -> None:
    """Show one catch-up to its end, and leave nothing of it on the terminal."""
    columns = (
        TextColumn("catching up"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
    )
    showing = Progress(*columns, console=console, transient=True, refresh_per_second=2)
    with showing as progress, logs.redirected():
        first = observer.cursor_number or 0
        bar = progress.add_task("", total=None, pace="")
        while observer.catch_up.under_way:
            chain = observer.chain
            final = chain.finalized_number if chain and chain.finalized_number else first
            reached = observer.cursor_number or first
            progress.update(bar, completed=reached - first, total=final - first, pace=_pace(observer))
            await asyncio.sleep(REFRESH_SECONDS)


def _pace(observer: Observer) -> str:
    blocks_per_second, left = observer.catch_up.blocks_per_second, observer.catch_up.seconds_left
    if left is None:
        return f"{blocks_per_second:.0f} blocks/s"
    minutes, seconds = divmod(int(left), 60)
    return f"{blocks_per_second:.0f} blocks/s, {minutes}:{seconds:02} to go"
