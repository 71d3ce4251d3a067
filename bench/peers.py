"""What is measured against a peer in the same run: rows, promises, and how both are shown."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class AtLeast:
    """A promise that a ratio is no smaller."""

    ratio: float

    def kept(self, found: float) -> bool:
        return found >= self.ratio

    def __str__(self) -> str:
        return f"at least {self.ratio:g}"


@dataclass(frozen=True)
class AtMost:
    """A promise that a ratio is no larger."""

    ratio: float

    def kept(self, found: float) -> bool:
        return found <= self.ratio

    def __str__(self) -> str:
        return f"at most {self.ratio:g}"


Promise = AtLeast | AtMost


@dataclass(frozen=True)
class PeerRow:
    """One figure of ours; `ratio` is that to the same figure of `peer`, in the unit of `figure`."""

    benchmark: str
    figure: str
    value: float
    peer: str
    ratio: float
    promise: Promise | None = None

    def as_json(self) -> dict[str, Any]:
        """The row without its promise, which is the same in every run."""
        row = asdict(self)
        del row["promise"]
        return row


@dataclass(frozen=True)
class Round:
    """The same figure of ours and of a peer, measured one right after the other."""

    ours: float
    theirs: float


def peer_row(
    benchmark: str, figure: str, peer: str, rounds: Sequence[Round], promise: Promise | None = None
) -> PeerRow:
    """The medians of what we reached, and of the ratios round by round."""
    return PeerRow(
        benchmark=benchmark,
        figure=figure,
        value=median(each.ours for each in rounds),
        peer=peer,
        ratio=median(each.ours / each.theirs for each in rounds),
        promise=promise,
    )


def print_peer_table(rows: Sequence[PeerRow], console: Console) -> None:
    """All rows, each with what it keeps of its promise."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("benchmark", "figure"):
        table.add_column(name, no_wrap=True)
    for name in ("value", "ratio"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("peer", "promised"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        promised = ""
        if row.promise is not None:
            promised = f"{'kept  ' if row.promise.kept(row.ratio) else 'BROKEN'} {row.promise}"
        table.add_row(row.benchmark, row.figure, _short(row.value), _short(row.ratio), row.peer, promised)
    console.print(table)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
