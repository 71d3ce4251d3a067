"""The node answers calls over WebSocket as a real one does."""

import json

import pytest

from chain.devnet import DevChain
from chain.devnet.rpc import protocol
from chain.keys import ss58_encode
from chain.scale.metadata import parse_metadata
from chain.scale.runtime import Runtime
from tests.chain.devnet.actors import Actor
from tests.chain.devnet.wire import Json, Wire, hex_of, refusal_of

REMARK = "System.remark"

SERVED = [
    "account_nextIndex",
    "archive_v1_body",
    "archive_v1_call",
    "archive_v1_finalizedHeight",
    "archive_v1_genesisHash",
    "archive_v1_hashByHeight",
    "archive_v1_header",
    "archive_v1_stopStorage",
    "archive_v1_storage",
    "author_pendingExtrinsics",
    "author_submitAndWatchExtrinsic",
    "author_submitExtrinsic",
    "author_unwatchExtrinsic",
    "chainHead_v1_body",
    "chainHead_v1_call",
    "chainHead_v1_continue",
    "chainHead_v1_follow",
    "chainHead_v1_header",
    "chainHead_v1_stopOperation",
    "chainHead_v1_storage",
    "chainHead_v1_unfollow",
    "chainHead_v1_unpin",
    "chainSpec_v1_chainName",
    "chainSpec_v1_genesisHash",
    "chainSpec_v1_properties",
    "chain_getBlock",
    "chain_getBlockHash",
    "chain_getFinalizedHead",
    "chain_getHead",
    "chain_getHeader",
    "chain_subscribeAllHeads",
    "chain_subscribeFinalizedHeads",
    "chain_subscribeNewHeads",
    "chain_unsubscribeAllHeads",
    "chain_unsubscribeFinalizedHeads",
    "chain_unsubscribeNewHeads",
    "dev_banTransaction",
    "dev_blackHole",
    "dev_clearFaults",
    "dev_clearPool",
    "dev_delayResponses",
    "dev_dropConnections",
    "dev_dropTransaction",
    "dev_duplicateNotifications",
    "dev_fillBlocks",
    "dev_finalize",
    "dev_fork",
    "dev_liftBan",
    "dev_limitResponses",
    "dev_oversizeResponses",
    "dev_pauseFinality",
    "dev_pauseSealing",
    "dev_refuseConnections",
    "dev_resumeFinality",
    "dev_resumeSealing",
    "dev_seal",
    "dev_setFinalityLag",
    "dev_setPruning",
    "dev_stopChainHead",
    "dev_struckFaults",
    "dev_swallowNotifications",
    "dev_upgradeRuntime",
    "rpc_methods",
    "state_call",
    "state_getKeysPaged",
    "state_getMetadata",
    "state_getRuntimeVersion",
    "state_getStorage",
    "state_getStorageAt",
    "state_queryStorageAt",
    "state_subscribeRuntimeVersion",
    "state_subscribeStorage",
    "state_unsubscribeRuntimeVersion",
    "state_unsubscribeStorage",
    "system_accountNextIndex",
    "system_chain",
    "system_chainType",
    "system_health",
    "system_name",
    "system_properties",
    "system_version",
    "transaction_v1_broadcast",
    "transaction_v1_stop",
]


# The protocol


async def test_rpc_methods_lists_exactly_what_is_served(wire: Wire) -> None:
    assert (await wire.call("rpc_methods"))["methods"] == SERVED
    refusal = await refusal_of(wire, "chainHead_v2_follow", True)
    assert (refusal.code, refusal.message) == (-32601, "Method not found")


async def test_a_batch_is_answered_in_one_message_error_by_error(wire: Wire) -> None:
    answers = await wire.exchange(
        json.dumps(
            [
                {"jsonrpc": "2.0", "id": "a", "method": "system_chain"},
                {"jsonrpc": "2.0", "id": 2, "method": "no_such_method", "params": []},
                {"jsonrpc": "2.0", "method": "dev_seal", "params": [1]},
                "nonsense",
                {"jsonrpc": "2.0", "id": 3, "method": "chain_getBlockHash", "params": [1, 2, 3]},
                {"jsonrpc": "2.0", "id": 4, "method": "chain_getBlockHash", "params": {"number": 0}},
            ]
        )
    )
    assert answers[0] == {"jsonrpc": "2.0", "id": "a", "result": "Development"}
    assert [(answer["id"], answer["error"]["code"]) for answer in answers[1:]] == [
        (2, -32601),
        (None, -32600),
        (3, -32602),
        (4, -32602),
    ]
    assert await wire.call("chain_getBlockHash", 1) is None  # a notification is not carried out


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", -32700),
        ("[]", -32600),
        ("7", -32600),
        ('{"id": 1, "method": "system_chain"}', -32600),
        (json.dumps([1] * (protocol.BATCH_CALLS_MAX + 1)), -32010),
    ],
)
async def test_a_message_that_is_no_call_is_an_error_of_its_own(wire: Wire, message: str, code: int) -> None:
    answer = await wire.exchange(message)
    assert answer["error"]["code"] == code
    assert await wire.call("system_chain") == "Development"


