"""People who sign extrinsics on a manually sealed chain, and what came of them."""

import dataclasses
from functools import cache
from typing import Any

from chain.devnet import DevChain
from chain.devnet.block import Block
from chain.devnet.pallet import StorageMap
from chain.devnet.pallets.task_market import commitment_of
from chain.keys import Signer, load_signer
from chain.scale.events import EventRecord
from chain.scale.extrinsic import Era, SignedExtrinsic, sign_extrinsic

UNIT = 10**12
SPEC_HASH = bytes(range(32))
SEAL_NONCE = b"n" * 32

cached_signer = cache(load_signer)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What an extrinsic in a block did: its events in order, and the error that it was refused with."""

    block: Block
    events: list[EventRecord]
    error: str | None

    @property
    def names(self) -> list[str]:
        """Return the events as `Pallet.Event`, without the word of success or failure at the end."""
        return [f"{event.pallet}.{event.name}" for event in self.events[:-1]]


class Actor:
    """An account that signs for itself."""

    def __init__(self, chain: DevChain, uri: str) -> None:
        self.chain = chain
        self.signer: Signer = cached_signer(uri)
        self.account = self.signer.account

    @property
    def free(self) -> int:
        return self.chain.account(self.account).data.free

    @property
    def reserved(self) -> int:
        return self.chain.account(self.account).data.reserved

    def sign(
        self,
        call: str,
        *,
        account_nonce: int | None = None,
        tip: int = 0,
        era_blocks: int | None = None,
        birth: Block | None = None,
        **arguments: Any,
    ) -> SignedExtrinsic:
        """Sign `Pallet.call`: immortal but for `era_blocks`, born at the best block but for `birth`."""
        chain, codec = self.chain, self.chain.runtime.codec
        pallet, name = call.split(".")
        born = chain.genesis if era_blocks is None else birth or chain.best
        return sign_extrinsic(
            codec,
            codec.encode_call(pallet, name, arguments),
            self.signer,
            nonce=chain.next_nonce(self.account) if account_nonce is None else account_nonce,
            era=Era.immortal() if era_blocks is None else Era.mortal(era_blocks, born.number),
            birth_hash=born.hash,
            genesis_hash=chain.genesis.hash,
            tip=tip,
        )

    def submit(self, call: str, **terms_and_arguments: Any) -> SignedExtrinsic:
        """Sign and submit."""
        extrinsic = self.sign(call, **terms_and_arguments)
        self.chain.submit(extrinsic.raw)
        return extrinsic

    def do(self, call: str, **terms_and_arguments: Any) -> Outcome:
        """Sign, submit, make a block, and tell what came of it."""
        extrinsic = self.submit(call, **terms_and_arguments)
        return outcome_of(self.chain, self.chain.seal(), extrinsic)


def outcome_of(chain: DevChain, block: Block, extrinsic: SignedExtrinsic) -> Outcome:
    """Tell what came of an extrinsic that is in the block."""
    index = block.extrinsic_hashes().index(extrinsic.hash)
    events = [event for event in chain.events(block) if event.extrinsic_index == index]
    last = events[-1]
    assert last.name in ("ExtrinsicSuccess", "ExtrinsicFailed")
    if last.name == "ExtrinsicSuccess":
        return Outcome(block, events, None)
    return Outcome(block, events, chain.runtime.codec.dispatch_error(last.fields["dispatch_error"]).name)


def block_events(chain: DevChain, block: Block) -> list[tuple[str, dict[str, Any]]]:
    """Return what happened in a block by itself, without an extrinsic."""
    own = (event for event in chain.events(block) if event.phase == "initialization")
    return [(f"{event.pallet}.{event.name}", event.fields) for event in own]


class Market:
    """A requester, two agents of different owners, an arbiter, and the usual steps between them."""

    def __init__(self, chain: DevChain) -> None:
        self.chain = chain
        self.alice, self.bob, self.charlie = (Actor(chain, uri) for uri in ("//Alice", "//Bob", "//Charlie"))
        self.arbiter = Actor(chain, "//Arbiter")

    def register(self, owner: Actor, did: str, **changes: Any) -> int:
        """Register an agent and return its id."""
        arguments = {"capabilities": ["translate"], "metadata": None, "attestation": None}
        outcome = owner.do(
            "AgentRegistry.register_agent", did=did, verification_level="Tee", **(arguments | changes)
        )
        return int(outcome.events[0].fields["agent_id"])

    def create_task(self, *, budget: int = UNIT, blocks: int = 1000, **terms: Any) -> int:
        """Post a task of Alice's and return its id."""
        outcome = self.alice.do("TaskMarket.create_task", **self.task(budget=budget, blocks=blocks), **terms)
        return int(outcome.events[0].fields["task_id"])

    def task(self, *, budget: int = UNIT, blocks: int = 1000) -> dict[str, Any]:
        """Return the arguments of create_task; the deadline lies `blocks` behind the best block."""
        return {
            "spec_hash": SPEC_HASH,
            "budget": budget,
            "deadline": self.chain.best.number + blocks,
            "verification_level": "best_effort",
        }

    def bid(self, task_id: int, agent_id: int, did: str, cost: int) -> dict[str, Any]:
        """Return the arguments of submit_bid, with the bid under its seal."""
        commitment = commitment_of(cost, SEAL_NONCE, SPEC_HASH, did.encode())
        return {"task_id": task_id, "agent_id": agent_id, "commitment": commitment, "estimated_duration": 60}

    def assign(self, task_id: int, agent_id: int, did: str, cost: int) -> None:
        """Bring a task of Alice's to an agent of Bob's."""
        self.bob.do("TaskMarket.submit_bid", **self.bid(task_id, agent_id, did, cost))
        self.alice.do("TaskMarket.close_bidding", task_id=task_id)
        self.bob.do("TaskMarket.reveal_bid", task_id=task_id, agent_id=agent_id, cost=cost, nonce=SEAL_NONCE)
        self.alice.do("TaskMarket.allocate_task", task_id=task_id)

    def complete(self, task_id: int, agent_id: int) -> None:
        """Let Bob deliver the result."""
        self.bob.do(
            "TaskMarket.submit_result", task_id=task_id, agent_id=agent_id, result_hash=b"r" * 32, proof=b""
        )

    def add_milestone(self, task_id: int, amount: int, *, approvals: int = 1) -> int:
        """Promise a part of the budget of a task of Alice's for a step, and return its id."""
        outcome = self.alice.do(
            "Escrow.add_milestone", **self.milestone(task_id, amount, approvals=approvals)
        )
        return int(outcome.events[0].fields["milestone_id"])

    @staticmethod
    def milestone(task_id: int, amount: int, *, approvals: int = 1, description: str = "") -> dict[str, Any]:
        """Return the arguments of add_milestone."""
        terms = {"amount": amount, "required_approvals": approvals, "description": description}
        return {"task_id": task_id, **terms}


def stored(chain: DevChain, items: StorageMap[Any], *keys: int | bytes) -> Any:
    """Return what a pallet has stored after the best block."""
    value = items.get(chain.snapshot(), *keys)
    assert value is not None
    return value
