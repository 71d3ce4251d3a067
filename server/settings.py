"""All settings; the environment variable of each field is its name in capitals."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from chain.loopback import is_loopback
from storage import limits

REQUEST_BYTES_MAX_DEFAULT = limits.CONTENT_BYTES_MAX + (64 << 10)
"""Leaves room for what stands beside the largest content of an entry of a transcript."""
_CALL = re.compile(r"[A-Za-z]\w*\.[a-z]\w*", re.ASCII)
_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%\w]+\]|[^\[\]:/\s]+):(?P<port>[0-9]{1,5})")


class BadSettings(Exception):
    """Settings are invalid; the message has a line for each of them, and no secret."""


class Settings(BaseSettings):
    """The settings of a server. Raises `ValidationError`; `load` turns it into text."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="forbid", frozen=True)

    database_url: SecretStr = Field(
        SecretStr("sqlite:///.data/chamberlain.db"),
        description="The database: sqlite:///relative/path, sqlite:////absolute/path, :memory:,"
        " or postgresql://user:password@host:port/database.",
    )
    db_max_connections: int = Field(
        10,
        ge=2,
        le=1000,
        description="At most this many connections to Postgres; a lock takes one more.",
    )
    db_connect_timeout_secs: float = Field(
        5.0, gt=0, le=300, description="How long to wait for a connection to Postgres."
    )
    chain_ws_url: SecretStr | None = Field(
        None,
        description="The node of the chain, ws:// or wss://, or several separated by commas: if one fails,"
        " the next is tried. Without a node, the server runs in local mode.",
    )
    chain_archive_url: SecretStr | None = Field(
        None,
        description="An archive node, used only for blocks that the other nodes have pruned.",
    )
    chain_metadata_path: Path | None = Field(
        None, description="A file with the chain's SCALE metadata, used instead of asking the node for it."
    )
    chain_pallets_path: Path | None = Field(
        None,
        description="A TOML file with the names of the chain's pallets, calls and events, if they differ from"
        " the built-in ones.",
    )
    chain_signer: SecretStr | None = Field(
        None, description="The secret of the default signer: a mnemonic, //Name, or ed25519:0x and a seed."
    )
    chain_signer_file: Path | None = Field(
        None, description="A file with the secret of the default signer, instead of CHAIN_SIGNER."
    )
    chain_signers_path: Path | None = Field(
        None, description='A TOML file of agents and requesters with keys of their own: "name" = "secret".'
    )
    chain_start_block: int | None = Field(
        None,
        ge=0,
        le=2**32 - 1,
        description="The first block to read, for a database that has read none yet; by default the finalized"
        " head.",
    )
    chain_retention_blocks: int = Field(
        0,
        ge=0,
        le=2**32 - 1,
        description="How many blocks of chain events to keep, raw and listed; blocks from the first"
        " undecodable one on are always kept. 0 keeps all.",
    )
    dev_block_time_ms: int = Field(
        1000, ge=20, le=60_000, description="With --dev, the block time of the development chain."
    )
    outbox_poll_ms: int = Field(500, ge=10, le=60_000, description="How often the outbox is polled for work.")
    outbox_allowed_calls: Annotated[frozenset[str], NoDecode] = Field(
        frozenset(), description="The calls that EnqueueExtrinsic accepts: Pallet.call,Pallet.call."
    )
    outbox_attempts_max: int = Field(
        5,
        ge=1,
        le=1000,
        description="How many attempts of an extrinsic may fail through its own fault before it is given up.",
    )
    outbox_retention_days: int = Field(
        30, ge=1, le=36_500, description="How long signed bytes are kept after their extrinsic was executed."
    )
    session_retention_days: int = Field(
        7, ge=1, le=36_500, description="After how many idle days a session expires."
    )
    session_purge_days: int = Field(
        90,
        ge=1,
        le=36_500,
        description="How long after its expiry a session is deleted, and how long after its end a handoff"
        " or an approval, unless its session, its task or its handoff is open.",
    )
    audit_retention_days: int = Field(
        0, ge=0, le=36_500, description="How long the audit log is kept; 0 keeps all of it."
    )
    idempotency_ttl_seconds: int = Field(
        86_400, ge=1, le=31_536_000, description="How long request ids and their responses are kept."
    )
    event_retention_hours: int = Field(
        168, ge=1, le=876_000, description="How far back watches can be resumed."
    )
    bidding_window_seconds: int = Field(
        1800, ge=1, le=31_536_000, description="In local mode, how long the bidding of a task stays open."
    )
    watch_heartbeat_seconds: float = Field(
        15.0, gt=0, le=15, description="The interval between heartbeats of a watch without events."
    )
    bind_addr: str = Field("127.0.0.1:50051", description="Where to listen: host:port, or unix:/path.")
    metrics_bind: str | None = Field(
        None, description="Where to serve Prometheus metrics over HTTP: host:port. Off if not set."
    )
    request_bytes_max: int = Field(
        REQUEST_BYTES_MAX_DEFAULT, ge=1024, le=64 << 20, description="The maximum size of a request."
    )
    default_deadline_seconds: float = Field(
        30.0, gt=0, le=3600, description="The deadline of unary calls whose clients set none."
    )
    drain_seconds: float = Field(
        10.0, ge=0, le=3600, description="How long calls in flight may take to finish after a signal to stop."
    )
    log_format: Literal["text", "json"] | None = Field(
        None, description="The format of logs; if not set, text on a terminal, else json."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The lowest level that is logged."
    )

    @classmethod
    def load(cls, given: Mapping[str, Any] | None = None) -> "Settings":
        """The settings of the environment, overridden by `given`. Raises `BadSettings`."""
        try:
            return cls(**(given or {}))
        except ValidationError as error:
            lines = [_line(detail["loc"], detail["msg"]) for detail in error.errors(include_input=False)]
            raise BadSettings("\n".join(lines)) from None

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.bind_addr.startswith("unix:"):
            return True
        return is_loopback(self.bind_addr.rpartition(":")[0].strip("[]"))

    def signer_secret(self) -> str | None:
        """The secret of the default signer, from the environment or its file. Raises `BadSettings`."""
        if self.chain_signer is not None:
            return self.chain_signer.get_secret_value()
        if self.chain_signer_file is None:
            return None
        try:
            return self.chain_signer_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise BadSettings(f"CHAIN_SIGNER_FILE: cannot read {self.chain_signer_file}: {reason}") from None

    @field_validator("chain_ws_url", "chain_archive_url")
    @classmethod
    def _check_chain_url(cls, value: SecretStr | None) -> SecretStr | None:
        for url in value.get_secret_value().split(",") if value is not None else ():
            if not re.match(r"wss?://[^/\s]", url.strip()):
                raise ValueError("must be a WebSocket URL: ws://host:port or wss://host:port")
        return value

    @field_validator("chain_archive_url")
    @classmethod
    def _check_one_archive(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and "," in value.get_secret_value():
            raise ValueError("must be a single URL: there is no failover to another archive")
        return value

    @field_validator("outbox_allowed_calls", mode="before")
    @classmethod
    def _split_calls(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        calls = frozenset(call.strip() for call in value.split(",") if call.strip())
        for call in calls:
            if not _CALL.fullmatch(call):
                raise ValueError(
                    f"must be a list like Balances.transfer_keep_alive,System.remark, not {call!r}"
                )
        return calls

    @field_validator("bind_addr")
    @classmethod
    def _check_address(cls, value: str) -> str:
        if not is_address(value):
            raise ValueError(f"must be host:port, [IPv6]:port or unix:/path, not {value!r}")
        return value

    @field_validator("metrics_bind")
    @classmethod
    def _check_metrics_address(cls, value: str | None) -> str | None:
        if value is not None and not _is_tcp_address(value):
            raise ValueError(f"must be host:port or [IPv6]:port, not {value!r}")
        return value


def environment_name(field: str) -> str:
    """The environment variable of a field."""
    return field.upper()


def is_secret(field: FieldInfo) -> bool:
    """Whether the values of a field must not be shown."""
    return SecretStr in (field.annotation, *getattr(field.annotation, "__args__", ()))


def default_text(field: FieldInfo) -> str:
    """The default of a field, as written in the environment; empty if there is none."""
    default = field.get_default()
    if isinstance(default, SecretStr):
        return default.get_secret_value()  # a default is not secret
    if default is None or default == frozenset():
        return ""
    return f"{default:g}" if isinstance(default, float) else str(default)


def is_address(value: str) -> bool:
    """Whether this is host:port, [IPv6]:port or unix:/path."""
    return (value.startswith("unix:") and value != "unix:") or _is_tcp_address(value)


def _is_tcp_address(value: str) -> bool:
    match = _ADDRESS.fullmatch(value)
    return match is not None and int(match["port"]) <= 65_535


def _line(location: tuple[int | str, ...], message: str) -> str:
    name = environment_name(str(location[0])) if location else "settings"
    return f"{name}: {message.removeprefix('Value error, ')}"
