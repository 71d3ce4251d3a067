"""A chain that makes blocks only when told, and a market on it."""

import pytest

from chain.devnet import DevChain, DevChainConfig, Sealing
from tests.chain.devnet.actors import Actor, Market


@pytest.fixture
def chain() -> DevChain:
    return DevChain(DevChainConfig(sealing=Sealing.MANUAL, bidding_window_blocks=20))


@pytest.fixture
def market(chain: DevChain) -> Market:
    return Market(chain)


@pytest.fixture
def alice(chain: DevChain) -> Actor:
    return Actor(chain, "//Alice")


@pytest.fixture
def bob(chain: DevChain) -> Actor:
    return Actor(chain, "//Bob")
