"""What accounts are refused that bond for their reputation, or agree on terms."""

from typing import Any

from chain.devnet.pallets.balances import EXISTENTIAL_DEPOSIT
from chain.devnet.pallets.reputation import MIN_STAKE_PLANCK
from tests.chain.devnet.actors import UNIT, Market
from tests.chain.devnet.refusals import (
    UNKNOWN,
    Attempt,
    assigned_task,
    bidding_task,
    provokes,
)


def proposal(task_id: int, agent_id: int) -> dict[str, Any]:
    return {"task_id": task_id, "agent_id": agent_id, "terms_hash": b"t" * 32}


def proposed_commitment(market: Market) -> dict[str, Any]:
    """A commitment that Alice has proposed to Bob's agent: the arguments of calls on it."""
    outcome = market.alice.do("Commitments.propose_commitment", **proposal(*assigned_task(market)))
    return {"commitment_id": outcome.events[0].fields["commitment_id"]}


def signed_commitment(market: Market) -> dict[str, Any]:
    """The same, signed."""
    arguments = proposed_commitment(market)
    market.bob.do("Commitments.sign_commitment", **arguments)
    return arguments


def finalized_commitment(market: Market) -> dict[str, Any]:
    """The same, final."""
    arguments = signed_commitment(market)
    market.alice.do("Commitments.finalize_commitment", **arguments)
    return arguments


def cancelled_commitment(market: Market) -> dict[str, Any]:
    """One that was taken back."""
    arguments = proposed_commitment(market)
    market.alice.do("Commitments.cancel_commitment", **arguments)
    return arguments


# Reputation


@provokes("Reputation.AmountZero")
def bonding_nothing(market: Market) -> Attempt:
    return market.bob, "Reputation.bond_reputation", {"value": 0}


@provokes("Reputation.StakeTooLow")
def bonding_less_than_the_least(market: Market) -> Attempt:
    return market.bob, "Reputation.bond_reputation", {"value": MIN_STAKE_PLANCK - 1}


@provokes("Token.FundsUnavailable")
def bonding_so_much_that_less_than_the_existential_deposit_is_left(market: Market) -> Attempt:
    arguments = {"value": market.bob.free - EXISTENTIAL_DEPOSIT + 1}
    return market.bob, "Reputation.bond_reputation", arguments


@provokes("Reputation.AmountZero")
def unbonding_nothing(market: Market) -> Attempt:
    market.bob.do("Reputation.bond_reputation", value=MIN_STAKE_PLANCK)
    return market.bob, "Reputation.unbond_reputation", {"value": 0}


@provokes("Reputation.NoStake")
def unbonding_without_a_bond(market: Market) -> Attempt:
    return market.bob, "Reputation.unbond_reputation", {"value": UNIT}


@provokes("Reputation.InsufficientStake")
def unbonding_more_than_the_bond(market: Market) -> Attempt:
    market.bob.do("Reputation.bond_reputation", value=MIN_STAKE_PLANCK)
    return market.bob, "Reputation.unbond_reputation", {"value": MIN_STAKE_PLANCK + 1}


@provokes("Reputation.StakeTooLow")
def unbonding_all_but_too_little(market: Market) -> Attempt:
    market.bob.do("Reputation.bond_reputation", value=2 * MIN_STAKE_PLANCK)
    return market.bob, "Reputation.unbond_reputation", {"value": MIN_STAKE_PLANCK + 1}


@provokes("Reputation.NotArbiter")
def reporting_ones_own_success(market: Market) -> Attempt:
    market.bob.do("Reputation.bond_reputation", value=MIN_STAKE_PLANCK)
    arguments = {"agent": market.bob.account, "task_id": 1, "success": True}
    return market.bob, "Reputation.report_outcome", arguments


@provokes("Reputation.NoStake")
def reporting_on_an_account_that_took_its_bond_back(market: Market) -> Attempt:
    market.bob.do("Reputation.bond_reputation", value=MIN_STAKE_PLANCK)
    market.bob.do("Reputation.unbond_reputation", value=MIN_STAKE_PLANCK)
    arguments = {"agent": market.bob.account, "task_id": 1, "success": False}
    return market.arbiter, "Reputation.report_outcome", arguments


