"""Runtime upgrades: another version, other metadata; a block is read with its parent's runtime."""

from typing import Any

import pytest

from chain.devnet import Change, DevChain
from chain.devnet.block import Block
from chain.devnet.pallets import system
from chain.devnet.revision import EXTRA_EVENT_FIELD
from chain.devnet.runtime import CODE_KEY
from chain.scale.errors import DecodeError
from chain.scale.events import EventRecord
from chain.scale.metadata import parse_metadata
from chain.scale.runtime import Runtime
from tests.chain.devnet.actors import UNIT, Actor, outcome_of
from tests.chain.devnet.wire import Json, Wire, hex_of, manual_chain, refusal_of
from tests.chain.devnet.witness import REMARK, Witness, refused

PAYMENT = "Balances.transfer_keep_alive"


@pytest.fixture
def chain() -> DevChain:
    return manual_chain(finality_lag_blocks=10)


def raw_events(chain: DevChain, block: Block) -> bytes:
    """Return `System.Events` of a block as a client finds them."""
    raw = system.EVENTS.raw(chain.snapshot(block))
    assert raw is not None
    return raw


def pay(payer: Actor, payee: Actor) -> list[EventRecord]:
    """Let one pay another in a block, and return the events of that."""
    return payer.do(PAYMENT, dest={"Id": payee.account}, value=UNIT).events


def the(events: list[EventRecord], name: str) -> dict[str, Any]:
    """Return the fields of the only event of this name."""
    [fields] = [event.fields for event in events if event.name == name]
    return fields


def test_the_block_that_upgrades_is_made_by_the_runtime_before_and_its_state_has_the_new_one(
    chain: DevChain, alice: Actor, bob: Actor
) -> None:
    chain.seal()
    assert chain.upgrade_runtime() == 2
    parent, old = chain.best, chain.runtime
    sent = alice.submit(PAYMENT, dest={"Id": bob.account}, value=UNIT)
    block = chain.seal()
    new = chain.runtime
    assert (old.version.spec_version, new.version.spec_version) == (100, 101)
    assert (old.version.transaction_version, new.version.transaction_version) == (1, 2)
    assert chain.runtime_at(parent) is old
    assert chain.runtime_at(block) is new
    assert block.state.get(CODE_KEY) != parent.state.get(CODE_KEY)
    assert old.codec.decode_events(raw_events(chain, block)) == chain.events(block)
    assert outcome_of(chain, block, sent).names[0] == "Balances.Transfer"
    [upgraded] = [event for event in chain.events(block) if event.name == "CodeUpdated"]
    assert upgraded.phase == "initialization"
    assert block.header.logs[1] == bytes([8])
    after = chain.seal()
    assert new.codec.decode_events(raw_events(chain, after)) == chain.events(after)
    assert len(after.header.logs) == 1


def test_old_metadata_reads_new_events_wrongly_or_not_at_all(
    chain: DevChain, alice: Actor, bob: Actor
) -> None:
    old = chain.runtime.codec
    chain.upgrade_runtime()
    chain.seal()
    raw = raw_events(chain, alice.do(PAYMENT, dest={"Id": bob.account}, value=UNIT).block)
    try:
        misread = [event.name for event in old.decode_events(raw)]
    except DecodeError:
        misread = []
    assert "Transfer" not in misread


@pytest.mark.parametrize("change", list(Change))
def test_each_change_shows_in_the_metadata_of_both_versions_and_everything_still_works(
    chain: DevChain, alice: Actor, bob: Actor, change: Change
) -> None:
    before = dict(chain.runtime.metadata)
    chain.upgrade_runtime([change])
    chain.seal()
    for version in (14, 15):
        assert parse_metadata(chain.runtime.metadata[version]) != parse_metadata(before[version])
    transfer = the(pay(alice, bob), "Transfer")
    assert (transfer["to"], transfer["amount"]) == (bob.account, UNIT)
    assert (EXTRA_EVENT_FIELD in transfer) is (change is Change.EVENT_FIELDS)


def test_an_upgrade_without_changes_is_another_version_with_the_same_types(chain: DevChain) -> None:
    before = chain.runtime
    chain.upgrade_runtime([])
    chain.seal()
    version = chain.runtime.version
    assert (version.spec_version, version.transaction_version) == (101, 1)
    for pallet in ("Balances", "TaskMarket", "Escrow"):
        assert repr(chain.runtime.codec.metadata.pallet(pallet)) == repr(before.codec.metadata.pallet(pallet))


def test_errors_of_pallets_keep_their_names_though_their_numbers_change(
    chain: DevChain, alice: Actor
) -> None:
    values = []
    for _ in range(4):
        outcome = alice.do("TaskMarket.cancel_task", task_id=7)
        assert outcome.error == "TaskNotFound"
        values.append(str(outcome.events[-1].fields["dispatch_error"]))
        chain.upgrade_runtime([Change.PALLET_INDICES, Change.VARIANT_INDICES])
        chain.seal()
    assert len(set(values)) == 4


