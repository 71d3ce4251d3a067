"""Blocks and their headers."""

import dataclasses
import hashlib
from collections.abc import Iterable

from chain.devnet.state import Changes, State
from chain.scale.primitives import encode_compact

HASH_BYTES = 32


def blake2_256(raw: bytes) -> bytes:
    """Return the hash that Substrate chains use for blocks and extrinsics."""
    return hashlib.blake2b(raw, digest_size=HASH_BYTES).digest()


@dataclasses.dataclass(frozen=True, slots=True)
class Header:
    """A block header. `logs` are encoded digest items."""

    parent_hash: bytes
    number: int
    state_root: bytes
    extrinsics_root: bytes
    logs: tuple[bytes, ...]

    def encode(self) -> bytes:
        """Return the header as `sp_runtime::generic::Header`, whose hash is the block's."""
        digest = encode_compact(len(self.logs)) + b"".join(self.logs)
        return (
            self.parent_hash + encode_compact(self.number) + self.state_root + self.extrinsics_root + digest
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """A block and the state after it. Extrinsics are raw, with their length prefix."""

    header: Header
    hash: bytes
    extrinsics: tuple[bytes, ...]
    timestamp_ms: int
    state: State = dataclasses.field(repr=False)

    @property
    def number(self) -> int:
        return self.header.number

    def extrinsic_hashes(self) -> list[bytes]:
        """Return the hashes by which clients know the extrinsics, in order."""
        return [blake2_256(extrinsic) for extrinsic in self.extrinsics]


def state_commitment(parent_root: bytes, changes: Changes) -> bytes:
    """Return what this chain has in the place of a state trie's root.

    It commits to the parent's and to all changes, but no single entry can be proven against it.
    """
    digest = hashlib.blake2b(parent_root, digest_size=HASH_BYTES)
    for key in sorted(changes):
        value = changes[key]
        digest.update(encode_compact(len(key)) + key)
        digest.update(b"\x00" if value is None else b"\x01" + encode_compact(len(value)) + value)
    return digest.digest()


def extrinsics_commitment(extrinsics: Iterable[bytes]) -> bytes:
    """Return what this chain has in the place of the extrinsics trie's root: a hash over all of them."""
    return blake2_256(b"".join(extrinsics))
