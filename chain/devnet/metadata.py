"""Encoding a runtime's metadata, versions 14 and 15.

Formats: `frame_metadata::v14` and `frame_metadata::v15`, https://docs.rs/frame-metadata. Both are written
from the same declarations; V15 adds runtime APIs and names the outer enums.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from chain.devnet import frame
from chain.devnet.context import RuntimeParameters
from chain.devnet.pallet import Pallet, StorageItem, plain
from chain.devnet.typeinfo import (
    Array,
    Compact,
    Composite,
    Field,
    Primitive,
    Reference,
    Tuple,
    TypeInfo,
    Variant,
    VariantType,
    path_of,
    rust_name,
)
from chain.devnet.typeinfo import Sequence as SequenceType
from chain.scale.metadata import MAGIC
from chain.scale.primitives import encode_compact
from chain.scale.registry import PRIMITIVES

EXTRINSIC_VERSION = 4

EncodeValue = Callable[[TypeInfo, object], bytes]
"""Encodes the value of a constant or of a storage default."""

_Item = TypeVar("_Item")


@dataclasses.dataclass(frozen=True, slots=True)
class RuntimeMethod:
    """A method of a runtime API: the names and types of its arguments, and the type of its answer."""

    name: str
    inputs: tuple[tuple[str, TypeInfo], ...]
    output: TypeInfo
    docs: tuple[str, ...]

    @property
    def input_type(self) -> TypeInfo:
        """Return the type of all arguments together, as they are encoded one after the other."""
        return Tuple(tuple(described for _, described in self.inputs))


@dataclasses.dataclass(frozen=True, slots=True)
class RuntimeApi:
    """A runtime API, which clients call through `state_call`."""

    name: str
    version: int
    methods: tuple[RuntimeMethod, ...]


def _vector(items: Iterable[_Item], encode: Callable[[_Item], bytes]) -> bytes:
    encoded = [encode(item) for item in items]
    return encode_compact(len(encoded)) + b"".join(encoded)


def _option(item: _Item | None, encode: Callable[[_Item], bytes]) -> bytes:
    return b"\x00" if item is None else b"\x01" + encode(item)


def _bytes(raw: bytes) -> bytes:
    return encode_compact(len(raw)) + raw


def _text(text: str) -> bytes:
    return _bytes(text.encode())


def _texts(texts: Iterable[str]) -> bytes:
    return _vector(texts, _text)


class TypeRegistry:
    """Numbers types in the order in which they are first asked for; equal types share a number."""

    def __init__(self, named: Mapping[Reference, TypeInfo]) -> None:
        self._named = named
        self._ids: dict[TypeInfo, int] = {}
        self._encoded: list[bytes] = []

    def id_of(self, described: TypeInfo) -> int:
        if isinstance(described, Reference):
            described = self._named[described]
        known = self._ids.get(described)
        if known is not None:
            return known
        number = self._ids[described] = len(self._ids)
        self._encoded.append(b"")
        self._encoded[number] = self._encode(described)
        return number

    def compact_id(self, described: TypeInfo) -> bytes:
        return encode_compact(self.id_of(described))

    def encode(self) -> bytes:
        """Return the registry as `scale_info::PortableRegistry`."""
        return _vector(enumerate(self._encoded), lambda entry: encode_compact(entry[0]) + entry[1])

    def _encode(self, described: TypeInfo) -> bytes:
        path = getattr(described, "path", ())
        parameters = getattr(described, "parameters", ())
        return b"".join(
            (
                _texts(path),
                _vector(parameters, lambda named: _text(named[0]) + _option(named[1], self.compact_id)),
                self._definition(described),
                _texts(()),
            )
        )

    def _definition(self, described: TypeInfo) -> bytes:
        match described:
            case Composite(fields=fields):
                return b"\x00" + _vector(fields, self._field)
            case VariantType(variants=variants):
                return b"\x01" + _vector(variants, self._variant)
            case SequenceType(item=item):
                return b"\x02" + self.compact_id(item)
            case Array(item=item, length=length):
                return b"\x03" + length.to_bytes(4, "little") + self.compact_id(item)
            case Tuple(items=items):
                return b"\x04" + _vector(items, self.compact_id)
            case Primitive(name=name):
                return bytes((5, PRIMITIVES.index(name)))
            case Compact(item=item):
                return b"\x06" + self.compact_id(item)
            case Reference(name=name):
                raise TypeError(f"the reference {name} stands for another reference")

    def _field(self, field: Field) -> bytes:
        return b"".join(
            (
                _option(field.name, _text),
                self.compact_id(field.type),
                b"\x01" + _text(rust_name(field.type)),
                _texts(()),
            )
        )

    def _variant(self, variant: Variant) -> bytes:
        return b"".join(
            (
                _text(variant.name),
                _vector(variant.fields, self._field),
                bytes((variant.index,)),
                _texts(variant.docs),
            )
        )


class MetadataBuilder:
    """The metadata of a runtime that is made of these pallets and serves these runtime APIs."""

    def __init__(
        self,
        crate: str,
        pallets: Sequence[Pallet],
        extensions: tuple[frame.SignedExtension, ...],
        apis: Sequence[RuntimeApi],
        parameters: RuntimeParameters,
    ) -> None:
        self._pallets = pallets
        self._extensions = extensions
        self._extra = frame.extra_type(extensions)
        self._apis = apis
        self._parameters = parameters
        self._runtime = Composite(path_of(f"{crate}::Runtime"))
        self._call = self._outer_enum(f"{crate}::RuntimeCall", lambda pallet: pallet.call_type)
        self._event = self._outer_enum(f"{crate}::RuntimeEvent", lambda pallet: pallet.event_type)
        self._error = self._outer_enum(f"{crate}::RuntimeError", lambda pallet: pallet.error_type)
        self.registry = TypeRegistry(
            {
                frame.RUNTIME_CALL: self._call,
                frame.RUNTIME_EVENT: self._event,
                frame.UNCHECKED_EXTRINSIC: frame.unchecked_extrinsic(self._extra),
            }
        )
        self._register_everything()

    def types_only(self) -> bytes:
        """Return V14 metadata without pallets: enough to encode values of every type of the runtime."""
        return self._v14(b"\x00")

    def v14(self, encode_value: EncodeValue) -> bytes:
        """Return the metadata in version 14, from its magic on."""
        return self._v14(_vector(self._pallets, lambda pallet: self._pallet(pallet, encode_value)))

    def v15(self, encode_value: EncodeValue) -> bytes:
        """Return the metadata in version 15, from its magic on."""
        pallets = _vector(self._pallets, lambda pallet: self._pallet(pallet, encode_value) + _texts(()))
        type_id = self.registry.compact_id
        extrinsic_types = (frame.MULTI_ADDRESS, self._call, frame.MULTI_SIGNATURE, self._extra)
        tail = (
            bytes((EXTRINSIC_VERSION,)),
            *(type_id(part) for part in extrinsic_types),
            self._signed_extensions(),
            type_id(self._runtime),
            _vector(self._apis, self._api),
            *(type_id(outer) for outer in (self._call, self._event, self._error)),
            b"\x00",  # no custom values
        )
        return MAGIC + b"\x0f" + self.registry.encode() + pallets + b"".join(tail)

    def _v14(self, pallets: bytes) -> bytes:
        extrinsic = self.registry.compact_id(frame.UNCHECKED_EXTRINSIC) + bytes((EXTRINSIC_VERSION,))
        tail = extrinsic + self._signed_extensions() + self.registry.compact_id(self._runtime)
        return MAGIC + b"\x0e" + self.registry.encode() + pallets + tail

    def _outer_enum(self, path: str, part: Callable[[Pallet], VariantType | None]) -> VariantType:
        parts = ((pallet, part(pallet)) for pallet in self._pallets)
        return VariantType(
            path_of(path),
            tuple(
                Variant(pallet.name, pallet.index, (Field(inner),))
                for pallet, inner in parts
                if inner is not None
            ),
        )

    def _register_everything(self) -> None:
        """Give every type its number before the registry is encoded."""
        for described in (self._call, self._event, self._error, frame.UNCHECKED_EXTRINSIC, self._runtime):
            self.registry.id_of(described)
        self._signed_extensions()
        for pallet in self._pallets:
            for item in pallet.storage:
                self._storage_shape(item)
            for constant in pallet.constants:
                self.registry.id_of(constant.type)
        for api in self._apis:
            self._api(api)
            for method in api.methods:
                self.registry.id_of(method.input_type)

    def _pallet(self, pallet: Pallet, encode_value: EncodeValue) -> bytes:
        storage = (
            _text(pallet.name) + _vector(pallet.storage, lambda item: self._storage_item(item, encode_value))
            if pallet.storage
            else None
        )
        constants = _vector(
            pallet.constants,
            lambda constant: (
                _text(constant.name)
                + self.registry.compact_id(constant.type)
                + _bytes(encode_value(constant.type, plain(constant.value_of(self._parameters))))
                + _texts(constant.docs)
            ),
        )
        return b"".join(
            (
                _text(pallet.name),
                _option(storage, bytes),
                _option(pallet.call_type, self.registry.compact_id),
                _option(pallet.event_type, self.registry.compact_id),
                constants,
                _option(pallet.error_type, self.registry.compact_id),
                bytes((pallet.index,)),
            )
        )

    def _storage_item(self, item: StorageItem, encode_value: EncodeValue) -> bytes:
        default = b"\x00" if item.default is None else encode_value(item.value_type, item.default)
        modifier = b"\x00" if item.default is None else b"\x01"
        return _text(item.name) + modifier + self._storage_shape(item) + _bytes(default) + _texts(item.docs)

    def _storage_shape(self, item: StorageItem) -> bytes:
        value = self.registry.compact_id(item.value_type)
        if not item.key_types:
            return b"\x00" + value
        key = item.key_types[0] if len(item.key_types) == 1 else Tuple(item.key_types)
        hashers = _vector(item.key_types, lambda _: bytes((item.hasher,)))
        return b"\x01" + hashers + self.registry.compact_id(key) + value

    def _signed_extensions(self) -> bytes:
        return _vector(
            self._extensions,
            lambda extension: (
                _text(extension.identifier)
                + self.registry.compact_id(extension.extra)
                + self.registry.compact_id(extension.additional)
            ),
        )

    def _api(self, api: RuntimeApi) -> bytes:
        methods = _vector(
            api.methods,
            lambda method: (
                _text(method.name)
                + _vector(method.inputs, lambda named: _text(named[0]) + self.registry.compact_id(named[1]))
                + self.registry.compact_id(method.output)
                + _texts(method.docs)
            ),
        )
        return _text(api.name) + methods + _texts(())
