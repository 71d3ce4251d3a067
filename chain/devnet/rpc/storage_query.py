"""Reading storage the way `chainHead_v1_storage` and `archive_v1_storage` do: items of a key and a type."""

import dataclasses
import enum
from collections.abc import Iterator

from chain.devnet.block import blake2_256, state_commitment
from chain.devnet.rpc.errors import Json, invalid_params
from chain.devnet.rpc.methods import read_bytes, read_list
from chain.devnet.rpc.render import hex_text
from chain.devnet.state import State

QUERIES_MAX = 1000
"""How many items may be asked for at once."""


class QueryType(enum.StrEnum):
    """What is asked for: of the key itself, or of all keys that begin with it."""

    VALUE = "value"
    HASH = "hash"
    MERKLE_VALUE = "closestDescendantMerkleValue"
    DESCENDANTS_VALUES = "descendantsValues"
    DESCENDANTS_HASHES = "descendantsHashes"


_DESCENDANTS = (QueryType.DESCENDANTS_VALUES, QueryType.DESCENDANTS_HASHES)
_FIELDS = {
    QueryType.VALUE: "value",
    QueryType.DESCENDANTS_VALUES: "value",
    QueryType.HASH: "hash",
    QueryType.DESCENDANTS_HASHES: "hash",
}


@dataclasses.dataclass(frozen=True, slots=True)
class StorageQuery:
    """One item. `start_key` is the last key that was seen, where descendants are listed on."""

    key: bytes
    type: QueryType
    start_key: bytes | None = None

    def answer(self, state: State) -> Iterator[Json]:
        """Yield what the state has, in the order of keys."""
        if self.type is QueryType.MERKLE_VALUE:
            yield from self._merkle_value(state)
            return
        keys = state.keys(self.key) if self.type in _DESCENDANTS else [self.key]
        for key in keys:
            value = state.get(key)
            if value is None or (self.start_key is not None and key <= self.start_key):
                continue
            field = _FIELDS[self.type]
            yield {"key": hex_text(key), field: hex_text(value if field == "value" else blake2_256(value))}

    def _merkle_value(self, state: State) -> Iterator[Json]:
        """Yield what stands for the Merkle value: it changes when the entries below the key do."""
        entries = {key: state.get(key) for key in state.keys(self.key)}
        if entries:
            merkle_value = hex_text(state_commitment(b"", entries))
            yield {"key": hex_text(self.key), "closestDescendantMerkleValue": merkle_value}


def read_queries(items: Json, child_trie: Json) -> list[StorageQuery]:
    """Read the parameters; raise RpcError for anything else. There are no child tries."""
    asked = read_list(items)
    if len(asked) > QUERIES_MAX:
        raise invalid_params(f"at most {QUERIES_MAX} items, not {len(asked)}")
    queries = [_read_query(item) for item in asked]
    return queries if child_trie is None else []


def _read_query(item: Json) -> StorageQuery:
    match item:
        case {"key": key, "type": str() as name} if name in list(QueryType):
            start_key = item.get("paginationStartKey")
            return StorageQuery(
                read_bytes(key), QueryType(name), None if start_key is None else read_bytes(start_key)
            )
        case _:
            raise invalid_params(f"expected a key and one of the types {', '.join(QueryType)}")
