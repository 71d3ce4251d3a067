"""The adversary of the torture: what it does to the server, to the node, and to the chain.

Each act draws what it needs from a generator of its own step, so that a step of a seed wants the same in
every run. What it meets then is up to the machine: a fork is as deep as finality allows at that moment.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Collection
from typing import Any

from chain.devnet.revision import Change
from chain.keys import load_signer
from chain.node import Node
from chain.rpc import RpcClient, RpcError
from chain.scale.errors import ScaleError
from chain.scale.extrinsic import Era, decode_extrinsic, sign_extrinsic
from tests.support.processes import Server
from tests.torture.callers import SIGNERS
from tests.torture.plan import Step

FINALITY_LAG_BLOCKS = 2
WAIT_SECONDS = 1.0
"""How long it lies in wait for something that is sent."""
LOOK_SECONDS = 0.005
STRANGER = "//Eve"
USURPER_TIP = 1_000_000

NOTIFICATIONS = ("*", "chain_finalizedHead", "chain_newHead")
METHODS = ("*", "author_submitExtrinsic", "author_submitExtrinsic", "chain_getBlock", "state_getStorage")


class Adversary:
    """`log` is what it did, line by line; `foreign` are the hashes of what it signed itself."""

    def __init__(self, rpc: RpcClient, server: Server, era_blocks: int) -> None:
        self.log: list[str] = []
        self.foreign: set[bytes] = set()
        self._rpc = rpc
        self._node = Node(rpc)
        self._server = server
        self._era_blocks = era_blocks
        self._chance = random.Random()
        self._ends: set[asyncio.Task[None]] = set()  # what ends a fault that lasts for a while
        self._began = time.monotonic()

    async def act(self, seed: int, step: Step) -> None:
        """Do what the step says, and wait a little."""
        self._chance = random.Random(f"{seed} act {step.number}")
        begun, said = await self._where(), "it did not come to its end"
        try:
            said = await getattr(self, f"_{step.act}")()
        except (RpcError, ScaleError) as refusal:  # the chain has moved on meanwhile, or answers are limited
            said = f"refused: {refusal}"
        finally:
            self.log.append(
                f"{begun} step {step.number}: {step.act}{f' ({said})' if said else ''}"
                f"{f', lives {list(step.lives)}' if step.lives else ''}"
                f"{f', singles {[number for number, _ in step.singles]}' if step.singles else ''}"
            )
        await asyncio.sleep(step.pause_seconds)

    async def rest(self) -> None:
        """Let everything work from now on."""
        for task in self._ends:
            task.cancel()
        await asyncio.gather(*self._ends, return_exceptions=True)
        await self._call("dev_clearFaults")
        await self._call("dev_setFinalityLag", FINALITY_LAG_BLOCKS)
        await self._call("dev_resumeFinality")
        self.log.append(f"{await self._where()} rest")

    # Of the server

    async def _kill(self) -> str:
        """SIGKILL, and a start soon after."""
        await asyncio.sleep(self._chance.uniform(0.0, 0.4))
        await self._server.kill()
        away = self._chance.uniform(0.0, 0.3)
        await asyncio.sleep(away)
        await self._server.start()
        return f"away for {away:.2f} s"

    async def _false_start(self) -> str:
        """SIGKILL, and another one while it starts again."""
        await self._server.kill()
        seconds = self._chance.uniform(0.5, 2.0)
        await self._server.spawn()
        await asyncio.sleep(seconds)
        await self._server.kill()
        await self._server.start()
        return f"killed again after {seconds:.1f} s"

    async def _ambush(self) -> str:
        """SIGKILL at the moment at which something reaches the pool, before the server hears that it did."""
        await self._call("dev_delayResponses", "author_submitExtrinsic", 0.5)
        before = set(await self._pending())
        caught = await self._wait_for_prey(before)
        await self._server.kill()
        await self._call("dev_delayResponses", "author_submitExtrinsic", 0)
        await self._server.start()
        return "something was just sent" if caught else "nothing came"

    async def _long_absence(self) -> str:
        """SIGKILL, and no start before all that was signed has expired."""
        await self._server.kill()
        height = await self._best()
        while await self._best() < height + self._era_blocks + FINALITY_LAG_BLOCKS + 1:
            await asyncio.sleep(0.05)
        await self._server.start()
        return "longer than an era"

    # Of the chain

    async def _fork(self) -> str:
        """Soon after something was sent, so that a block that is left may hold it."""
        await self._wait_for_prey()
        await asyncio.sleep(self._chance.uniform(0.0, 0.25))
        gap = await self._best() - await self._final()
        if gap < 1:
            return "everything is final"
        depth = self._chance.randint(1, gap)
        length = depth + self._chance.randint(1, 3)
        retracted = self._chance.choice(("include", "pool", "lose"))
        await self._call("dev_fork", depth, length, retracted)
        return f"depth {depth}, length {length}, {retracted}"

    async def _stall_finality(self) -> str:
        seconds = self._chance.uniform(0.3, 2.0)
        await self._call("dev_pauseFinality")
        self._later(seconds, "dev_resumeFinality")
        return f"for {seconds:.1f} s"

    async def _leap(self) -> str:
        """Finality comes late, and several blocks at once."""
        lag, leap = self._chance.randint(0, 5), self._chance.randint(1, 5)
        seconds = self._chance.uniform(0.3, 3.0)
        await self._call("dev_setFinalityLag", lag, leap)
        self._later(seconds, "dev_setFinalityLag", FINALITY_LAG_BLOCKS)
        return f"lag {lag}, {leap} at once, for {seconds:.1f} s"

    async def _upgrade(self) -> str:
        changes = [change.value for change in Change if self._chance.random() < 0.6]
        await self._call("dev_upgradeRuntime", changes)
        return ", ".join(changes) or "only the version"

    async def _stranger(self) -> str:
        """Somebody else uses the chain."""
        if self._chance.random() < 0.5:
            did = f"did:stranger:{len(self.foreign)}".encode()
            arguments: dict[str, Any] = {
                "did": did,
                "capabilities": [],
                "metadata": None,
                "attestation": b"",
                "verification_level": "Optimistic",
            }
            return await self._sign("AgentRegistry", "register_agent", arguments, STRANGER)
        return await self._sign("System", "remark_with_event", {"remark": b"stranger"}, STRANGER)

    # Of the pool

    async def _lose_pool(self) -> str:
        await self._wait_for_prey()
        return f"{await self._call('dev_clearPool')} transactions"

    async def _lose_one(self) -> str:
        victim = await self._victim()
        if victim is None:
            return "the pool is empty"
        await self._call("dev_dropTransaction", f"0x{victim[0].hex()}")
        return f"0x{victim[0].hex()}"

    async def _ban_one(self) -> str:
        """The node refuses some bytes for good."""
        victim = await self._victim()
        if victim is None:
            return "the pool is empty"
        await self._call("dev_banTransaction", f"0x{victim[0].hex()}")
        return f"0x{victim[0].hex()}"

    async def _usurp_one(self) -> str:
        """Somebody who has a key of the server takes the nonce of something in the pool."""
        victim = await self._victim()
        if victim is None:
            return "the pool is empty"
        _, account, nonce = victim
        secret = next((each for each in SIGNERS.values() if load_signer(each).account == account), None)
        if secret is None:
            return "it is a stranger's"
        arguments = {"remark": b"usurped"}
        return await self._sign("System", "remark", arguments, secret, nonce=nonce, tip=USURPER_TIP)

    async def _black_hole(self) -> str:
        blocks = self._era_blocks * 3 // 2
        await self._call("dev_blackHole", blocks)
        return f"for {blocks} blocks"

    # Of connections and answers

    async def _drop_connections(self) -> str:
        after = self._chance.choice((0, 0, self._chance.randint(1, 60)))
        await self._call("dev_dropConnections", after)
        return f"after {after} messages" if after else ""

    async def _refuse_connections(self) -> str:
        attempts = self._chance.randint(1, 4)
        await self._call("dev_refuseConnections", attempts)
        await self._call("dev_dropConnections")
        return f"{attempts} attempts"

    async def _swallow_notifications(self) -> str:
        kind, count = self._chance.choice(NOTIFICATIONS), self._chance.choice((1, 5, None))
        await self._call("dev_swallowNotifications", kind, count)
        seconds = self._chance.uniform(0.3, 2.0)
        self._later(seconds, "dev_swallowNotifications", kind, 0)
        return f"{kind}, {count or 'all'}, for {seconds:.1f} s"

    async def _repeat_notifications(self) -> str:
        count = self._chance.randint(1, 20)
        await self._call("dev_duplicateNotifications", "*", count)
        return f"{count}"

    async def _delay_answers(self) -> str:
        method, longest = self._chance.choice(METHODS), self._chance.uniform(0.05, 0.6)
        await self._call("dev_delayResponses", method, 0.0, longest)
        seconds = self._chance.uniform(0.3, 2.0)
        self._later(seconds, "dev_delayResponses", method, 0)
        return f"{method} by up to {longest:.2f} s, for {seconds:.1f} s"

    async def _limit_answers(self) -> str:
        length_bytes, seconds = self._chance.randint(2_000, 20_000), self._chance.uniform(0.3, 1.5)
        await self._call("dev_limitResponses", length_bytes)
        self._later(seconds, "dev_limitResponses")
        return f"to {length_bytes} bytes, for {seconds:.1f} s"

    # How

    async def _call(self, method: str, *params: Any) -> Any:
        return await self._rpc.call(method, *params)

    def _later(self, seconds: float, method: str, *params: Any) -> None:
        async def end() -> None:
            await asyncio.sleep(seconds)
            await self._call(method, *params)

        self._ends.add(asyncio.create_task(end()))

    async def _pending(self) -> list[str]:
        pending: list[str] = await self._call("author_pendingExtrinsics")
        return pending

    async def _wait_for_prey(self, known: Collection[str] = ()) -> bool:
        """Wait until the pool has something that is not known; whether it has."""
        until = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < until:
            if set(await self._pending()).difference(known):
                return True
            await asyncio.sleep(LOOK_SECONDS)
        return False

    async def _victim(self) -> tuple[bytes, bytes, int] | None:
        """A transaction of the pool: its hash, its account and its nonce."""
        await self._wait_for_prey()
        pending = await self._pending()
        if not pending:
            return None
        runtime = await self._node.runtime_at(await self._node.best_hash())
        extrinsic = decode_extrinsic(runtime, bytes.fromhex(self._chance.choice(pending)[2:]))
        assert extrinsic.signature is not None, "what waits in a pool is signed"
        return extrinsic.hash, extrinsic.signature.account, extrinsic.signature.nonce

    async def _sign(
        self,
        pallet: str,
        call: str,
        arguments: dict[str, Any],
        secret: str,
        *,
        nonce: int | None = None,
        tip: int = 0,
    ) -> str:
        """Sign something and send it, whatever becomes of it."""
        signer = load_signer(secret)
        best, final = await self._node.best_hash(), await self._node.finalized_head()
        runtime = await self._node.runtime_at(best)
        if nonce is None:
            [(nonce, _)] = await self._node.accounts(runtime, [signer.account], best)
        extrinsic = sign_extrinsic(
            runtime,
            runtime.encode_call(pallet, call, arguments),
            signer,
            nonce=nonce,
            era=Era.mortal(64, final.number),
            birth_hash=final.hash,
            genesis_hash=await self._node.genesis_hash(),
            tip=tip,
        )
        self.foreign.add(extrinsic.hash)
        with contextlib.suppress(RpcError):
            await self._rpc.call("author_submitExtrinsic", f"0x{extrinsic.raw.hex()}")
        return f"{pallet}.{call} by {secret}, nonce {nonce}"

    async def _best(self) -> int:
        return (await self._node.best_head()).number

    async def _final(self) -> int:
        return (await self._node.finalized_head()).number

    async def _where(self) -> str:
        seconds = time.monotonic() - self._began
        return f"{seconds:6.2f} s, block {await self._best()}, {await self._final()} final:"
