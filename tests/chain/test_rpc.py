"""The RPC client, against a WebSocket server whose every answer a test decides."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection, serve

from chain.rpc import (
    ConnectionLost,
    ResponseTooLarge,
    RpcClient,
    RpcError,
    RpcTimeout,
    SubscriptionOverflow,
    TooMuchAsked,
)
from chain.rpc_subscription import SUBSCRIPTION_BUFFER_MAX

Json = Any


class Peer:
    """The node's side of one connection."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection

    async def receive(self) -> Json:
        return msgspec.json.decode(await self.connection.recv())

    async def send(self, message: Json) -> None:
        await self.connection.send(msgspec.json.encode(message), text=True)

    async def answer(self, request: Json, result: Json) -> None:
        await self.send({"jsonrpc": "2.0", "id": request["id"], "result": result})

    async def notify(self, subscription: Json, result: Json) -> None:
        params = {"subscription": subscription, "result": result}
        await self.send({"jsonrpc": "2.0", "method": "news", "params": params})


Script = Callable[[Peer], Awaitable[None]]


@asynccontextmanager
async def node(script: Script) -> AsyncIterator[str]:
    """A node that plays the script on each connection, and then stays silent until the client leaves."""

    async def play(connection: ServerConnection) -> None:
        await script(Peer(connection))
        await connection.wait_closed()

    async with serve(play, "127.0.0.1", 0) as server:
        [socket] = server.sockets
        yield f"ws://127.0.0.1:{socket.getsockname()[1]}"


async def silence(peer: Peer) -> None:
    """Reads everything, answers nothing."""
    while True:
        await peer.receive()


async def test_a_call_returns_its_result_and_sends_its_parameters_in_order() -> None:
    async def script(peer: Peer) -> None:
        request = await peer.receive()
        await peer.answer(request, [request["jsonrpc"], request["method"], request["params"]])

    async with node(script) as url, RpcClient(url) as client:
        assert await client.call("add", 1, "0x02", None) == ["2.0", "add", [1, "0x02", None]]


async def test_answers_find_their_calls_in_whatever_order_they_come() -> None:
    async def script(peer: Peer) -> None:
        requests = [await peer.receive() for _ in range(10)]
        for request in reversed(requests):
            await peer.answer(request, request["params"][0])

    async with node(script) as url, RpcClient(url) as client:
        assert await asyncio.gather(*(client.call("echo", n) for n in range(10))) == list(range(10))


async def test_an_error_answer_raises_what_the_node_said() -> None:
    async def script(peer: Peer) -> None:
        request = await peer.receive()
        error = {"code": 1010, "message": "Invalid Transaction", "data": "Transaction is outdated"}
        await peer.send({"jsonrpc": "2.0", "id": request["id"], "error": error})

    async with node(script) as url, RpcClient(url) as client:
        with pytest.raises(
            RpcError, match=r"Invalid Transaction \(1010\): Transaction is outdated"
        ) as refused:
            await client.call("author_submitExtrinsic", "0x00")
        assert (refused.value.code, refused.value.data) == (1010, "Transaction is outdated")


async def test_a_batch_is_one_message_whose_results_keep_the_order_of_the_calls() -> None:
    async def script(peer: Peer) -> None:
        requests = await peer.receive()
        await peer.send(
            [{"jsonrpc": "2.0", "id": r["id"], "result": r["params"][0]} for r in reversed(requests)]
        )

    async with node(script) as url, RpcClient(url) as client:
        assert await client.batch([("echo", [n]) for n in range(50)]) == list(range(50))


async def test_in_a_batch_a_refused_call_has_its_error_in_the_place_of_its_result() -> None:
    async def script(peer: Peer) -> None:
        first, second, third = await peer.receive()
        await peer.send([
            {"jsonrpc": "2.0", "id": third["id"], "result": None},
            {"jsonrpc": "2.0", "id": second["id"], "error": {"code": -32601, "message": "Method not found"}},
            {"jsonrpc": "2.0", "id": first["id"], "result": 1},
        ])  # fmt: skip

    async with node(script) as url, RpcClient(url) as client:
        one, refused, nothing = await client.batch([("a", []), ("b", []), ("c", [])])
        assert (one, nothing) == (1, None)
        assert isinstance(refused, RpcError)
        assert refused.code == -32601


