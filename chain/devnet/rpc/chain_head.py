"""`chainHead_v1_*`: following the chain, and looking into the blocks that a follower has pinned.

Specification: https://paritytech.github.io/json-rpc-interface-spec/api/chainHead.html. Operations are carried
out at once: what they yield follows their answer, and none ever waits to be continued or can be stopped.
"""

import secrets
from collections.abc import Callable

from chain.devnet import runtime_api
from chain.devnet.block import Block
from chain.devnet.rpc.errors import (
    Json,
    duplicate_hashes,
    follow_limit_reached,
    invalid_block,
    invalid_params,
    no_operation_waits,
    runtime_not_followed,
)
from chain.devnet.rpc.follow import Follow
from chain.devnet.rpc.methods import METHODS, read_bytes, read_list
from chain.devnet.rpc.render import hex_text
from chain.devnet.rpc.session import Session
from chain.devnet.rpc.storage_query import StorageQuery, read_queries
from chain.scale.errors import DecodeError

FOLLOWS_MAX = 4
"""How many such subscriptions a connection may have, as on real nodes."""

STORAGE_ITEMS_PER_EVENT_MAX = 512

Operation = Callable[[Follow, str], None]

_NOT_FOLLOWED: Json = {"result": "limitReached"}
"""The answer to an operation under a subscription that is over, or never was."""


@METHODS.method("chainHead_v1_follow")
def follow(session: Session, with_runtime: Json) -> Json:
    """Notify of every block, of the best one, of those that are final, and of operations."""
    if not isinstance(with_runtime, bool):
        raise invalid_params("expected true or false")
    if len(session.subscriptions(Follow.family)) >= FOLLOWS_MAX:
        raise follow_limit_reached()
    return session.subscribe(Follow(session.chain, session.host.pins, with_runtime))


@METHODS.method("chainHead_v1_unfollow")
def unfollow(session: Session, subscription_id: Json) -> Json:
    """End such a subscription."""
    session.unsubscribe(Follow.family, subscription_id)


@METHODS.method("chainHead_v1_header")
def header(session: Session, subscription_id: Json, block_hash: Json) -> Json:
    """Return the encoded header of a pinned block, null if the subscription is over."""
    followed = _followed(session, subscription_id)
    if followed is None:
        return None
    return hex_text(_pinned(followed, block_hash).header.encode())


@METHODS.method("chainHead_v1_body")
def body(session: Session, subscription_id: Json, block_hash: Json) -> Json:
    """Begin to read the extrinsics of a pinned block."""

    def begin(block: Block) -> Operation:
        extrinsics = [hex_text(extrinsic) for extrinsic in block.extrinsics]
        return lambda followed, operation: followed.tell_of_operation(
            "operationBodyDone", operation, value=extrinsics
        )

    return _start(session, subscription_id, block_hash, begin)


@METHODS.method("chainHead_v1_storage")
def storage(
    session: Session, subscription_id: Json, block_hash: Json, items: Json, child_trie: Json = None
) -> Json:
    """Begin to read storage at a pinned block."""
    queries = read_queries(items, child_trie)
    started = _start(session, subscription_id, block_hash, lambda block: _read_storage(block, queries))
    return started if started is _NOT_FOLLOWED else {**started, "discardedItems": 0}


@METHODS.method("chainHead_v1_call")
def call(session: Session, subscription_id: Json, block_hash: Json, function: Json, arguments: Json) -> Json:
    """Begin to call a method of a runtime API on top of a pinned block."""
    if not isinstance(function, str):
        raise invalid_params("expected the name of a runtime method")
    raw = read_bytes(arguments)
    followed = _followed(session, subscription_id)
    if followed is not None and not followed.with_runtime:
        raise runtime_not_followed()
    return _start(
        session, subscription_id, block_hash, lambda block: _call_runtime(session, block, function, raw)
    )


@METHODS.method("chainHead_v1_unpin")
def unpin(session: Session, subscription_id: Json, block_hashes: Json) -> Json:
    """Let go of a pinned block, or of several; of none, if one of them is not pinned."""
    followed = _followed(session, subscription_id)
    if followed is None:
        return
    asked = read_list([block_hashes] if isinstance(block_hashes, str) else block_hashes)
    hashes = [read_bytes(block_hash) for block_hash in asked]
    if len(set(hashes)) < len(hashes):
        raise duplicate_hashes()
    if not followed.pinned.keys() >= set(hashes):
        raise invalid_block()
    followed.unpin(hashes)


@METHODS.method("chainHead_v1_continue")
def continue_operation(_session: Session, _subscription_id: Json, _operation_id: Json) -> Json:
    """Refuse to continue an operation, since none waits."""
    raise no_operation_waits()


@METHODS.method("chainHead_v1_stopOperation")
def stop_operation(_session: Session, _subscription_id: Json, _operation_id: Json) -> Json:
    """Do nothing, since every operation is over already."""


def _followed(session: Session, subscription_id: Json) -> Follow | None:
    followed = session.subscription(Follow.family, subscription_id)
    assert followed is None or isinstance(followed, Follow)
    return followed


def _pinned(followed: Follow, block_hash: Json) -> Block:
    block = followed.pinned.get(read_bytes(block_hash))
    if block is None:
        raise invalid_block()
    return block


def _start(
    session: Session, subscription_id: Json, block_hash: Json, begin: Callable[[Block], Operation]
) -> Json:
    """Carry an operation out, so that its events follow the answer that names it."""
    followed = _followed(session, subscription_id)
    if followed is None:
        return _NOT_FOLLOWED
    operation = begin(_pinned(followed, block_hash))
    operation_id = secrets.token_urlsafe(12)
    session.after_answer(lambda: operation(followed, operation_id))
    return {"result": "started", "operationId": operation_id}


def _read_storage(block: Block, queries: list[StorageQuery]) -> Operation:
    found = [item for query in queries for item in query.answer(block.state)]

    def tell(followed: Follow, operation_id: str) -> None:
        for start in range(0, len(found), STORAGE_ITEMS_PER_EVENT_MAX):
            items = found[start : start + STORAGE_ITEMS_PER_EVENT_MAX]
            followed.tell_of_operation("operationStorageItems", operation_id, items=items)
        followed.tell_of_operation("operationStorageDone", operation_id)

    return tell


def _call_runtime(session: Session, block: Block, function: str, arguments: bytes) -> Operation:
    try:
        runtime = session.chain.runtime_at(block)
        output = hex_text(runtime_api.call(runtime, block, function, arguments))
    except runtime_api.UnknownRuntimeMethod:
        event, details = "operationError", {"error": f"Exported method {function} is not found"}
    except DecodeError as error:
        event, details = "operationError", {"error": f"Bad input data provided to {function}: {error}"}
    else:
        event, details = "operationCallDone", {"output": output}
    return lambda followed, operation_id: followed.tell_of_operation(event, operation_id, **details)
