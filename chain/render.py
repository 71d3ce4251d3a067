"""Making the call of an extrinsic from the entities of its action, at the moment it is signed."""

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from chain.pallets import PalletTable
from chain.raw_calls import encode_raw
from chain.scale.errors import ScaleError
from chain.scale.runtime import Runtime
from storage.chain.submission import Claimed
from storage.records import Action

BLOCK_NUMBER_MAX = 2**32 - 1

_WAITED_FOR = {"task.chain_task_id": "task", "agent.chain_agent_id": "agent"}


class NotYet(Exception):
    """The call needs the chain's id of an entity that is not on the chain yet."""


class CannotRender(Exception):
    """The call can never be made; the message says why."""


@dataclass(frozen=True)
class Head:
    """The block that deadlines are counted from."""

    number: int
    time_us: int
    block_time_us: int

    def block_at(self, time_us: int) -> int:
        """The first block that is due at a time: at least the next one, at most the last there can be."""
        blocks = max(1, math.ceil((time_us - self.time_us) / self.block_time_us))
        return min(self.number + blocks, BLOCK_NUMBER_MAX)


@dataclass(frozen=True)
class RenderedCall:
    """The encoded call; `deadline_block` if it creates a task."""

    call: bytes
    deadline_block: int | None


def render(claimed: Claimed, runtime: Runtime, head: Head, pallets: PalletTable) -> RenderedCall:
    """Make and encode the call of a claimed extrinsic. Raises `NotYet` or `CannotRender`."""
    extrinsic = claimed.extrinsic
    try:
        if extrinsic.action == Action.RAW_CALL:
            pallet, call = extrinsic.pallet, extrinsic.call
            return RenderedCall(encode_raw(pallet, call, extrinsic.payload, runtime), None)
        rule = pallets.calls[extrinsic.action]
        pallet, call, deadline_block = rule.pallet, rule.call, None
        if extrinsic.action == Action.CREATE_TASK:
            claimed, deadline_block = _with_deadline(claimed, head)
        arguments = _arguments(claimed, rule.arguments) | dict(rule.constants)
        return RenderedCall(runtime.encode_call(pallet, call, arguments), deadline_block)
    except ScaleError as error:
        raise CannotRender(f"{pallet}.{call}: {error}") from error


def _with_deadline(claimed: Claimed, head: Head) -> tuple[Claimed, int]:
    task = claimed.task
    if task is None or task.deadline_us is None:
        raise CannotRender("the task has no deadline")
    block = head.block_at(task.deadline_us)
    return msgspec.structs.replace(claimed, task=msgspec.structs.replace(task, deadline_block=block)), block


def _arguments(claimed: Claimed, paths: Mapping[str, str]) -> dict[str, Any]:
    arguments = {}
    for name, path in paths.items():
        try:
            value = operator.attrgetter(path)(claimed)
        except AttributeError:
            raise CannotRender(f"there is no {path} to make the call of") from None
        if value is None and path in _WAITED_FOR:
            raise NotYet(f"waits until the {_WAITED_FOR[path]} is on the chain")
        arguments[name] = _plain(value)
    return arguments


def _plain(value: Any) -> Any:
    """Texts as their bytes, since a text that begins with 0x would be read as hexadecimal."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
