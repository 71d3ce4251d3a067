"""Calls and extrinsics, byte for byte those of substrate-interface, which shares no code with ours."""

from typing import Any

import pytest
from scalecodec.base import RuntimeConfigurationObject, ScaleBytes
from scalecodec.type_registry import load_type_registry_preset
from substrateinterface import Keypair, KeypairType, SubstrateInterface

from chain.keys import load_signer, ss58_encode, verify
from chain.scale.era import Era
from chain.scale.extrinsic import decode_extrinsic, sign_extrinsic, signing_payload
from chain.scale.runtime import Runtime
from chain.scale.values import Value

GENESIS_HASH = b"\x01" * 32
BIRTH_HASH = b"\x02" * 32
ALICE = load_signer("//Alice")
BOB = load_signer("//Bob")
ED25519_SEED = "0x" + "11" * 32
ED25519 = load_signer(f"ed25519:{ED25519_SEED}")


class OfflineClient(SubstrateInterface):  # type: ignore[misc]
    """substrate-interface with metadata at hand and no node behind it."""

    def __init__(self, metadata: bytes, runtime: Runtime) -> None:
        self.config: dict[str, Any] = {"strict_scale_decode": True}
        self.runtime_version = runtime.spec_version
        self.transaction_version = runtime.transaction_version
        self.runtime_config = RuntimeConfigurationObject(ss58_format=2, implements_scale_info=True)
        self.runtime_config.update_type_registry(load_type_registry_preset("core"))
        self.metadata = self.runtime_config.create_scale_object(
            "MetadataVersioned", data=ScaleBytes(metadata)
        )
        self.metadata.decode()
        self.runtime_config.add_portable_registry(self.metadata)

    def __del__(self) -> None:
        """There is no connection to close."""

    def init_runtime(self, block_hash: str | None = None, block_id: int | None = None) -> None:
        """The runtime is always the one of the metadata."""

    def get_block_hash(self, block_id: int | None = None) -> str:
        return "0x" + (BIRTH_HASH if block_id else GENESIS_HASH).hex()


@pytest.fixture(scope="session")
def client(kusama_metadata_v14: bytes, kusama: Runtime) -> OfflineClient:
    return OfflineClient(kusama_metadata_v14, kusama)


CALLS: list[tuple[str, str, dict[str, Value]]] = [
    ("Balances", "transfer_keep_alive", {"dest": ALICE.address(), "value": 12345678901234567890}),
    ("Balances", "transfer_all", {"dest": {"Id": "0x" + BOB.account.hex()}, "keep_alive": True}),
    ("System", "remark", {"remark": "0x" + "ab" * 300}),
    ("System", "remark_with_event", {"remark": "plain text"}),
    ("Timestamp", "set", {"now": 1_700_000_000_000}),
    ("Staking", "bond", {"value": 10**12, "payee": "Staked"}),
    ("Staking", "set_payee", {"payee": {"Account": ALICE.address()}}),
    ("Staking", "nominate", {"targets": [ALICE.address(), BOB.address()]}),
    ("Proxy", "add_proxy", {"delegate": BOB.address(), "proxy_type": "Any", "delay": 0}),
    ("Proxy", "proxy", {
        "real": ALICE.address(),
        "force_proxy_type": None,
        "call": {"call_module": "System", "call_function": "remark", "call_args": {"remark": "0x01"}},
    }),
    ("Proxy", "proxy", {
        "real": ALICE.address(),
        "force_proxy_type": "Staking",
        "call": {"call_module": "System", "call_function": "remark", "call_args": {"remark": "0x01"}},
    }),
    ("Utility", "batch", {"calls": [
        {"call_module": "System", "call_function": "remark", "call_args": {"remark": "0x00"}},
        {"call_module": "Balances", "call_function": "transfer_keep_alive",
         "call_args": {"dest": BOB.address(), "value": 1}},
    ]}),
    ("Multisig", "as_multi_threshold_1", {
        "other_signatories": [BOB.address()],
        "call": {"call_module": "System", "call_function": "remark", "call_args": {"remark": "0x01"}},
    }),
    ("Bounties", "propose_bounty", {"value": 2**128 - 1, "description": "a bounty"}),
]  # fmt: skip


def in_our_form(value: Value) -> Value:
    """A call inside a call: theirs names its parts, ours is an enum as the metadata says."""
    match value:
        case {"call_module": module, "call_function": function, "call_args": arguments}:
            return {module: {function: in_our_form(arguments)}}
        case dict():
            return {name: in_our_form(inner) for name, inner in value.items()}
        case list():
            return [in_our_form(inner) for inner in value]
    return value


