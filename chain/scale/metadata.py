"""The metadata of a runtime: its types, and what its pallets and its extrinsics are made of.

Formats: `frame_metadata::v14::RuntimeMetadataV14` and `v15::RuntimeMetadataV15`,
https://docs.rs/frame-metadata. Version 15 names the types of an extrinsic, which 14 hides in
the generics of the extrinsic type.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from chain.scale.errors import DecodeError, MetadataError
from chain.scale.primitives import Cursor
from chain.scale.registry import Enum, Registry, Variant, read_documentation, read_registry

MAGIC = b"meta"


class Hasher(IntEnum):
    """How a key of a storage map becomes part of its storage key."""

    BLAKE2_128 = 0
    BLAKE2_256 = 1
    BLAKE2_128_CONCAT = 2
    TWOX_128 = 3
    TWOX_256 = 4
    TWOX_64_CONCAT = 5
    IDENTITY = 6


@dataclass(frozen=True, slots=True)
class StorageItem:
    """A storage value (no hashers) or map. `default` is None where an absent value means absent."""

    name: str
    hashers: tuple[Hasher, ...]
    key_type: int | None
    value_type: int
    default: bytes | None


@dataclass(frozen=True, slots=True)
class Constant:
    name: str
    type_id: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Pallet:
    """One pallet. Calls, events and errors are variants of an enum, by name; `index` announces the pallet."""

    name: str
    index: int
    storage_prefix: str
    storage: Mapping[str, StorageItem]
    constants: Mapping[str, Constant]
    calls: Mapping[str, Variant]
    events: Mapping[str, Variant]
    errors: Mapping[str, Variant]


@dataclass(frozen=True, slots=True)
class SignedExtension:
    """A part of every signed extrinsic: what it adds to the bytes, and what only to the signed payload."""

    identifier: str
    extra_type: int
    additional_type: int


@dataclass(frozen=True, slots=True)
class ExtrinsicFormat:
    version: int
    address_type: int
    call_type: int
    signature_type: int
    extensions: tuple[SignedExtension, ...]


@dataclass(frozen=True, slots=True)
class Metadata:
    version: int
    registry: Registry
    pallets: Mapping[str, Pallet]
    extrinsic: ExtrinsicFormat

    def pallet(self, name: str) -> Pallet:
        """The pallet of that name. Raises MetadataError where there is none."""
        try:
            return self.pallets[name]
        except KeyError:
            raise MetadataError(f"the runtime has no pallet {name!r}") from None


def parse_metadata(raw: bytes) -> Metadata:
    """Reads metadata of version 14 or 15, beginning with its magic `meta`.

    Raises MetadataError: not metadata, another version, or malformed.
    """
    if raw[:4] != MAGIC or len(raw) < 5:
        raise MetadataError("metadata does not begin with its magic number")
    version = raw[4]
    if version not in (14, 15):
        raise MetadataError(f"metadata version {version} is not supported, only 14 and 15")
    try:
        return _read_metadata(Cursor(raw, offset=5), version)
    except DecodeError as error:
        raise MetadataError(f"metadata is malformed: {error}") from error


def _read_metadata(cursor: Cursor, version: int) -> Metadata:
    registry = read_registry(cursor)
    pallets = cursor.sequence(lambda: _read_pallet(cursor, registry, version))
    if version == 14:
        extrinsic = _read_extrinsic_v14(cursor, registry)
        cursor.compact()  # the type of the runtime itself
        cursor.finish()
    else:
        # What follows (runtime type, runtime APIs, outer enums, custom values) is not used here.
        extrinsic = _read_extrinsic_v15(cursor)
    return Metadata(version, registry, {pallet.name: pallet for pallet in pallets}, extrinsic)


def _read_pallet(cursor: Cursor, registry: Registry, version: int) -> Pallet:
    name = cursor.text()
    storage_prefix, storage = cursor.option(lambda: _read_storage(cursor)) or ("", ())
    calls = cursor.option(cursor.compact)
    events = cursor.option(cursor.compact)
    constants = cursor.sequence(lambda: _read_constant(cursor))
    errors = cursor.option(cursor.compact)
    index = cursor.byte()
    if version == 15:
        read_documentation(cursor)
    return Pallet(
        name,
        index,
        storage_prefix,
        storage={item.name: item for item in storage},
        constants={constant.name: constant for constant in constants},
        calls=_variants(registry, calls),
        events=_variants(registry, events),
        errors=_variants(registry, errors),
    )


def _variants(registry: Registry, type_id: int | None) -> Mapping[str, Variant]:
    if type_id is None:
        return {}
    shape = registry[type_id].shape
    if not isinstance(shape, Enum):
        raise MetadataError(f"type {type_id} of a pallet's calls, events or errors is not an enum")
    return {variant.name: variant for variant in shape.variants}


def _read_storage(cursor: Cursor) -> tuple[str, tuple[StorageItem, ...]]:
    return cursor.text(), cursor.sequence(lambda: _read_storage_item(cursor))


def _read_storage_item(cursor: Cursor) -> StorageItem:
    name, has_default, is_map = cursor.text(), cursor.byte() == 1, cursor.byte() == 1
    hashers = cursor.sequence(lambda: _read_hasher(cursor)) if is_map else ()
    key_type = cursor.compact() if is_map else None
    value_type, default = cursor.compact(), cursor.sized_bytes()
    read_documentation(cursor)
    return StorageItem(name, hashers, key_type, value_type, default if has_default else None)


def _read_hasher(cursor: Cursor) -> Hasher:
    number = cursor.byte()
    try:
        return Hasher(number)
    except ValueError:
        raise DecodeError(f"unknown storage hasher {number}", cursor.offset - 1) from None


def _read_constant(cursor: Cursor) -> Constant:
    constant = Constant(cursor.text(), type_id=cursor.compact(), value=cursor.sized_bytes())
    read_documentation(cursor)
    return constant


def _read_extrinsic_v14(cursor: Cursor, registry: Registry) -> ExtrinsicFormat:
    extrinsic_type, version = registry[cursor.compact()], cursor.byte()
    generics = [extrinsic_type.parameters.get(name) for name in ("Address", "Call", "Signature")]
    address_type, call_type, signature_type = generics
    if address_type is None or call_type is None or signature_type is None:
        raise MetadataError("the extrinsic type does not name its Address, Call and Signature")
    extensions = cursor.sequence(lambda: _read_extension(cursor))
    return ExtrinsicFormat(version, address_type, call_type, signature_type, extensions)


def _read_extrinsic_v15(cursor: Cursor) -> ExtrinsicFormat:
    version, address_type, call_type, signature_type = cursor.byte(), *(cursor.compact() for _ in range(3))
    cursor.compact()  # the type of all extensions together
    extensions = cursor.sequence(lambda: _read_extension(cursor))
    return ExtrinsicFormat(version, address_type, call_type, signature_type, extensions)


def _read_extension(cursor: Cursor) -> SignedExtension:
    return SignedExtension(cursor.text(), extra_type=cursor.compact(), additional_type=cursor.compact())
