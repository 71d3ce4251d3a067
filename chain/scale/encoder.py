"""Encodes values of any type of a runtime, with closures built from its type registry when first needed."""

from collections.abc import Callable, Mapping, Sequence

from chain.scale import registry as types
from chain.scale.encoder_leaves import (
    Encode,
    bits_encoder,
    byte_array_encoder,
    compact_encoder,
    encode_account,
    encode_bool,
    encode_char,
    encode_sized_bytes,
    encode_text,
    encode_unit,
    integer_encoder,
)
from chain.scale.errors import EncodeError
from chain.scale.primitives import encode_compact
from chain.scale.registry import Enum, Field, Registry, Type, Variant, field_names, is_option
from chain.scale.values import Value

VARIANTS_NAMED_MAX = 12
"""How many variants an error lists by name."""


class Encoder:
    """Encodes values of the types of one registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._encoders: dict[int, Encode] = {}

    def encode(self, type_id: int, value: Value) -> bytes:
        """The bytes of a value. Raises EncodeError with the path to what does not fit, MetadataError."""
        return _bounded(lambda: self._encoder(type_id)(value))

    def encode_named(self, fields: tuple[Field, ...], values: Mapping[str, Value]) -> bytes:
        """The bytes of a call's arguments or an event's fields; see `field_names`."""
        return _bounded(lambda: self._named_fields_encoder(fields)(values))

    def _encoder(self, type_id: int) -> Encode:
        if type_id in self._encoders:
            return self._encoders[type_id]
        # A type that contains itself finds this entry while its own encoder is being built.
        self._encoders[type_id] = lambda value: self._encoders[type_id](value)
        try:
            self._encoders[type_id] = self._build(self._registry[type_id])
        except BaseException:
            del self._encoders[type_id]
            raise
        return self._encoders[type_id]

    def _build(self, definition: Type) -> Encode:
        match definition.shape:
            case types.Primitive(name):
                return _primitive_encoder(name)
            case types.Compact(inner):
                return self._compact_encoder(inner)
            case types.Composite() if definition.name == "AccountId32":
                return encode_account
            case types.Composite(fields):
                return self._fields_encoder(fields)
            case types.Tuple(items):
                return self._fields_encoder(tuple(Field(None, item) for item in items))
            case types.Vec(item):
                return self._sequence_encoder(item)
            case types.Array(length, item):
                return self._array_encoder(length, item)
            case types.BitSequence():
                return bits_encoder(*self._registry.bit_layout(definition.shape))
            case Enum(variants) if is_option(definition):
                return self._option_encoder(variants[1].fields[0].type_id)
            case Enum(variants):
                encode = self._enum_encoder(definition.name, variants)
                return _address_encoder(encode) if definition.name == "MultiAddress" else encode

    def _compact_encoder(self, inner: int) -> Encode:
        name = self._registry.compact_integer(inner)
        return encode_unit if name is None else compact_encoder(name)

    def _fields_encoder(self, fields: tuple[Field, ...]) -> Encode:
        if not fields:
            return encode_unit
        if fields[0].name is not None:
            return self._named_fields_encoder(fields)
        if len(fields) == 1:
            return self._encoder(fields[0].type_id)
        return _tuple_encoder([self._encoder(field.type_id) for field in fields])

    def _named_fields_encoder(self, fields: tuple[Field, ...]) -> Encode:
        named = zip(field_names(fields), fields, strict=True)
        encoders = {name: self._encoder(field.type_id) for name, field in named}

        def encode(value: Value) -> bytes:
            if not isinstance(value, Mapping):
                raise EncodeError(f"fields by name: {', '.join(encoders)}")
            for name in value:
                if name not in encoders:
                    raise EncodeError(f"no such field, only {', '.join(encoders) or 'none'}", str(name))
            parts = []
            for name, encode_field in encoders.items():
                if name not in value:
                    raise EncodeError("a value, none is given", name)
                parts.append(_encode_part(name, encode_field, value[name]))
            return b"".join(parts)

        return encode

    def _sequence_encoder(self, item: int) -> Encode:
        if self._registry.is_byte(item):
            return encode_sized_bytes
        encode_item = self._encoder(item)

        def encode(value: Value) -> bytes:
            if not isinstance(value, (list, tuple)):
                raise EncodeError("a list")
            return encode_compact(len(value)) + _encode_items(encode_item, value)

        return encode

    def _array_encoder(self, length: int, item: int) -> Encode:
        if self._registry.is_byte(item):
            return byte_array_encoder(length)
        encode_item = self._encoder(item)

        def encode(value: Value) -> bytes:
            if not isinstance(value, (list, tuple)) or len(value) != length:
                raise EncodeError(f"a list of {length}")
            return _encode_items(encode_item, value)

        return encode

    def _option_encoder(self, inner: int) -> Encode:
        encode_inner = self._encoder(inner)
        if is_option(self._registry.unwrap(inner)):
            encode_inner = _some_encoder(encode_inner)
        return lambda value: b"\x00" if value is None else b"\x01" + encode_inner(value)

    def _enum_encoder(self, type_name: str, variants: tuple[Variant, ...]) -> Encode:
        find = _variant_finder(type_name, variants)
        encoders: dict[int, Encode] = {}

        def encode(value: Value) -> bytes:
            name, fields = _name_and_fields(value)
            variant = find(name)
            if isinstance(value, str) and variant.fields:
                raise EncodeError(f"{{{variant.name!r}: its fields}}")
            encode_fields = encoders.get(variant.index)
            if encode_fields is None:
                encode_fields = encoders[variant.index] = self._fields_encoder(variant.fields)
            return bytes((variant.index,)) + _encode_part(variant.name, encode_fields, fields)

        return encode


def _primitive_encoder(name: str) -> Encode:
    match name:
        case "bool":
            return encode_bool
        case "char":
            return encode_char
        case "str":
            return encode_text
    return integer_encoder(name)


def _address_encoder(encode_enum: Encode) -> Encode:
    """`MultiAddress` takes an account as it is; all other kinds of address are named."""

    def encode(value: Value) -> bytes:
        if not isinstance(value, (bytes, str)):
            return encode_enum(value)
        try:
            return encode_enum({"Id": value})
        except EncodeError as error:
            raise EncodeError(error.expected) from None

    return encode


def _some_encoder(encode_inner: Encode) -> Encode:
    def encode(value: Value) -> bytes:
        if not isinstance(value, Mapping) or list(value) != ["Some"]:
            raise EncodeError("None or {'Some': …}")
        return encode_inner(value["Some"])

    return encode


def _tuple_encoder(encoders: Sequence[Encode]) -> Encode:
    def encode(value: Value) -> bytes:
        if not isinstance(value, (list, tuple)) or len(value) != len(encoders):
            raise EncodeError(f"a tuple of {len(encoders)}")
        parts = zip(encoders, value, strict=True)
        return b"".join(_encode_part(f"[{at}]", *part) for at, part in enumerate(parts))

    return encode


def _encode_items(encode_item: Encode, items: Sequence[Value]) -> bytes:
    return b"".join([_encode_part(f"[{at}]", encode_item, item) for at, item in enumerate(items)])


def _encode_part(step: str, encode: Encode, value: Value) -> bytes:
    try:
        return encode(value)
    except EncodeError as error:
        error.inside(step)
        raise


def _variant_finder(type_name: str, variants: tuple[Variant, ...]) -> Callable[[Value], Variant]:
    """Finds variants by name: exactly, else in any case or as snake_case if that is unambiguous."""
    exact = {variant.name: variant for variant in variants}
    loose: dict[str, Variant | None] = {}
    for variant in variants:
        key = _loose_name(variant.name)
        loose[key] = None if key in loose else variant

    def find(name: Value) -> Variant:
        variant = None
        if isinstance(name, str):
            variant = exact.get(name) or loose.get(_loose_name(name))
        if variant is None:
            listed = len(variants) <= VARIANTS_NAMED_MAX
            raise EncodeError(
                f"one of {', '.join(exact)}" if listed else f"a variant of {type_name or 'the enum'}"
            )
        return variant

    return find


def _loose_name(name: str) -> str:
    return name.replace("_", "").lower()


def _name_and_fields(value: Value) -> tuple[Value, Value]:
    """The name of a variant and its fields; the name is None for what cannot be an enum."""
    if isinstance(value, str):
        return value, None
    if isinstance(value, Mapping) and len(value) == 1:
        return next(iter(value.items()))
    return None, None


def _bounded(encode: Callable[[], bytes]) -> bytes:
    try:
        return encode()
    except RecursionError:
        raise EncodeError("a value that is nested less deeply") from None
