"""What an extrinsic is told of that succeeded although a call in it failed."""

from typing import Any

import pytest

from chain.devnet import DevChain, DevChainConfig
from chain.devnet.config import Sealing
from chain.interpret import FailedItems
from chain.scale.events import EventRecord
from chain.scale.runtime import Runtime

REFUSED = {"Token": "FundsUnavailable"}


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    return DevChain(DevChainConfig(sealing=Sealing.MANUAL)).runtime.codec


def event(name: str, **fields: Any) -> EventRecord:
    return EventRecord(extrinsic_index=1, phase="apply", pallet="Utility", name=name, fields=fields)


DONE = event("ItemCompleted")
FAILED = event("ItemFailed", error=REFUSED)
STOPPED = event("BatchInterrupted", index=2, error=REFUSED)
BATCH_DONE = event("BatchCompleted")
BATCH_DONE_WITH_ERRORS = event("BatchCompletedWithErrors")


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([], ""),
        ([DONE, DONE, BATCH_DONE], ""),
        ([DONE, DONE, STOPPED], "executed, but item 2 failed: Token.FundsUnavailable"),
        ([FAILED, DONE, BATCH_DONE_WITH_ERRORS], "executed, but item 0 failed: Token.FundsUnavailable"),
        ([DONE, FAILED, FAILED], "executed, but item 1 failed: Token.FundsUnavailable"),
        # The calls of the inner batch cannot be told from those of the outer one.
        ([DONE, DONE, BATCH_DONE, DONE, FAILED], "executed, but an item failed: Token.FundsUnavailable"),
        ([event("ItemFailed", **{"0": REFUSED})], "executed, but item 0 failed: Token.FundsUnavailable"),
    ],
)
def test_the_first_item_that_failed_is_named(runtime: Runtime, events: list[EventRecord], said: str) -> None:
    failed = FailedItems()
    for each in events:
        failed.note(each, runtime)
    assert failed.first == said


def test_events_of_other_pallets_say_nothing(runtime: Runtime) -> None:
    failed = FailedItems()
    record = EventRecord(extrinsic_index=1, phase="apply", pallet="Mine", name="ItemFailed", fields={})
    failed.note(record, runtime)
    assert failed.first == ""
