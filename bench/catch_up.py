"""`catch_up`: after an absence, our reader against what others have written to read a chain.

A chain has a history that is not final yet. Again and again a part of it becomes final, and we measure how
long our bridge, which is connected and idle, takes to have it stored. Right after that each peer, connected
too, reads for some seconds blocks of the same kind into a database of its own, see `reading.py`:
py-substrate-interface one block at a time, as it can no more, and async-substrate-interface 32 at once. What
they reach is compared in blocks per second, once without a delay and once with one that every answer of the
node has on its way, on each engine.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.chains import EVENTS, serve_history, serve_long_line
from bench.engines import ENGINES, OPEN
from bench.peers import AtLeast, PeerRow, Promise, Round, peer_row
from bench.processes import Process
from bench.reading import Chain, Reading, follow, read_with_client
from tests.chain.clients.environments import environ, own_python_command, python_command

CLIENTS = Path(__file__).parent / "clients"
ONE_AT_A_TIME = "py-substrate-interface"
GATHERED = "async-substrate-interface x 32"
PROMISED_DELAY_MS = 20


@dataclass(frozen=True)
class Size:
    """`blocks` are what we catch up on in each round, `seconds` how long each peer reads in it."""

    engines: Sequence[str] = ENGINES
    delays_ms: Sequence[int] = (0, PROMISED_DELAY_MS)
    rounds: int = 3
    blocks: int = 1500
    seconds: float = 2.5


def measure(size: Size, tell: Callable[[str], None]) -> list[PeerRow]:
    """Run the benchmark; `tell` is told of each step."""
    return [
        row
        for engine in size.engines
        for delay_ms in size.delays_ms
        for row in _measure_one(size, engine, delay_ms, tell)
    ]


def _measure_one(size: Size, engine: str, delay_ms: int, tell: Callable[[str], None]) -> list[PeerRow]:
    where = f"{engine}, {delay_ms} ms"
    rounds: dict[str, list[Round]] = {ONE_AT_A_TIME: [], GATHERED: []}
    commands = {
        ONE_AT_A_TIME: own_python_command("substrate_interface", CLIENTS / "one_at_a_time.py"),
        GATHERED: python_command("async_substrate_interface", CLIENTS / "gathered.py"),
    }
    with ExitStack() as stack:
        tell(f"catch_up: making a history for {where}")
        history = stack.enter_context(Process(serve_history, size.rounds * size.blocks))
        chain = history.greeting
        if delay_ms:
            line = stack.enter_context(Process(serve_long_line, chain.url, delay_ms / 1000))
            chain = Chain(line.greeting, chain.genesis_hash)

        def database_url() -> str:
            return stack.enter_context(OPEN[engine]()).url

        ours = stack.enter_context(Process(follow, database_url(), chain))
        peers = {
            name: stack.enter_context(Process(read_with_client, database_url(), chain, command, environ()))
            for name, command in commands.items()
        }
        for number in range(1, size.rounds + 1):
            tell(f"catch_up: {where}, round {number}")
            final = number * size.blocks
            began = history.ask(final)
            blocks_per_second = size.blocks / (ours.ask(final) - began)
            for name, peer in peers.items():
                reading: Reading = peer.ask(size.seconds)
                rounds[name].append(Round(blocks_per_second, reading.blocks / reading.seconds))
    return [row for name, found in rounds.items() for row in _rows(name, where, found, delay_ms)]


def _rows(peer: str, where: str, blocks: Sequence[Round], delay_ms: int) -> list[PeerRow]:
    """All blocks have as many events, so the ratios of both figures are the same."""
    events = [Round(each.ours * EVENTS, each.theirs * EVENTS) for each in blocks]
    return [
        peer_row("catch_up", f"blocks/s, {where}", peer, blocks, _promise(peer, delay_ms)),
        peer_row("catch_up", f"events/s, {where}", peer, events),
    ]


def _promise(peer: str, delay_ms: int) -> Promise | None:
    if peer == GATHERED:
        return AtLeast(2)
    return AtLeast(50) if delay_ms == PROMISED_DELAY_MS else None
