"""The runtime of the development chain: its pallets, its version, its metadata and its genesis."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence

from chain.devnet.context import BadOrigin, BlockContext, RuntimeParameters
from chain.devnet.frame import RuntimeVersion
from chain.devnet.metadata import MetadataBuilder, RuntimeApi
from chain.devnet.pallets import (
    agent_registry,
    balances,
    commitments,
    milestones,
    reputation,
    system,
    task_market,
    timestamp,
    transaction_payment,
    utility,
)
from chain.devnet.state import Changes, Overlay, State
from chain.devnet.typeinfo import TypeInfo
from chain.scale.calls import Call
from chain.scale.metadata import parse_metadata
from chain.scale.runtime import Runtime
from chain.scale.values import Value

SPEC_NAME = "chamberlain-devnet"
SPEC_VERSION = 100
TRANSACTION_VERSION = 1

PALLETS = (
    system.PALLET,
    timestamp.PALLET,
    balances.PALLET,
    agent_registry.PALLET,
    task_market.PALLET,
    milestones.PALLET,  # Escrow, to the last of its calls
    utility.PALLET,
    transaction_payment.PALLET,
    reputation.PALLET,
    commitments.PALLET,
)
"""The pallets, in the order in which they begin a block."""

SEED_KEY = b":devnet:seed"
"""Where the state of genesis holds the seed, which gives chains of different seeds different hashes."""


@dataclasses.dataclass(frozen=True, slots=True)
class Genesis:
    """What a chain starts from: balances in planck by account, and a seed that makes its hash its own."""

    seed: bytes
    endowments: Mapping[bytes, int]


class DevRuntime:
    """One runtime: how it looks to clients, and what blocks are executed with."""

    def __init__(
        self,
        apis: Sequence[RuntimeApi],
        *,
        block_time_ms: int,
        bidding_window_blocks: int,
        base_fee_planck: int,
        byte_fee_planck: int,
        arbiter: bytes,
    ) -> None:
        self.version = RuntimeVersion(
            spec_name=SPEC_NAME,
            impl_name=SPEC_NAME,
            authoring_version=1,
            spec_version=SPEC_VERSION,
            impl_version=1,
            apis=[(api_id(api.name), api.version) for api in apis],
            transaction_version=TRANSACTION_VERSION,
            state_version=1,
        )
        self.parameters = RuntimeParameters(
            self.version, block_time_ms, bidding_window_blocks, base_fee_planck, byte_fee_planck, arbiter
        )
        self._builder = MetadataBuilder("chamberlain_devnet_runtime", PALLETS, apis, self.parameters)
        types = Runtime(parse_metadata(self._builder.types_only()), SPEC_VERSION, TRANSACTION_VERSION)

        def encode_value(described: TypeInfo, value: object) -> bytes:
            return types.encode(self.type_id(described), value)

        v14 = self._builder.v14(encode_value)
        self.metadata: Mapping[int, bytes] = {14: v14, 15: self._builder.v15(encode_value)}
        """The metadata by version, each from its magic on."""
        self.codec = Runtime(parse_metadata(v14), SPEC_VERSION, TRANSACTION_VERSION)
        self._calls = {(pallet.name, call.name): call for pallet in PALLETS for call in pallet.calls}

    def dispatch(self, block: BlockContext, call: Call, signer: bytes | None) -> None:
        """Have a call's pallet execute it; see `context.Dispatch`."""
        declared = self._calls[call.pallet, call.name]
        if declared.inherent != (signer is None):
            raise BadOrigin
        origin = () if signer is None else (signer,)
        declared.handler(block, *origin, **call.arguments)

    def encode(self, described: TypeInfo, value: Value) -> bytes:
        """Return the bytes of a value of this type."""
        return self.codec.encode(self.type_id(described), value)

    def decode(self, described: TypeInfo, raw: bytes) -> Value:
        """Return the value, or raise DecodeError."""
        return self.codec.decode(self.type_id(described), raw)

    def type_id(self, described: TypeInfo) -> int:
        """Return the number of a type in the metadata."""
        return self._builder.registry.id_of(described)

    def run_hooks(self, block: BlockContext) -> None:
        """Do what the pallets do at the beginning of every block."""
        for pallet in PALLETS:
            for hook in pallet.initialize_hooks:
                hook(block)

    def genesis_entries(self, genesis: Genesis) -> Changes:
        """Return the entries of the state at block 0."""
        block = BlockContext(0, self.parameters, self.codec, Overlay(State({})), self.dispatch)
        for account, amount in genesis.endowments.items():
            balances.endow(block, account, amount)
        block.state.put(SEED_KEY, genesis.seed)
        return block.state.changes


def api_id(name: str) -> bytes:
    """Return the id of a runtime API in the runtime's version: BLAKE2b-64 of its name."""
    return hashlib.blake2b(name.encode(), digest_size=8).digest()
