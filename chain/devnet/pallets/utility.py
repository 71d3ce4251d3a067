"""Utility: several calls in one extrinsic. The rules are those of Substrate's pallet of this name."""

from collections.abc import Iterator

from chain.devnet.context import BlockContext, DispatchFailure
from chain.devnet.frame import AccountId, DispatchErrorValue, RuntimeCall
from chain.devnet.pallet import Event, Pallet
from chain.devnet.typeinfo import U32
from chain.scale.calls import Call
from chain.scale.values import Value

PALLET = Pallet("Utility", 13, "pallet_utility")

CALLS_MAX = 100

PALLET.constant("batched_calls_limit", U32, lambda _: CALLS_MAX, "The most calls that a batch may hold.")

TooManyCalls = PALLET.error("TooManyCalls", "The batch holds more than 100 calls.")


class BatchInterrupted(Event, of=PALLET):
    """The call at `index` failed; those before it were executed, those after it were not."""

    index: U32
    error: DispatchErrorValue


class BatchCompleted(Event, of=PALLET):
    """All calls of a batch were executed."""


class BatchCompletedWithErrors(Event, of=PALLET):
    """All calls of a batch were tried; some failed."""


class ItemCompleted(Event, of=PALLET):
    """A call of a batch was executed."""


class ItemFailed(Event, of=PALLET):
    """A call of a batch failed and changed nothing."""

    error: DispatchErrorValue


@PALLET.call
def batch(block: BlockContext, signer: AccountId, calls: list[RuntimeCall]) -> None:
    """Execute calls up to the first that fails. Those before it stay executed, and the batch succeeds."""
    for index, call in enumerate(_calls(calls)):
        try:
            block.dispatch(call, signer)
        except DispatchFailure as failure:
            block.deposit(BatchInterrupted(index=index, error=failure.value))
            return
        block.deposit(ItemCompleted())
    block.deposit(BatchCompleted())


@PALLET.call
def batch_all(block: BlockContext, signer: AccountId, calls: list[RuntimeCall]) -> None:
    """Execute all calls or, if one fails, none; the batch fails as that one did."""
    for call in _calls(calls):
        block.dispatch(call, signer)
        block.deposit(ItemCompleted())
    block.deposit(BatchCompleted())


@PALLET.call
def force_batch(block: BlockContext, signer: AccountId, calls: list[RuntimeCall]) -> None:
    """Execute all calls that do not fail. The batch always succeeds."""
    failed = False
    for call in _calls(calls):
        try:
            block.dispatch(call, signer)
        except DispatchFailure as failure:
            failed = True
            block.deposit(ItemFailed(error=failure.value))
        else:
            block.deposit(ItemCompleted())
    block.deposit(BatchCompletedWithErrors() if failed else BatchCompleted())


def _calls(values: list[Value]) -> Iterator[Call]:
    """Yield the calls that decoded values `{pallet: {call: arguments}}` stand for."""
    if len(values) > CALLS_MAX:
        raise TooManyCalls
    for value in values:
        [(pallet, call)] = value.items()
        [(name, arguments)] = call.items()
        yield Call(pallet, name, arguments)
