"""The new JSON-RPC API: following the chain, looking into pinned blocks, broadcasting, and the archive."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.devnet import DevChain, DevNode
from chain.devnet.block import Block, blake2_256
from chain.devnet.pool import Status
from chain.devnet.rpc import archive, broadcast, chain_head, pins
from chain.devnet.rpc.follow import Follow
from tests.chain.devnet.actors import Actor
from tests.chain.devnet.wire import Json, Wire, hex_of, manual_chain, refusal_of, wire_to

REMARK = "System.remark"


async def event_of(wire: Wire, follower: str, name: str) -> Json:
    """Return the follower's next event of this name; those before it are passed over."""
    while (event := await wire.next_notification(follower))["event"] != name:
        pass
    return event


async def events_of(wire: Wire, follower: str, count: int) -> list[str]:
    return [(await wire.next_notification(follower))["event"] for _ in range(count)]


# Following


class Follower:
    """A client that believes only what it is told, and checks that it is told in order."""

    def __init__(self, chain: DevChain) -> None:
        self.known: dict[str, str] = {}
        self.finalized: list[str] = []
        self.pruned: set[str] = set()
        self.best = ""
        self._follow = Follow(chain, pins.Pins(), with_runtime=True)
        self._follow.notify = self._hear
        self._follow.begin()
        chain.observers.append(self)

    def on_best_block(self, block: Block) -> None:
        self._follow.on_best_block(block)

    def on_finalized_block(self, block: Block) -> None:
        self._follow.on_finalized_block(block)

    def on_transaction(self, transaction_hash: bytes, status: Status) -> None:
        pass

    def _hear(self, event: Json) -> None:
        match event:
            case {"event": "initialized", "finalizedBlockHashes": hashes}:
                assert not self.known
                self.known = dict.fromkeys(hashes, "")
                self.finalized = list(hashes)
            case {"event": "newBlock", "blockHash": block_hash, "parentBlockHash": parent}:
                assert block_hash not in self.known
                assert parent in self.known
                assert parent not in self.pruned
                self.known[block_hash] = parent
            case {"event": "bestBlockChanged", "bestBlockHash": block_hash}:
                assert block_hash in self.known.keys() - self.pruned
                self.best = block_hash
            case {"event": "finalized", "finalizedBlockHashes": hashes, "prunedBlockHashes": pruned}:
                for block_hash in hashes:
                    assert self.known[block_hash] == self.finalized[-1]
                    self.finalized.append(block_hash)
                assert not self.pruned & set(pruned)
                assert not set(self.finalized) & set(pruned)
                self.pruned |= set(pruned)
                assert self.best not in self.pruned
            case _:
                raise AssertionError(event)


