"""The runtime of the development chain: its pallets, its version, its metadata and its genesis."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence

from chain.devnet import frame
from chain.devnet.context import BadOrigin, BlockContext, RuntimeParameters
from chain.devnet.frame import RuntimeVersion
from chain.devnet.metadata import MetadataBuilder, RuntimeApi
from chain.devnet.pallet import Pallet
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
from chain.devnet.revision import FIRST, STEADY_PALLETS, Revision, rotated
from chain.devnet.state import Changes, Overlay, State
from chain.devnet.typeinfo import TypeInfo
from chain.scale.calls import Call
from chain.scale.metadata import parse_metadata
from chain.scale.runtime import Runtime
from chain.scale.values import Value

SPEC_NAME = "chamberlain-devnet"

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

CODE_KEY = b":code"
"""Where a state holds the runtime of the next block."""

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
        revision: Revision = FIRST,
    ) -> None:
        self.revision = revision
        self.version = RuntimeVersion(
            spec_name=SPEC_NAME,
            impl_name=SPEC_NAME,
            authoring_version=1,
            spec_version=revision.spec_version,
            impl_version=1,
            apis=[(api_id(api.name), api.version) for api in apis],
            transaction_version=revision.transaction_version,
            state_version=1,
        )
        pallets = _revised_pallets(revision)
        self.parameters = RuntimeParameters(
            self.version,
            block_time_ms,
            bidding_window_blocks,
            base_fee_planck,
            byte_fee_planck,
            arbiter,
            revision,
            _moved_errors(pallets),
        )
        extensions = frame.signed_extensions(pays_in_assets=revision.pays_in_assets)
        self._builder = MetadataBuilder(
            "chamberlain_devnet_runtime", pallets, extensions, apis, self.parameters
        )
        types = self._codec(self._builder.types_only())

        def encode_value(described: TypeInfo, value: object) -> bytes:
            return types.encode(self.type_id(described), value)

        v14 = self._builder.v14(encode_value)
        self.metadata: Mapping[int, bytes] = {14: v14, 15: self._builder.v15(encode_value)}
        """The metadata by version, each from its magic on."""
        self.codec = self._codec(v14)
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
        block.state.put(CODE_KEY, self.revision.code)
        return block.state.changes

    def _codec(self, metadata: bytes) -> Runtime:
        version = self.version
        return Runtime(parse_metadata(metadata), version.spec_version, version.transaction_version)


def _revised_pallets(revision: Revision) -> tuple[Pallet, ...]:
    moving = [pallet for pallet in PALLETS if pallet.name not in STEADY_PALLETS]
    indices = rotated([pallet.index for pallet in moving], revision.pallet_rotation)
    moved = {
        pallet.name: pallet.revised(index, revision) for pallet, index in zip(moving, indices, strict=True)
    }
    return tuple(moved.get(pallet.name, pallet) for pallet in PALLETS)


def _moved_errors(pallets: Sequence[Pallet]) -> Mapping[tuple[int, int], tuple[int, int]]:
    numbers = {
        (declared.index, error): (pallet.index, pallet.error_index(error))
        for declared, pallet in zip(PALLETS, pallets, strict=True)
        for error in range(len(declared.errors))
    }
    return {declared: present for declared, present in numbers.items() if declared != present}


def api_id(name: str) -> bytes:
    """Return the id of a runtime API in the runtime's version: BLAKE2b-64 of its name."""
    return hashlib.blake2b(name.encode(), digest_size=8).digest()
