"""The type registry of a runtime: what every type id of the metadata looks like.

Format: `scale_info::PortableRegistry`, https://docs.rs/scale-info.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from chain.scale.errors import DecodeError, MetadataError
from chain.scale.primitives import Cursor

PRIMITIVES = (
    "bool", "char", "str",
    "u8", "u16", "u32", "u64", "u128", "u256",
    "i8", "i16", "i32", "i64", "i128", "i256",
)  # fmt: skip
"""The primitive types in the order of their numbers in the metadata."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a composite or a variant; `name` is None in tuple-like ones."""

    name: str | None
    type_id: int


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant of an enum; `index` is the byte that announces it."""

    name: str
    index: int
    fields: tuple[Field, ...]
    documentation: str


@dataclass(frozen=True, slots=True)
class Composite:
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Enum:
    variants: tuple[Variant, ...]


@dataclass(frozen=True, slots=True)
class Vec:
    item: int


@dataclass(frozen=True, slots=True)
class Array:
    length: int
    item: int


@dataclass(frozen=True, slots=True)
class Tuple:
    items: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Primitive:
    name: str


@dataclass(frozen=True, slots=True)
class Compact:
    inner: int


@dataclass(frozen=True, slots=True)
class BitSequence:
    store: int
    order: int


Shape: TypeAlias = Composite | Enum | Vec | Array | Tuple | Primitive | Compact | BitSequence


@dataclass(frozen=True, slots=True)
class Type:
    """A type: its path (`("sp_core", "crypto", "AccountId32")`, often empty), generics and shape."""

    id: int
    path: tuple[str, ...]
    parameters: Mapping[str, int | None]
    shape: Shape

    @property
    def name(self) -> str:
        """The last part of the path, empty for built-in types."""
        return self.path[-1] if self.path else ""


class Registry:
    """All types of one runtime, by id."""

    def __init__(self, types: Mapping[int, Type]) -> None:
        self._types = types

    def __getitem__(self, type_id: int) -> Type:
        """The type of an id. Raises MetadataError where there is none."""
        try:
            return self._types[type_id]
        except KeyError:
            raise MetadataError(f"the metadata has no type {type_id}") from None

    def find(self, *path: str) -> Type | None:
        """The first type of exactly this path."""
        return next((candidate for candidate in self._types.values() if candidate.path == path), None)

    def unwrap(self, type_id: int) -> Type:
        """The type behind any number of one-field wrappers, whose values are those of the wrapped type.

        Raises MetadataError if the wrappers form a circle.
        """
        seen = set[int]()
        while (inner := wrapped(self[type_id].shape)) is not None:
            if type_id in seen:
                raise MetadataError(f"type {type_id} wraps itself")
            seen.add(type_id)
            type_id = inner
        return self[type_id]

    def is_byte(self, type_id: int) -> bool:
        return self[type_id].shape == Primitive("u8")

    def is_empty(self, type_id: int) -> bool:
        """Whether values of the type take no bytes: unit, and composites without fields."""
        return self.unwrap(type_id).shape in (Tuple(()), Composite(()))

    def compact_integer(self, inner: int) -> str | None:
        """The unsigned integer type that a `Compact` of this type is written as, None for unit.

        Raises MetadataError for a type that has no compact form.
        """
        shape = self.unwrap(inner).shape
        if shape == Tuple(()):
            return None
        if not isinstance(shape, Primitive) or not shape.name.startswith("u"):
            raise MetadataError(f"type {inner} has no compact form")
        return shape.name

    def bit_layout(self, bits: BitSequence) -> tuple[int, bool]:
        """The bytes of each word of a bit sequence, and whether a word's highest bit comes first.

        Raises MetadataError for words or an order that we do not know.
        """
        store, order = self.unwrap(bits.store).shape, self[bits.order].name
        if not isinstance(store, Primitive) or store.name not in ("u8", "u16", "u32", "u64"):
            raise MetadataError(f"type {bits.store} does not hold bits")
        if order not in ("Lsb0", "Msb0"):
            raise MetadataError(f"type {bits.order} is not an order of bits")
        return int(store.name[1:]) // 8, order == "Msb0"


def wrapped(shape: Shape) -> int | None:
    """The type inside a newtype: a composite of one unnamed field, or a tuple of one."""
    match shape:
        case Composite(fields=(Field(name=None, type_id=inner),)):
            return inner
        case Tuple(items=(inner,)):
            return inner
    return None


def field_names(fields: tuple[Field, ...]) -> list[str]:
    """The names under which fields are found: those without one are "0", "1", …"""
    return [str(position) if field.name is None else field.name for position, field in enumerate(fields)]


def is_option(definition: Type) -> bool:
    """Whether the type is `Option<T>`, which decodes to None or the value rather than to an enum."""
    match definition:
        case Type(
            path=("Option",),
            shape=Enum(variants=(Variant(index=0, fields=()), Variant(index=1, fields=(Field(),)))),
        ):
            return True
    return False


def read_registry(cursor: Cursor) -> Registry:
    """Reads a `PortableRegistry`. Raises DecodeError."""
    types = cursor.sequence(lambda: _read_type(cursor))
    return Registry({entry.id: entry for entry in types})


def _read_type(cursor: Cursor) -> Type:
    type_id = cursor.compact()
    path = cursor.sequence(cursor.text)
    parameters = cursor.sequence(lambda: (cursor.text(), cursor.option(cursor.compact)))
    shape = _read_shape(cursor)
    cursor.sequence(cursor.text)  # documentation
    return Type(type_id, path, dict(parameters), shape)


def _read_shape(cursor: Cursor) -> Shape:
    match cursor.byte():
        case 0:
            return Composite(_read_fields(cursor))
        case 1:
            return Enum(cursor.sequence(lambda: _read_variant(cursor)))
        case 2:
            return Vec(item=cursor.compact())
        case 3:
            return Array(length=cursor.u32(), item=cursor.compact())
        case 4:
            return Tuple(cursor.sequence(cursor.compact))
        case 5:
            return _read_primitive(cursor)
        case 6:
            return Compact(inner=cursor.compact())
        case 7:
            return BitSequence(store=cursor.compact(), order=cursor.compact())
        case kind:
            raise DecodeError(f"unknown kind of type {kind}", cursor.offset - 1)


def _read_primitive(cursor: Cursor) -> Primitive:
    number = cursor.byte()
    if number >= len(PRIMITIVES):
        raise DecodeError(f"unknown primitive type {number}", cursor.offset - 1)
    return Primitive(PRIMITIVES[number])


def _read_variant(cursor: Cursor) -> Variant:
    name, fields, index = cursor.text(), _read_fields(cursor), cursor.byte()
    return Variant(name, index, fields, documentation=read_documentation(cursor))


def _read_fields(cursor: Cursor) -> tuple[Field, ...]:
    return cursor.sequence(lambda: _read_field(cursor))


def _read_field(cursor: Cursor) -> Field:
    name, type_id = cursor.option(cursor.text), cursor.compact()
    cursor.option(cursor.text)  # the type's name in the source
    cursor.sequence(cursor.text)  # documentation
    return Field(name, type_id)


def read_documentation(cursor: Cursor) -> str:
    """The lines of a documentation comment as one text."""
    return "\n".join(line.strip() for line in cursor.sequence(cursor.text)).strip()
