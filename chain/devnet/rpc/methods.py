"""The table of methods, and how their parameters are read.

A method takes the connection's session and its parameters by position. Clients may leave out what has a
default, or send null for it, and may send further nulls behind.
"""

import enum
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

from chain.devnet.block import HASH_BYTES, Block
from chain.devnet.rpc.errors import Json, invalid_params, state_discarded, unknown_block
from chain.devnet.rpc.session import Session

Handler = Callable[..., Json | Awaitable[Json]]
_AnyHandler = TypeVar("_AnyHandler", bound=Handler)
_Choice = TypeVar("_Choice", bound=enum.StrEnum)

BLOCK_NUMBER_MAX = 2**32 - 1


class MethodTable:
    """Methods by name."""

    def __init__(self) -> None:
        self._handlers: dict[str, tuple[Handler, int, int]] = {}

    def method(self, *names: str) -> Callable[[_AnyHandler], _AnyHandler]:
        """Serve a function under these names."""

        def register(handler: _AnyHandler) -> _AnyHandler:
            parameters = list(inspect.signature(handler).parameters.values())[1:]
            required = sum(parameter.default is inspect.Parameter.empty for parameter in parameters)
            for name in names:
                self._handlers[name] = (handler, required, len(parameters))
            return handler

        return register

    def names(self) -> list[str]:
        """Return all names, in order."""
        return sorted(self._handlers)

    def __contains__(self, name: str) -> bool:
        return name in self._handlers

    def call(self, session: Session, name: str, parameters: list[Json]) -> Json | Awaitable[Json]:
        """Call a method.

        Raises:
            RpcError: it refuses, or does not take so many parameters.
        """
        handler, required, accepted = self._handlers[name]
        given = list(parameters)
        while len(given) > accepted and given[-1] is None:
            given.pop()
        if not required <= len(given) <= accepted:
            expected = str(accepted) if required == accepted else f"{required} to {accepted}"
            raise invalid_params(f"{name} takes {expected} parameters, not {len(given)}")
        return handler(session, *given)


METHODS = MethodTable()
"""What the node serves; the modules of the families fill it."""


def read_bytes(value: Json) -> bytes:
    """Read hexadecimal bytes, with or without `0x`; raise RpcError for anything else."""
    try:
        return bytes.fromhex(value.removeprefix("0x"))
    except (AttributeError, TypeError, ValueError):
        raise invalid_params(f"expected hexadecimal bytes, got {value!r:.80}") from None


def read_count(value: Json, *, maximum: int) -> int:
    """Read a number from 0 to `maximum`, also as `0x` text; raise RpcError for anything else."""
    try:
        number = int(value, 16) if isinstance(value, str) else value
    except ValueError:
        number = None
    if type(number) is not int or not 0 <= number <= maximum:
        raise invalid_params(f"expected a number from 0 to {maximum}, got {value!r:.80}")
    return number


def read_hash(value: Json) -> bytes:
    """Read a hash; raise RpcError for anything else."""
    raw = read_bytes(value)
    if len(raw) != HASH_BYTES:
        raise invalid_params(f"a hash has {HASH_BYTES} bytes, not {len(raw)}")
    return raw


def read_choice(value: Json, choices: type[_Choice]) -> _Choice:
    """Read one of the words of an enum; raise RpcError for anything else."""
    try:
        return choices(value)
    except ValueError:
        known = ", ".join(choices)
        raise invalid_params(f"expected one of {known}, got {value!r:.80}") from None


def read_list(value: Json) -> list[Json]:
    """Read a list; raise RpcError for anything else."""
    if not isinstance(value, list):
        raise invalid_params(f"expected a list, got {value!r:.80}")
    return value


def find_block(session: Session, block_hash: Json) -> Block | None:
    """Return the block of a hash, the best one for null, None for a hash that is unknown."""
    if block_hash is None:
        return session.chain.best
    return session.chain.block(read_hash(block_hash))


def require_state(session: Session, block_hash: Json, *, for_runtime: bool = False) -> Block:
    """Return the block of a hash, the best one for null, to read its state or to call its runtime.

    Raises:
        RpcError: the hash is unknown, or the node has pruned the state.
    """
    block = find_block(session, block_hash)
    if block is None:
        raise unknown_block(read_bytes(block_hash))
    if session.host.pruning.has_discarded(block):
        raise state_discarded(block.hash, for_runtime=for_runtime)
    return block
