"""Several calls in one extrinsic, as Substrate's utility pallet executes them."""

from typing import Any

import pytest

from chain.devnet import DevChain
from chain.devnet.pallets.tasks import TASKS
from chain.devnet.pallets.utility import CALLS_MAX
from tests.chain.devnet.actors import UNIT, Actor, Market, stored
from tests.chain.devnet.wire import manual_chain
from tests.chain.devnet.witness import refused

NestedCall = dict[str, dict[str, dict[str, Any]]]

REMARK: NestedCall = {"System": {"remark": {"remark": b""}}}
FAILING: NestedCall = {"TaskMarket": {"cancel_task": {"task_id": 77}}}


def transferring(to: Actor, value: int) -> NestedCall:
    return {"Balances": {"transfer_keep_alive": {"dest": to.account, "value": value}}}


def test_a_batch_executes_its_calls_in_order(chain: DevChain, market: Market) -> None:
    create = {"TaskMarket": {"create_task": market.task()}}
    cancel = {"TaskMarket": {"cancel_task": {"task_id": 1}}}
    outcome = market.alice.do("Utility.batch", calls=[create, cancel])
    assert outcome.names == [
        "TaskMarket.TaskCreated",
        "Balances.Reserved",
        "Escrow.EscrowCreated",
        "Utility.ItemCompleted",
        "TaskMarket.TaskCancelled",
        "Balances.Unreserved",
        "Escrow.EscrowRefunded",
        "Utility.ItemCompleted",
        "Utility.BatchCompleted",
    ]
    assert stored(chain, TASKS, 1).status == "Cancelled"


def test_a_batch_stops_at_the_first_failure_and_keeps_what_came_before(
    chain: DevChain, alice: Actor, bob: Actor
) -> None:
    before = bob.free
    calls = [transferring(bob, 5), FAILING, transferring(bob, 7)]
    outcome = alice.do("Utility.batch", calls=calls)
    assert outcome.error is None
    assert outcome.names == ["Balances.Transfer", "Utility.ItemCompleted", "Utility.BatchInterrupted"]
    interrupted = outcome.events[2].fields
    assert interrupted["index"] == 1
    error = chain.runtime.codec.dispatch_error(interrupted["error"])
    assert (error.pallet, error.name) == ("TaskMarket", "TaskNotFound")
    assert bob.free == before + 5


def test_a_batch_of_all_or_nothing_fails_as_its_failing_call_does(alice: Actor, bob: Actor) -> None:
    before = bob.free
    outcome = alice.do("Utility.batch_all", calls=[transferring(bob, 5), FAILING])
    assert (outcome.error, outcome.names) == ("TaskNotFound", [])
    assert bob.free == before
    outcome = alice.do("Utility.batch_all", calls=[transferring(bob, 5), REMARK])
    assert outcome.names[1:] == ["Utility.ItemCompleted", "Utility.ItemCompleted", "Utility.BatchCompleted"]
    assert bob.free == before + 5


def test_a_forced_batch_goes_on_after_failures(chain: DevChain, alice: Actor, bob: Actor) -> None:
    before = bob.free
    outcome = alice.do(
        "Utility.force_batch", calls=[transferring(bob, 10**30), FAILING, transferring(bob, 7)]
    )
    assert outcome.error is None
    assert outcome.names == [
        "Utility.ItemFailed",
        "Utility.ItemFailed",
        "Balances.Transfer",
        "Utility.ItemCompleted",
        "Utility.BatchCompletedWithErrors",
    ]
    errors = [chain.runtime.codec.dispatch_error(event.fields["error"]).name for event in outcome.events[:2]]
    assert errors == ["Token.FundsUnavailable", "TaskNotFound"]
    assert bob.free == before + 7
    assert alice.do("Utility.force_batch", calls=[REMARK]).names[-1] == "Utility.BatchCompleted"


def test_a_failing_batch_within_a_batch_undoes_only_itself(alice: Actor, bob: Actor) -> None:
    before = bob.free
    inner = {"Utility": {"batch_all": {"calls": [transferring(bob, 5), FAILING]}}}
    outcome = alice.do("Utility.force_batch", calls=[transferring(bob, 1), inner, transferring(bob, 2)])
    assert outcome.names == [
        "Balances.Transfer",
        "Utility.ItemCompleted",
        "Utility.ItemFailed",
        "Balances.Transfer",
        "Utility.ItemCompleted",
        "Utility.BatchCompletedWithErrors",
    ]
    assert bob.free == before + 3


def test_batches_nested_too_deep_are_no_extrinsic_and_others_are_executed(alice: Actor) -> None:
    def nested(depth: int) -> NestedCall:
        call = REMARK
        for _ in range(depth):
            call = {"Utility": {"batch_all": {"calls": [call]}}}
        return call

    outcome = alice.do("Utility.batch_all", calls=[nested(62)])
    assert outcome.names.count("Utility.BatchCompleted") == 63
    with refused(1002):
        alice.submit("Utility.batch_all", calls=[nested(63)])


def test_an_inherent_cannot_hide_in_a_batch(chain: DevChain, alice: Actor) -> None:
    outcome = alice.do("Utility.batch", calls=[{"Timestamp": {"set": {"now": 1}}}])
    assert outcome.events[0].fields == {"index": 0, "error": "BadOrigin"}


@pytest.mark.parametrize("call", ["batch", "batch_all", "force_batch"])
def test_a_batch_may_be_empty_and_hold_a_hundred_calls_but_not_more(alice: Actor, call: str) -> None:
    assert alice.do(f"Utility.{call}", calls=[]).names == ["Utility.BatchCompleted"]
    assert alice.do(f"Utility.{call}", calls=[REMARK] * CALLS_MAX).error is None
    assert alice.do(f"Utility.{call}", calls=[REMARK] * (CALLS_MAX + 1)).error == "TooManyCalls"


def test_an_account_that_a_batch_ends_can_do_no_more_with_money(alice: Actor, bob: Actor) -> None:
    leaver = Actor(alice.chain, "//Leaver")
    alice.do("Balances.transfer_keep_alive", dest=leaver.account, value=UNIT)
    leave = {"Balances": {"transfer_all": {"dest": bob.account, "keep_alive": False}}}
    outcome = leaver.do("Utility.force_batch", calls=[leave, transferring(bob, 1)])
    assert outcome.names[-2:] == ["Utility.ItemFailed", "Utility.BatchCompletedWithErrors"]
    assert leaver.free == 0


def test_a_batch_pays_the_fee_of_one_extrinsic() -> None:
    chain = manual_chain(base_fee_planck=1000)
    alice = Actor(chain, "//Alice")
    outcome = alice.do("Utility.batch", calls=[REMARK] * 10)
    assert [event.fields["actual_fee"] for event in outcome.events if event.name == "TransactionFeePaid"] == [
        1000
    ]
