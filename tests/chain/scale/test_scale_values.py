"""Values of any type: what is encoded decodes to itself, and no bytes do any harm."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pprint import pformat
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.scale import registry as types
from chain.scale.decoder import NESTING_MAX, UNIT_LENGTH_MAX, Decoder
from chain.scale.encoder import Encoder
from chain.scale.errors import DecodeError, EncodeError, MetadataError
from chain.scale.primitives import encode_compact
from chain.scale.registry import Field, Registry, Shape, Type, Variant
from chain.scale.runtime import Runtime

Values = st.SearchStrategy[Any]

# Names come from foreign metadata: none may break out of the generated source.
NAMES = st.text(min_size=1, max_size=6) | st.sampled_from(
    ["class", "raw", "'", '"""', "\\", "{}", "\n    exit()"]
)


@dataclass
class Types:
    """A type registry under construction."""

    by_id: dict[int, Type] = field(default_factory=dict)

    def add(self, shape: Shape, *path: str) -> int:
        type_id = len(self.by_id)
        self.by_id[type_id] = Type(type_id, path, {}, shape)
        return type_id

    def codec(self) -> tuple[Encoder, Decoder]:
        registry = Registry(self.by_id)
        return Encoder(registry), Decoder(registry)

    def u8(self) -> int:
        return self.add(types.Primitive("u8"))


def codec_of(shape: Shape, *path: str) -> tuple[Encoder, Decoder, int]:
    known = Types()
    type_id = known.add(shape, *path)
    return *known.codec(), type_id


# -- types at random, each with a strategy for its values


@dataclass
class Typed:
    type_id: int
    values: Values
    is_option: bool = False


@dataclass
class TypeGenerator:
    draw: Callable[[st.SearchStrategy[Any]], Any]
    types: Types = field(default_factory=Types)

    def any(self, depth: int) -> Typed:
        leaves = [self.integer, self.plain, self.compact, self.bytes, self.bits]
        nodes = [self.sequence, self.array, self.fields, self.fields, self.enum, self.option]
        kind = self.draw(st.sampled_from(leaves if depth == 0 else leaves + nodes * 2))
        typed: Typed = kind(depth - 1)
        return typed

    def integer(self, _: int) -> Typed:
        name = self.draw(st.sampled_from([name for name in types.PRIMITIVES if name[1:].isdigit()]))
        bits = int(name[1:])
        lowest = -(1 << bits - 1) if name.startswith("i") else 0
        return Typed(self.types.add(types.Primitive(name)), st.integers(lowest, lowest + (1 << bits) - 1))

    def plain(self, _: int) -> Typed:
        characters = st.characters(exclude_categories=["Cs"])
        values: dict[str, Values] = {"bool": st.booleans(), "char": characters, "str": st.text(characters)}
        name = self.draw(st.sampled_from(sorted(values)))
        return Typed(self.types.add(types.Primitive(name)), values[name])

    def compact(self, _: int) -> Typed:
        bits = self.draw(st.sampled_from([8, 16, 32, 64, 128, 256]))
        inner = self.types.add(types.Primitive(f"u{bits}"))
        sizes = st.integers(0, bits).flatmap(lambda size: st.integers(0, (1 << size) - 1))
        return Typed(self.types.add(types.Compact(inner)), sizes)

    def bytes(self, _: int) -> Typed:
        length = self.draw(st.none() | st.integers(0, 40))
        if length is None:
            return Typed(self.types.add(types.Vec(self.types.u8())), st.binary(max_size=80))
        shape = types.Array(length, self.types.u8())
        return Typed(self.types.add(shape), st.binary(min_size=length, max_size=length))

    def bits(self, _: int) -> Typed:
        store = self.types.add(types.Primitive(self.draw(st.sampled_from(["u8", "u16", "u32", "u64"]))))
        order = self.types.add(
            types.Composite(()), "bitvec", "order", self.draw(st.sampled_from(["Lsb0", "Msb0"]))
        )
        return Typed(self.types.add(types.BitSequence(store, order)), st.text("01", max_size=80))

    def sequence(self, depth: int) -> Typed:
        item = self.any(depth)
        if self.types.by_id[item.type_id].shape == types.Primitive("u8"):
            return Typed(self.types.add(types.Vec(item.type_id)), st.binary(max_size=5))
        return Typed(self.types.add(types.Vec(item.type_id)), st.lists(item.values, max_size=5))

    def array(self, depth: int) -> Typed:
        item, length = self.any(depth), self.draw(st.integers(0, 5))
        shape = types.Array(length, item.type_id)
        if self.types.by_id[item.type_id].shape == types.Primitive("u8"):
            return Typed(self.types.add(shape), st.binary(min_size=length, max_size=length))
        return Typed(self.types.add(shape), st.lists(item.values, min_size=length, max_size=length))

    def fields(self, depth: int) -> Typed:
        fields, values, newtype_of = self.some_fields(depth)
        is_option = newtype_of is not None and newtype_of.is_option
        if all(each.name is None for each in fields) and self.draw(st.booleans()):
            return Typed(
                self.types.add(types.Tuple(tuple(each.type_id for each in fields))), values, is_option
            )
        return Typed(self.types.add(types.Composite(fields)), values, is_option)

    def some_fields(self, depth: int) -> tuple[tuple[Field, ...], Values, Typed | None]:
        parts = [self.any(depth) for _ in range(self.draw(st.integers(0, 4)))]
        if parts and self.draw(st.booleans()):
            names = self.draw(st.lists(NAMES, min_size=len(parts), max_size=len(parts), unique=True))
            named = zip(names, parts, strict=True)
            fields = tuple(Field(name, part.type_id) for name, part in zip(names, parts, strict=True))
            return fields, st.fixed_dictionaries({name: part.values for name, part in named}), None
        fields = tuple(Field(None, part.type_id) for part in parts)
        if len(parts) == 1:
            return fields, parts[0].values, parts[0]
        return fields, st.tuples(*(part.values for part in parts)), None

    def enum(self, depth: int) -> Typed:
        names = self.draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
        indices = self.draw(
            st.lists(st.integers(0, 255), min_size=len(names), max_size=len(names), unique=True)
        )
        variants, values = [], []
        for name, index in zip(names, indices, strict=True):
            fields, inner, _ = self.some_fields(depth)
            variants.append(Variant(name, index, fields, documentation=""))
            one = st.fixed_dictionaries({name: inner}) if fields else st.just(name)
            values.append(one)
        return Typed(self.types.add(types.Enum(tuple(variants))), st.one_of(values))

    def option(self, depth: int) -> Typed:
        inner = self.any(depth)
        values = st.fixed_dictionaries({"Some": inner.values}) if inner.is_option else inner.values
        some = Variant("Some", 1, (Field(None, inner.type_id),), "")
        shape = types.Enum((Variant("None", 0, (), ""), some))
        return Typed(self.types.add(shape, "Option"), st.none() | values, is_option=True)