@provokes("Reputation.NotArbiter")
def punishing_a_rival(market: Market) -> Attempt:
    market.bob.do("Reputation.bond_reputation", value=MIN_STAKE_PLANCK)
    arguments = {"agent": market.bob.account, "offense_code": 0}
    return market.charlie, "Reputation.slash_severe", arguments


@provokes("Reputation.UnknownOffense")
def punishing_an_offense_that_does_not_exist(market: Market) -> Attempt:
    market.bob.do("Reputation.bond_reputation", value=MIN_STAKE_PLANCK)
    return market.arbiter, "Reputation.slash_severe", {"agent": market.bob.account, "offense_code": 4}


@provokes("Reputation.NoStake")
def punishing_an_account_without_a_bond(market: Market) -> Attempt:
    return market.arbiter, "Reputation.slash_severe", {"agent": market.bob.account, "offense_code": 0}


# Agreements


@provokes("TaskMarket.TaskNotFound")
def proposing_terms_for_an_unknown_task(market: Market) -> Attempt:
    return market.alice, "Commitments.propose_commitment", proposal(UNKNOWN, 1)


@provokes("Commitments.NotRequester")
def proposing_terms_for_the_task_of_another(market: Market) -> Attempt:
    return market.bob, "Commitments.propose_commitment", proposal(*assigned_task(market))


@provokes("Commitments.TaskNotAssigned")
def proposing_terms_before_the_assignment(market: Market) -> Attempt:
    return market.alice, "Commitments.propose_commitment", proposal(*bidding_task(market))


@provokes("Commitments.WrongAgent")
def proposing_terms_to_a_loser(market: Market) -> Attempt:
    task_id, _ = assigned_task(market)
    loser = market.register(market.charlie, "did:ex:loser")
    return market.alice, "Commitments.propose_commitment", proposal(task_id, loser)


@provokes("Commitments.AlreadyOpen")
def proposing_terms_twice(market: Market) -> Attempt:
    arguments = proposal(*assigned_task(market))
    market.alice.do("Commitments.propose_commitment", **arguments)
    return market.alice, "Commitments.propose_commitment", arguments


@provokes("Commitments.CommitmentNotFound")
def signing_an_unknown_commitment(market: Market) -> Attempt:
    return market.bob, "Commitments.sign_commitment", {"commitment_id": UNKNOWN}


@provokes("Commitments.NotAgentOwner")
def signing_for_the_agent_of_another(market: Market) -> Attempt:
    return market.alice, "Commitments.sign_commitment", proposed_commitment(market)


@provokes("Commitments.NotProposed")
def signing_twice(market: Market) -> Attempt:
    return market.bob, "Commitments.sign_commitment", signed_commitment(market)


@provokes("Commitments.NotRequester")
def finalizing_as_the_agent(market: Market) -> Attempt:
    return market.bob, "Commitments.finalize_commitment", signed_commitment(market)


@provokes("Commitments.NotSigned")
def finalizing_what_is_not_signed(market: Market) -> Attempt:
    return market.alice, "Commitments.finalize_commitment", proposed_commitment(market)


@provokes("Commitments.NotSigned")
def finalizing_twice(market: Market) -> Attempt:
    return market.alice, "Commitments.finalize_commitment", finalized_commitment(market)


@provokes("Commitments.NotParty")
def disputing_the_commitment_of_others(market: Market) -> Attempt:
    return market.charlie, "Commitments.dispute_commitment", proposed_commitment(market)


@provokes("Commitments.NotOpen")
def disputing_a_cancelled_commitment(market: Market) -> Attempt:
    return market.bob, "Commitments.dispute_commitment", cancelled_commitment(market)


@provokes("Commitments.NotRequester")
def cancelling_as_the_agent(market: Market) -> Attempt:
    return market.bob, "Commitments.cancel_commitment", proposed_commitment(market)


@provokes("Commitments.NotOpen")
def cancelling_a_final_commitment(market: Market) -> Attempt:
    return market.alice, "Commitments.cancel_commitment", finalized_commitment(market)
