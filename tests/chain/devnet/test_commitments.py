"""What requester and agent agree on for a task, and how that ends."""

import pytest

from chain.devnet import DevChain
from chain.devnet.pallets.commitments import COMMITMENTS, OPEN_COMMITMENT_OF_TASK
from tests.chain.devnet.actors import Market, stored

DID = "did:ex:agent"
TERMS = b"t" * 32


@pytest.fixture
def proposal(market: Market) -> dict[str, object]:
    """The arguments of a proposal for a task of Alice's that Bob's agent has won."""
    agent_id, task_id = market.register(market.bob, DID), market.create_task()
    market.assign(task_id, agent_id, DID, 10)
    return {"task_id": task_id, "agent_id": agent_id, "terms_hash": TERMS}


def test_terms_are_proposed_signed_and_finalized(
    chain: DevChain, market: Market, proposal: dict[str, object]
) -> None:
    proposed = market.alice.do("Commitments.propose_commitment", **proposal)
    assert proposed.names == ["Commitments.CommitmentProposed"]
    fields = {"commitment_id": 1, **proposal, "proposer": market.alice.account}
    assert proposed.events[0].fields == fields
    signed = market.bob.do("Commitments.sign_commitment", commitment_id=1)
    assert signed.names == ["Commitments.CommitmentSigned"]
    assert signed.events[0].fields == {"commitment_id": 1, "signer": market.bob.account}
    finalized = market.alice.do("Commitments.finalize_commitment", commitment_id=1)
    assert finalized.names == ["Commitments.CommitmentFinalized"]
    commitment = stored(chain, COMMITMENTS, 1)
    assert (commitment.status, commitment.terms_hash) == ("Finalized", TERMS)
    assert stored(chain, OPEN_COMMITMENT_OF_TASK, 1) == 1


@pytest.mark.parametrize("party", ["alice", "bob"])
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_either_party_may_dispute_at_any_stage(
    chain: DevChain, market: Market, proposal: dict[str, object], party: str, steps: int
) -> None:
    market.alice.do("Commitments.propose_commitment", **proposal)
    stages = [(market.bob, "sign_commitment"), (market.alice, "finalize_commitment")]
    for actor, call in stages[:steps]:
        assert actor.do(f"Commitments.{call}", commitment_id=1).error is None
    actor = getattr(market, party)
    disputed = actor.do("Commitments.dispute_commitment", commitment_id=1)
    assert disputed.names == ["Commitments.CommitmentDisputed"]
    assert disputed.events[0].fields == {"commitment_id": 1, "raised_by": actor.account}
    assert stored(chain, COMMITMENTS, 1).status == "Disputed"


@pytest.mark.parametrize("steps", [0, 1])
def test_what_is_not_final_can_be_cancelled_and_proposed_anew(
    chain: DevChain, market: Market, proposal: dict[str, object], steps: int
) -> None:
    market.alice.do("Commitments.propose_commitment", **proposal)
    if steps:
        market.bob.do("Commitments.sign_commitment", commitment_id=1)
    cancelled = market.alice.do("Commitments.cancel_commitment", commitment_id=1)
    assert cancelled.names == ["Commitments.CommitmentCancelled"]
    again = market.alice.do("Commitments.propose_commitment", **proposal)
    assert again.events[0].fields["commitment_id"] == 2
    assert [stored(chain, COMMITMENTS, each).status for each in (1, 2)] == ["Cancelled", "Proposed"]
    assert stored(chain, OPEN_COMMITMENT_OF_TASK, 1) == 2


def test_an_agreement_that_is_disputed_can_be_replaced(market: Market, proposal: dict[str, object]) -> None:
    market.alice.do("Commitments.propose_commitment", **proposal)
    market.bob.do("Commitments.dispute_commitment", commitment_id=1)
    assert market.alice.do("Commitments.propose_commitment", **proposal).error is None
