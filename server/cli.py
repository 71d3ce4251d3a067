"""`chamberlain`: the command line. Each command is imported when it is used, so that help is quick."""

import importlib
from importlib.metadata import version

import click

COMMANDS = {
    "serve": "server.serve:serve",
    "demo": "server.demo.command:demo",
    "devnet": "chain.devnet.__main__:main",
    "status": "server.status.command:status",
    "outbox": "server.cli_outbox:outbox",
    "chain": "server.cli_chain:chain",
    "sessions": "server.cli_sessions:sessions",
    "audit": "server.cli_audit:audit",
}
"""The commands in the order of the help, and where each is defined."""


class LazyGroup(click.Group):
    """A group whose commands are imported on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("chamberlain"), prog_name="chamberlain", message="%(prog)s %(version)s")
def main() -> None:
    """The durable orchestrator behind a market of software agents."""
