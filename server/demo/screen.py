"""The output of the demo: a live table on a terminal, a line per finished step elsewhere."""

from dataclasses import dataclass, field

from chamberlain.v1 import extrinsic_pb2
from rich.console import Console
from rich.live import Live
from rich.table import Table

FINISHED = frozenset(
    {
        extrinsic_pb2.EXTRINSIC_STATUS_FINALIZED,
        extrinsic_pb2.EXTRINSIC_STATUS_FAILED,
        extrinsic_pb2.EXTRINSIC_STATUS_CANCELLED,
        extrinsic_pb2.EXTRINSIC_STATUS_DEAD,
    }
)
_STYLES = {
    extrinsic_pb2.EXTRINSIC_STATUS_FINALIZED: "green",
    extrinsic_pb2.EXTRINSIC_STATUS_FAILED: "red",
    extrinsic_pb2.EXTRINSIC_STATUS_CANCELLED: "red",
    extrinsic_pb2.EXTRINSIC_STATUS_DEAD: "red",
}


@dataclass
class Step:
    """A row of the table: a step, and the state of its extrinsic."""

    number: int
    name: str
    entity: str
    extrinsic: extrinsic_pb2.Extrinsic = field(default_factory=extrinsic_pb2.Extrinsic)

    @property
    def status(self) -> str:
        name = extrinsic_pb2.ExtrinsicStatus.Name(self.extrinsic.status)
        return name.removeprefix("EXTRINSIC_STATUS_").lower()

    @property
    def finished(self) -> bool:
        return self.extrinsic.status in FINISHED

    @property
    def block(self) -> str:
        return str(self.extrinsic.block_number) if self.extrinsic.HasField("block_number") else ""


class Screen:
    """The steps so far; a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._steps: list[Step] = []
        self._live = Live(console=console, get_renderable=self._table, refresh_per_second=8)

    def __enter__(self) -> "Screen":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def add(self, name: str, entity: str, extrinsic: extrinsic_pb2.Extrinsic) -> Step:
        step = Step(len(self._steps) + 1, name, entity, extrinsic)
        self._steps.append(step)
        return step

    def update(self, step: Step, extrinsic: extrinsic_pb2.Extrinsic) -> None:
        ended = not step.finished and extrinsic.status in FINISHED
        step.extrinsic = extrinsic
        if ended and not self._console.is_terminal:
            where = f"in block {step.block}" if step.block else "in no block"
            self._console.print(
                f"{step.number:2}. {step.name:<14} {step.entity:<36} {extrinsic.correlation_id}"
                f"  {step.status} {where}",
                soft_wrap=True,
            )

    def say(self, text: str) -> None:
        """Print something that is not a step on the chain."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _table(self) -> Table:
        table = Table(title="The life of a task", title_justify="left")
        for heading in ("step", "entity", "correlation id", "extrinsic", "block"):
            table.add_column(heading, no_wrap=True, overflow="ellipsis")
        for step in self._steps:
            style = _STYLES.get(step.extrinsic.status, "yellow")
            table.add_row(
                f"{step.number:2}. {step.name}",
                step.entity,
                step.extrinsic.correlation_id,
                f"[{style}]{step.status}[/]",
                step.block,
            )
        return table