async def test_an_answer_that_is_too_long_is_an_error_instead(wire: Wire) -> None:
    assert await wire.call("dev_limitResponses", 1000) == 1000
    refusal = await refusal_of(wire, "state_getMetadata")
    assert refusal.code == -32008
    assert (refusal.message, refusal.data) == ("Response is too big", "Exceeded max limit of 1000")
    one = {"jsonrpc": "2.0", "id": 1, "method": "state_getMetadata"}
    [answer] = await wire.exchange(json.dumps([one]))
    assert (answer["id"], answer["error"]["code"]) == (1, -32008)
    many = [{"jsonrpc": "2.0", "id": number, "method": "system_chain"} for number in range(50)]
    assert (await wire.exchange(json.dumps(many)))["error"]["code"] == -32011
    assert await wire.call("dev_limitResponses") == 15728640
    assert len(await wire.exchange(json.dumps(many))) == 50


async def test_null_behind_the_parameters_and_hex_without_prefix_are_accepted(
    wire: Wire, chain: DevChain
) -> None:
    header = await wire.call("chain_getHeader", chain.genesis.hash.hex(), None, None)
    assert header == await wire.call("chain_getHeader", hex_of(chain.genesis.hash))


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("chain_getHeader", ["0xzz"]),
        ("chain_getHeader", ["0x00"]),
        ("chain_getBlockHash", ["-1"]),
        ("chain_getBlockHash", [True]),
        ("state_getStorage", [7]),
        ("state_queryStorageAt", ["0x00"]),
        ("state_getKeysPaged", ["0x00", -1]),
        ("state_call", [None, "0x"]),
        ("system_accountNextIndex", ["5nonsense"]),
        ("author_submitExtrinsic", [None]),
        ("dev_setFinalityLag", [-1]),
        ("dev_seal", [10_001]),
    ],
)
async def test_parameters_that_do_not_fit_are_invalid(wire: Wire, method: str, params: list[Json]) -> None:
    assert (await refusal_of(wire, method, *params)).code == -32602


# Blocks and state


async def test_a_block_is_found_by_number_and_hash(wire: Wire, chain: DevChain) -> None:
    block = chain.seal(3)
    assert await wire.call("chain_getBlockHash") == hex_of(block.hash)
    assert await wire.call("chain_getBlockHash", "0x3") == hex_of(block.hash)
    assert await wire.call("chain_getBlockHash", [0, 4]) == [hex_of(chain.genesis.hash), None]
    found = (await wire.call("chain_getBlock", hex_of(block.hash)))["block"]
    assert found["header"] == await wire.call("chain_getHeader")
    assert found["header"]["number"] == "0x3"
    assert found["extrinsics"] == [hex_of(block.extrinsics[0])]
    assert await wire.call("chain_getHeader", hex_of(bytes(32))) is None


async def test_storage_is_read_at_any_block(wire: Wire, chain: DevChain) -> None:
    key = hex_of(chain.runtime.codec.storage_key("System", "Number"))
    first, second = chain.seal(), chain.seal()
    assert await wire.call("state_getStorage", key) == "0x02000000"
    assert await wire.call("state_getStorageAt", key, hex_of(first.hash)) == "0x01000000"
    unset = "0x1234"
    answer = await wire.call("state_queryStorageAt", [key, unset], hex_of(second.hash))
    assert answer == [{"block": hex_of(second.hash), "changes": [[key, "0x02000000"], [unset, None]]}]
    refusal = await refusal_of(wire, "state_getStorage", key, hex_of(bytes(32)))
    assert (refusal.code, "UnknownBlock" in refusal.message) == (4003, True)


async def test_keys_are_listed_in_pages(wire: Wire, chain: DevChain) -> None:
    prefix = hex_of(chain.runtime.codec.storage_key("System", "Account"))
    page = await wire.call("state_getKeysPaged", prefix, 4)
    rest = await wire.call("state_getKeysPaged", prefix, 1000, page[-1], hex_of(chain.genesis.hash))
    assert (len(page), len(rest)) == (4, 4)
    assert sorted(page + rest) == page + rest
    assert (await refusal_of(wire, "state_getKeysPaged", prefix, 1001)).code == 4002


