"""Options that commands share."""

import os

import click

from server.settings import Settings, default_text, environment_name

_VARIABLE = environment_name("bind_addr")
_DEFAULT = default_text(Settings.model_fields["bind_addr"])

address_option = click.option(
    "--address",
    metavar="HOST:PORT",
    default=lambda: os.environ.get(_VARIABLE) or _DEFAULT,
    help=f"The server to ask.  [env: {_VARIABLE}; default: {_DEFAULT}]",
)
