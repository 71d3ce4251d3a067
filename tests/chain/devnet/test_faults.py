"""A node goes wrong when it is told to, and only then."""

import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from chain.devnet import DevChain, DevNode
from chain.devnet.faults import EVERY, Faults, NotificationKind
from chain.devnet.rpc import session
from tests.chain.devnet.actors import Actor
from tests.chain.devnet.wire import Json, Wire, hex_of, read_to_the_end, refusal_of, wire_to

REMARK = "System.remark"
HOUR_SECONDS = 3600


async def numbers_of(wire: Wire, heads: str, count: int) -> list[int]:
    return [int((await wire.next_notification(heads))["number"], 16) for _ in range(count)]


# Connections


async def test_connections_are_cut_after_the_message_that_was_named(node: DevNode, wire: Wire) -> None:
    async with wire_to(node) as other:
        await other.call("chain_subscribeNewHeads")
        await other.connection.recv()
        assert await wire.call("dev_dropConnections", 3) == 1
        await wire.call("dev_seal", 9)
        assert [
            json.loads(await other.connection.recv())["params"]["result"]["number"] for _ in range(3)
        ] == [
            "0x1",
            "0x2",
            "0x3",
        ]
        assert (await read_to_the_end(other)).rcvd is None
    assert await wire.call("system_chain") == "Development"
    assert await wire.call("dev_struckFaults") == {"connection_dropped": 1}
    async with wire_to(node) as again:
        assert await again.call("system_chain") == "Development"


async def test_a_node_that_is_away_refuses_connections_and_keeps_those_it_has(
    node: DevNode, wire: Wire
) -> None:
    await wire.call("dev_refuseConnections", 2)
    for _ in range(2):
        with pytest.raises(InvalidStatus, match="503"):
            await connect(node.url)
    async with wire_to(node) as late:
        assert await late.call("system_chain") == "Development"
    await wire.call("dev_refuseConnections")
    with pytest.raises(InvalidStatus, match="503"):
        await connect(node.url)
    await wire.call("dev_refuseConnections", 0)
    async with wire_to(node) as late:
        assert await late.call("dev_struckFaults") == {"connection_refused": 3}


# Notifications


async def test_the_next_notifications_of_one_kind_are_swallowed(wire: Wire, chain: DevChain) -> None:
    heads, all_heads = await wire.call("chain_subscribeNewHeads"), await wire.call("chain_subscribeAllHeads")
    assert await numbers_of(wire, heads, 1) == [0]
    await wire.call("dev_swallowNotifications", "chain_newHead", 2)
    chain.seal(4)
    assert await numbers_of(wire, heads, 2) == [3, 4]
    assert await numbers_of(wire, all_heads, 5) == [0, 1, 2, 3, 4]


async def test_a_subscription_hangs_on_a_live_connection_until_told_otherwise(
    wire: Wire, chain: DevChain
) -> None:
    heads = await wire.call("chain_subscribeFinalizedHeads")
    assert await numbers_of(wire, heads, 1) == [0]
    await wire.call("dev_swallowNotifications", "chain_finalizedHead")
    chain.seal(50)
    assert await wire.call("chain_getBlockHash", 50) == hex_of(chain.best.hash)
    assert wire.notifications == []
    await wire.call("dev_swallowNotifications", "chain_finalizedHead", 0)
    chain.seal()
    assert await numbers_of(wire, heads, 1) == [49]


async def test_notifications_are_sent_twice(wire: Wire, chain: DevChain) -> None:
    heads = await wire.call("chain_subscribeNewHeads")
    await wire.call("dev_duplicateNotifications", EVERY, 2)
    chain.seal(3)
    assert await numbers_of(wire, heads, 6) == [0, 1, 1, 2, 2, 3]


# Answers


async def test_a_delayed_answer_is_overtaken_though_its_call_was_carried_out(
    wire: Wire, chain: DevChain
) -> None:
    await wire.call("dev_delayResponses", "author_submitExtrinsic", HOUR_SECONDS)
    raw = hex_of(Actor(chain, "//Alice").sign(REMARK, remark=b"").raw)
    submit = {"jsonrpc": "2.0", "id": "late", "method": "author_submitExtrinsic", "params": [raw]}
    await wire.connection.send(json.dumps(submit))
    assert await wire.call("author_pendingExtrinsics") == [raw]


async def test_a_subscription_is_named_before_its_notifications_however_late(
    wire: Wire, chain: DevChain
) -> None:
    await wire.call("dev_delayResponses", "chain_subscribeNewHeads", 0.05)
    subscribe = {"jsonrpc": "2.0", "id": 1, "method": "chain_subscribeNewHeads", "params": []}
    await wire.connection.send(json.dumps(subscribe))
    assert await wire.call("system_chain") == "Development"
    chain.seal()
    named = json.loads(await wire.connection.recv())["result"]
    assert await numbers_of(wire, named, 2) == [0, 1]


async def test_more_answers_than_a_connection_may_have_delayed_are_sent_at_once(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "DELAYED_ANSWERS_MAX", 2)
    await wire.call("dev_delayResponses", "system_name", HOUR_SECONDS)
    for number in range(4):
        call = {"jsonrpc": "2.0", "id": number, "method": "system_name", "params": []}
        await wire.connection.send(json.dumps(call))
    assert [json.loads(await wire.connection.recv())["id"] for _ in range(2)] == [2, 3]


