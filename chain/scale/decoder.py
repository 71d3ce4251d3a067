"""Decodes values of any type of a runtime, with functions compiled from its registry when first needed."""

import struct
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from chain.scale.bits import decode_bits
from chain.scale.decoder_source import SourceWriter
from chain.scale.errors import DecodeError
from chain.scale.primitives import decode_compact, decode_sized_bytes, decode_text
from chain.scale.registry import Enum, Registry, Variant
from chain.scale.values import Value

Key = TypeVar("Key")
Compiled = TypeVar("Compiled")

NESTING_MAX = 128
"""How deep enums and recursive types may nest inside the type that is decoded; real values stay under 30."""

UNIT_LENGTH_MAX = 256
"""The longest sequence of items that take no bytes. Of all others the bytes at hand bound the length."""

DecodeFunction: TypeAlias = Callable[[bytes, int, int], tuple[Value, int]]

# What compiled functions raise on malformed bytes, besides DecodeError: reads behind the end, and
# numbers that stand for no value of a bool, an option or an enum.
MALFORMED = (struct.error, IndexError, KeyError)

SOURCE_NAME = "<decoder>"


class OnDemand(dict[Key, Compiled]):
    """A table whose entries are compiled when they are first looked up.

    `compile_entry` raises KeyError for a key that stands for nothing.
    """

    def __init__(self, compile_entry: Callable[[Key], Compiled]) -> None:
        super().__init__()
        self._compile_entry = compile_entry

    def __missing__(self, key: Key) -> Compiled:
        entry = self[key] = self._compile_entry(key)
        return entry


class Decoder:
    """Decodes values of the types of one registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._functions = OnDemand(self._compile_type)
        self._environment = ENVIRONMENT | {
            "decoders": self._functions,
            "variants": OnDemand(self._variants_of),
        }

    def decode(self, type_id: int, raw: bytes) -> Value:
        """The value that `raw` is, to its last byte. Raises DecodeError, MetadataError."""
        value, end = self.decode_at(type_id, raw, 0)
        check_finished(raw, end)
        return value

    def decode_at(self, type_id: int, raw: bytes, offset: int) -> tuple[Value, int]:
        """The value at `offset`, and the offset behind it. Raises DecodeError, MetadataError."""
        function = self._functions[type_id]
        try:
            return function(raw, offset, NESTING_MAX)
        except MALFORMED as error:
            raise malformed(error, offset) from error

    def writer(self) -> SourceWriter:
        """A writer for a function that decodes types of this registry."""
        return SourceWriter(self._registry, dict(self._environment))

    def _compile_type(self, type_id: int) -> DecodeFunction:
        writer = self.writer()
        return _compile_nested(writer, writer.read(type_id))

    def _variants_of(self, type_id: int) -> OnDemand[int, DecodeFunction]:
        shape = self._registry[type_id].shape
        assert isinstance(shape, Enum), "the writer looks up variants of enums only"
        variants = {variant.index: variant for variant in shape.variants}
        return OnDemand(lambda index: self._compile_variant(variants[index]))

    def _compile_variant(self, variant: Variant) -> DecodeFunction:
        writer = self.writer()
        value = repr(variant.name)
        if variant.fields:
            value = f"{{{value}: {writer.fields(variant.fields)}}}"
        return _compile_nested(writer, value)


def compile_function(writer: SourceWriter, parameters: str, result: str) -> Callable[..., Any]:
    """The function of the writer's statements; `result` is the expression it returns with the offset."""
    writer.flush()
    lines = (*writer.lines, f"return {result}, offset")
    source = f"def decode({parameters}):\n" + "".join(f"    {line}\n" for line in lines)
    # Safe: the source is ours but for numbers and quoted names, see decoder_source.py.
    exec(compile(source, SOURCE_NAME, "exec"), writer.constants)  # noqa: S102
    function: Callable[..., Any] = writer.constants["decode"]
    return function


def _compile_nested(writer: SourceWriter, result: str) -> DecodeFunction:
    writer.lines.insert(0, "check_depth(depth, offset)")
    return compile_function(writer, "raw, offset, depth", result)


def malformed(error: Exception, offset: int) -> DecodeError:
    """The DecodeError for what a compiled function raised that was called at `offset`.

    Compiled functions keep their position in a local variable, which the traceback still holds: so an
    error says where, and the hot path does not pay for it.
    """
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_code.co_filename == SOURCE_NAME:
            offset = frame.f_locals.get("offset", offset)
        traceback = traceback.tb_next
    if isinstance(error, KeyError):
        return DecodeError(f"{error.args[0]} stands for no value of its type", offset)
    return DecodeError("bytes are missing", offset)


def check_finished(raw: bytes, end: int) -> None:
    """Raises DecodeError if bytes are left behind `end`."""
    if end != len(raw):
        raise DecodeError(f"{len(raw) - end} bytes left over", end)


def check_length(raw: bytes, offset: int, length: int) -> None:
    """Raises DecodeError if `length` items of at least one byte cannot follow."""
    if length > len(raw) - offset:
        raise DecodeError(f"{length} items announced, {len(raw) - offset} bytes left", offset)


def _check_end(raw: bytes, offset: int, end: int) -> None:
    if end > len(raw):
        raise DecodeError(f"items of {end - offset} bytes announced, {len(raw) - offset} left", offset)


def _check_unit_length(length: int, offset: int) -> int:
    if length > UNIT_LENGTH_MAX:
        raise DecodeError(f"{length} items without bytes are over {UNIT_LENGTH_MAX}", offset)
    return length


def _check_depth(depth: int, offset: int) -> None:
    if depth == 0:
        raise DecodeError(f"values are nested deeper than {NESTING_MAX}", offset)


def _char(code: int, offset: int) -> str:
    if 0xD800 <= code < 0xE000 or code > 0x10FFFF:
        raise DecodeError(f"{code} is not a character", offset)
    return chr(code)


# What the compiled functions find by name.
ENVIRONMENT: dict[str, Any] = {
    "bits": decode_bits,
    "bools": {0: False, 1: True},
    "char": _char,
    "check_depth": _check_depth,
    "check_end": _check_end,
    "check_length": check_length,
    "check_unit_length": _check_unit_length,
    "compact": decode_compact,
    "depth": NESTING_MAX,
    "from_bytes": int.from_bytes,
    "nothing": {0: None},
    "sized_bytes": decode_sized_bytes,
    "text": decode_text,
}
