"""Describing SCALE types.

A pallet is written with ordinary annotations (`budget: U128`, `winner: U64 | None`, a dataclass marked with
`composite`); `type_info` turns an annotation into the description that the metadata's type registry holds.
The model is that of scale-info, which every client of a Substrate node reads:
https://docs.rs/scale-info/latest/scale_info/enum.TypeDef.html
"""

import dataclasses
import enum
import types
from collections.abc import Callable
from typing import Annotated, Any, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

Path: TypeAlias = tuple[str, ...]
Parameters: TypeAlias = tuple[tuple[str, "TypeInfo"], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """A member of a composite or of a variant; unnamed members have no name."""

    type: "TypeInfo"
    name: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Variant:
    """One case of an enum."""

    name: str
    index: int
    fields: tuple[Field, ...] = ()
    docs: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Primitive:
    """A type that is built into SCALE, by its name in scale-info."""

    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Composite:
    """A struct. Clients recognise well-known structs by their path."""

    path: Path
    fields: tuple[Field, ...] = ()
    parameters: Parameters = ()


@dataclasses.dataclass(frozen=True, slots=True)
class VariantType:
    """An enum. Clients recognise well-known enums by their path."""

    path: Path
    variants: tuple[Variant, ...]
    parameters: Parameters = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Sequence:
    """A vector of any length."""

    item: "TypeInfo"


@dataclasses.dataclass(frozen=True, slots=True)
class Array:
    """A fixed number of items."""

    item: "TypeInfo"
    length: int


@dataclasses.dataclass(frozen=True, slots=True)
class Tuple:
    """A tuple; the empty one is the unit type."""

    items: tuple["TypeInfo", ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Compact:
    """An unsigned integer in SCALE's compact form."""

    item: "TypeInfo"


@dataclasses.dataclass(frozen=True, slots=True)
class Reference:
    """A type by name, where the type itself is known only once a runtime is put together."""

    name: str


TypeInfo: TypeAlias = Primitive | Composite | VariantType | Sequence | Array | Tuple | Compact | Reference

UNIT = Tuple(())
BOOL = Primitive("bool")
_U8 = Primitive("u8")
_U32 = Primitive("u32")
_U64 = Primitive("u64")
_U128 = Primitive("u128")

# The annotations that pallets are written with: what Python sees, and what the metadata says.
U8 = Annotated[int, _U8]
U16 = Annotated[int, Primitive("u16")]
U32 = Annotated[int, _U32]
U64 = Annotated[int, _U64]
U128 = Annotated[int, _U128]
CompactU32 = Annotated[int, Compact(_U32)]
CompactU64 = Annotated[int, Compact(_U64)]
CompactU128 = Annotated[int, Compact(_U128)]
Text = Annotated[str, Primitive("str")]
Bytes = Annotated[bytes, Sequence(_U8)]
Bytes4 = Annotated[bytes, Array(_U8, 4)]
Bytes8 = Annotated[bytes, Array(_U8, 8)]
Bytes32 = Annotated[bytes, Array(_U8, 32)]


def option(item: TypeInfo) -> VariantType:
    """Return `Option<item>`."""
    variants = (Variant("None", 0), Variant("Some", 1, (Field(item),)))
    return VariantType(("Option",), variants, (("T", item),))


def fieldless(path: str, *names: str) -> VariantType:
    """Return an enum whose cases carry nothing, numbered in the order given."""
    return VariantType(path_of(path), tuple(Variant(name, index) for index, name in enumerate(names)))


def path_of(path: str) -> Path:
    """Split a Rust path."""
    return tuple(path.split("::"))


def rust_name(described: TypeInfo) -> str:
    """Return how a type is written in Rust, without modules. Some clients show or even read values by it."""
    match described:
        case Primitive(name) | Reference(name):
            return name
        case Composite(path) | VariantType(path) if path[-1] != "Option":
            return path[-1]
        case VariantType(parameters=((_, item),)):
            return f"Option<{rust_name(item)}>"
        case Sequence(item):
            return f"Vec<{rust_name(item)}>"
        case Array(item, length):
            return f"[{rust_name(item)}; {length}]"
        case Compact(item):
            return f"Compact<{rust_name(item)}>"
        case Tuple(items):
            return f"({', '.join(rust_name(item) for item in items)})"
    raise TypeError(f"{described} has no name in Rust")


def fields_of(record: type) -> tuple[Field, ...]:
    """Describe the fields of a dataclass, in order; `from_` is the field `from`."""
    hints = get_type_hints(record, include_extras=True)
    names = (field.name for field in dataclasses.fields(record))
    return tuple(Field(type_info(hints[name]), name.rstrip("_")) for name in names)


def type_info(annotation: Any) -> TypeInfo:
    """Describe the type that an annotation stands for.

    Raises:
        TypeError: the annotation has no SCALE counterpart.
    """
    if isinstance(annotation, TypeInfo):
        return annotation
    if annotation is bool:
        return BOOL
    declared = vars(annotation).get("__type_info__") if isinstance(annotation, type) else None
    if isinstance(declared, TypeInfo):
        return declared
    return _generic_type_info(annotation)


def _generic_type_info(annotation: Any) -> TypeInfo:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_info(arguments[1])
    if origin is list:
        return Sequence(type_info(arguments[0]))
    if origin is tuple:
        return Tuple(tuple(type_info(argument) for argument in arguments))
    if origin in (Union, types.UnionType) and len(arguments) == 2 and arguments[1] is types.NoneType:
        return option(type_info(arguments[0]))
    raise TypeError(f"{annotation!r} has no SCALE type")


_Record = TypeVar("_Record", bound=type)
_Cases = TypeVar("_Cases", bound=type[enum.Enum])


def composite(path: str) -> Callable[[_Record], _Record]:
    """Mark a dataclass as the struct of this Rust path."""

    def mark(record: _Record) -> _Record:
        record.__type_info__ = Composite(path_of(path), fields_of(record))  # type: ignore[attr-defined]
        return record

    return mark


def variants(path: str) -> Callable[[_Cases], _Cases]:
    """Mark an enum of names as the fieldless enum of this Rust path."""

    def mark(cases: _Cases) -> _Cases:
        cases.__type_info__ = fieldless(path, *(case.value for case in cases))  # type: ignore[attr-defined]
        return cases

    return mark
