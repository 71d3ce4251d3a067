"""Why the node does not take a transaction, in the codes and words of real nodes.

Codes: `sc_rpc_api::author::error`; reasons: `sp_runtime::transaction_validity`.

TransactionRefused
├── UndecodableTransaction  1002
├── InvalidTransaction      1010, with a reason
├── UnknownValidity         1011
├── TemporarilyBanned       1012
├── AlreadyImported         1013
├── PriorityTooLow          1014
└── ImmediatelyDropped      1016
"""

import enum


class InvalidReason(enum.Enum):
    """The cases of `InvalidTransaction` that can happen here: their names, and a node's words for them."""

    PAYMENT = ("Payment", "Inability to pay some fees (e.g. account balance too low)")
    FUTURE = ("Future", "Transaction will be valid in the future")
    STALE = ("Stale", "Transaction is outdated")
    BAD_PROOF = ("BadProof", "Transaction has a bad signature")
    ANCIENT_BIRTH_BLOCK = ("AncientBirthBlock", "Transaction has an ancient birth block")
    EXHAUSTS_RESOURCES = ("ExhaustsResources", "Transaction would exhaust the block limits")

    def __init__(self, case: str, text: str) -> None:
        self.case = case
        self.text = text


class TransactionRefused(Exception):
    """A transaction is not taken: a JSON-RPC error."""

    def __init__(self, code: int, message: str, explanation: str | None = None) -> None:
        super().__init__(f"{code}: {message}" + (f": {explanation}" if explanation else ""))
        self.code = code
        self.message = message
        self.explanation = explanation


class UndecodableTransaction(TransactionRefused):
    """The bytes are no extrinsic of this runtime."""

    def __init__(self, problem: str) -> None:
        super().__init__(1002, f"Verification Error: Runtime error: Execution failed: {problem}", problem)


class InvalidTransaction(TransactionRefused):
    """The runtime finds the transaction invalid."""

    def __init__(self, reason: InvalidReason) -> None:
        super().__init__(1010, "Invalid Transaction", reason.text)
        self.reason = reason


class UnknownValidity(TransactionRefused):
    """Nobody vouches for an unsigned extrinsic."""

    def __init__(self) -> None:
        super().__init__(1011, "Unknown Transaction Validity", "NoUnsignedValidator")


class TemporarilyBanned(TransactionRefused):
    """These very bytes were in a block, or found invalid, a short while ago."""

    def __init__(self) -> None:
        super().__init__(1012, "Transaction is temporarily banned")


class AlreadyImported(TransactionRefused):
    """These very bytes are in the pool."""

    def __init__(self, transaction_hash: bytes) -> None:
        super().__init__(1013, "Transaction Already Imported", f"0x{transaction_hash.hex()}")


class PriorityTooLow(TransactionRefused):
    """The pool has another transaction of this account and nonce, and its tip is not lower."""

    def __init__(self, old: int, new: int) -> None:
        super().__init__(
            1014,
            f"Priority is too low: ({old} vs {new})",
            "The transaction has too low priority to replace another transaction already in the pool.",
        )


class ImmediatelyDropped(TransactionRefused):
    """The pool is full."""

    def __init__(self) -> None:
        super().__init__(
            1016, "Immediately Dropped", "The transaction couldn't enter the pool because of the limit"
        )
