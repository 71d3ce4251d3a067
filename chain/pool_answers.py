"""What a node's pool says of sent bytes. All of it is a hint: outcomes are read from finalized blocks.

Whether bytes may still be executed is decided by the height of the finalized chain and the end of their era,
never by these words: nodes say the same of bytes that are lost and of bytes that are in a block.
"""

from enum import StrEnum

from chain.rpc import RpcError


class Answer(StrEnum):
    TAKEN = "taken"  # the pool has the bytes
    FUNDS = "funds"  # the account cannot pay
    BUSY = "busy"  # the node has no room or no time: not the fault of these bytes
    REFUSED = "refused"  # anything else: often they are in a block, or another has their nonce


_INVALID_TRANSACTION = 1010
_CANNOT_PAY = "inability to pay"
"""What `sp_runtime` says of `InvalidTransaction::Payment`."""

_BY_CODE = {
    1011: Answer.BUSY,  # its validity cannot be told now
    1012: Answer.BUSY,  # temporarily banned, after a block had it or found no room
    1013: Answer.TAKEN,  # already imported
    1016: Answer.BUSY,  # the pool is full
}
"""Codes of `sc_rpc_api::author`; the others of its errors are refusals."""

_JSON_RPC_CODES = range(-32768, -31999)
"""Errors of the server itself: too many calls, too large, internal."""


def classify(objection: RpcError | None) -> Answer:
    """What the answer to `author_submitExtrinsic` means; None is consent."""
    if objection is None:
        return Answer.TAKEN
    if objection.code == _INVALID_TRANSACTION and _CANNOT_PAY in str(objection).lower():
        return Answer.FUNDS
    if objection.code in _JSON_RPC_CODES:
        return Answer.BUSY
    return _BY_CODE.get(objection.code, Answer.REFUSED)
