"""What a call sees of the chain while it runs."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Protocol, TypeAlias

from chain.devnet.frame import RuntimeVersion
from chain.devnet.revision import EXTRA_EVENT_FIELD, FIRST, STEADY_PALLETS, Revision
from chain.devnet.state import Overlay, ReadableState
from chain.scale.calls import Call
from chain.scale.runtime import Runtime

_NO_TOPICS = b"\x00"


@dataclasses.dataclass(frozen=True, slots=True)
class RuntimeParameters:
    """What may differ from one runtime to another, and shows in the constants of its metadata.

    `moved_errors` has the numbers of errors, pallet and error, by those of their declaration, where an
    upgrade changed them.
    """

    version: RuntimeVersion
    block_time_ms: int
    bidding_window_blocks: int
    base_fee_planck: int
    byte_fee_planck: int
    arbiter: bytes
    revision: Revision = FIRST
    moved_errors: Mapping[tuple[int, int], tuple[int, int]] = dataclasses.field(default_factory=dict)

    @property
    def minimum_period_ms(self) -> int:
        """Return half the block time: the least time from one block to the next."""
        return self.block_time_ms // 2


class DispatchFailure(Exception):
    """A call refuses, and all it did is undone. `value` is the `sp_runtime::DispatchError` to report."""

    value: ClassVar[object] = "Other"


class BadOrigin(DispatchFailure):
    """The call is not for this kind of caller."""

    value = "BadOrigin"


class CannotLookup(DispatchFailure):
    """The address is of a kind that stands for no account."""

    value = "CannotLookup"


class FundsUnavailable(DispatchFailure):
    """The account has less than it is to pay."""

    value: ClassVar[object] = {"Token": "FundsUnavailable"}


class BelowMinimum(DispatchFailure):
    """The receiving account would hold less than the existential deposit."""

    value: ClassVar[object] = {"Token": "BelowMinimum"}


class NotExpendable(DispatchFailure):
    """The paying account is to be kept alive and would not be."""

    value: ClassVar[object] = {"Token": "NotExpendable"}


class DepositedEvent(Protocol):
    """An event as pallets make them."""

    pallet_name: ClassVar[str]
    unnamed: ClassVar[bool]

    def fields(self) -> dict[str, Any]:
        """Return the values by field name."""


class ReadContext(Protocol):
    """A state, and the codec that reads it."""

    @property
    def codec(self) -> Runtime: ...

    @property
    def state(self) -> ReadableState: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a finished block."""

    codec: Runtime
    state: ReadableState


Dispatch: TypeAlias = Callable[["BlockContext", Call, bytes | None], None]
"""Has a pallet execute a call of this signer, None being the author of the block. Raises DispatchFailure."""


class BlockContext:
    """A block being built. Calls and hooks read and write `state`, and deposit events."""

    def __init__(
        self, number: int, parameters: RuntimeParameters, codec: Runtime, state: Overlay, dispatch: Dispatch
    ) -> None:
        self.number = number
        self.parameters = parameters
        self.codec = codec
        self.state = state
        self.event_records: list[bytes] = []
        self._phase = b"\x02"
        self._dispatch = dispatch

    def enter_extrinsic(self, index: int) -> None:
        """Ascribe what follows to the extrinsic of this index; until then it is the block's own doing."""
        self._phase = b"\x00" + index.to_bytes(4, "little")

    def deposit(self, event: DepositedEvent) -> None:
        """Add an event to the block."""
        fields, parameters = event.fields(), self.parameters
        steady = event.unnamed or event.pallet_name in STEADY_PALLETS
        if parameters.revision.has_event_field and not steady:
            fields[EXTRA_EVENT_FIELD] = self.number
        if parameters.moved_errors:
            fields = _with_moved_errors(fields, parameters.moved_errors)
        encoded = self.codec.encode_event(event.pallet_name, type(event).__name__, fields)
        self.event_records.append(self._phase + encoded + _NO_TOPICS)

    def dispatch(self, call: Call, signer: bytes | None) -> None:
        """Execute a call as a whole, or undo it and raise DispatchFailure."""
        with self.transaction():
            self._dispatch(self, call, signer)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Undo all changes and events of the body if it raises DispatchFailure, which is raised on."""
        checkpoint, events_before = self.state.checkpoint(), len(self.event_records)
        try:
            yield
        except DispatchFailure:
            self.state.roll_back(checkpoint)
            del self.event_records[events_before:]
            raise


def _with_moved_errors(value: Any, moved: Mapping[tuple[int, int], tuple[int, int]]) -> Any:
    """Return a value whose module errors, however deep in it, have the numbers of the present runtime."""
    match value:
        case {"Module": {"index": int(pallet), "error": bytes(error)}}:
            index, first = moved.get((pallet, error[0]), (pallet, error[0]))
            return {"Module": {"index": index, "error": bytes((first,)) + error[1:]}}
        case dict():
            return {name: _with_moved_errors(each, moved) for name, each in value.items()}
        case list():
            return [_with_moved_errors(each, moved) for each in value]
    return value