@pytest.mark.parametrize(("pallet", "call", "arguments"), CALLS)
def test_calls_are_encoded_alike(
    kusama: Runtime, client: OfflineClient, pallet: str, call: str, arguments: dict[str, Value]
) -> None:
    theirs = bytes(client.compose_call(pallet, call, arguments).data.data)
    ours = in_our_form(arguments)
    assert kusama.encode_call(pallet, call, ours) == theirs
    assert kusama.encode_call(pallet, call, list(ours.values())) == theirs
    decoded = kusama.decode_call(theirs)
    assert (decoded.pallet, decoded.name, list(decoded.arguments)) == (pallet, call, list(ours))
    assert kusama.encode_call(pallet, call, decoded.arguments) == theirs


@pytest.mark.parametrize("remark_bytes", [10, 400], ids=["signed as it is", "hashed before it is signed"])
@pytest.mark.parametrize(("period", "birth"), [(64, 1000), (4096, 123_456), (65536, 1_000_003), (None, 0)])
def test_a_signed_extrinsic_is_built_alike(
    kusama: Runtime, client: OfflineClient, period: int | None, birth: int, remark_bytes: int
) -> None:
    remark = "0x" + "ab" * remark_bytes
    era = Era.immortal() if period is None else Era.mortal(period, birth)
    call = kusama.encode_call("System", "remark", {"remark": remark})
    ours = sign_extrinsic(
        kusama,
        call,
        ED25519,  # its signatures are deterministic
        nonce=70_000,
        era=era,
        birth_hash=GENESIS_HASH if period is None else BIRTH_HASH,
        genesis_hash=GENESIS_HASH,
        tip=5,
    )
    theirs = client.create_signed_extrinsic(
        client.compose_call("System", "remark", {"remark": remark}),
        Keypair.create_from_seed(ED25519_SEED, crypto_type=KeypairType.ED25519),
        era=None if period is None else {"period": period, "current": birth},
        nonce=70_000,
        tip=5,
    )
    assert ours.raw == bytes(theirs.data.data)
    assert ours.hash == theirs.extrinsic_hash
    assert ours.nonce == 70_000


@pytest.mark.parametrize("signer", [ALICE, ED25519], ids=["sr25519", "ed25519"])
def test_what_was_signed_can_be_taken_apart_and_verified(kusama: Runtime, signer: Any) -> None:
    call = kusama.encode_call("System", "remark", {"remark": b"x"})
    era = Era.mortal(64, 1000)
    hashes = {"birth_hash": BIRTH_HASH, "genesis_hash": GENESIS_HASH}
    signed = sign_extrinsic(kusama, call, signer, nonce=3, era=era, tip=9, **hashes)
    assert (signed.birth_block, signed.death_block) == (1000, 1064)

    extrinsic = decode_extrinsic(kusama, signed.raw)
    assert (extrinsic.hash, extrinsic.call) == (signed.hash, call)
    signature = extrinsic.signature
    assert signature is not None
    assert (signature.account, signature.kind) == (signer.account, signer.kind)
    assert (signature.era, signature.nonce, signature.tip) == (era, 3, 9)

    payload = signing_payload(kusama, call, era=signature.era, nonce=3, tip=9, **hashes)
    assert verify(signature.kind, signature.account, payload, signature.signature)
    forged = signing_payload(kusama, call, era=signature.era, nonce=4, tip=9, **hashes)
    assert not verify(signature.kind, signature.account, forged, signature.signature)


def test_substrate_interface_reads_what_we_sign_with_sr25519(kusama: Runtime, client: OfflineClient) -> None:
    call = kusama.encode_call("Balances", "transfer_keep_alive", {"dest": BOB.account, "value": 7})
    hashes = {"birth_hash": BIRTH_HASH, "genesis_hash": GENESIS_HASH}
    signed = sign_extrinsic(kusama, call, ALICE, nonce=1, era=Era.mortal(64, 1000), tip=0, **hashes)
    extrinsic = client.runtime_config.create_scale_object("Extrinsic", metadata=client.metadata)
    read = extrinsic.decode(ScaleBytes(signed.raw))
    assert read["address"] == ss58_encode(ALICE.account, 2)
    assert (read["nonce"], read["tip"], read["era"]) == (1, 0, (64, 1000 % 64))
    assert read["call"]["call_args"][0]["value"] == ss58_encode(BOB.account, 2)