def test_a_signature_for_the_old_version_is_a_bad_proof_after_the_upgrade(
    chain: DevChain, alice: Actor, bob: Actor
) -> None:
    witness = Witness(chain)
    chain.upgrade_runtime([])
    early, late = alice.sign(REMARK, remark=b"early"), bob.sign(REMARK, remark=b"late")
    waiting = alice.submit(REMARK, account_nonce=1, remark=b"behind a gap")
    chain.seal()
    with refused(1010, "Transaction has a bad signature"):
        chain.submit(early.raw)
    chain.submit(alice.sign(REMARK, remark=b"again").raw)
    assert len(chain.seal().extrinsics) == 1 + 1
    assert witness.statuses[waiting.hash][-1] == "invalid"
    with refused(1010, "Transaction has a bad signature"):
        chain.submit(late.raw)


def test_upgrades_can_follow_each_other_and_every_block_stays_readable(
    chain: DevChain, alice: Actor, bob: Actor
) -> None:
    for number in (2, 3, 5):
        chain.upgrade_runtime(at=number)
    for _ in range(6):
        transfer = the(pay(alice, bob), "Transfer")
        assert (transfer["from"], transfer["amount"]) == (alice.account, UNIT)
    made = [chain.block_at(number) for number in range(1, 7)]
    runtimes = [chain.runtime_at(block).version.spec_version for block in made if block]
    assert runtimes == [100, 101, 102, 102, 103, 103]
    for block in made:
        assert block is not None
        assert "Transfer" in [event.name for event in chain.events(block)]


def test_a_fork_that_retracts_an_upgrade_retracts_the_runtime_and_upgrades_at_the_same_block(
    chain: DevChain, alice: Actor
) -> None:
    chain.seal(2)
    chain.upgrade_runtime()
    chain.seal()
    signed_for_the_new_one = alice.submit(REMARK, remark=b"")
    chain.seal()
    witness = Witness(chain)
    branch = chain.fork(3, 4)
    versions = [chain.runtime_at(block).version.spec_version for block in branch]
    assert versions == [100, 101, 101, 101]
    assert witness.statuses[signed_for_the_new_one.hash] == ["retracted", "ready", "inBlock"]


def test_an_upgrade_that_cannot_be_is_refused(chain: DevChain) -> None:
    chain.seal(3)
    chain.upgrade_runtime(at=7)
    for number, reason in [(3, "block 3 is made already"), (7, "block 7 upgrades the runtime already")]:
        with pytest.raises(ValueError, match=reason):
            chain.upgrade_runtime(at=number)


async def test_clients_are_told_of_the_upgrade_and_can_ask_for_any_block(wire: Wire, chain: DevChain) -> None:
    versions = await wire.call("state_subscribeRuntimeVersion")
    assert (await wire.next_notification(versions))["specVersion"] == 100
    number = await wire.call("dev_upgradeRuntime", ["pallet_indices"])
    old, new = await wire.call("dev_seal", 2)
    assert number == 1
    told = await wire.next_notification(versions)
    assert (told["specVersion"], told["transactionVersion"]) == (101, 2)
    genesis = hex_of(chain.genesis.hash)
    assert (await wire.call("state_getRuntimeVersion", genesis))["specVersion"] == 100
    assert (await wire.call("state_getRuntimeVersion", old))["specVersion"] == 101
    metadata: list[Json] = [await wire.call("state_getMetadata", at) for at in (genesis, old, new)]
    assert metadata[0] != metadata[1] == metadata[2]
    for at in (genesis, old):
        version = await wire.call("state_call", "Core_version", "0x", at)
        assert bytes.fromhex(version[2:]).count(b"chamberlain-devnet") == 2
        fetched = await wire.call("state_getMetadata", at)
        Runtime(parse_metadata(bytes.fromhex(fetched[2:])), 0, 0)
    events = await wire.call(
        "state_getStorage", hex_of(chain.runtime.codec.storage_key("System", "Events")), new
    )
    assert Runtime(parse_metadata(bytes.fromhex(metadata[1][2:])), 101, 2).decode_events(
        bytes.fromhex(events[2:])
    )


async def test_an_upgrade_of_something_unknown_is_refused(wire: Wire) -> None:
    for params in (["colours"], [["colours"]], [None, 0]):
        assert (await refusal_of(wire, "dev_upgradeRuntime", *params)).code == -32602


async def test_followers_are_told_of_the_new_runtime_with_the_block_that_brings_it(
    wire: Wire, chain: DevChain
) -> None:
    chain.upgrade_runtime(at=2)
    follow = await wire.call("chainHead_v1_follow", True)
    started = await wire.next_notification(follow)
    assert started["finalizedBlockRuntime"]["spec"]["specVersion"] == 100
    chain.seal(3)
    told = [await wire.next_notification(follow) for _ in range(7)]
    runtimes = [event["newRuntime"] for event in told if event["event"] == "newBlock"]
    assert [runtime and runtime["spec"]["specVersion"] for runtime in runtimes] == [None, 101, None]
