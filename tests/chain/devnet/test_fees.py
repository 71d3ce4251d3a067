"""What transactions cost, who pays, and what happens to those who cannot."""

from typing import Any

import pytest

from chain.devnet import DevChain
from chain.devnet.pallets.balances import EXISTENTIAL_DEPOSIT, TREASURY
from chain.scale.extrinsic import SignedExtrinsic
from tests.chain.devnet.actors import UNIT, Actor, outcome_of
from tests.chain.devnet.wire import manual_chain
from tests.chain.devnet.witness import REMARK, Witness, refused

BASE_FEE, BYTE_FEE = 7_000, 30
POOR = "Inability to pay some fees (e.g. account balance too low)"


@pytest.fixture
def chain() -> DevChain:
    return manual_chain(base_fee_planck=BASE_FEE, byte_fee_planck=BYTE_FEE)


def fee_of(extrinsic: SignedExtrinsic) -> int:
    return BASE_FEE + BYTE_FEE * len(extrinsic.raw)


def treasury(chain: DevChain) -> int:
    return chain.account(TREASURY).data.free


def newcomer(chain: DevChain, amount: int, name: str = "Newcomer") -> Actor:
    """An account that was just opened with this much."""
    opened = Actor(chain, f"//{name}")
    outcome = Actor(chain, "//Alice").do("Balances.transfer_keep_alive", dest=opened.account, value=amount)
    assert outcome.error is None
    return opened


def test_fee_and_tip_go_from_the_signer_to_the_treasury(chain: DevChain, alice: Actor) -> None:
    alice_before, treasury_before = alice.free, treasury(chain)
    extrinsic = alice.submit(REMARK, remark=b"text", tip=11)
    outcome = outcome_of(chain, chain.seal(), extrinsic)
    fee = fee_of(extrinsic) + 11
    assert outcome.names == ["TransactionPayment.TransactionFeePaid"]
    assert outcome.events[0].fields == {"who": alice.account, "actual_fee": fee, "tip": 11}
    assert outcome.events[1].fields["dispatch_info"]["pays_fee"] == "Yes"
    assert alice.free == alice_before - fee
    assert treasury(chain) == treasury_before + fee


def test_a_failed_call_keeps_its_fee(chain: DevChain, alice: Actor) -> None:
    before = alice.free
    extrinsic = alice.submit("TaskMarket.cancel_task", task_id=77)
    outcome = outcome_of(chain, chain.seal(), extrinsic)
    assert outcome.error == "TaskNotFound"
    assert [event.name for event in outcome.events] == ["TransactionFeePaid", "ExtrinsicFailed"]
    assert alice.free == before - fee_of(extrinsic)


def test_the_fee_is_paid_before_the_call_spends_anything(chain: DevChain) -> None:
    poor = newcomer(chain, UNIT)
    extrinsic = poor.submit("Balances.transfer_allow_death", dest=Actor(chain, "//Bob").account, value=UNIT)
    assert outcome_of(chain, chain.seal(), extrinsic).error == "Token.FundsUnavailable"
    assert poor.free == UNIT - fee_of(extrinsic)


def test_who_would_not_keep_the_existential_deposit_is_refused(chain: DevChain) -> None:
    enough = newcomer(chain, UNIT)
    cost = fee_of(enough.sign(REMARK, remark=b"")) + 5
    short = newcomer(chain, EXISTENTIAL_DEPOSIT + cost - 1, "Short")
    with refused(1010, POOR):
        short.submit(REMARK, remark=b"", tip=5)
    exact = newcomer(chain, EXISTENTIAL_DEPOSIT + cost, "Exact")
    assert exact.do(REMARK, remark=b"", tip=5).error is None
    assert exact.free == EXISTENTIAL_DEPOSIT


def test_money_that_is_set_aside_pays_no_fees(chain: DevChain) -> None:
    requester = newcomer(chain, 10 * UNIT)
    task: dict[str, Any] = {"spec_hash": bytes(32), "deadline": 1000, "verification_level": "BestEffort"}
    cost = fee_of(requester.sign("TaskMarket.create_task", **task, budget=10 * UNIT))
    budget = requester.free - cost - EXISTENTIAL_DEPOSIT
    assert requester.do("TaskMarket.create_task", **task, budget=budget).error is None
    assert (requester.free, requester.reserved) == (EXISTENTIAL_DEPOSIT, budget)
    with refused(1010, POOR):
        requester.submit("TaskMarket.cancel_task", task_id=1)


