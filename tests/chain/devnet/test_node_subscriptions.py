"""The node notifies its subscribers as a real one does, and can be steered."""

import asyncio
import json

import pytest
from websockets.exceptions import ConnectionClosed

from chain.devnet import DevChain, DevChainConfig, DevNode, Sealing
from chain.devnet.rpc import session
from tests.chain.devnet.actors import Actor
from tests.chain.devnet.wire import Wire, hex_of, manual_chain, read_to_the_end, refusal_of, wire_to

REMARK = "System.remark"


# Subscriptions


async def test_best_heads_are_announced_from_the_present_one_on(wire: Wire, chain: DevChain) -> None:
    heads = await wire.call("chain_subscribeNewHeads")
    all_heads = await wire.call("chain_subscribeAllHeads")
    chain.seal(3)
    assert [(await wire.next_notification(heads))["number"] for _ in range(4)] == ["0x0", "0x1", "0x2", "0x3"]
    assert [(await wire.next_notification(all_heads))["number"] for _ in range(4)][-1] == "0x3"
    assert await wire.call("chain_unsubscribeAllHeads", heads) is False
    assert await wire.call("chain_unsubscribeNewHeads", heads) is True
    assert await wire.call("chain_unsubscribeNewHeads", heads) is False


async def test_the_first_notification_follows_the_answer_that_names_its_subscription(wire: Wire) -> None:
    calls: list[tuple[str, list[int]]] = [("chain_subscribeNewHeads", []), ("dev_seal", [2])]
    batch = [{"jsonrpc": "2.0", "id": 1, "method": method, "params": params} for method, params in calls]
    await wire.connection.send(json.dumps(batch))
    subscribed, _ = json.loads(await wire.connection.recv())
    for number in ("0x0", "0x1", "0x2"):
        params = json.loads(await wire.connection.recv())["params"]
        assert (params["subscription"], params["result"]["number"]) == (subscribed["result"], number)


async def test_finalized_heads_skip_what_became_final_together(wire: Wire) -> None:
    heads = await wire.call("chain_subscribeFinalizedHeads")
    await wire.call("dev_setFinalityLag", 1000)
    await wire.call("dev_seal", 9)
    await wire.call("dev_setFinalityLag", 2)
    await wire.call("dev_seal")
    numbers = [(await wire.next_notification(heads))["number"] for _ in range(3)]
    assert numbers == ["0x0", "0x7", "0x8"]
    finalized = await wire.call("chain_getFinalizedHead")
    assert finalized == await wire.call("chain_getBlockHash", 8)


async def test_storage_is_announced_at_first_and_when_it_changes(wire: Wire, chain: DevChain) -> None:
    codec, alice = chain.runtime.codec, Actor(chain, "//Alice")
    account = hex_of(codec.storage_key("System", "Account", alice.account))
    issuance = hex_of(codec.storage_key("Balances", "TotalIssuance"))
    changes = await wire.call("state_subscribeStorage", [account, issuance])
    first = await wire.next_notification(changes)
    assert [key for key, _ in first["changes"]] == [account, issuance]
    chain.seal()
    block = alice.do(REMARK, remark=b"").block
    second = await wire.next_notification(changes)
    assert second["block"] == hex_of(block.hash)
    assert [key for key, _ in second["changes"]] == [account]
    assert await wire.call("state_unsubscribeStorage", changes) is True


async def test_the_runtime_version_is_announced(wire: Wire) -> None:
    versions = await wire.call("state_subscribeRuntimeVersion")
    assert (await wire.next_notification(versions))["specName"] == "chamberlain-devnet"
    assert await wire.call("state_unsubscribeRuntimeVersion", versions) is True


async def test_a_connection_has_no_more_subscriptions_than_allowed(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "SUBSCRIPTIONS_MAX", 1)
    await wire.call("chain_subscribeNewHeads")
    assert (await refusal_of(wire, "chain_subscribeNewHeads")).code == -32006


async def test_a_client_that_does_not_read_is_cut_off_and_the_others_are_not(
    node: DevNode, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "OUTGOING_MESSAGES_MAX", 10)
    async with wire_to(node) as slow:
        await slow.call("chain_subscribeNewHeads")
        node.chain.seal(20)
        await read_to_the_end(slow)
    assert await wire.call("system_chain") == "Development"


# Steering


async def test_sealing_in_time_can_be_paused_and_resumed() -> None:
    chain = DevChain(DevChainConfig(sealing=Sealing.INTERVAL, block_time_ms=2))
    async with DevNode(chain) as node, wire_to(node) as wire:
        heads = await wire.call("chain_subscribeNewHeads")
        numbers = [int((await wire.next_notification(heads))["number"], 16) for _ in range(3)]
        assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]
        await wire.call("dev_pauseSealing")
        paused_at = chain.best.number
        [sealed] = await wire.call("dev_seal")
        await asyncio.sleep(10 * chain.config.block_time_ms / 1000)
        assert await wire.call("chain_getBlockHash") == sealed
        assert chain.best.number == paused_at + 1
        await wire.call("dev_resumeSealing")
        while int((await wire.next_notification(heads))["number"], 16) < paused_at + 3:
            pass


async def test_dropped_connections_are_cut_without_a_goodbye_but_for_the_one_that_asks(
    node: DevNode, wire: Wire
) -> None:
    async with wire_to(node) as one, wire_to(node) as other:
        for each in (one, other):
            await each.call("chain_subscribeNewHeads")
        assert await wire.call("dev_dropConnections") == 2
        for each in (one, other):
            assert (await read_to_the_end(each)).rcvd is None
    node.chain.seal()
    assert await wire.call("chain_getBlockHash", 1) is not None


async def test_a_node_that_stops_closes_its_connections_and_frees_its_port() -> None:
    async with DevNode(manual_chain()) as node, wire_to(node) as wire:
        await wire.call("chain_subscribeNewHeads")
        host, port = node.url.removeprefix("ws://").split(":")
    with pytest.raises(ConnectionClosed):
        await wire.call("system_chain")
    async with DevNode(manual_chain(), host, int(port)) as again, wire_to(again) as wire:
        assert await wire.call("system_chain") == "Development"


async def test_a_taken_port_is_an_error_of_the_operating_system(node: DevNode) -> None:
    with pytest.raises(OSError, match="address already in use"):
        async with DevNode(manual_chain(), port=int(node.url.rsplit(":", 1)[1])):
            pass
