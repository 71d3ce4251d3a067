"""The chain as the server holds it: the bridge, and with `--dev` a development chain inside this process.

It is imported only when there is a chain, since the cryptography behind it takes a while to load.
"""

import contextlib
from collections.abc import AsyncIterator

import structlog
from pydantic import SecretStr

from chain.bridge import Bridge, BridgeSettings, BridgeStatus
from chain.devnet import DevChain, DevChainConfig, DevNode
from chain.keyring import Keyring
from chain.keys import InvalidSecret
from chain.node import ChainError
from chain.pallets import DEFAULT
from chain.pallets_file import BadPallets, load
from chain.rpc import RpcFailure
from server.database import BindingUnknown
from server.errors import InvalidField, Violation
from server.settings import BadSettings, Settings
from storage.chain.outbox import NewCall
from storage.store import Storage

log = structlog.get_logger(__name__)


class ChainLink:
    """A bridge to the chain that the settings name."""

    def __init__(self, settings: Settings, storage: Storage, url: str, keyring: Keyring | None) -> None:
        """Raises `BadSettings` for a URL, a metadata file or a file of pallets that cannot be used."""
        try:
            self.pallets = load(settings.chain_pallets_path) if settings.chain_pallets_path else DEFAULT
        except BadPallets as error:
            raise BadSettings(f"CHAIN_PALLETS_PATH: {error}") from None
        try:
            self._bridge = Bridge(
                storage,
                BridgeSettings(
                    url=url,
                    keyring=keyring or Keyring.development(),
                    archive_url=_secret(settings.chain_archive_url),
                    start_block=settings.chain_start_block,
                    metadata=settings.chain_metadata_path,
                    pallets=self.pallets,
                    poll_seconds=settings.outbox_poll_ms / 1000,
                    attempts_max=settings.outbox_attempts_max,
                    submit=keyring is not None,
                ),
            )
        except OSError as error:
            raise BadSettings(
                f"CHAIN_METADATA_PATH: cannot read {settings.chain_metadata_path}: {error.strerror}"
            ) from None
        except ValueError as error:
            raise BadSettings(f"CHAIN_WS_URL, CHAIN_ARCHIVE_URL or CHAIN_METADATA_PATH: {error}") from None
        self._keyring = keyring
        if keyring is None:
            log.warning("no CHAIN_SIGNER is set: the chain is followed, but nothing is sent to it")

    @property
    def endpoint(self) -> str:
        """The node in use, without credentials."""
        return self._bridge.status().endpoint

    def has_key(self, signer: str) -> bool:
        """Whether this server signs for an agent or requester with a key of their own."""
        return self._keyring is not None and self._keyring.has(signer)

    async def wrong_with(self, call: NewCall) -> InvalidField | None:
        """Why the runtime of the chain cannot take a raw call, as far as that is known now."""
        found = await self._bridge.misfit(call.pallet, call.call, call.payload)
        return None if found is None else InvalidField([Violation(found.field, found.reason)])

    def status(self) -> BridgeStatus:
        """How the chain is followed now, from memory."""
        return self._bridge.status()

    async def binding(self) -> str:
        """The genesis hash of the chain. Raises `BindingUnknown`."""
        try:
            return await self._bridge.genesis_hash()
        except (RpcFailure, ChainError) as error:
            raise BindingUnknown(str(error)) from error

    async def run(self) -> None:
        """Follow the chain and send to it, until cancelled; the storage must be prepared."""
        await self._bridge.run()


def remote_chain(settings: Settings, storage: Storage) -> ChainLink:
    """The chain at CHAIN_WS_URL. Raises `BadSettings`."""
    assert settings.chain_ws_url is not None
    return ChainLink(settings, storage, settings.chain_ws_url.get_secret_value(), _keyring(settings))


@contextlib.asynccontextmanager
async def development_chain(settings: Settings, storage: Storage) -> AsyncIterator[ChainLink]:
    """A development chain of its own, signed for by the well-known development keys unless told otherwise."""
    async with DevNode(DevChain(DevChainConfig(block_time_ms=settings.dev_block_time_ms))) as node:
        log.info("the development chain runs", url=node.url)
        yield ChainLink(settings, storage, node.url, _keyring(settings) or Keyring.development())


def _secret(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value()


def _keyring(settings: Settings) -> Keyring | None:
    """The keys that sign; None if there is no default one. Raises `BadSettings`."""
    secret = settings.signer_secret()
    if secret is None:
        if settings.chain_signers_path is not None:
            raise BadSettings("CHAIN_SIGNERS_PATH: needs CHAIN_SIGNER or CHAIN_SIGNER_FILE beside it")
        return None
    try:
        return Keyring.load(secret, settings.chain_signers_path)
    except InvalidSecret as error:
        raise BadSettings(f"CHAIN_SIGNER: {error}") from None
