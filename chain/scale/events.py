"""Events: the `Vec<EventRecord>` that a block leaves in `System.Events`.

This is the hot path of reading a chain. Every event has a decoding function of its own, found by the
two bytes that announce it (pallet, variant) and compiled when the event is first seen.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from chain.scale.decoder import (
    MALFORMED,
    Decoder,
    OnDemand,
    check_finished,
    check_length,
    compile_function,
    malformed,
)
from chain.scale.errors import DecodeError, MetadataError
from chain.scale.metadata import Metadata
from chain.scale.primitives import LENGTH_MAX, decode_compact, encode_compact
from chain.scale.registry import Composite, Enum, Shape, Vec
from chain.scale.values import Value

Phase: TypeAlias = Literal["apply", "finalization", "initialization"]

EncodeEvent: TypeAlias = Callable[[str, str, Mapping[str, Value]], bytes]
EventFunction: TypeAlias = Callable[[bytes, int, int | None, Phase], tuple["EventRecord", int]]

PHASES: tuple[Phase, ...] = ("apply", "finalization", "initialization")
"""The phases in the order of the bytes that announce them; the first is followed by the extrinsic's index."""

TOPIC_SIZE = 32
NO_TOPICS = b"\x00"

unpack_applied = struct.Struct("<IH").unpack_from
unpack_key = struct.Struct("<H").unpack_from


# A msgspec.Struct is made in a tenth of the time of a frozen dataclass.
class EventRecord(msgspec.Struct, frozen=True):
    """One event of a block. Topics are not kept.

    `extrinsic_index` is the position in the block of the extrinsic that caused the event, None for
    those of the block itself. Fields without a name are keyed "0", "1", …
    """

    extrinsic_index: int | None
    phase: Phase
    pallet: str
    name: str
    fields: dict[str, Value]


class EventDecoder:
    """Decodes the events of one runtime."""

    def __init__(self, decoder: Decoder, metadata: Metadata) -> None:
        _check_record(metadata)
        self._decoder = decoder
        self._events = {
            pallet.index | event.index << 8: (pallet.name, event)
            for pallet in metadata.pallets.values()
            for event in pallet.events.values()
        }
        self._functions = OnDemand(self._compile_event)

    def decode(self, raw: bytes) -> list[EventRecord]:
        """All events of a block in their order. Raises DecodeError, and decodes none, if any is malformed."""
        count, offset = decode_compact(raw, 0, LENGTH_MAX)
        check_length(raw, offset, count)
        records: list[EventRecord] = []
        functions = self._functions
        try:
            for _ in range(count):
                phase = raw[offset]
                if phase == 0:
                    extrinsic_index, key = unpack_applied(raw, offset + 1)
                    record, offset = functions[key](raw, offset + 7, extrinsic_index, "apply")
                else:
                    (key,) = unpack_key(raw, offset + 1)
                    record, offset = functions[key](raw, offset + 3, None, PHASES[phase])
                offset = offset + 1 if raw[offset] == 0 else _skip_topics(raw, offset)
                records.append(record)
        except MALFORMED as error:
            raise malformed(error, offset) from error
        check_finished(raw, offset)
        return records

    def _compile_event(self, key: int) -> EventFunction:
        pallet, event = self._events[key]
        writer = self._decoder.writer()
        writer.constants["EventRecord"] = EventRecord
        fields = writer.named_fields(event.fields)
        record = f"EventRecord(extrinsic_index, phase, {pallet!r}, {event.name!r}, {fields})"
        return compile_function(writer, "raw, offset, extrinsic_index, phase", record)


def encode_events(records: Sequence[EventRecord], encode_event: EncodeEvent) -> bytes:
    """The `Vec<EventRecord>` of these events, without topics."""
    parts = [encode_compact(len(records))]
    for record in records:
        parts.append(bytes((PHASES.index(record.phase),)))
        if record.extrinsic_index is not None:
            parts.append(record.extrinsic_index.to_bytes(4, "little"))
        parts += (encode_event(record.pallet, record.name, record.fields), NO_TOPICS)
    return b"".join(parts)


def _skip_topics(raw: bytes, offset: int) -> int:
    count, start = decode_compact(raw, offset, LENGTH_MAX)
    end = start + count * TOPIC_SIZE
    if end > len(raw):
        raise DecodeError(f"{count} topics announced, {len(raw) - start} bytes left", offset)
    return end


def _check_record(metadata: Metadata) -> None:
    """Raises MetadataError unless an event record is what the loop above reads, as on every chain so far."""
    item = metadata.pallet("System").storage.get("Events")
    if item is None:
        raise MetadataError("the runtime does not store System.Events")
    registry = metadata.registry
    match registry[item.value_type].shape:
        case Vec(record) if isinstance(shape := registry.unwrap(record).shape, Composite):
            fields = {field.name: field.type_id for field in shape.fields}
        case _:
            fields = {}
    if list(fields) != ["phase", "event", "topics"] or not _is_phase(registry[fields["phase"]].shape):
        raise MetadataError("System.Events is not a sequence of records of phase, event and topics")


def _is_phase(shape: Shape) -> bool:
    return isinstance(shape, Enum) and {variant.index: variant.name for variant in shape.variants} == {
        0: "ApplyExtrinsic",
        1: "Finalization",
        2: "Initialization",
    }
