"""JSON-RPC errors, with the codes and words of real nodes (jsonrpsee, and the errors of sc-rpc-api)."""

from typing import Any, TypeAlias

Json: TypeAlias = Any
"""What JSON can hold."""


class RpcError(Exception):
    """An error to be sent as the answer to a call."""

    def __init__(self, code: int, message: str, data: Json = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.data = data


def parse_error() -> RpcError:
    """The message is no JSON."""
    return RpcError(-32700, "Parse error")


def invalid_request() -> RpcError:
    """The message is JSON, but no call."""
    return RpcError(-32600, "Invalid request")


def method_not_found() -> RpcError:
    """The node has no such method."""
    return RpcError(-32601, "Method not found")


def invalid_params(problem: str) -> RpcError:
    """The method does not take these parameters."""
    return RpcError(-32602, "Invalid params", problem)


def internal_error() -> RpcError:
    """The node is at fault; its log says why."""
    return RpcError(-32603, "Internal error")


def too_many_subscriptions(limit: int) -> RpcError:
    """The connection has as many subscriptions as it may."""
    return RpcError(-32006, "Too many subscriptions on the connection", f"Exceeded max limit of {limit}")


def response_too_big(limit: int) -> RpcError:
    """The answer is longer than a message may be."""
    return RpcError(-32008, "Response is too big", f"Exceeded max limit of {limit}")


def batch_too_big(limit: int) -> RpcError:
    """The batch has more calls than it may."""
    return RpcError(-32010, "The batch request was too large", f"Exceeded max limit of {limit}")


def batch_response_too_big(limit: int) -> RpcError:
    """The answers of a batch are together longer than a message may be."""
    return RpcError(-32011, "The batch response was too large", f"Exceeded max limit of {limit}")


def unknown_block(block_hash: bytes) -> RpcError:
    """The node never had this block."""
    problem = f"Header was not found in the database: 0x{block_hash.hex()}"
    return RpcError(4003, f"Client error: UnknownBlock: {problem}")


def state_discarded(block_hash: bytes, *, for_runtime: bool) -> RpcError:
    """The node had this block's state and has pruned it. Calls of the runtime say so in other words."""
    problem = "Api called for an unknown Block" if for_runtime else "UnknownBlock"
    return RpcError(4003, f"Client error: {problem}: State already discarded for 0x{block_hash.hex()}")


def execution_failed(problem: str) -> RpcError:
    """The runtime could not answer."""
    return RpcError(4003, f"Client error: Execution failed: {problem}")


# Of the new API: https://paritytech.github.io/json-rpc-interface-spec/api/chainHead.html


def follow_limit_reached() -> RpcError:
    """The connection follows the chain as often as it may."""
    return RpcError(-32800, "Maximum number of chainHead_follow has been reached")


def invalid_block() -> RpcError:
    """The follower has not pinned this block."""
    return RpcError(-32801, "Invalid block hash")


def runtime_not_followed() -> RpcError:
    """The follower did not ask for runtimes, so it may not call them."""
    return RpcError(
        -32802, "The `chainHead_follow` subscription was started with `withRuntime` set to `false`"
    )


def no_operation_waits() -> RpcError:
    """The operation does not wait to be continued."""
    return RpcError(-32803, "Wait for continue event was not generated for the subscription")


def duplicate_hashes() -> RpcError:
    """A block is to be unpinned twice."""
    return RpcError(-32804, "Received duplicate hashes for the `chainHead_unpin` method")


def invalid_operation() -> RpcError:
    """There is no such operation."""
    return RpcError(-32602, "Invalid operation id")
