"""A report as a page for the terminal. It says everything in words; colours only repeat it."""

import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from chamberlain.v1 import agent_pb2, bid_pb2, extrinsic_pb2, result_pb2, task_pb2
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from server.cli_output import printable
from server.status.report import CHAIN, Report


def page(report: Report) -> RenderableType:
    """The verdict, then the facts behind it."""
    parts: list[RenderableType] = [_verdict(report)]
    if report.serving:
        parts.append(_sync(report) if report.sync.mode == CHAIN else "Local mode: no chain is followed.")
        parts.append(_counts(report))
        if report.sync.signers:
            parts.append(_signers(report))
    return Group(*parts)


def _shown(text: str) -> str:
    """A text from outside, escaped so that it is neither markup nor able to control the terminal."""
    return escape(printable(text))


def _verdict(report: Report) -> str:
    healthy = "[red]not healthy[/]" if report.problems else "[green]healthy[/]"
    lines = [f"{healthy}  {_shown(report.address)}"]
    lines += [f"  - {_shown(problem)}" for problem in report.problems]
    lines += [f"  [yellow]note:[/] {_shown(note)}" for note in report.notes]
    return "\n".join(lines)


def _sync(report: Report) -> Table:
    sync = report.sync
    table = Table.grid(padding=(0, 2))
    rows = [
        ("chain", f"genesis {sync.genesis_hash}"),
        ("node", f"{sync.endpoint}, {'connected' if sync.connected else 'not connected'}"),
        ("reader", "this server" if sync.reader else "another server"),
        ("reflected", _blocks(report)),
        ("pace", _pace(report)),
        ("outbox", _outbox(report)),
    ]
    for name, value in rows:
        table.add_row(name, _shown(value))
    return table


def _blocks(report: Report) -> str:
    sync = report.sync
    cursor = f"block {sync.cursor.number}" if sync.HasField("cursor") else "no block yet"
    # The server that reads may be ahead of the node that this one asked.
    head = max(sync.finalized_head.number, sync.cursor.number)
    final = f"of {head} final" if sync.HasField("finalized_head") else ""
    age = f", {_words(sync.lag.ToTimedelta())} old" if sync.HasField("lag") else ""
    return f"{cursor} {final}, {sync.lag_blocks} behind{age}"


def _pace(report: Report) -> str:
    sync = report.sync
    pace = f"{sync.blocks_per_second:.1f} blocks/s"
    if not sync.catching_up:
        return pace
    if not sync.HasField("catch_up_duration"):
        return f"{pace}, catching up, but the gap is not closing"
    return f"{pace}, catching up, {_words(sync.catch_up_duration.ToTimedelta())} to go"


def _outbox(report: Report) -> str:
    sync = report.sync
    states = ", ".join(
        f"{each.count} {_state(extrinsic_pb2.ExtrinsicStatus, each)}" for each in sync.extrinsics
    )
    if sync.HasField("oldest_queued_time"):
        waited = timedelta(seconds=max(0.0, time.time() - sync.oldest_queued_time.ToMicroseconds() / 1e6))
        states += f"; oldest queued for {_words(waited)}"
    return states or "empty"


def _counts(report: Report) -> Table:
    dashboard = report.dashboard
    table = Table.grid(padding=(0, 2))
    kinds: tuple[tuple[str, EnumTypeWrapper, Iterable[Any]], ...] = (
        ("agents", agent_pb2.AgentStatus, dashboard.agents),
        ("tasks", task_pb2.TaskStatus, dashboard.tasks),
        ("escrows", task_pb2.EscrowStatus, dashboard.escrows),
        ("bids", bid_pb2.BidStatus, dashboard.bids),
        ("results", result_pb2.ResultStatus, dashboard.results),
    )
    for name, statuses, counts in kinds:
        table.add_row(name, ", ".join(f"{each.count} {_state(statuses, each)}" for each in counts) or "none")
    return table


def _signers(report: Report) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("signer", "free balance", "next nonce", ""):
        table.add_column(heading, overflow="fold")
    for signer in report.sync.signers:
        table.add_row(
            _shown(signer.account_address),
            f"{int(signer.free_balance):,}",
            str(signer.next_nonce),
            "[red]low[/]" if signer.low else "",
        )
    return table


def _state(statuses: EnumTypeWrapper, counted: Any) -> str:
    """The state in the name of an enum value: `in block` for EXTRINSIC_STATUS_IN_BLOCK."""
    name: str = statuses.Name(counted.status)
    return name.partition("_STATUS_")[2].replace("_", " ").lower()


def _words(duration: timedelta) -> str:
    """A duration in its two largest units."""
    left = max(0, int(duration.total_seconds()))
    parts = []
    for unit, seconds in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        amount, left = divmod(left, seconds)
        if amount:
            parts.append(f"{amount} {unit}")
    return " ".join(parts[:2]) or "0 s"