@st.composite
def typed_values(draw: Any) -> tuple[Encoder, Decoder, int, Any]:
    generator = TypeGenerator(draw)
    typed = generator.any(depth=3)
    return *generator.types.codec(), typed.type_id, draw(typed.values)


@settings(deadline=None, max_examples=300)
@given(typed_values())
def test_a_value_of_any_type_decodes_to_itself(typed: tuple[Encoder, Decoder, int, Any]) -> None:
    encoder, decoder, type_id, value = typed
    decoded = decoder.decode(type_id, encoder.encode(type_id, value))
    assert pformat(decoded) == pformat(value)  # True is not 1, and a tuple is not a list


@settings(deadline=None)
@given(typed_values(), st.data())
def test_a_value_is_refused_if_a_byte_is_missing_or_left_over(
    typed: tuple[Encoder, Decoder, int, Any], data: st.DataObject
) -> None:
    encoder, decoder, type_id, value = typed
    raw = encoder.encode(type_id, value)
    with pytest.raises(DecodeError):
        decoder.decode(type_id, raw + b"\x00")
    if raw:
        with pytest.raises(DecodeError):
            decoder.decode(type_id, raw[: data.draw(st.integers(0, len(raw) - 1))])


@settings(deadline=None, max_examples=500)
@given(data=st.data())
def test_any_bytes_are_a_value_of_a_real_type_or_refused(kusama: Runtime, data: st.DataObject) -> None:
    type_id = data.draw(st.integers(0, 890))
    raw = data.draw(st.binary(max_size=200))
    with suppress(DecodeError):
        value, end = kusama.decode_at(type_id, raw, 0)
        again = kusama.encode(type_id, value)
        assert (kusama.decode(type_id, again), len(again)) == (value, end)


# -- limits


def test_an_announced_length_that_the_bytes_cannot_hold_is_refused_at_once() -> None:
    known = Types()
    u64 = known.add(types.Primitive("u64"))
    fixed, varying = known.add(types.Vec(u64)), known.add(types.Vec(known.add(types.Vec(u64))))
    nothing = known.add(types.Vec(known.add(types.Tuple(()))))
    text, sized_bytes = known.add(types.Primitive("str")), known.add(types.Vec(known.u8()))
    _, decoder = known.codec()
    for type_id in (fixed, varying, nothing, text, sized_bytes):
        with pytest.raises(DecodeError):
            decoder.decode(type_id, encode_compact(2**32 - 1) + bytes(100))
        with pytest.raises(DecodeError, match="over 4294967295"):
            decoder.decode(type_id, encode_compact(2**32))


