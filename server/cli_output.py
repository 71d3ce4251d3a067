"""How commands print the responses of a server: tables for people, JSON for programs."""

import json
from typing import Any

import click
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH_COLUMNS = 160
"""How wide a table is when it does not go to a terminal."""
with_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")


def plain(message: Message) -> dict[str, Any]:
    """The JSON of a message, with all of its fields in the names of the contract."""
    fields: dict[str, Any] = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return {name: _whole(value) for name, value in fields.items()}


def _whole(value: Any) -> Any:
    """The same JSON with 2 for 2.0: a Struct holds every number as a double."""
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def time_text(time: Timestamp) -> str:
    return time.ToDatetime().isoformat(sep=" ", timespec="seconds")


def table_of(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, show_header=any(columns))
    for place, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=place == 0)  # ids stay whole
    return table


def add_row(table: Table, *cells: object) -> None:
    """A row whose texts are neither markup nor able to control the terminal."""
    table.add_row(*(Text(printable(str(cell))) for cell in cells))


def printable(text: str) -> str:
    """A text without what could control the terminal."""
    return "".join(character if character.isprintable() or character == "\n" else "�" for character in text)


def print_table(table: Table) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH_COLUMNS
    console.print(table)
