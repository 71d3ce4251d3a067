"""What can go wrong with a call to a node.

RpcFailure
├── RpcError              the node answered with an error
│   └── TooMuchAsked      it refuses to answer so much at once
├── RpcTimeout            the node did not answer in time; what it did is unknown
├── SubscriptionOverflow  notifications came faster than they were taken
└── ConnectionLost        the connection is gone, and with it every call in flight and subscription
    └── ResponseTooLarge  it was given up because a message was over `response_bytes_max`
"""

from typing import Any, NoReturn, TypeAlias

# What a method answers, its documentation says; callers check what they rely on.
Json: TypeAlias = Any


class RpcFailure(Exception):
    """Base of all that can go wrong with a call."""


class RpcError(RpcFailure):
    """The node answered with an error; `code`, `message` and `data` are the node's."""

    def __init__(self, code: int, message: str, data: Json = None) -> None:
        super().__init__(code, message, data)
        self.code = code
        self.message = message
        self.data = data

    def __str__(self) -> str:
        return f"{self.message} ({self.code})" + ("" if self.data is None else f": {self.data}")


class TooMuchAsked(RpcError):
    """The node refuses a batch of this length, or an answer of this size: ask for less at once."""


class RpcTimeout(RpcFailure):
    """The node did not answer in time."""


class SubscriptionOverflow(RpcFailure):
    """Notifications came faster than they were taken, and some are lost."""


class ConnectionLost(RpcFailure):
    """The connection was never made, or is gone. The client is spent."""


class ResponseTooLarge(ConnectionLost):
    """A message was over the limit, and the connection was given up."""


BATCHES_NOT_SUPPORTED = -32005
ANSWER_TOO_LARGE = -32008
BATCH_CODES = frozenset({BATCHES_NOT_SUPPORTED, -32010, -32011})
"""What jsonrpsee, the server of all Substrate nodes, says of batches: none are taken, this one has too many
calls, its answer is too large. It says so without an id."""


def rpc_error(code: int, message: str, data: Json) -> RpcError:
    """The error that a node answered with, by its code."""
    kind = TooMuchAsked if code in BATCH_CODES or code == ANSWER_TOO_LARGE else RpcError
    return kind(code, message, data)


def raise_again(failure: RpcFailure) -> NoReturn:
    """Raises a copy: one failure ends many calls, and each raises its own with its own traceback."""
    raise type(failure)(*failure.args)