def test_a_sequence_of_nothing_is_as_long_as_the_limit_and_no_longer() -> None:
    known = Types()
    type_id = known.add(types.Vec(known.add(types.Composite(()))))
    _, decoder = known.codec()
    assert decoder.decode(type_id, encode_compact(UNIT_LENGTH_MAX)) == [()] * UNIT_LENGTH_MAX
    with pytest.raises(DecodeError):
        decoder.decode(type_id, encode_compact(UNIT_LENGTH_MAX + 1))


def tree_codec() -> tuple[Encoder, Decoder, int]:
    """`enum Tree { Leaf(bool), Node(Vec<Tree>) }`"""
    leaf, node = Variant("Leaf", 0, (Field(None, 1),), ""), Variant("Node", 1, (Field(None, 2),), "")
    shapes: tuple[Shape, ...] = (types.Enum((leaf, node)), types.Primitive("bool"), types.Vec(0))
    registry = Registry({at: Type(at, (), {}, shape) for at, shape in enumerate(shapes)})
    return Encoder(registry), Decoder(registry), 0


def test_a_recursive_type_nests_up_to_the_limit_and_no_deeper() -> None:
    encoder, decoder, tree = tree_codec()
    value: Any = {"Leaf": True}
    for _ in range(NESTING_MAX - 2):
        value = {"Node": [value]}
    assert decoder.decode(tree, encoder.encode(tree, value)) == value
    with pytest.raises(DecodeError, match="nested deeper"):
        decoder.decode(tree, encoder.encode(tree, {"Node": [value]}))


def test_a_value_that_contains_itself_is_not_encoded() -> None:
    encoder, _, tree = tree_codec()
    value: dict[str, Any] = {"Node": []}
    value["Node"].append(value)
    with pytest.raises(EncodeError, match="nested less deeply"):
        encoder.encode(tree, value)


def test_types_nested_deeper_than_python_nests_its_syntax_decode_all_the_same() -> None:
    known = Types()
    type_id, raw = known.u8(), b"\x07"
    decoded: Any = 7
    for _ in range(150):
        type_id = known.add(types.Vec(known.add(types.Composite((Field("inner", type_id),)))))
        raw, decoded = b"\x04" + raw, [{"inner": decoded}]
    _, decoder = known.codec()
    assert decoder.decode(type_id, raw) == decoded


def test_types_that_wrap_themselves_are_refused() -> None:
    encoder, decoder, type_id = codec_of(types.Composite((Field(None, 0),)))
    with pytest.raises(DecodeError, match="nested deeper"):
        decoder.decode(type_id, b"\x00")
    with pytest.raises(EncodeError, match="nested less deeply"):
        encoder.encode(type_id, 0)


@pytest.mark.parametrize("shape", [types.Compact(0), types.Compact(9), types.Vec(9), types.BitSequence(0, 0)])
def test_types_that_make_no_sense_are_refused_each_time(shape: Shape) -> None:
    encoder, decoder, type_id = codec_of(shape)
    for _ in range(2):
        with pytest.raises(MetadataError):
            decoder.decode(type_id, b"\x00")
        with pytest.raises(MetadataError):
            encoder.encode(type_id, 0)


# -- what each type accepts and refuses


@pytest.mark.parametrize(
    ("shape", "raw"),
    [
        (types.Primitive("bool"), b"\x02"),
        (types.Primitive("char"), b"\x00\xd8\x00\x00"),
        (types.Primitive("char"), b"\x00\x00\x11\x00"),
        (types.Primitive("str"), b"\x04\xff"),
        (types.Enum((Variant("A", 0, (), ""),)), b"\x01"),
        (types.Enum(()), b"\x00"),
    ],
)
def test_bytes_that_stand_for_no_value_are_refused(shape: Shape, raw: bytes) -> None:
    _, decoder, type_id = codec_of(shape)
    with pytest.raises(DecodeError):
        decoder.decode(type_id, raw)


def test_an_option_is_announced_by_zero_or_one() -> None:
    known = Types()
    some = Variant("Some", 1, (Field(None, known.u8()),), "")
    option = known.add(types.Enum((Variant("None", 0, (), ""), some)), "Option")
    _, decoder = known.codec()
    assert decoder.decode(option, b"\x00") is None
    assert decoder.decode(option, b"\x01\x07") == 7
    with pytest.raises(DecodeError):
        decoder.decode(option, b"\x02\x07")


def test_a_compact_integer_over_its_type_is_refused() -> None:
    known = Types()
    compact = known.add(types.Compact(known.add(types.Primitive("u32"))))
    encoder, decoder = known.codec()
    assert decoder.decode(compact, encode_compact(2**32 - 1)) == 2**32 - 1
    with pytest.raises(DecodeError, match="over 4294967295"):
        decoder.decode(compact, encode_compact(2**32))
    with pytest.raises(EncodeError, match="expected u32"):
        encoder.encode(compact, 2**32)
