"""Raw calls: one that the chain's runtime cannot take is refused at once, as far as the runtime is known."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from chamberlain.v1 import outbox_service_pb2 as pb
from chamberlain.v1.extrinsic_pb2 import ExtrinsicStatus
from google.protobuf.struct_pb2 import Struct
from grpc import StatusCode

from chain.devnet import DevChain, DevChainConfig, DevNode
from chain.devnet.revision import Change
from server.app import App
from tests.server.chain_world import BLOCK_TIME_MS, World, a_world, eventually
from tests.server.conftest import connected, running, settings
from tests.server.refusals import refused

TRANSFER = "Balances.transfer_keep_alive"
ALLOWED = f"{TRANSFER},System.remark,System.no_such_call,Nowhere.remark"
DEST = f"0x{7:064x}"
U128_MAX = 2**128 - 1
FINALIZED = ExtrinsicStatus.EXTRINSIC_STATUS_FINALIZED
DEAD = ExtrinsicStatus.EXTRINSIC_STATUS_DEAD


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A server that knows the runtime of its chain."""
    async with a_world(outbox_allowed_calls=ALLOWED) as world:
        await world.until(await enqueued(world, "System.remark", remark="0x00"), FINALIZED)
        yield world


def a_call(name: str, request_id: str = "", **arguments: Any) -> pb.EnqueueExtrinsicRequest:
    payload = Struct()
    payload.update(arguments)
    pallet, call = name.split(".")
    return pb.EnqueueExtrinsicRequest(pallet=pallet, call=call, payload=payload, request_id=request_id)


async def enqueued(world: World, name: str, **arguments: Any) -> str:
    """The correlation id of a call that was taken in."""
    answer = await world.outbox.EnqueueExtrinsic(a_call(name, **arguments))
    correlation_id: str = answer.correlation_id
    return correlation_id


async def how_many(world: World) -> int:
    listed = await world.outbox.ListExtrinsics(pb.ListExtrinsicsRequest(include_total_size=True))
    size: int = listed.total_size
    return size


@pytest.mark.parametrize(
    ("name", "arguments", "field", "why"),
    [
        ("Nowhere.remark", {"remark": "0x00"}, "pallet", "the runtime has no pallet 'Nowhere'"),
        ("System.no_such_call", {}, "call", "pallet System has no call 'no_such_call'"),
        ("System.remark", {}, "payload.remark", "System.remark expects a value, none is given"),
        (
            TRANSFER,
            {"dest": DEST, "value": "1", "memo": "hello"},
            "payload.memo",
            f"{TRANSFER} expects no such field, only dest, value",
        ),
        (
            TRANSFER,
            {"dest": DEST, "value": str(U128_MAX + 1)},
            "payload.value",
            f"{TRANSFER} expects u128, an integer from 0 to {U128_MAX}",
        ),
        (TRANSFER, {"dest": DEST, "value": "-1"}, "payload.value", f"{TRANSFER} expects u128, an integer"),
        (TRANSFER, {"dest": DEST, "value": 1.5}, "payload.value", f"{TRANSFER} expects u128, an integer"),
        (TRANSFER, {"dest": "5Nobody", "value": "1"}, "payload.dest", f"{TRANSFER} expects an account"),
    ],
)
async def test_what_the_runtime_cannot_take_is_refused_with_the_field_and_nothing_is_stored(
    world: World, name: str, arguments: dict[str, Any], field: str, why: str
) -> None:
    before = await how_many(world)
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", fields=[field]) as told:
        await world.outbox.EnqueueExtrinsic(a_call(name, **arguments))
    assert told.text.startswith(why)
    assert await how_many(world) == before


async def test_the_largest_amount_there_is_fits(world: World) -> None:
    call = await enqueued(world, TRANSFER, dest=DEST, value=str(U128_MAX))
    failed = await world.until(call, ExtrinsicStatus.EXTRINSIC_STATUS_FAILED)
    assert "FundsUnavailable" in failed.last_error


async def test_a_request_that_was_refused_may_be_put_right_under_the_same_id(world: World) -> None:
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", fields=["payload.value"]):
        await world.outbox.EnqueueExtrinsic(a_call(TRANSFER, "once", dest=DEST))
    answer = await world.outbox.EnqueueExtrinsic(a_call(TRANSFER, "once", dest=DEST, value="1000000000"))
    await world.until(answer.correlation_id, FINALIZED)


async def test_after_an_upgrade_the_new_runtime_says_what_fits(world: World) -> None:
    """What fits has other bytes then, and what is wrong is wrong by the new metadata."""
    number = world.chain.upgrade_runtime([Change.PALLET_INDICES, Change.VARIANT_INDICES, Change.TYPES])

    async def upgraded() -> bool:
        return bool(world.chain.finalized.number > number)

    await eventually(upgraded)
    with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", fields=["payload.value"]):
        await world.outbox.EnqueueExtrinsic(a_call(TRANSFER, dest=DEST, value=str(U128_MAX + 1)))
    await world.until(await enqueued(world, TRANSFER, dest=DEST, value="1000000000"), FINALIZED)


async def test_while_no_node_is_connected_a_wrong_call_is_taken_in_and_dies_with_its_reason() -> None:
    chain = DevChain(DevChainConfig(block_time_ms=BLOCK_TIME_MS))
    async with AsyncExitStack() as stack:
        node = AsyncExitStack()
        url = (await node.enter_async_context(DevNode(chain))).url
        given = settings(
            chain_ws_url=url, chain_signer="//Alice", outbox_poll_ms=10, outbox_allowed_calls=ALLOWED
        )
        app = await stack.enter_async_context(running(App(given)))
        world = World(app, chain, await stack.enter_async_context(connected(app)))
        await node.aclose()

        async def away() -> bool:
            assert app.chain is not None
            return not app.chain.status().connected

        await eventually(away)
        wrong = "System.no_such_call"
        first = await world.outbox.EnqueueExtrinsic(a_call(wrong, "once"))
        await stack.enter_async_context(DevNode(chain, port=int(url.rpartition(":")[2])))
        dead = await world.until(first.correlation_id, DEAD)
        assert "pallet System has no call 'no_such_call'" in dead.last_error
        # Asked for again, it has its first answer; asked for anew, it is refused.
        assert await world.outbox.EnqueueExtrinsic(a_call(wrong, "once")) == first
        with refused(StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", fields=["call"]):
            await world.outbox.EnqueueExtrinsic(a_call(wrong, "twice"))
