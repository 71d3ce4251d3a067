"""Where things lie in a runtime's storage: the keys of values and maps, and the hashes they are made with."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b

from xxhash import xxh64_intdigest

from chain.scale.encoder import Encoder
from chain.scale.errors import EncodeError, MetadataError
from chain.scale.metadata import Hasher, Pallet, StorageItem
from chain.scale.registry import Registry, Tuple
from chain.scale.values import Value


def blake2_128(raw: bytes) -> bytes:
    return blake2b(raw, digest_size=16).digest()


def blake2_256(raw: bytes) -> bytes:
    return blake2b(raw, digest_size=32).digest()


def twox_64(raw: bytes) -> bytes:
    return _twox(raw, words=1)


def twox_128(raw: bytes) -> bytes:
    return _twox(raw, words=2)


def twox_256(raw: bytes) -> bytes:
    return _twox(raw, words=4)


def _twox(raw: bytes, words: int) -> bytes:
    """XXH64 with the seeds 0, 1, …, little-endian, one after the other."""
    return b"".join(xxh64_intdigest(raw, seed).to_bytes(8, "little") for seed in range(words))


HASHERS: Mapping[Hasher, Callable[[bytes], bytes]] = {
    Hasher.BLAKE2_128: blake2_128,
    Hasher.BLAKE2_256: blake2_256,
    Hasher.BLAKE2_128_CONCAT: lambda raw: blake2_128(raw) + raw,
    Hasher.TWOX_128: twox_128,
    Hasher.TWOX_256: twox_256,
    Hasher.TWOX_64_CONCAT: lambda raw: twox_64(raw) + raw,
    Hasher.IDENTITY: lambda raw: raw,
}


def storage_key(
    pallet: Pallet, item: StorageItem, keys: Sequence[Value], registry: Registry, encoder: Encoder
) -> bytes:
    """The key of a value, or of a map's entry; with fewer keys than the map has, the prefix of all below.

    Raises MetadataError for too many keys, EncodeError for a key that does not fit its type.
    """
    key_types = _key_types(item, registry)
    if len(keys) > len(key_types):
        raise MetadataError(f"{pallet.name}.{item.name} has {len(key_types)} keys, not {len(keys)}")
    parts = [twox_128(pallet.storage_prefix.encode()), twox_128(item.name.encode())]
    for position, (hasher, type_id, key) in enumerate(zip(item.hashers, key_types, keys, strict=False)):
        try:
            parts.append(HASHERS[hasher](encoder.encode(type_id, key)))
        except EncodeError as error:
            error.inside(f"keys[{position}]")
            raise
    return b"".join(parts)


def _key_types(item: StorageItem, registry: Registry) -> Sequence[int]:
    """The type of each key of a map: several hashers mean that the key is a tuple of as many."""
    if item.key_type is None:
        return ()
    if len(item.hashers) == 1:
        return (item.key_type,)
    shape = registry[item.key_type].shape
    if not isinstance(shape, Tuple) or len(shape.items) != len(item.hashers):
        raise MetadataError(f"the key of storage item {item.name} does not match its hashers")
    return shape.items
