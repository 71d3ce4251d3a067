"""`state_*`: storage, metadata and the runtime."""

from chain.devnet import runtime_api
from chain.devnet.block import Block
from chain.devnet.rpc.errors import Json, RpcError, execution_failed, invalid_params
from chain.devnet.rpc.methods import METHODS, read_bytes, read_count, read_list, require_state
from chain.devnet.rpc.render import hex_or_none, hex_text, render_version
from chain.devnet.rpc.session import Session
from chain.devnet.rpc.subscriptions import RuntimeVersions, StorageChanges
from chain.scale.errors import DecodeError

KEYS_PAGE_MAX = 1000
KEYS_MAX = 1000
"""How many keys may be asked for or subscribed to at once."""


@METHODS.method("state_getStorage", "state_getStorageAt")
def get_storage(session: Session, key: Json, block_hash: Json = None) -> Json:
    """Return the value of a key at a block, at the best one by default."""
    return hex_or_none(require_state(session, block_hash).state.get(read_bytes(key)))


@METHODS.method("state_queryStorageAt")
def query_storage_at(session: Session, keys: Json, block_hash: Json = None) -> Json:
    """Return the values of several keys at a block."""
    block = require_state(session, block_hash)
    return [{"block": hex_text(block.hash), "changes": [_entry(block, key) for key in _read_keys(keys)]}]


@METHODS.method("state_getKeysPaged")
def get_keys_paged(
    session: Session, prefix: Json, count: Json, start_key: Json = None, block_hash: Json = None
) -> Json:
    """Return up to `count` keys of a prefix, in order, behind `start_key` if it is given."""
    if type(count) is int and count > KEYS_PAGE_MAX:
        raise RpcError(4002, f"count exceeds maximum value. value: {count}, max: {KEYS_PAGE_MAX}")
    page_size = read_count(count, maximum=KEYS_PAGE_MAX)
    keys = require_state(session, block_hash).state.keys(read_bytes(prefix or "0x"))
    if start_key is not None:
        last_seen = read_bytes(start_key)
        keys = [key for key in keys if key > last_seen]
    return [hex_text(key) for key in keys[:page_size]]


@METHODS.method("state_getMetadata")
def get_metadata(session: Session, block_hash: Json = None) -> Json:
    """Return the metadata in version 14."""
    block = require_state(session, block_hash, for_runtime=True)
    return hex_text(session.chain.runtime_at(block).metadata[14])


@METHODS.method("state_getRuntimeVersion")
def get_runtime_version(session: Session, block_hash: Json = None) -> Json:
    """Return the version of the runtime."""
    block = require_state(session, block_hash, for_runtime=True)
    return render_version(session.chain.runtime_at(block).version)


@METHODS.method("state_call")
def call(session: Session, method: Json, arguments: Json, block_hash: Json = None) -> Json:
    """Call a method of a runtime API."""
    block = require_state(session, block_hash, for_runtime=True)
    if not isinstance(method, str):
        raise invalid_params("expected the name of a runtime method")
    try:
        return hex_text(
            runtime_api.call(session.chain.runtime_at(block), block, method, read_bytes(arguments))
        )
    except runtime_api.UnknownRuntimeMethod:
        raise execution_failed(f"Exported method {method} is not found") from None
    except DecodeError as error:
        raise execution_failed(f"Bad input data provided to {method}: {error}") from error


@METHODS.method("state_subscribeRuntimeVersion")
def subscribe_runtime_version(session: Session) -> Json:
    """Notify of the version of the runtime."""
    return session.subscribe(RuntimeVersions(session.chain))


@METHODS.method("state_unsubscribeRuntimeVersion")
def unsubscribe_runtime_version(session: Session, subscription_id: Json) -> Json:
    """End such a subscription."""
    return session.unsubscribe(RuntimeVersions.family, subscription_id)


@METHODS.method("state_subscribeStorage")
def subscribe_storage(session: Session, keys: Json) -> Json:
    """Notify of the values of these keys."""
    return session.subscribe(StorageChanges(_read_keys(keys), session.chain.best))


@METHODS.method("state_unsubscribeStorage")
def unsubscribe_storage(session: Session, subscription_id: Json) -> Json:
    """End such a subscription."""
    return session.unsubscribe(StorageChanges.family, subscription_id)


def _read_keys(keys: Json) -> list[bytes]:
    asked = read_list(keys)
    if len(asked) > KEYS_MAX:
        raise invalid_params(f"at most {KEYS_MAX} keys, not {len(asked)}")
    return [read_bytes(key) for key in asked]


def _entry(block: Block, key: bytes) -> list[str | None]:
    return [hex_text(key), hex_or_none(block.state.get(key))]