async def test_a_batch_that_the_node_refuses_as_a_whole_raises_its_error_and_leaves_the_client_usable() -> (
    None
):
    async def script(peer: Peer) -> None:
        await peer.receive()
        await peer.send(
            {"jsonrpc": "2.0", "id": None, "error": {"code": -32010, "message": "The batch is too large"}}
        )
        await peer.answer(await peer.receive(), "still here")

    async with node(script) as url, RpcClient(url) as client:
        with pytest.raises(RpcError, match="too large"):
            await client.batch([("a", []), ("b", [])])
        assert await client.call("hello") == "still here"


async def test_an_empty_batch_needs_no_node() -> None:
    async with node(silence) as url, RpcClient(url) as client:
        assert await client.batch([]) == []


async def test_a_call_that_is_not_answered_in_time_raises_and_leaves_the_connection() -> None:
    async with node(silence) as url, RpcClient(url, call_timeout_seconds=0.5) as client:
        with pytest.raises(RpcTimeout, match=r"did not answer slow within 0\.5 s"):
            await client.call("slow")
        assert client.connected


async def test_the_answer_to_a_call_that_nobody_waits_for_any_more_harms_nobody() -> None:
    async def script(peer: Peer) -> None:
        late = await peer.receive()
        current = await peer.receive()
        await peer.answer(late, "late")
        await peer.answer(current, "current")

    async with node(script) as url, RpcClient(url) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await client.call("slow")
        assert await client.call("quick") == "current"


async def test_more_calls_than_may_be_in_flight_wait_for_their_turn() -> None:
    in_flight: list[int] = []

    async def script(peer: Peer) -> None:
        waiting: list[Json] = []
        for n in range(12):
            waiting.append(await peer.receive())
            in_flight.append(len(waiting))
            if len(waiting) == 3 or n == 11:
                for request in waiting:
                    await peer.answer(request, "done")
                waiting.clear()

    async with node(script) as url, RpcClient(url, in_flight_max=3) as client:
        assert await asyncio.gather(*(client.call("work") for _ in range(12))) == ["done"] * 12
    assert max(in_flight) == 3


async def test_a_dropped_connection_ends_every_call_and_every_subscription_and_spends_the_client() -> None:
    async def script(peer: Peer) -> None:
        await peer.answer(await peer.receive(), "s1")
        await peer.notify("s1", "before")
        await peer.receive()
        peer.connection.transport.abort()

    async with node(script) as url, RpcClient(url) as client:
        async with client.subscribe("subscribe", unsubscribe="unsubscribe") as news:
            with pytest.raises(ConnectionLost):
                await client.call("never answered")
            assert await anext(news) == "before"
            with pytest.raises(ConnectionLost):
                await anext(news)
        assert not client.connected
        with pytest.raises(ConnectionLost):
            await client.call("too late")


async def test_closing_the_client_ends_the_calls_in_flight() -> None:
    async with node(silence) as url:
        client = RpcClient(url)
        await client.connect()
        call = asyncio.create_task(client.call("never answered"))
        await asyncio.sleep(0)
        await client.close()
        await client.close()
        with pytest.raises(ConnectionLost, match="was closed"):
            await call


async def test_a_response_over_the_limit_is_not_taken_and_ends_the_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.answer(await peer.receive(), "x" * 2000)

    async with node(script) as url, RpcClient(url, response_bytes_max=1000) as client:
        with pytest.raises(ResponseTooLarge, match="1000 bytes"):
            await client.call("state_getMetadata")
        assert not client.connected