def test_delays_between_two_bounds_are_drawn_by_the_seed() -> None:
    def drawn(seed: str) -> list[float]:
        faults = Faults(seed)
        faults.delay_responses(EVERY, 0.1, 0.9)
        return [faults.delay_seconds(["system_chain"]) for _ in range(5)]

    assert drawn("one") == drawn("one") != drawn("other")
    assert all(0.1 <= delay <= 0.9 for delay in drawn("one"))


async def test_an_oversized_answer_breaks_a_client_that_limits_them_and_no_other(
    node: DevNode, wire: Wire
) -> None:
    await wire.call("dev_oversizeResponses", "system_chain", 5000, 2)
    call = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "system_chain", "params": []})
    async with connect(node.url, max_size=4000) as small:
        await small.send(call)
        with pytest.raises(ConnectionClosedError, match="1009"):
            await small.recv()
    await wire.connection.send(call)
    oversized = await wire.connection.recv()
    assert len(oversized) == 5000
    assert json.loads(oversized)["result"] == "Development"
    await wire.connection.send(call)
    assert len(await wire.connection.recv()) < 100


async def test_faults_of_every_method_spare_those_that_steer(wire: Wire) -> None:
    await wire.call("dev_delayResponses", EVERY, HOUR_SECONDS)
    await wire.call("dev_oversizeResponses", EVERY, 10_000, None)
    assert len(json.dumps(await wire.call("dev_struckFaults"))) < 100
    await wire.call("dev_clearFaults")
    assert await wire.call("system_chain") == "Development"


# Extrinsics


async def test_extrinsics_vanish_in_a_black_hole_for_so_many_blocks(wire: Wire, chain: DevChain) -> None:
    alice = Actor(chain, "//Alice")
    extrinsic = alice.sign(REMARK, remark=b"")
    await wire.call("dev_blackHole", 2)
    assert await wire.call("author_submitExtrinsic", hex_of(extrinsic.raw)) == hex_of(extrinsic.hash)
    watch = await wire.call("author_submitAndWatchExtrinsic", hex_of(extrinsic.raw))
    assert await wire.call("author_pendingExtrinsics") == []
    await wire.call("dev_seal", 2)
    assert wire.notifications == []
    assert await wire.call("dev_struckFaults") == {"extrinsic_swallowed": 2}
    assert await wire.call("author_submitExtrinsic", hex_of(extrinsic.raw)) == hex_of(extrinsic.hash)
    assert await wire.call("author_pendingExtrinsics") == [hex_of(extrinsic.raw)]
    assert await wire.next_notification(watch) == "ready"


async def test_what_is_broadcast_into_a_black_hole_is_tried_again_until_it_arrives(
    wire: Wire, chain: DevChain
) -> None:
    extrinsic = Actor(chain, "//Alice").sign(REMARK, remark=b"")
    await wire.call("dev_blackHole")
    assert await wire.call("transaction_v1_broadcast", hex_of(extrinsic.raw))
    await wire.call("dev_seal", 3)
    assert chain.pending() == []
    await wire.call("dev_blackHole", 0)
    await wire.call("dev_seal")
    assert await wire.call("author_pendingExtrinsics") == [hex_of(extrinsic.raw)]


# Steering them


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("dev_dropConnections", [-1]),
        ("dev_swallowNotifications", ["chain_noHead"]),
        ("dev_swallowNotifications", [7]),
        ("dev_swallowNotifications", ["chain_newHead", 1_000_001]),
        ("dev_duplicateNotifications", ["nothing"]),
        ("dev_delayResponses", ["no_method", 1]),
        ("dev_delayResponses", ["system_chain", "soon"]),
        ("dev_delayResponses", ["system_chain", -1]),
        ("dev_delayResponses", ["system_chain", 2, 1]),
        ("dev_delayResponses", ["system_chain", 3601]),
        ("dev_oversizeResponses", ["system_chain", 2**40]),
        ("dev_limitResponses", ["much"]),
        ("dev_refuseConnections", ["always"]),
        ("dev_blackHole", [1.5]),
    ],
)
async def test_a_fault_that_cannot_be_is_refused(wire: Wire, method: str, params: list[Json]) -> None:
    assert (await refusal_of(wire, method, *params)).code == -32602


async def test_clearing_the_faults_makes_the_node_well_again(node: DevNode, wire: Wire) -> None:
    for kind in NotificationKind:
        node.faults.swallow_notifications(kind)
    node.faults.refuse_connections()
    node.faults.open_black_hole()
    node.faults.limit_responses(100)
    node.drop_connections(after_messages=1000)
    await wire.call("dev_clearFaults")
    async with wire_to(node) as other:
        heads = await other.call("chain_subscribeNewHeads")
        assert await numbers_of(other, heads, 1) == [0]
        assert len(await other.call("state_getMetadata")) > 100
    extrinsic = Actor(node.chain, "//Alice").sign(REMARK, remark=b"")
    await wire.call("author_submitExtrinsic", hex_of(extrinsic.raw))
    assert len(node.chain.pending()) == 1


async def test_a_connection_that_ends_takes_its_delayed_answers_with_it(node: DevNode, wire: Wire) -> None:
    await wire.call("dev_delayResponses", "system_chain", HOUR_SECONDS)
    before = len(asyncio.all_tasks())
    async with wire_to(node) as other:
        call = {"jsonrpc": "2.0", "id": 1, "method": "system_chain", "params": []}
        await other.connection.send(json.dumps(call))
        assert await other.call("system_name")
        assert len(asyncio.all_tasks()) > before
    while len(asyncio.all_tasks()) > before:
        await asyncio.sleep(0.01)
