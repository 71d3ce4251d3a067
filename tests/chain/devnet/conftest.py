"""A chain that makes blocks only when told, a market on it, and a node that serves it."""

from collections.abc import AsyncIterator

import pytest

from chain.devnet import DevChain, DevNode
from tests.chain.devnet.actors import Actor, Market
from tests.chain.devnet.wire import Wire, manual_chain, wire_to


@pytest.fixture
def chain() -> DevChain:
    return manual_chain(bidding_window_blocks=20)


@pytest.fixture
def market(chain: DevChain) -> Market:
    return Market(chain)


@pytest.fixture
def alice(chain: DevChain) -> Actor:
    return Actor(chain, "//Alice")


@pytest.fixture
def bob(chain: DevChain) -> Actor:
    return Actor(chain, "//Bob")


@pytest.fixture
async def node(chain: DevChain) -> AsyncIterator[DevNode]:
    async with DevNode(chain) as node:
        yield node


@pytest.fixture
async def wire(node: DevNode) -> AsyncIterator[Wire]:
    async with wire_to(node) as wire:
        yield wire
