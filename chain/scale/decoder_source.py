"""Writes the Python source of decoding functions from the type registry.

A decoding function is `(raw, offset, depth) -> (value, offset behind it)`, where `depth` is how deep
it may still nest. Its source is what one would write by hand for the type: neighbouring fields of
fixed size are read by one precompiled `struct.Struct`, even across the borders of nested composites,
and a short compact integer without a call. What is met again and again (enum variants, recursive
types) is a function of its own, compiled when it is first needed (see `decoder.py`).

The source holds nothing of the metadata but numbers, and names as quoted literals, so the metadata
of a foreign node cannot smuggle code in.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeAlias

from chain.scale import registry as types
from chain.scale.primitives import LENGTH_MAX
from chain.scale.registry import Enum, Field, Registry, field_names, is_option

BLOCKS_MAX = 8
"""Loops and branches nested deeper than this become functions of their own: Python nests 20 loops."""

INLINE_MAX = 50
"""Types nested deeper than this become functions of their own: Python nests 200 brackets."""

STRUCT_CODES = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i8": "b", "i16": "h", "i32": "i", "i64": "q"}

Expression: TypeAlias = str


@dataclass(slots=True)
class FixedRun:
    """Fixed-size fields that follow each other: their `struct` codes and the variables they are read into."""

    codes: str = ""
    names: list[str] = field(default_factory=list)

    @property
    def layout(self) -> struct.Struct:
        return struct.Struct("<" + self.codes)

    @property
    def targets(self) -> str:
        return "".join(f"{name}, " for name in self.names)


class SourceWriter:
    """Writes the body of one function, statement by statement.

    `read` returns the expression of the value that it has arranged to be read. The expression holds
    only after `flush`, which writes the read of all fixed-size fields that are waiting to be fused.
    """

    def __init__(self, registry: Registry, constants: dict[str, Any]) -> None:
        self.lines: list[str] = []
        self.constants = constants
        self._registry = registry
        self._numbers: Iterator[int] = count()
        self._being_inlined: list[int] = []
        self._waiting = FixedRun()
        self._blocks = 0

    def read(self, type_id: int) -> Expression:
        """Arranges that a value of this type is read; returns the expression of the value.

        Raises MetadataError for a type that cannot be decoded.
        """
        nested_deeply = self._blocks > BLOCKS_MAX or len(self._being_inlined) >= INLINE_MAX
        if nested_deeply or type_id in self._being_inlined:
            return self._call(f"decoders[{type_id}]", "depth - 1")
        definition = self._registry[type_id]
        self._being_inlined.append(type_id)
        try:
            match definition.shape:
                case types.Primitive(name):
                    return self._primitive(name)
                case types.Compact(inner):
                    return self._compact(inner)
                case types.Composite(fields):
                    return self.fields(fields)
                case types.Tuple(items):
                    return self.fields(tuple(Field(None, item) for item in items))
                case types.Vec(item):
                    return self._sequence(item)
                case types.Array(length, item):
                    return self._array(length, item)
                case types.BitSequence() as bits:
                    word_size, highest_first = self._registry.bit_layout(bits)
                    return self._call("bits", str(word_size), str(highest_first))
                case Enum(variants) if is_option(definition):
                    return self._option(variants[1].fields[0].type_id)
                case Enum(variants):
                    return self._enum(type_id, variants)
        finally:
            self._being_inlined.pop()

    def fields(self, fields: tuple[Field, ...]) -> Expression:
        """The value of a composite, of a tuple, or of what a variant holds."""
        if len(fields) == 1 and fields[0].name is None:
            return self.read(fields[0].type_id)
        if fields and fields[0].name is not None:
            return self.named_fields(fields)
        return "(" + "".join(self.read(each.type_id) + ", " for each in fields) + ")"

    def named_fields(self, fields: tuple[Field, ...]) -> Expression:
        """A dict of the fields by their names, see `field_names`."""
        named = zip(field_names(fields), fields, strict=True)
        return "{" + ", ".join(f"{name!r}: {self.read(each.type_id)}" for name, each in named) + "}"

    def flush(self) -> None:
        """Writes the one read of all fixed-size fields that are waiting."""
        if self._waiting.names:
            run, self._waiting = self._waiting, FixedRun()
            unpack = self._constant("unpack", run.layout.unpack_from)
            self.lines += [f"{run.targets} = {unpack}(raw, offset)", f"offset += {run.layout.size}"]

    # -- types without parts

    def _primitive(self, name: str) -> Expression:
        match name:
            case "bool":
                return f"bools[{self._fixed('B')}]"
            case "char":
                return f"char({self._fixed('I')}, offset)"
            case "str":
                return self._call("text")
            case "u128" | "i128":
                low, high = self._fixed("Q"), self._fixed("Q" if name == "u128" else "q")
                return f"({low} | {high} << 64)"
            case "u256" | "i256":
                return f"from_bytes({self._fixed('32s')}, 'little', signed={name == 'i256'})"
        return self._fixed(STRUCT_CODES[name])

    def _compact(self, inner: int) -> Expression:
        name = self._registry.compact_integer(inner)
        return "()" if name is None else self._compact_integer(2 ** int(name[1:]) - 1)

    def _compact_integer(self, largest: int) -> Expression:
        self.flush()
        number = self._name()
        self.lines += [
            f"{number} = raw[offset]",
            f"if {number} & 3:",
            f"    {number}, offset = compact(raw, offset, {largest})",
            "else:",
            f"    {number} >>= 2",
            "    offset += 1",
        ]
        return number

    # -- types with parts

    def _sequence(self, item: int) -> Expression:
        if self._registry.is_byte(item):
            return self._call("sized_bytes")
        length = self._compact_integer(LENGTH_MAX)
        body, expression = self._nested(item)
        if body.lines:
            self.lines.append(f"check_length(raw, offset, {length})")
            return self._loop(length, body, expression)
        items = self._name()
        if body._waiting.names:
            self.lines += [
                f"end = offset + {length} * {body._waiting.layout.size}",
                "check_end(raw, offset, end)",
                f"{items} = {self._for_each(body, expression, 'raw[offset:end]')}",
                "offset = end",
            ]
        else:
            self.lines.append(f"{items} = [{expression} for _ in range(check_unit_length({length}, offset))]")
        return items

    def _array(self, length: int, item: int) -> Expression:
        if length == 0:
            return "b''" if self._registry.is_byte(item) else "[]"
        if self._registry.is_byte(item):
            return self._fixed(f"{length}s")
        body, expression = self._nested(item)
        if body.lines:
            self.flush()
            return self._loop(str(length), body, expression)
        if body._waiting.names:
            block = self._fixed(f"{length * body._waiting.layout.size}s")
            return self._for_each(body, expression, block)
        return f"[{expression} for _ in range(check_unit_length({length}, offset))]"

    def _loop(self, length: str, body: "SourceWriter", expression: Expression) -> Expression:
        """A list of items of varying size, read one after the other."""
        body.flush()
        items = self._name()
        self.lines += [f"{items} = []", f"for _ in range({length}):"]
        self.lines += [f"    {line}" for line in (*body.lines, f"{items}.append({expression})")]
        return items

    def _for_each(self, body: "SourceWriter", expression: Expression, block: Expression) -> Expression:
        """A list of items of fixed size, unpacked from the block of bytes that holds nothing else."""
        iterate = self._constant("iterate", body._waiting.layout.iter_unpack)
        return f"[{expression} for {body._waiting.targets} in {iterate}({block})]"

    def _option(self, inner: int) -> Expression:
        tag = self._fixed("B")
        self.flush()
        body, expression = self._nested(inner)
        body.flush()
        if is_option(self._registry.unwrap(inner)):
            expression = f"{{'Some': {expression}}}"
        value = self._name()
        self.lines += [
            f"if {tag} == 1:",
            *(f"    {line}" for line in body.lines),
            f"    {value} = {expression}",
            "else:",
            f"    {value} = nothing[{tag}]",
        ]
        return value

    def _enum(self, type_id: int, variants: tuple[types.Variant, ...]) -> Expression:
        tag = self._fixed("B")
        if any(variant.fields for variant in variants):
            return self._call(f"variants[{type_id}][{tag}]", "depth - 1")
        names = {variant.index: variant.name for variant in variants}
        return f"{self._constant('names', names)}[{tag}]"

    # -- the writer's means

    def _fixed(self, code: str) -> Expression:
        """A variable for a fixed-size field, read together with its neighbours."""
        name = self._name()
        self._waiting.codes += code
        self._waiting.names.append(name)
        return name

    def _call(self, function: str, *arguments: str) -> Expression:
        """Reads the next value by calling a function."""
        self.flush()
        value = self._name()
        self.lines.append(f"{value}, offset = {function}({', '.join(('raw', 'offset', *arguments))})")
        return value

    def _nested(self, type_id: int) -> tuple["SourceWriter", Expression]:
        """A writer of a nested block that reads a value of this type, and the value's expression."""
        body = SourceWriter(self._registry, self.constants)
        body._numbers, body._being_inlined, body._blocks = (
            self._numbers,
            self._being_inlined,
            self._blocks + 1,
        )
        return body, body.read(type_id)

    def _name(self) -> str:
        return f"v{next(self._numbers)}"

    def _constant(self, kind: str, value: Any) -> str:
        name = f"{kind}_{next(self._numbers)}"
        self.constants[name] = value
        return name
