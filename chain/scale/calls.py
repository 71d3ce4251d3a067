"""Calls: what an extrinsic asks a pallet to do. Two bytes, for pallet and call, then the arguments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from chain.scale.decoder import MALFORMED, Decoder, OnDemand, check_finished, compile_function, malformed
from chain.scale.encoder import Encoder
from chain.scale.errors import DecodeError, EncodeError
from chain.scale.metadata import Metadata
from chain.scale.registry import Variant, field_names
from chain.scale.values import Value

CallFunction: TypeAlias = Callable[[bytes, int], tuple["Call", int]]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a pallet, with its arguments by name."""

    pallet: str
    name: str
    arguments: dict[str, Value]


class CallDecoder:
    """Decodes the calls of one runtime."""

    def __init__(self, decoder: Decoder, metadata: Metadata) -> None:
        self._decoder = decoder
        self._calls = {
            (pallet.index, call.index): (pallet.name, call)
            for pallet in metadata.pallets.values()
            for call in pallet.calls.values()
        }
        self._functions = OnDemand(self._compile_call)

    def decode(self, raw: bytes) -> Call:
        """The call that `raw` is, to its last byte. Raises DecodeError."""
        if len(raw) < 2:
            raise DecodeError("a call begins with two bytes", len(raw))
        try:
            call, end = self._functions[raw[0], raw[1]](raw, 2)
        except MALFORMED as error:
            raise malformed(error, 0) from error
        check_finished(raw, end)
        return call

    def _compile_call(self, key: tuple[int, int]) -> CallFunction:
        pallet, call = self._calls[key]
        writer = self._decoder.writer()
        writer.constants["Call"] = Call
        arguments = writer.named_fields(call.fields)
        return compile_function(writer, "raw, offset", f"Call({pallet!r}, {call.name!r}, {arguments})")


def encode_arguments(
    call: Variant, arguments: Mapping[str, Value] | Sequence[Value], encoder: Encoder
) -> bytes:
    """The bytes of a call's arguments, given by name or in order.

    Raises EncodeError with a path that begins with `arguments`.
    """
    try:
        return encoder.encode_named(call.fields, _by_name(call, arguments))
    except EncodeError as error:
        error.inside("arguments")
        raise


def _by_name(call: Variant, arguments: Mapping[str, Value] | Sequence[Value]) -> Mapping[str, Value]:
    if isinstance(arguments, Mapping):
        return arguments
    names = field_names(call.fields)
    if not isinstance(arguments, (list, tuple)) or len(arguments) != len(names):
        raise EncodeError(f"{len(names)} of them: {', '.join(names)}")
    return dict(zip(names, arguments, strict=True))