@pytest.mark.parametrize(
    "frame", ["{", "17", '"text"', '{"id": {}}', '{"method": "x", "params": 1}', '{"id": 1, "error": 5}']
)
async def test_a_node_that_does_not_speak_json_rpc_is_left(frame: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.receive()
        await peer.connection.send(frame)

    async with node(script) as url, RpcClient(url) as client:
        with pytest.raises(ConnectionLost, match="not JSON-RPC"):
            await client.call("hello")


async def test_a_node_that_cannot_be_reached_is_a_lost_connection() -> None:
    async with node(silence) as url:
        pass
    client = RpcClient(url)
    with pytest.raises(ConnectionLost, match="cannot connect to ws://127"):
        await client.connect()
    with pytest.raises(ConnectionLost):
        await client.call("hello")
    await client.close()


async def test_a_subscription_yields_its_notifications_in_order_and_ends_itself_at_the_node() -> None:
    unsubscribed = asyncio.get_running_loop().create_future()

    async def script(peer: Peer) -> None:
        request = await peer.receive()
        await peer.answer(request, "s1")
        for n in range(3):
            await peer.notify("s1", [request["method"], n])
            await peer.notify("somebody else's", n)
        unsubscribed.set_result(await peer.receive())

    async with node(script) as url, RpcClient(url) as client:
        async with client.subscribe("chain_subscribe", unsubscribe="chain_unsubscribe") as news:
            assert [await anext(news) for _ in range(3)] == [["chain_subscribe", n] for n in range(3)]
        request = await unsubscribed
    assert (request["method"], request["params"]) == ("chain_unsubscribe", ["s1"])


async def test_a_refused_subscription_raises_the_error() -> None:
    async def script(peer: Peer) -> None:
        request = await peer.receive()
        await peer.send({"id": request["id"], "error": {"code": -32601, "message": "Method not found"}})

    async with node(script) as url, RpcClient(url) as client:
        with pytest.raises(RpcError, match="Method not found"):
            async with client.subscribe("subscribe", unsubscribe="unsubscribe"):
                raise AssertionError("nothing was subscribed")


async def test_a_subscription_whose_buffer_overflows_says_so_and_leaves_the_client_usable() -> None:
    async def script(peer: Peer) -> None:
        await peer.answer(await peer.receive(), "s1")
        for n in range(SUBSCRIPTION_BUFFER_MAX + 1):
            await peer.notify("s1", n)
        await peer.answer(await peer.receive(), "still here")

    async with (
        node(script) as url,
        RpcClient(url) as client,
        client.subscribe("subscribe", unsubscribe="unsubscribe") as news,
    ):
        assert await client.call("hello") == "still here"
        with pytest.raises(SubscriptionOverflow):
            await anext(news)


async def test_a_subscription_that_the_node_ends_says_why() -> None:
    async def script(peer: Peer) -> None:
        await peer.answer(await peer.receive(), 7)
        params = {"subscription": 7, "error": "no more blocks"}
        await peer.send({"jsonrpc": "2.0", "method": "news", "params": params})

    async with (
        node(script) as url,
        RpcClient(url) as client,
        client.subscribe("subscribe", unsubscribe="unsubscribe") as news,
    ):
        with pytest.raises(RpcError, match="no more blocks"):
            await anext(news)


@pytest.mark.parametrize("url", ["", "localhost:9944", "http://127.0.0.1:9944", "ws://", "ws://host:port"])
def test_a_url_that_is_not_one_of_a_node_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValueError, match="looks like ws://"):
        RpcClient(url)


async def test_the_password_in_a_url_is_not_in_an_error() -> None:
    client = RpcClient("ws://user:hunter2@127.0.0.1:1/key-hunter2?apikey=hunter2")
    with pytest.raises(ConnectionLost) as lost:
        await client.connect()
    assert "hunter2" not in str(lost.value)


async def test_a_refusal_of_a_batch_that_does_not_say_which_ends_all_batches_and_no_single_call() -> None:
    async def script(peer: Peer) -> None:
        call = await peer.receive()
        for _ in range(2):
            await peer.receive()
        error = {"code": -32011, "message": "The batch response was too large"}
        await peer.send({"jsonrpc": "2.0", "id": None, "error": error})
        await peer.answer(call, "single")

    async with node(script) as url, RpcClient(url) as client:
        single = asyncio.create_task(client.call("one"))
        await asyncio.sleep(0)
        batches = [client.batch([("many", [n])]) for n in range(2)]
        refusals = await asyncio.gather(*batches, return_exceptions=True)
        assert [type(refusal) for refusal in refusals] == [TooMuchAsked, TooMuchAsked]
        assert await single == "single"


async def test_an_answer_that_the_node_finds_too_large_is_an_error_of_its_own() -> None:
    async def script(peer: Peer) -> None:
        request = await peer.receive()
        error = {"code": -32008, "message": "Response is too big", "data": "Exceeded max limit of 15728640"}
        await peer.send({"jsonrpc": "2.0", "id": request["id"], "error": error})

    async with node(script) as url, RpcClient(url) as client:
        with pytest.raises(TooMuchAsked, match="Exceeded max limit"):
            await client.call("state_getMetadata")


async def test_a_call_may_have_a_timeout_of_its_own() -> None:
    async with node(silence) as url, RpcClient(url) as client:
        with pytest.raises(RpcTimeout, match=r"within 0\.01 s"):
            await client.call("slow", timeout_seconds=0.01)


async def test_the_newest_notification_is_taken_and_older_ones_are_passed_over() -> None:
    async def script(peer: Peer) -> None:
        await peer.answer(await peer.receive(), "S")
        for number in range(5):
            await peer.notify("S", number)
        await peer.answer(await peer.receive(), None)

    async with (
        node(script) as url,
        RpcClient(url) as client,
        client.subscribe("on", unsubscribe="off") as news,
    ):
        await client.call("wait")
        assert await news.newest() == 4
