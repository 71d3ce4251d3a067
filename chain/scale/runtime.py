"""One runtime of a chain: everything that can be encoded and decoded with its metadata."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TypeVar

from chain.scale.calls import Call, CallDecoder, encode_arguments
from chain.scale.decoder import Decoder
from chain.scale.dispatch_errors import DispatchError, resolve_dispatch_error
from chain.scale.encoder import Encoder
from chain.scale.errors import MetadataError
from chain.scale.events import EventDecoder, EventRecord, encode_events
from chain.scale.metadata import Metadata, StorageItem
from chain.scale.storage_keys import storage_key
from chain.scale.values import Value

Member = TypeVar("Member")


class Runtime:
    """Encodes and decodes what a runtime of this metadata reads and writes.

    Decoders and encoders are compiled when they are first needed and live as long as the runtime:
    keep one per specification version. All methods raise MetadataError for names and types that the
    runtime does not have; decoding raises DecodeError, encoding EncodeError.
    """

    def __init__(self, metadata: Metadata, spec_version: int, transaction_version: int) -> None:
        self.metadata = metadata
        self.spec_version = spec_version
        self.transaction_version = transaction_version
        self._decoder = Decoder(metadata.registry)
        self._encoder = Encoder(metadata.registry)

    @cached_property
    def _calls(self) -> CallDecoder:
        return CallDecoder(self._decoder, self.metadata)

    @cached_property
    def _events(self) -> EventDecoder:
        return EventDecoder(self._decoder, self.metadata)

    # -- values of any type

    def decode(self, type_id: int, raw: bytes) -> Value:
        """The value that `raw` is, to its last byte."""
        return self._decoder.decode(type_id, raw)

    def decode_at(self, type_id: int, raw: bytes, offset: int) -> tuple[Value, int]:
        """The value at `offset`, and the offset behind it."""
        return self._decoder.decode_at(type_id, raw, offset)

    def encode(self, type_id: int, value: Value) -> bytes:
        """The bytes of a value."""
        return self._encoder.encode(type_id, value)

    # -- events

    def decode_events(self, raw: bytes) -> list[EventRecord]:
        """The events of a block, from the bytes of `System.Events`: all of them or DecodeError."""
        return self._events.decode(raw)

    def encode_event(self, pallet: str, event: str, fields: Mapping[str, Value]) -> bytes:
        """The bytes of one event, without its phase and topics."""
        source = self.metadata.pallet(pallet)
        variant = _member("event", source.events, pallet, event)
        return bytes((source.index, variant.index)) + self._encoder.encode_named(variant.fields, fields)

    def encode_events(self, records: Sequence[EventRecord]) -> bytes:
        """The bytes of `System.Events` for these events, without topics."""
        return encode_events(records, self.encode_event)

    # -- calls

    def encode_call(self, pallet: str, call: str, arguments: Mapping[str, Value] | Sequence[Value]) -> bytes:
        """The bytes of a call, its arguments given by name or in order."""
        target = self.metadata.pallet(pallet)
        variant = _member("call", target.calls, pallet, call)
        return bytes((target.index, variant.index)) + encode_arguments(variant, arguments, self._encoder)

    def decode_call(self, raw: bytes) -> Call:
        """The call that `raw` is, to its last byte."""
        return self._calls.decode(raw)

    # -- constants and storage

    def constant(self, pallet: str, name: str) -> Value:
        """The value of a pallet's constant."""
        constant = _member("constant", self.metadata.pallet(pallet).constants, pallet, name)
        return self.decode(constant.type_id, constant.value)

    def storage_key(self, pallet: str, item: str, *keys: Value) -> bytes:
        """The storage key of a value or of a map's entry; with fewer keys, the prefix of all below."""
        source, entry = self.metadata.pallet(pallet), self._storage_item(pallet, item)
        return storage_key(source, entry, keys, self.metadata.registry, self._encoder)

    def decode_storage(self, pallet: str, item: str, raw: bytes | None) -> Value:
        """The stored value, `raw` being None where nothing is stored: that is the item's default, or None."""
        entry = self._storage_item(pallet, item)
        stored = entry.default if raw is None else raw
        return None if stored is None else self.decode(entry.value_type, stored)

    def encode_storage(self, pallet: str, item: str, value: Value) -> bytes:
        """The bytes that are stored for a value."""
        return self.encode(self._storage_item(pallet, item).value_type, value)

    # -- errors

    def dispatch_error(self, value: Value) -> DispatchError:
        """What a decoded `sp_runtime::DispatchError` says, a pallet's own error found by its numbers."""
        return resolve_dispatch_error(value, self.metadata)

    def _storage_item(self, pallet: str, name: str) -> StorageItem:
        return _member("storage item", self.metadata.pallet(pallet).storage, pallet, name)


def _member(kind: str, members: Mapping[str, Member], pallet: str, name: str) -> Member:
    try:
        return members[name]
    except KeyError:
        raise MetadataError(f"pallet {pallet} has no {kind} {name!r}") from None
