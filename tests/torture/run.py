"""One run of the torture: a chain, a server, callers and an adversary, and in the end the verdict."""

import asyncio
import sys
from pathlib import Path

import grpc

from chain.rpc import RpcClient
from chain.submitter import ERA_PERIOD_BLOCKS
from tests.support.processes import Server, development_chain
from tests.torture import plan, served
from tests.torture.adversary import FINALITY_LAG_BLOCKS, Adversary
from tests.torture.callers import AGENTS, ALLOWED_CALLS, INTENTS_PER_LIFE, SIGNERS, Callers
from tests.torture.ledger import Ledger
from tests.torture.verdict import Database, complaints

BLOCK_TIME_MS = 100
SETTLE_SECONDS = 180.0
"""How long everything may take to come to its end once the adversary rests."""
SERVER_LOG = "server.log"
LOG_TAIL_LINES = 30
CHANNEL_OPTIONS = (("grpc.max_reconnect_backoff_ms", 200), ("grpc.initial_reconnect_backoff_ms", 50))


class Broken(AssertionError):
    """A promise was broken; the message says which, what was done, and how to do it again."""


class Torture:
    """What a run is made of. `folder` takes what the server says, and nothing else is left behind."""

    def __init__(
        self,
        seed: int,
        intents: int,
        database_url: str,
        folder: Path,
        *,
        sabotage: str = "",
        as_is: bool = False,
    ) -> None:
        self.seed = seed
        self.steps = plan.draw(seed, intents=intents, fixed=len(AGENTS), per_life=INTENTS_PER_LIFE)
        self.log: list[str] = []
        self._intents = intents
        self._database_url = database_url
        self._folder = folder
        self._sabotage = sabotage
        self._as_is = as_is
        self._era_blocks = ERA_PERIOD_BLOCKS if as_is else served.ERA_PERIOD_BLOCKS

    async def run(self, settle_seconds: float = SETTLE_SECONDS) -> str:
        """What happened, in a line. Raises `Broken`."""
        try:
            return await self._run(settle_seconds)
        except Exception as defect:
            raise Broken(self._report(str(defect) or repr(defect))) from defect

    async def _run(self, settle_seconds: float) -> str:
        chain = development_chain(
            block_time_ms=BLOCK_TIME_MS,
            finality_lag=FINALITY_LAG_BLOCKS,
            arguments=("--seed", f"torture {self.seed}"),
        )
        async with chain as url, RpcClient(url) as rpc:
            server = self._server(url)
            adversary = Adversary(rpc, server, self._era_blocks)
            self.log = adversary.log
            try:
                await server.start()
                async with grpc.aio.insecure_channel(server.address, options=CHANNEL_OPTIONS) as channel:
                    callers = Callers(channel, self.seed)
                    wrong = await self._play(rpc, callers, adversary, settle_seconds)
                status = await server.stop()
            finally:
                await server.kill()
            ledger = await Ledger.read(rpc)
            genesis_hash = str(await rpc.call("chain_getBlockHash", 0)).removeprefix("0x")
        database = await Database.read(self._database_url, genesis_hash)
        wrong += complaints(callers.intents, database, ledger, adversary.foreign)
        if status != 0:
            wrong.append(f"the server ended with status {status} when it was told to stop")
        answered = len(callers.intents) + callers.refused_at_once
        if answered != self._intents and not wrong:
            wrong.append(f"{answered} intents were acknowledged or refused at once, of {self._intents}")
        assert not wrong, "\n".join(wrong)
        return (
            f"seed {self.seed}: {len(callers.intents)} intents once, {len(ledger.blocks)} blocks,"
            f" {len(database.signatures)} signatures, {len(self.steps)} acts"
        )

    async def _play(
        self, rpc: RpcClient, callers: Callers, adversary: Adversary, settle_seconds: float
    ) -> list[str]:
        """Let callers ask and the adversary act, and then everything settle; what did not."""
        try:
            callers.register()
            for step in self.steps:
                callers.release(step)
                await adversary.act(self.seed, step)
            await adversary.rest()
            unsettled = await self._settle(rpc, callers, settle_seconds)
            return [*callers.turned_away, *unsettled]
        finally:
            await callers.leave()

    def _server(self, url: str) -> Server:
        signers = self._folder / "signers.toml"
        signers.write_text("".join(f'"{name}" = "{secret}"\n' for name, secret in SIGNERS.items()))
        server = Server(
            DATABASE_URL=self._database_url,
            CHAIN_WS_URL=url,
            CHAIN_SIGNER="//Alice",
            CHAIN_SIGNERS_PATH=str(signers),
            CHAIN_START_BLOCK="1",
            OUTBOX_POLL_MS="50",
            OUTBOX_ALLOWED_CALLS=",".join(ALLOWED_CALLS),
            OUTBOX_ATTEMPTS_MAX="1000",
        )
        if not self._as_is:
            server.command = (sys.executable, "-m", served.__name__, *filter(None, [self._sabotage]))
        server.log = self._folder / SERVER_LOG
        return server

    async def _settle(self, rpc: RpcClient, callers: Callers, within_seconds: float) -> list[str]:
        """Wait until all is done and read, and stop the chain there; what did not come to its end."""
        try:
            async with asyncio.timeout(within_seconds):
                while callers.asking() or not await callers.all_ended():
                    await asyncio.sleep(0.1)
        except TimeoutError:
            unsettled = [f"not everything ended within {within_seconds:g} s: {callers.asking()} callers wait"]
        else:
            unsettled = []
        await rpc.call("dev_pauseSealing")
        await rpc.call("dev_finalize")
        head = await rpc.call("chain_getHeader")
        try:
            async with asyncio.timeout(within_seconds):
                while await callers.cursor() < int(head["number"], 16):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            unsettled.append(f"the chain was not read to its end within {within_seconds:g} s")
        return unsettled

    def _report(self, defect: str) -> str:
        said = self._folder / SERVER_LOG
        tail = said.read_text().splitlines()[-LOG_TAIL_LINES:] if said.exists() else []
        engine = self._database_url.partition(":")[0].removesuffix("ql")
        options = f"--seed {self.seed} --intents {self._intents} --database {engine}"
        options += f" --sabotage {self._sabotage}" if self._sabotage else ""
        options += " --as-is" if self._as_is else ""
        return "\n".join(
            (
                f"seed {self.seed} with {self._intents} intents:",
                defect,
                "What was done:",
                *(f"  {line}" for line in self.log),
                "What the server said last:",
                *(f"  {line}" for line in tail),
                f"To repeat it: make torture ARGS='{options}'",
            )
        )
