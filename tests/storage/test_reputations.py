"""The standing of accounts, added up from what the chain reports; each report counts once."""

import pytest

from storage.errors import AgentNotFound
from storage.facts import (
    Fact,
    OutcomeReported,
    ReputationMoved,
    SeverelySlashed,
    StakeBonded,
    StakeUnbonded,
)
from storage.limits import AMOUNT_MAX
from storage.market import reputations
from storage.records import Reputation
from storage.store import Storage
from tests.storage.looking import dump
from tests.storage.market import Market
from tests.storage.world import World


def reports(account: str = "5ada") -> list[Fact]:
    """Bonded 1000, unbonded 100, one success, one failure that cost 9, one severe slash that cost 300."""
    return [
        StakeBonded(account_address=account, position=1, amount=1000),
        StakeUnbonded(account_address=account, position=2, amount=100),
        OutcomeReported(account_address=account, position=3, success=True),
        ReputationMoved(account_address=account, position=4, score=10),
        OutcomeReported(account_address=account, position=5, success=False),
        ReputationMoved(account_address=account, position=6, score=5, slashed=9),
        SeverelySlashed(account_address=account, position=7),
        ReputationMoved(account_address=account, position=8, score=2, slashed=300),
    ]


async def standing(world: World, agent_id: str = "ada") -> Reputation:
    return await world.storage.fetch(reputations.get_of_agent, agent_id)


async def test_it_adds_up_what_was_reported(world: World) -> None:
    await world.market.agent("ada")
    await world.reported(*reports())
    ada = await standing(world)
    assert (ada.account_address, ada.score) == ("5ada", 2)
    assert (ada.staked, ada.slashed) == (591, 309)
    assert (ada.tasks_completed, ada.tasks_failed, ada.severe_slashes) == (1, 1, 1)
    assert await world.anomalies() == []


async def test_each_report_counts_once_however_often_and_in_whatever_order_it_is_read(world: World) -> None:
    await world.market.agent("ada")
    await world.reported(*reports()[2:])
    await world.reported(*reports()[:2])
    first = await dump(world.storage)
    await world.reported(*reports())
    again = await dump(world.storage)
    tables = ("reputations", "counted_events", "events")
    assert [again[table] for table in tables] == [first[table] for table in tables]
    ada = await standing(world)
    assert (ada.staked, ada.tasks_completed) == (591, 1)


async def test_what_is_reported_of_another_account_is_not_the_agents(world: World) -> None:
    await world.market.agent("ada")
    await world.reported(*reports("5unknown"))
    ada = await standing(world)
    assert (ada.score, ada.staked, ada.account_address) == (None, 0, "5ada")


async def test_stake_from_before_the_database_began_to_read_is_never_below_nothing(world: World) -> None:
    await world.market.agent("ada")
    event = await world.reported(StakeUnbonded(account_address="5ada", position=1, amount=7))
    assert event.anomaly == "more stake was taken than is known here"
    assert (await standing(world)).staked == 0


async def test_sums_stay_within_128_bits(world: World) -> None:
    await world.market.agent("ada")
    await world.reported(
        StakeBonded(account_address="5ada", position=1, amount=AMOUNT_MAX),
        StakeBonded(account_address="5ada", position=2, amount=AMOUNT_MAX),
    )
    assert (await standing(world)).staked == AMOUNT_MAX


async def test_in_local_mode_nobody_reports_and_all_of_it_is_nothing(local: Storage) -> None:
    market = await Market.opened(local)
    await market.agent("ada")
    found = await local.fetch(reputations.get_of_agent, "ada")
    assert (found.account_address, found.score, found.staked) == ("", None, 0)
    with pytest.raises(AgentNotFound):
        await local.fetch(reputations.get_of_agent, "nobody")