async def test_both_metadata_versions_describe_the_same_pallets(wire: Wire) -> None:
    v14 = bytes.fromhex((await wire.call("state_getMetadata"))[2:])
    versions = await wire.call("state_call", "Metadata_metadata_versions", "0x")
    assert versions == "0x080e0000000f000000"
    answer = bytes.fromhex((await wire.call("state_call", "Metadata_metadata_at_version", "0x0f000000"))[2:])
    v15 = answer[answer.index(b"meta") :]
    old, new = (Runtime(parse_metadata(raw), 100, 1) for raw in (v14, v15))
    assert (old.metadata.version, new.metadata.version) == (14, 15)
    assert old.metadata.pallets == new.metadata.pallets
    assert old.metadata.extrinsic == new.metadata.extrinsic
    assert await wire.call("state_call", "Metadata_metadata_at_version", "0x10000000") == "0x00"


async def test_runtime_calls_answer_nonces_versions_fees_and_validity(wire: Wire, chain: DevChain) -> None:
    alice = Actor(chain, "//Alice")
    assert (
        await wire.call("state_call", "AccountNonceApi_account_nonce", hex_of(alice.account)) == "0x00000000"
    )
    extrinsic = alice.sign(REMARK, remark=b"", tip=3)
    fee = await wire.call("state_call", "TransactionPaymentApi_query_info", hex_of(extrinsic.raw + bytes(4)))
    assert fee.endswith("00" * 16)
    version = await wire.call("state_call", "Core_version", "0x")
    assert bytes.fromhex(version[2:])[1:].startswith(b"chamberlain-devnet")
    asked = b"\x02" + extrinsic.raw + chain.best.hash
    validity = await wire.call("state_call", "TaggedTransactionQueue_validate_transaction", hex_of(asked))
    assert validity.startswith("0x00" + (3).to_bytes(8, "little").hex())
    chain.submit(extrinsic.raw)
    chain.seal()
    stale = await wire.call("state_call", "TaggedTransactionQueue_validate_transaction", hex_of(asked))
    assert stale == "0x010003"
    refusal = await refusal_of(wire, "state_call", "Nothing_at_all", "0x")
    assert (refusal.code, "Exported method Nothing_at_all is not found" in refusal.message) == (4003, True)
    assert (await refusal_of(wire, "state_call", "Core_version", "0x00")).code == 4003


async def test_the_node_says_what_it_is(wire: Wire, chain: DevChain) -> None:
    assert await wire.call("system_chainType") == "Development"
    assert (await wire.call("system_properties"))["ss58Format"] == 42
    assert (await wire.call("system_health"))["isSyncing"] is False
    version = await wire.call("state_getRuntimeVersion", hex_of(chain.genesis.hash))
    assert (version["specVersion"], version["transactionVersion"]) == (100, 1)
    assert ["0xdf6acb689907609b", 5] in version["apis"]
    for method in ("system_name", "system_version"):
        assert await wire.call(method)


# Transactions


async def test_a_transaction_is_submitted_pending_and_counted(wire: Wire, chain: DevChain) -> None:
    alice = Actor(chain, "//Alice")
    extrinsic = alice.sign(REMARK, remark=b"")
    assert await wire.call("author_submitExtrinsic", hex_of(extrinsic.raw)) == hex_of(extrinsic.hash)
    assert await wire.call("author_pendingExtrinsics") == [hex_of(extrinsic.raw)]
    address = ss58_encode(alice.account, 42)
    assert (
        await wire.call("account_nextIndex", address)
        == await wire.call("system_accountNextIndex", address)
        == 1
    )
    refusal = await refusal_of(wire, "author_submitExtrinsic", hex_of(extrinsic.raw))
    assert (refusal.code, refusal.message) == (1013, "Transaction Already Imported")
    assert await wire.call("dev_clearPool") == 1
    assert await wire.call("author_pendingExtrinsics") == []


async def test_a_watched_transaction_tells_every_step_in_order(wire: Wire, chain: DevChain) -> None:
    extrinsic = Actor(chain, "//Alice").sign(REMARK, remark=b"")
    watch = await wire.call("author_submitAndWatchExtrinsic", hex_of(extrinsic.raw))
    [block_hash] = await wire.call("dev_seal")
    await wire.call("dev_finalize")
    statuses = [await wire.next_notification(watch) for _ in range(3)]
    assert statuses == ["ready", {"inBlock": block_hash}, {"finalized": block_hash}]
    assert await wire.call("author_unwatchExtrinsic", watch) is False


async def test_watching_what_is_refused_is_refused(wire: Wire, chain: DevChain) -> None:
    stale = Actor(chain, "//Alice").sign(REMARK, remark=b"")
    await wire.call("author_submitExtrinsic", hex_of(stale.raw))
    refusal = await refusal_of(wire, "author_submitAndWatchExtrinsic", hex_of(stale.raw))
    assert refusal.code == 1013
    chain.seal(5)
    await wire.call("system_chain")
    assert wire.notifications == []