Steps = st.lists(
    st.one_of(
        st.tuples(st.just("seal"), st.integers(1, 4)),
        st.tuples(st.just("fork"), st.integers(1, 4)),
        st.tuples(st.just("lag"), st.integers(0, 6)),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(before=Steps, after=Steps)
def test_a_follower_is_told_of_every_block_parents_first_whatever_happens(
    before: list[tuple[str, int]], after: list[tuple[str, int]]
) -> None:
    chain = manual_chain(finality_lag_blocks=3)
    _take(chain, before)
    follower = Follower(chain)
    _take(chain, after)
    assert follower.best == hex_of(chain.best.hash)
    assert follower.finalized[-1] == hex_of(chain.finalized.hash)
    branch = [chain.block_at(number) for number in range(chain.finalized.number + 1, chain.best.number + 1)]
    alive = follower.known.keys() - follower.pruned - set(follower.finalized)
    assert {hex_of(block.hash) for block in branch if block is not None} <= alive


def _take(chain: DevChain, steps: list[tuple[str, int]]) -> None:
    for step, count in steps:
        if step == "seal":
            chain.seal(count)
        elif step == "lag":
            chain.set_finality_lag(count)
        elif count <= chain.best.number - chain.finalized.number:
            chain.fork(count)


async def test_a_follower_starts_from_recent_finalized_blocks_and_the_branch_behind_them(
    wire: Wire, chain: DevChain
) -> None:
    chain.seal(40)
    follower = await wire.call("chainHead_v1_follow", True)
    initialized = await wire.next_notification(follower)
    finalized = chain.finalized.number
    expected = [
        await wire.call("chain_getBlockHash", number) for number in range(finalized - 15, finalized + 1)
    ]
    assert initialized["finalizedBlockHashes"] == expected
    assert initialized["finalizedBlockRuntime"]["type"] == "valid"
    spec = initialized["finalizedBlockRuntime"]["spec"]
    assert (spec["specVersion"], spec["apis"]["0xdf6acb689907609b"]) == (100, 5)
    assert await events_of(wire, follower, 3) == ["newBlock", "newBlock", "bestBlockChanged"]


async def test_blocks_that_finality_cuts_off_are_told_as_pruned(wire: Wire, chain: DevChain) -> None:
    follower = await wire.call("chainHead_v1_follow", False)
    assert "finalizedBlockRuntime" not in await wire.next_notification(follower)
    chain.seal()
    left = hex_of(chain.best.hash)
    chain.fork(1, 2)
    chain.finalize()
    finalized = await event_of(wire, follower, "finalized")
    assert finalized["prunedBlockHashes"] == [left]
    assert finalized["finalizedBlockHashes"][-1] == hex_of(chain.best.hash)


async def test_a_connection_follows_only_so_often(wire: Wire) -> None:
    followers = [await wire.call("chainHead_v1_follow", True) for _ in range(chain_head.FOLLOWS_MAX)]
    assert (await refusal_of(wire, "chainHead_v1_follow", True)).code == -32800
    assert await wire.call("chainHead_v1_unfollow", followers[0]) is None
    assert await wire.call("chainHead_v1_follow", True)
    assert (await refusal_of(wire, "chainHead_v1_follow", "yes")).code == -32602


async def test_whoever_pins_too_much_is_told_to_stop_and_the_others_are_not(
    wire: Wire, node: DevNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pins, "PINNED_BLOCKS_MAX", 20)
    careless = await wire.call("chainHead_v1_follow", True)
    node.chain.seal(19)
    assert len(node.pins) == 20
    node.chain.seal()
    await event_of(wire, careless, "stop")
    assert len(node.pins) == 0
    assert await wire.call("chainHead_v1_header", careless, hex_of(node.chain.genesis.hash)) is None
    careful = await wire.call("chainHead_v1_follow", True)
    await event_of(wire, careful, "bestBlockChanged")
    pinned_at_first = len(node.pins)
    for _ in range(10):
        await wire.call("dev_seal")
        new_block = await event_of(wire, careful, "newBlock")
        await wire.call("chainHead_v1_unpin", careful, new_block["blockHash"])
    assert len(node.pins) == pinned_at_first
    await wire.call("chainHead_v1_unfollow", careful)
    assert len(node.pins) == 0


async def test_a_connection_that_ends_pins_nothing_any_more(node: DevNode) -> None:
    async with wire_to(node) as gone:
        await gone.call("chainHead_v1_follow", True)
        assert len(node.pins) == 1
    async with wire_to(node) as wire:
        while len(node.pins):
            await wire.call("system_chain")


async def test_all_followers_are_told_to_stop_on_demand(wire: Wire, node: DevNode) -> None:
    async with wire_to(node) as other:
        followers = [(each, await each.call("chainHead_v1_follow", True)) for each in (wire, other)]
        assert await wire.call("dev_stopChainHead") == 2
        node.chain.seal()
        for each, follower in followers:
            assert await events_of(each, follower, 3) == ["initialized", "bestBlockChanged", "stop"]
            assert await each.call("system_chain") == "Development"
            assert each.notifications == []


# Looking into blocks


@pytest.fixture
async def follower(wire: Wire) -> str:
    follower: str = await wire.call("chainHead_v1_follow", True)
    await event_of(wire, follower, "bestBlockChanged")
    return follower


async def test_a_pinned_block_is_read_and_called(wire: Wire, chain: DevChain, follower: str) -> None:
    block = chain.seal()
    at = hex_of(block.hash)
    await event_of(wire, follower, "bestBlockChanged")
    assert await wire.call("chainHead_v1_header", follower, at) == hex_of(block.header.encode())

    body = await wire.call("chainHead_v1_body", follower, at)
    assert body["result"] == "started"
    done = await event_of(wire, follower, "operationBodyDone")
    assert done["operationId"] == body["operationId"]
    assert done["value"] == [hex_of(extrinsic) for extrinsic in block.extrinsics]

    call = await wire.call("chainHead_v1_call", follower, at, "Metadata_metadata_versions", "0x")
    assert await event_of(wire, follower, "operationCallDone") == {
        "event": "operationCallDone",
        "operationId": call["operationId"],
        "output": "0x080e0000000f000000",
    }
    for wrong in (("No_such", "0x"), ("Core_version", "0x00")):
        call = await wire.call("chainHead_v1_call", follower, at, *wrong)
        error = await event_of(wire, follower, "operationError")
        assert error["operationId"] == call["operationId"]
        assert wrong[0] in error["error"]


async def test_storage_is_read_by_key_hash_and_prefix(
    wire: Wire, chain: DevChain, follower: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain_head, "STORAGE_ITEMS_PER_EVENT_MAX", 5)
    genesis = chain.genesis
    codec = chain.runtime.codec
    number, accounts = codec.storage_key("System", "Number"), codec.storage_key("System", "Account")
    keys = genesis.state.keys(accounts)
    issuance = codec.storage_key("Balances", "TotalIssuance")
    stored = genesis.state.get(issuance)
    assert stored is not None
    asked = [
        {"key": hex_of(issuance), "type": "value"},
        {"key": hex_of(issuance), "type": "hash"},
        {"key": hex_of(number), "type": "value"},
        {"key": hex_of(accounts), "type": "descendantsHashes"},
        {"key": hex_of(accounts), "type": "closestDescendantMerkleValue"},
    ]
    started = await wire.call("chainHead_v1_storage", follower, hex_of(genesis.hash), asked, None)
    assert started["discardedItems"] == 0
    items: list[Json] = []
    while (event := await wire.next_notification(follower))["event"] != "operationStorageDone":
        assert event["operationId"] == started["operationId"]
        assert len(event["items"]) <= 5
        items += event["items"]
    assert items[0] == {"key": hex_of(issuance), "value": hex_of(stored)}
    assert items[1] == {"key": hex_of(issuance), "hash": hex_of(blake2_256(stored))}
    assert [item["key"] for item in items[2:-1]] == [hex_of(key) for key in keys]
    assert "closestDescendantMerkleValue" in items[-1]
    wrong = [{"key": "0x", "type": "everything"}]
    refusal = await refusal_of(wire, "chainHead_v1_storage", follower, hex_of(genesis.hash), wrong)
    assert refusal.code == -32602


async def test_what_an_operation_yields_follows_its_answer_even_in_a_batch(
    wire: Wire, chain: DevChain, follower: str
) -> None:
    params = [follower, hex_of(chain.genesis.hash)]
    calls = [
        {"jsonrpc": "2.0", "id": number, "method": "chainHead_v1_body", "params": params} for number in (1, 2)
    ]
    await wire.connection.send(json.dumps(calls))
    answers = json.loads(await wire.connection.recv())
    for answer in answers:
        event = json.loads(await wire.connection.recv())["params"]["result"]
        assert event["operationId"] == answer["result"]["operationId"]


async def test_blocks_are_unpinned_once_and_all_or_none(wire: Wire, chain: DevChain, follower: str) -> None:
    genesis, block = hex_of(chain.genesis.hash), hex_of(chain.seal().hash)
    assert (await refusal_of(wire, "chainHead_v1_unpin", follower, [block, block])).code == -32804
    assert (await refusal_of(wire, "chainHead_v1_unpin", follower, [block, hex_of(bytes(32))])).code == -32801
    assert await wire.call("chainHead_v1_unpin", follower, [genesis, block]) is None
    assert (await refusal_of(wire, "chainHead_v1_header", follower, block)).code == -32801
    assert (await refusal_of(wire, "chainHead_v1_body", follower, block)).code == -32801


async def test_a_subscription_that_is_over_answers_as_if_overloaded(wire: Wire, chain: DevChain) -> None:
    genesis = hex_of(chain.genesis.hash)
    operations: dict[str, list[Json]] = {"body": [], "storage": [[]], "call": ["Core_version", "0x"]}
    for method, params in operations.items():
        assert await wire.call(f"chainHead_v1_{method}", "gone", genesis, *params) == {
            "result": "limitReached"
        }
    assert await wire.call("chainHead_v1_header", "gone", genesis) is None
    assert await wire.call("chainHead_v1_unpin", "gone", genesis) is None
    assert await wire.call("chainHead_v1_stopOperation", "gone", "none") is None
    assert (await refusal_of(wire, "chainHead_v1_continue", "gone", "none")).code == -32803
    blind = await wire.call("chainHead_v1_follow", False)
    assert (await refusal_of(wire, "chainHead_v1_call", blind, genesis, "Core_version", "0x")).code == -32802


# Broadcasting


async def test_a_transaction_is_broadcast_until_it_is_stopped(
    wire: Wire, chain: DevChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast, "BROADCASTS_MAX", 1)
    raw = hex_of(Actor(chain, "//Alice").sign(REMARK, remark=b"").raw)
    operation = await wire.call("transaction_v1_broadcast", raw)
    assert await wire.call("transaction_v1_broadcast", raw) is None
    assert await wire.call("dev_clearPool") == 1
    await wire.call("dev_seal")
    assert await wire.call("author_pendingExtrinsics") == [raw]
    assert await wire.call("transaction_v1_stop", operation) is None
    assert await wire.call("dev_clearPool") == 1
    await wire.call("dev_seal")
    assert await wire.call("author_pendingExtrinsics") == []
    refusal = await refusal_of(wire, "transaction_v1_stop", operation)
    assert (refusal.code, refusal.message) == (-32602, "Invalid operation id")


async def test_broadcasting_what_is_refused_tells_nothing(wire: Wire) -> None:
    assert await wire.call("transaction_v1_broadcast", "0x1234")
    assert await wire.call("author_pendingExtrinsics") == []


# The archive and the chain's specification


async def test_the_archive_has_every_block(wire: Wire, chain: DevChain) -> None:
    block = chain.seal(5)
    at = hex_of(block.hash)
    assert await wire.call("archive_v1_genesisHash") == hex_of(chain.genesis.hash)
    assert await wire.call("archive_v1_finalizedHeight") == chain.finalized.number
    assert await wire.call("archive_v1_hashByHeight", 5) == [at]
    assert await wire.call("archive_v1_hashByHeight", 6) == []
    assert await wire.call("archive_v1_header", at) == hex_of(block.header.encode())
    assert await wire.call("archive_v1_body", at) == [hex_of(extrinsic) for extrinsic in block.extrinsics]
    nowhere = hex_of(bytes(32))
    for method, params in {"header": [], "body": [], "call": ["Core_version", "0x"]}.items():
        assert await wire.call(f"archive_v1_{method}", nowhere, *params) is None
    versions = await wire.call("archive_v1_call", at, "Metadata_metadata_versions", "0x")
    assert versions == {"success": True, "value": "0x080e0000000f000000"}
    failure = await wire.call("archive_v1_call", at, "No_such", "0x")
    assert failure["success"] is False


async def test_the_archive_reads_storage(
    wire: Wire, chain: DevChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = hex_of(chain.genesis.hash)
    accounts = chain.runtime.codec.storage_key("System", "Account")
    keys = [hex_of(key) for key in chain.genesis.state.keys(accounts)]
    query = {"key": hex_of(accounts), "type": "descendantsValues", "paginationStartKey": keys[1]}
    listing = await wire.call("archive_v1_storage", at, [query])
    told = [await wire.next_notification(listing) for _ in range(len(keys) - 1)]
    assert [event["key"] for event in told[:-1]] == keys[2:]
    assert told[-1] == {"event": "storageDone"}
    assert await wire.call("archive_v1_stopStorage", listing) is False
    unknown = await wire.call("archive_v1_storage", hex_of(bytes(32)), [query])
    assert (await wire.next_notification(unknown))["event"] == "storageError"
    monkeypatch.setattr(archive, "STORAGE_ITEMS_MAX", 1)
    too_much = await wire.call("archive_v1_storage", at, [query])
    assert (await wire.next_notification(too_much))["event"] == "storageError"


async def test_the_chain_says_which_it_is(wire: Wire, chain: DevChain) -> None:
    assert await wire.call("chainSpec_v1_chainName") == await wire.call("system_chain")
    assert await wire.call("chainSpec_v1_genesisHash") == hex_of(chain.genesis.hash)
    assert await wire.call("chainSpec_v1_properties") == await wire.call("system_properties")
