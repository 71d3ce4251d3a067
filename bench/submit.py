"""`submit`: extrinsics per second from the outbox to finality, signing included, against a plain loop.

An outbox is filled while submission is paused. From the moment that it resumes we measure until the last of
them is known to be finalized: they are claimed, signed, stored, sent in batches, and found again in finalized
blocks, of which all events are stored too. The peer does what no program can do without: on a chain of its
own that is alike, for accounts of the same number, it makes the same calls with the same codec, signs them
(sr25519), sends them in batches of the same size, and waits until the last is finalized. It stores nothing,
and a crash would lose or double what it sends. So the ratio is the price of sending each exactly once.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from bench.chains import serve_working_chain
from bench.engines import ENGINES, OPEN
from bench.peers import PeerRow, Round, peer_row
from bench.processes import Line, Process
from bench.reading import Chain, bound_storage
from chain.bridge import Bridge, BridgeSettings
from chain.keyring import Keyring
from chain.keys import Signer, load_signer
from chain.node import SUBMIT_BATCH_MAX, Header, Node
from chain.rpc import RpcClient
from chain.scale.extrinsic import Era, sign_extrinsic
from chain.scale.runtime import Runtime
from chain.submitter import ERA_PERIOD_BLOCKS
from storage import status_counts
from storage.chain import outbox, pauses
from storage.chain.outbox import NewCall
from storage.chain.pauses import ALL_SIGNERS, Pause
from storage.lifecycle import ExtrinsicStatus
from storage.transaction import Transaction

NAMES = ("Alice", "Bob", "Charlie", "Dave")
SIGNERS: Mapping[str, Signer] = {name: load_signer(f"//{name}") for name in NAMES}
BLOCK_TIME_MS = 100
LOOK_SECONDS = 0.01
PEER = "plain loop, nothing stored"


@dataclass(frozen=True)
class Size:
    """How many extrinsics are sent in each round."""

    engines: Sequence[str] = ENGINES
    rounds: int = 3
    extrinsics: int = 1000


def measure(size: Size, tell: Callable[[str], None]) -> list[PeerRow]:
    """Run the benchmark; `tell` is told of each step."""
    return [_measure_one(size, engine, tell) for engine in size.engines]


def _measure_one(size: Size, engine: str, tell: Callable[[str], None]) -> PeerRow:
    rounds = []
    with ExitStack() as stack:
        tell(f"submit: starting on {engine}")
        chains = [stack.enter_context(Process(serve_working_chain, BLOCK_TIME_MS)) for _ in range(2)]
        database = stack.enter_context(OPEN[engine]())
        ours = stack.enter_context(Process(send_from_the_outbox, database.url, chains[0].greeting))
        theirs = stack.enter_context(Process(send_in_a_loop, chains[1].greeting))
        for number in range(size.rounds):
            tell(f"submit: {engine}, round {number + 1}")
            seconds = [sender.ask(size.extrinsics) for sender in (ours, theirs)]
            rounds.append(Round(*(size.extrinsics / each for each in seconds)))
    return peer_row("submit", f"extrinsics/s, {engine}", PEER, rounds)


async def send_from_the_outbox(line: Line, database_url: str, chain: Chain) -> None:
    """Send so many as are asked for; the answer is the seconds that it took."""
    async with bound_storage(database_url, chain) as storage:
        keyring = Keyring(SIGNERS[NAMES[0]], SIGNERS)
        bridge = Bridge(storage, BridgeSettings(url=chain.url, keyring=keyring))
        running = asyncio.create_task(bridge.run())
        try:
            line.answer(None)
            finalized = 0
            async for count in line.questions():
                await storage.commit(pauses.pause, Pause(signer=ALL_SIGNERS))
                calls = [_new_call(number) for number in range(count)]
                await asyncio.gather(*(storage.commit(outbox.enqueue_call, call) for call in calls))
                finalized += count
                started = time.monotonic()
                await storage.commit(pauses.resume, ALL_SIGNERS)
                while await storage.read(_finalized_count) < finalized:
                    await asyncio.sleep(LOOK_SECONDS)
                line.answer(time.monotonic() - started)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def send_in_a_loop(line: Line, chain: Chain) -> None:
    """The same without a database."""
    async with RpcClient(chain.url) as client:
        node = Node(client)
        runtime = await node.runtime_at((await node.finalized_head()).hash)
        line.answer(None)
        async for count in line.questions():
            started = time.monotonic()
            await _sign_and_send(node, runtime, bytes.fromhex(chain.genesis_hash), count)
            line.answer(time.monotonic() - started)


async def _sign_and_send(node: Node, runtime: Runtime, genesis_hash: bytes, count: int) -> None:
    signers = list(SIGNERS.values())
    birth = await node.finalized_head()
    nonces = await _nonces(node, runtime, birth)
    waiting: list[bytes] = []
    for number in range(count):
        place = number % len(signers)
        extrinsic = sign_extrinsic(
            runtime,
            runtime.encode_call("System", "remark", {"remark": _remark(number)}),
            signers[place],
            nonce=nonces[place],
            era=Era.mortal(ERA_PERIOD_BLOCKS, birth.number),
            birth_hash=birth.hash,
            genesis_hash=genesis_hash,
        )
        nonces[place] += 1
        waiting.append(extrinsic.raw)
        if len(waiting) == SUBMIT_BATCH_MAX or number == count - 1:
            if any(await node.submit(waiting)):
                raise RuntimeError("the node refuses an extrinsic")
            waiting.clear()
    while await _nonces(node, runtime, await node.finalized_head()) != nonces:
        await asyncio.sleep(LOOK_SECONDS)


async def _nonces(node: Node, runtime: Runtime, head: Header) -> list[int]:
    found = await node.accounts(runtime, [signer.account for signer in SIGNERS.values()], head.hash)
    return [nonce for nonce, _ in found]


def _new_call(number: int) -> NewCall:
    return NewCall(
        pallet="System",
        call="remark",
        payload=f'{{"remark":"{_remark(number)}"}}',
        signer=NAMES[number % len(NAMES)],
    )


def _remark(number: int) -> str:
    return f"0x{number:064x}"


def _finalized_count(tx: Transaction) -> int:
    return status_counts.load(tx).get("extrinsic", {}).get(ExtrinsicStatus.FINALIZED, 0)
