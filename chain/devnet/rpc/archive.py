"""`archive_v1_*`: any block that the node has, without following the chain.

Specification: https://paritytech.github.io/json-rpc-interface-spec/api/archive.html
"""

from chain.devnet import runtime_api
from chain.devnet.block import Block
from chain.devnet.faults import NotificationKind
from chain.devnet.rpc.errors import Json, invalid_params, state_discarded
from chain.devnet.rpc.methods import BLOCK_NUMBER_MAX, METHODS, find_block, read_bytes, read_count
from chain.devnet.rpc.render import hex_text
from chain.devnet.rpc.session import Session
from chain.devnet.rpc.storage_query import StorageQuery, read_queries
from chain.devnet.rpc.subscriptions import Subscription
from chain.scale.errors import DecodeError

STORAGE_ITEMS_MAX = 1000
"""How many items one subscription tells of; more of them are an error."""


class ArchiveStorage(Subscription):
    """The items that were asked for at a block, then that this was all. It is over at once."""

    family = "archive_v1_storage"
    kind = NotificationKind.ARCHIVE_STORAGE

    def __init__(self, block: Block | None, queries: list[StorageQuery]) -> None:
        self._block = block
        self._queries = queries

    def begin(self) -> None:
        self.ended = True
        if self._block is None:
            self.notify({"event": "storageError", "error": "there is no such block"})
            return
        items = [item for query in self._queries for item in query.answer(self._block.state)]
        if len(items) > STORAGE_ITEMS_MAX:
            self.notify({"event": "storageError", "error": f"more than {STORAGE_ITEMS_MAX} items"})
            return
        for item in items:
            self.notify({"event": "storage", **item})
        self.notify({"event": "storageDone"})


@METHODS.method("archive_v1_genesisHash")
def genesis_hash(session: Session) -> Json:
    """Return the hash of block 0."""
    return hex_text(session.chain.genesis.hash)


@METHODS.method("archive_v1_finalizedHeight")
def finalized_height(session: Session) -> Json:
    """Return the number of the newest finalized block."""
    return session.chain.finalized.number


@METHODS.method("archive_v1_hashByHeight")
def hash_by_height(session: Session, height: Json) -> Json:
    """Return the hash of the block of a number, as a list that is empty if there is none."""
    block = session.chain.block_at(read_count(height, maximum=BLOCK_NUMBER_MAX))
    return [] if block is None else [hex_text(block.hash)]


@METHODS.method("archive_v1_header")
def header(session: Session, block_hash: Json) -> Json:
    """Return the encoded header of a block, null if it is unknown."""
    block = _find(session, block_hash)
    return None if block is None else hex_text(block.header.encode())


@METHODS.method("archive_v1_body")
def body(session: Session, block_hash: Json) -> Json:
    """Return the extrinsics of a block, null if it is unknown or pruned."""
    block = _find(session, block_hash)
    if block is None or session.host.pruning.has_discarded(block):
        return None
    return [hex_text(extrinsic) for extrinsic in block.extrinsics]


@METHODS.method("archive_v1_call")
def call(session: Session, block_hash: Json, function: Json, arguments: Json) -> Json:
    """Call a method of a runtime API on top of a block; return how that went, null for no such block."""
    block = _find(session, block_hash)
    if not isinstance(function, str):
        raise invalid_params("expected the name of a runtime method")
    raw = read_bytes(arguments)
    if block is None:
        return None
    if session.host.pruning.has_discarded(block):
        return {"success": False, "error": state_discarded(block.hash, for_runtime=True).message}
    try:
        value = runtime_api.call(session.chain.runtime_at(block), block, function, raw)
    except runtime_api.UnknownRuntimeMethod:
        return {"success": False, "error": f"Exported method {function} is not found"}
    except DecodeError as error:
        return {"success": False, "error": f"Bad input data provided to {function}: {error}"}
    return {"success": True, "value": hex_text(value)}


@METHODS.method("archive_v1_storage")
def storage(session: Session, block_hash: Json, items: Json, child_trie: Json = None) -> Json:
    """Notify of what a block's storage holds under keys and prefixes."""
    block = _find(session, block_hash)
    if block is not None and session.host.pruning.has_discarded(block):
        block = None
    return session.subscribe(ArchiveStorage(block, read_queries(items, child_trie)))


@METHODS.method("archive_v1_stopStorage")
def stop_storage(session: Session, subscription_id: Json) -> Json:
    """End such a subscription, which is over already."""
    return session.unsubscribe(ArchiveStorage.family, subscription_id)


def _find(session: Session, block_hash: Json) -> Block | None:
    read_bytes(block_hash)  # null stands for no block here
    return find_block(session, block_hash)
