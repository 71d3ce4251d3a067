"""Bonds, what is earned and lost with them, and what reputation is good for."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.devnet import DevChain
from chain.devnet.pallets.balances import TREASURY
from chain.devnet.pallets.reputation import MIN_STAKE_PLANCK, STAKES
from tests.chain.devnet.actors import SEAL_NONCE, UNIT, Actor, Market, block_events, stored
from tests.chain.devnet.wire import manual_chain

DID = "did:ex:agent"
BOND = 1000 * UNIT


def positions(fields: dict[str, Any]) -> tuple[Any, ...]:
    """Return unnamed fields in their order."""
    assert list(fields) == [str(position) for position in range(len(fields))]
    return tuple(fields.values())


def bonded(actor: Actor, reputation: int = 0) -> Actor:
    """Give the account a bond and, ten points per task at most, at least this reputation."""
    actor.do("Reputation.bond_reputation", value=BOND)
    while stored(actor.chain, STAKES, actor.account).reputation < reputation:
        report(actor, success=True)
    return actor


def report(actor: Actor, *, success: bool) -> list[tuple[str, tuple[Any, ...]]]:
    """Let the arbiter report an outcome; return what happened."""
    outcome = Actor(actor.chain, "//Arbiter").do(
        "Reputation.report_outcome", agent=actor.account, task_id=7, success=success
    )
    return [(event.name, positions(event.fields)) for event in outcome.events if event.pallet == "Reputation"]


def test_a_bond_is_set_aside_and_comes_back(chain: DevChain, bob: Actor) -> None:
    before = bob.free
    outcome = bob.do("Reputation.bond_reputation", value=MIN_STAKE_PLANCK)
    assert outcome.names == ["Balances.Reserved", "Reputation.ReputationBonded"]
    assert positions(outcome.events[1].fields) == (bob.account, MIN_STAKE_PLANCK)
    assert stored(chain, STAKES, bob.account).active_since == chain.best.number
    bob.do("Reputation.bond_reputation", value=1)
    assert (bob.free, bob.reserved) == (before - MIN_STAKE_PLANCK - 1, MIN_STAKE_PLANCK + 1)
    outcome = bob.do("Reputation.unbond_reputation", value=1)
    assert outcome.names == ["Balances.Unreserved", "Reputation.ReputationUnbonded"]
    assert positions(outcome.events[1].fields) == (bob.account, 1)
    bob.do("Reputation.unbond_reputation", value=MIN_STAKE_PLANCK)
    assert (bob.free, bob.reserved) == (before, 0)


def test_the_record_outlives_the_bond(chain: DevChain, bob: Actor) -> None:
    bonded(bob, 30)
    began = stored(chain, STAKES, bob.account).active_since
    bob.do("Reputation.unbond_reputation", value=BOND)
    bonded(bob)
    stake = stored(chain, STAKES, bob.account)
    assert (stake.staked, stake.reputation, stake.tasks_completed) == (BOND, 30, 3)
    assert stake.active_since == chain.best.number > began


def test_success_earns_less_the_more_there_is(chain: DevChain, bob: Actor) -> None:
    bonded(bob)
    assert report(bob, success=True) == [
        ("TaskOutcomeReported", (bob.account, 7, True)),
        ("ReputationIncreased", (bob.account, 0, 10)),
    ]
    bonded(bob, 100)
    assert report(bob, success=True)[1] == ("ReputationIncreased", (bob.account, 100, 109))
    assert stored(chain, STAKES, bob.account).tasks_completed == 11


def test_nobody_has_more_than_a_thousand_points(chain: DevChain, bob: Actor) -> None:
    bonded(bob, 1000)
    assert report(bob, success=True) == [("TaskOutcomeReported", (bob.account, 7, True))]
    assert stored(chain, STAKES, bob.account).reputation == 1000


def test_failure_costs_twenty_points_and_a_hundredth_of_the_bond(chain: DevChain, bob: Actor) -> None:
    bonded(bob, 30)
    free_before, treasury_before = bob.free, chain.account(TREASURY).data.free
    assert report(bob, success=False) == [
        ("TaskOutcomeReported", (bob.account, 7, False)),
        ("ReputationDecreased", (bob.account, 30, 10, BOND // 100)),
    ]
    assert report(bob, success=False)[1][1][1:3] == (10, 0)
    stake = stored(chain, STAKES, bob.account)
    slashed = BOND // 100 + BOND * 99 // 100 // 100
    assert (stake.staked, stake.slashed, stake.tasks_failed) == (BOND - slashed, slashed, 2)
    assert (bob.free, bob.reserved) == (free_before, BOND - slashed)
    assert chain.account(TREASURY).data.free == treasury_before + slashed


@pytest.mark.parametrize(("offense_code", "percent"), [(0, 50), (1, 30), (2, 25), (3, 20)])
def test_an_offense_costs_its_percent_of_bond_and_reputation(
    chain: DevChain, market: Market, offense_code: int, percent: int
) -> None:
    bob = bonded(market.bob, 40)
    outcome = market.arbiter.do("Reputation.slash_severe", agent=bob.account, offense_code=offense_code)
    decreased, slash = outcome.events[2:4]
    assert outcome.names[2:] == ["Reputation.ReputationDecreased", "Reputation.SevereSlash"]
    left, slashed = 40 - 40 * percent // 100, BOND * percent // 100
    assert positions(decreased.fields) == (bob.account, 40, left, slashed)
    assert positions(slash.fields) == (bob.account, percent)
    assert stored(chain, STAKES, bob.account).reputation == left
    assert bob.reserved == BOND - slashed


def test_a_paid_task_is_a_success_of_the_agents_owner(chain: DevChain, market: Market) -> None:
    bonded(market.bob)
    agent_id, task_id = market.register(market.bob, DID), market.create_task()
    market.assign(task_id, agent_id, DID, 10)
    market.complete(task_id, agent_id)
    released = market.alice.do("Escrow.release_payment", task_id=task_id)
    assert released.names[-3:] == [
        "Escrow.PaymentReleased",
        "Reputation.TaskOutcomeReported",
        "Reputation.ReputationIncreased",
    ]
    assert stored(chain, STAKES, market.bob.account).tasks_completed == 1


def test_a_failed_task_is_a_failure_of_the_agents_owner(chain: DevChain, market: Market) -> None:
    bonded(market.bob)
    agent_id, task_id = market.register(market.bob, DID), market.create_task(blocks=6)
    market.assign(task_id, agent_id, DID, 10)
    chain.seal()
    assert [name for name, _ in block_events(chain, chain.seal())] == [
        "TaskMarket.TaskFailed",
        "Balances.Unreserved",
        "Escrow.EscrowRefunded",
        "Reputation.TaskOutcomeReported",
        "Balances.Unreserved",
        "Balances.Transfer",
        "Reputation.ReputationDecreased",
    ]
    assert stored(chain, STAKES, market.bob.account).tasks_failed == 1


def winner_of_equal_bids(market: Market) -> int:
    """Let agent 1 (Bob's) bid first and agent 2 (Charlie's) second, both 5; return who wins."""
    first, second = market.register(market.bob, "did:ex:1"), market.register(market.charlie, "did:ex:2")
    task_id = market.create_task()
    bidders = ((market.bob, first, "did:ex:1"), (market.charlie, second, "did:ex:2"))
    for owner, agent_id, did in bidders:
        owner.do("TaskMarket.submit_bid", **market.bid(task_id, agent_id, did, 5))
    market.alice.do("TaskMarket.close_bidding", task_id=task_id)
    for owner, agent_id, _ in bidders:
        owner.do("TaskMarket.reveal_bid", task_id=task_id, agent_id=agent_id, cost=5, nonce=SEAL_NONCE)
    allocated = market.alice.do("TaskMarket.allocate_task", task_id=task_id)
    return int(allocated.events[0].fields["agent_id"])


def test_of_bids_that_cost_the_same_the_better_reputation_wins(market: Market) -> None:
    bonded(market.bob, 10)
    bonded(market.charlie, 20)
    assert winner_of_equal_bids(market) == 2


def test_a_reputation_speaks_only_while_it_is_bonded(market: Market) -> None:
    bonded(market.charlie, 20).do("Reputation.unbond_reputation", value=BOND)
    assert winner_of_equal_bids(market) == 1


@settings(max_examples=25, deadline=None)
@given(outcomes=st.lists(st.sampled_from(["success", "failure", 0, 1, 2, 3]), max_size=30))
def test_reputation_follows_its_rule_and_every_planck_of_the_bond_is_somewhere(
    outcomes: list[str | int],
) -> None:
    chain = manual_chain(seed="reputation")
    bob, arbiter = Actor(chain, "//Bob"), Actor(chain, "//Arbiter")
    bob.do("Reputation.bond_reputation", value=BOND)
    reputation, staked = 0, BOND
    for outcome in outcomes:
        match outcome:
            case "success":
                reputation += max(0, 10 - reputation // 100)
            case "failure":
                reputation = max(0, reputation - 20)
                staked -= staked // 100
            case int(offense):
                percent = (50, 30, 25, 20)[offense]
                reputation -= reputation * percent // 100
                staked -= staked * percent // 100
        if isinstance(outcome, int):
            arbiter.submit("Reputation.slash_severe", agent=bob.account, offense_code=outcome)
        else:
            success = outcome == "success"
            arbiter.submit("Reputation.report_outcome", agent=bob.account, task_id=1, success=success)
    chain.seal()
    stake = stored(chain, STAKES, bob.account)
    assert (stake.reputation, stake.staked, stake.slashed) == (reputation, staked, BOND - staked)
    assert bob.reserved == staked
