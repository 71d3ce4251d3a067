"""System: accounts, block numbers and hashes, and the record of what happened."""

from typing import Annotated

from chain.devnet.block import blake2_256
from chain.devnet.context import BlockContext, ReadContext
from chain.devnet.frame import DIGEST as DIGEST_TYPE
from chain.devnet.frame import (
    EVENT_RECORD,
    H256,
    AccountId,
    AccountInfo,
    DispatchErrorValue,
    DispatchInfo,
    RuntimeVersion,
)
from chain.devnet.pallet import Event, Pallet, StorageValue
from chain.devnet.typeinfo import U16, U32, Bytes, Sequence
from chain.scale.metadata import Hasher
from chain.scale.primitives import encode_compact

PALLET = Pallet("System", 0, "frame_system")

BLOCK_HASH_COUNT = 4096
"""So many blocks back a mortal transaction may be born."""

SS58_PREFIX = 42

_WEIGHT: dict[str, object] = {"weight": {"ref_time": 125_000_000, "proof_size": 0}}
NORMAL_DISPATCH: dict[str, object] = {**_WEIGHT, "class": "Normal", "pays_fee": "Yes"}
MANDATORY_DISPATCH: dict[str, object] = {**_WEIGHT, "class": "Mandatory", "pays_fee": "No"}
"""What is said of every call that is signed, and of every inherent: weights are not metered."""

ACCOUNTS = PALLET.map("Account", (AccountId,), AccountInfo, "All accounts.", default=AccountInfo())
BLOCK_HASHES = PALLET.map(
    "BlockHash",
    (U32,),
    H256,
    "Hashes of recent blocks by number.",
    hasher=Hasher.TWOX_64_CONCAT,
    default=bytes(32),
)
NUMBER = PALLET.value("Number", U32, "The number of this block.", default=0)
PARENT_HASH = PALLET.value("ParentHash", H256, "The hash of the block before.", default=bytes(32))
DIGEST: StorageValue[object] = PALLET.value(
    "Digest", Annotated[object, DIGEST_TYPE], "The digest of this block.", default={"logs": []}
)
EVENTS = PALLET.map(
    "Events", (), Annotated[object, Sequence(EVENT_RECORD)], "The events of this block.", default=()
)
EVENT_COUNT = PALLET.value("EventCount", U32, "How many events this block has.", default=0)

PALLET.constant("BlockHashCount", U32, lambda _: BLOCK_HASH_COUNT, "How many block hashes are remembered.")
PALLET.constant("SS58Prefix", U16, lambda _: SS58_PREFIX, "The prefix of addresses.")
PALLET.constant(
    "Version", RuntimeVersion, lambda parameters: parameters.version, "The version of this runtime."
)


class ExtrinsicSuccess(Event, of=PALLET):
    """An extrinsic did what it was to do."""

    dispatch_info: DispatchInfo


class ExtrinsicFailed(Event, of=PALLET):
    """An extrinsic was refused by its pallet and changed nothing."""

    dispatch_error: DispatchErrorValue
    dispatch_info: DispatchInfo


class NewAccount(Event, of=PALLET):
    """An account came into existence."""

    account: AccountId


class KilledAccount(Event, of=PALLET):
    """An account ceased to exist."""

    account: AccountId


class CodeUpdated(Event, of=PALLET):
    """The next block has another runtime."""


class Remarked(Event, of=PALLET):
    """Someone put bytes on the chain; `hash` is their BLAKE2b-256."""

    sender: AccountId
    hash: H256


@PALLET.call
def remark(_block: BlockContext, _signer: AccountId, remark: Bytes) -> None:
    """Put bytes on the chain, without any effect."""


@PALLET.call
def remark_with_event(block: BlockContext, signer: AccountId, remark: Bytes) -> None:
    """Put bytes on the chain, and have an event tell of it."""
    block.deposit(Remarked(sender=signer, hash=blake2_256(remark)))


def account_at(at: ReadContext, account: bytes) -> AccountInfo:
    """Return what is stored of an account; one that does not exist has nothing."""
    return ACCOUNTS.get(at, account) or AccountInfo()


def exists(account: AccountInfo) -> bool:
    """Tell whether something holds the account in existence."""
    return account.providers > 0


def increment_nonce(block: BlockContext, account: bytes) -> None:
    """Count one more transaction of the account."""
    entry = account_at(block, account)
    entry.nonce += 1
    ACCOUNTS.put(block, entry, account)


def begin_block(block: BlockContext, parent_hash: bytes) -> None:
    """Set the number of a block and its parent, whose hash is remembered from now on."""
    NUMBER.put(block, block.number)
    PARENT_HASH.put(block, parent_hash)
    BLOCK_HASHES.put(block, parent_hash, block.number - 1)
    forgotten = block.number - BLOCK_HASH_COUNT - 1
    if forgotten > 0:  # the hash of genesis stays: signatures cover it
        BLOCK_HASHES.remove(block, forgotten)


def genesis_hash(block: BlockContext) -> bytes:
    """Return the hash of block 0; `block` is a later one."""
    found: bytes | None = BLOCK_HASHES.get(block, 0)
    assert found is not None
    return found


def store_events(block: BlockContext) -> None:
    """Leave the events of a finished block in its state."""
    block.state.put(
        EVENTS.key(block), encode_compact(len(block.event_records)) + b"".join(block.event_records)
    )
    EVENT_COUNT.put(block, len(block.event_records))
