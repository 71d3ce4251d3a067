"""The settings: their environment names, what they refuse in words, and secrets that are never shown."""

from pathlib import Path

import pytest

from server.settings import BadSettings, Settings, default_text, environment_name, is_secret

SECRETS = {"database_url", "chain_ws_url", "chain_signer", "chain_archive_url"}


def test_the_environment_names_are_those_that_operators_know(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "DATABASE_URL": "postgresql://u:p@db/market",
        "DB_MAX_CONNECTIONS": "20",
        "DB_CONNECT_TIMEOUT_SECS": "2.5",
        "CHAIN_WS_URL": "wss://node/KEY",
        "CHAIN_METADATA_PATH": "metadata.scale",
        "CHAIN_SIGNER": "//Alice",
        "CHAIN_SIGNERS_PATH": "signers.toml",
        "CHAIN_START_BLOCK": "7",
        "OUTBOX_POLL_MS": "250",
        "OUTBOX_ALLOWED_CALLS": " System.remark ,Balances.transfer_keep_alive,",
        "SESSION_RETENTION_DAYS": "3",
        "IDEMPOTENCY_TTL_SECONDS": "60",
        "EVENT_RETENTION_HOURS": "1",
        "BIDDING_WINDOW_SECONDS": "10",
        "BIND_ADDR": "[::1]:0",
        "REQUEST_BYTES_MAX": "4096",
        "DEFAULT_DEADLINE_SECONDS": "5",
        "DRAIN_SECONDS": "0",
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "debug",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = Settings.load()
    assert settings.database_url.get_secret_value() == "postgresql://u:p@db/market"
    assert settings.chain_metadata_path == Path("metadata.scale")
    assert settings.outbox_allowed_calls == {"System.remark", "Balances.transfer_keep_alive"}
    assert (settings.chain_start_block, settings.drain_seconds, settings.db_connect_timeout_secs) == (
        7,
        0,
        2.5,
    )
    assert Settings.load({"log_level": "error"}).log_level == "error"  # what is given wins


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = Settings.load()
    monkeypatch.setenv("CHAIN_WS_URL", "")
    monkeypatch.setenv("DB_MAX_CONNECTIONS", "")
    assert Settings.load() == defaults


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("chain_ws_url", "http://node:9944/KEY", "ws://host:port"),
        ("chain_ws_url", "KEY", "ws://host:port"),
        ("chain_archive_url", "ws://one:9944/KEY,ws://two:9944", "must be a single URL"),
        ("bind_addr", "50051", "host:port"),
        ("bind_addr", "localhost:99999", "host:port"),
        ("bind_addr", "::1:50051", "host:port"),
        ("bind_addr", "unix:", "host:port"),
        ("outbox_allowed_calls", "Balances", "Balances.transfer_keep_alive"),
        ("outbox_poll_ms", "soon", "integer"),
        ("db_max_connections", "1", "greater than or equal to 2"),
        ("watch_heartbeat_seconds", "16", "less than or equal to 15"),
        ("log_level", "loud", "'debug', 'info'"),
        ("request_bytes_max", "1", "1024"),
    ],
)
def test_a_bad_value_is_refused_by_its_name_and_in_words(name: str, value: str, told: str) -> None:
    with pytest.raises(BadSettings) as refusal:
        Settings.load({name: value})
    assert str(refusal.value).startswith(f"{environment_name(name)}: ")
    assert told in str(refusal.value)
    assert "KEY" not in str(refusal.value)


def test_all_bad_values_are_told_at_once() -> None:
    with pytest.raises(BadSettings) as refusal:
        Settings.load({"outbox_poll_ms": "x", "drain_seconds": "y"})
    assert [line.partition(":")[0] for line in str(refusal.value).splitlines()] == [
        "OUTBOX_POLL_MS",
        "DRAIN_SECONDS",
    ]


def test_secrets_are_not_shown() -> None:
    settings = Settings.load(
        {
            "database_url": "postgresql://u:hunter2@db/market",
            "chain_ws_url": "wss://node/hunter2",
            "chain_signer": "hunter2",
        }
    )
    assert {name for name, field in Settings.model_fields.items() if is_secret(field)} == SECRETS
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert "hunter2" not in shown


def test_the_default_of_each_setting_can_be_written_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    defaults = Settings.load()
    for name, field in Settings.model_fields.items():
        monkeypatch.setenv(environment_name(name), default_text(field))
    assert Settings.load() == defaults


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1:1", True),
        ("127.9.9.9:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("unix:/tmp/socket", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("192.168.0.1:1", False),
        ("example.org:1", False),
    ],
)
def test_it_is_known_who_can_reach_an_address(address: str, loopback: bool) -> None:
    assert Settings.load({"bind_addr": address}).loopback is loopback


def test_the_secret_of_the_signer_may_lie_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "signer"
    secret.write_text("//Bob\n")
    assert Settings.load({"chain_signer_file": secret}).signer_secret() == "//Bob"
    assert Settings.load().signer_secret() is None
    with pytest.raises(BadSettings, match="CHAIN_SIGNER_FILE: cannot read"):
        Settings.load({"chain_signer_file": tmp_path / "missing"}).signer_secret()
