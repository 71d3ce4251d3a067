"""What a pool says, in the words of real nodes, and what it means."""

import pytest

from chain.pool_answers import Answer, classify
from chain.rpc import RpcError


@pytest.mark.parametrize(
    ("code", "message", "data", "answer"),
    [
        (1013, "Transaction Already Imported", "0x12", Answer.TAKEN),
        (
            1010,
            "Invalid Transaction",
            "Inability to pay some fees (e.g. account balance too low)",
            Answer.FUNDS,
        ),
        (1010, "Invalid Transaction", "Transaction is outdated", Answer.REFUSED),
        (1010, "Invalid Transaction", "Transaction has a bad signature", Answer.REFUSED),
        (1010, "Invalid Transaction", None, Answer.REFUSED),
        (1011, "Unknown Transaction Validity", "CannotLookup", Answer.BUSY),
        (1012, "Transaction is temporarily banned", None, Answer.BUSY),
        (1014, "Priority is too low: (0 vs 0)", "too low priority", Answer.REFUSED),
        (1016, "Immediately Dropped", "because of the limit", Answer.BUSY),
        (1002, "Verification Error: Runtime error", None, Answer.REFUSED),
        (-32603, "Internal error", None, Answer.BUSY),
        (-32010, "The batch request was too large", None, Answer.BUSY),
    ],
)
def test_answers_have_their_meaning(code: int, message: str, data: str | None, answer: Answer) -> None:
    assert classify(RpcError(code, message, data)) == answer


def test_no_objection_is_consent() -> None:
    assert classify(None) == Answer.TAKEN