def test_a_signer_that_runs_out_midway_goes_on_when_topped_up(chain: DevChain, alice: Actor) -> None:
    """Each transaction alone can be paid, so the pool takes them all; the blocks take what can be paid."""
    witness = Witness(chain)
    cost = fee_of(alice.sign(REMARK, remark=b""))
    runner = newcomer(chain, EXISTENTIAL_DEPOSIT + 2 * cost)
    pooled = [runner.submit(REMARK, remark=b"") for _ in range(4)]
    included = chain.seal().extrinsic_hashes()[1:]
    assert included == [extrinsic.hash for extrinsic in pooled[:2]]
    assert [witness.statuses[extrinsic.hash][-1] for extrinsic in pooled[2:]] == ["invalid", "invalid"]
    assert (runner.free, chain.account(runner.account).nonce) == (EXISTENTIAL_DEPOSIT, 2)
    with refused(1010, POOR):
        runner.submit(REMARK, remark=b"!")
    alice.do("Balances.transfer_keep_alive", dest=runner.account, value=UNIT)
    assert runner.do(REMARK, remark=b"?").error is None
    with refused(1012):
        chain.submit(pooled[2].raw)
    assert chain.account(runner.account).nonce == 3


def test_without_fees_only_a_tip_is_paid() -> None:
    chain = manual_chain()
    alice = Actor(chain, "//Alice")
    before = alice.free
    assert alice.do(REMARK, remark=b"").names == []
    paid = alice.do(REMARK, remark=b"", tip=9)
    assert paid.events[0].fields == {"who": alice.account, "actual_fee": 9, "tip": 9}
    assert alice.free == before - 9


def test_the_fees_are_constants_of_the_runtime(chain: DevChain) -> None:
    codec = chain.runtime.codec
    assert codec.constant("TransactionPayment", "BaseFee") == BASE_FEE
    assert codec.constant("TransactionPayment", "ByteFee") == BYTE_FEE
    assert 0 < DevChain().config.base_fee_planck < UNIT // 1000


# Transfers of all there is


def test_transferring_all_ends_the_account_and_its_nonce(chain: DevChain) -> None:
    leaver, bob = newcomer(chain, UNIT), Actor(chain, "//Bob")
    bob_before = bob.free
    extrinsic = leaver.submit("Balances.transfer_all", dest=bob.account, keep_alive=False)
    outcome = outcome_of(chain, chain.seal(), extrinsic)
    assert outcome.names == [
        "System.KilledAccount",
        "Balances.Transfer",
        "TransactionPayment.TransactionFeePaid",
    ]
    assert bob.free == bob_before + UNIT - fee_of(extrinsic)
    account = chain.account(leaver.account)
    assert (account.nonce, account.providers, account.data.free) == (0, 0, 0)


def test_transferring_all_but_staying_alive_leaves_the_existential_deposit(chain: DevChain) -> None:
    stayer, bob = newcomer(chain, UNIT), Actor(chain, "//Bob")
    assert stayer.do("Balances.transfer_all", dest=bob.account, keep_alive=True).error is None
    assert stayer.free == EXISTENTIAL_DEPOSIT
    assert chain.account(stayer.account).nonce == 1


def test_transferring_all_leaves_what_holds_up_money_that_is_set_aside(chain: DevChain) -> None:
    requester, bob = newcomer(chain, UNIT), Actor(chain, "//Bob")
    requester.do(
        "TaskMarket.create_task",
        spec_hash=bytes(32), budget=1000, deadline=1000, verification_level="BestEffort",
    )  # fmt: skip
    assert requester.do("Balances.transfer_all", dest=bob.account, keep_alive=False).error is None
    assert (requester.free, requester.reserved) == (EXISTENTIAL_DEPOSIT, 1000)


def test_a_transfer_opens_an_account_and_burns_the_dust_of_the_one_it_ends(chain: DevChain) -> None:
    payer, opened = newcomer(chain, UNIT), Actor(chain, "//Opened")
    arguments: dict[str, Any] = {"dest": opened.account, "value": UNIT - 10**9}
    cost = fee_of(payer.sign("Balances.transfer_allow_death", **arguments))
    amount = UNIT - cost - (EXISTENTIAL_DEPOSIT - 1)
    outcome = payer.do("Balances.transfer_allow_death", dest=opened.account, value=amount)
    assert outcome.names[:-1] == [
        "System.KilledAccount",
        "Balances.DustLost",
        "System.NewAccount",
        "Balances.Endowed",
        "Balances.Transfer",
    ]
    assert outcome.events[1].fields == {"account": payer.account, "amount": EXISTENTIAL_DEPOSIT - 1}
    assert opened.free == amount
