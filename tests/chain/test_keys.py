"""Keys and addresses, against known ones; and that no secret is ever shown."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.keys import InvalidSecret, Signer, load_signer, ss58_decode, ss58_encode, verify

ALICE = bytes.fromhex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")
DEVELOPMENT_PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"

# RFC 8032, section 7.1, test 1.
RFC_SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
RFC_ACCOUNT = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
RFC_SIGNATURE = (
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
    "d25bf5f0595bbe24655141438e7a100b"
)

SIGNERS = [load_signer("//Alice"), load_signer(f"ed25519:0x{RFC_SEED}")]


@pytest.mark.parametrize(
    ("secret", "address"),
    [
        ("//Alice", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
        ("//Bob", "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"),
        ("//Alice//stash", "5GNJqTPyNqANBkUVMN1LPPrxXnFouWXoe2wNSmmEoLctxiZY"),
        (DEVELOPMENT_PHRASE, "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"),
        (f"{DEVELOPMENT_PHRASE}//Alice", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
    ],
)
def test_known_sr25519_secrets_have_their_known_addresses(secret: str, address: str) -> None:
    signer = load_signer(secret)
    assert (signer.kind, signer.address(42)) == ("sr25519", address)
    assert signer.account == ss58_decode(address)


def test_an_ed25519_seed_signs_as_in_rfc_8032() -> None:
    signer = load_signer(f"ed25519:0x{RFC_SEED}")
    assert (signer.kind, signer.account.hex()) == ("ed25519", RFC_ACCOUNT)
    assert signer.sign(b"").hex() == RFC_SIGNATURE


@pytest.mark.parametrize("signer", SIGNERS, ids=lambda signer: signer.kind)
def test_a_signature_is_valid_for_its_payload_and_account_alone(signer: Signer) -> None:
    signature = signer.sign(b"payload")
    assert verify(signer.kind, signer.account, b"payload", signature)
    assert not verify(signer.kind, signer.account, b"another", signature)
    assert not verify(signer.kind, load_signer("//Bob").account, b"payload", signature)
    assert not verify(signer.kind, signer.account, b"<Bytes>payload</Bytes>", signature)
    wrapped = signer.sign(b"<Bytes>payload</Bytes>")
    assert not verify(signer.kind, signer.account, b"payload", wrapped)


@settings(deadline=None)
@given(st.sampled_from(["sr25519", "ed25519", "ecdsa"]), st.binary(max_size=40), st.binary(max_size=70))
def test_what_is_no_signature_is_not_valid_and_does_no_harm(
    kind: str, account: bytes, signature: bytes
) -> None:
    assert not verify(kind, account, b"payload", signature)  # type: ignore[arg-type]
    padded = (account.ljust(32, b"\xff")[:32], signature.ljust(64, b"\xff")[:64])
    assert not verify(kind, padded[0], b"payload", padded[1])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "hunter2",
        DEVELOPMENT_PHRASE.replace("walk", "hunter2"),
        f"{DEVELOPMENT_PHRASE}///hunter2",
        f"ed25519:0x{RFC_SEED[:-1]}",
        f"ed25519:{RFC_SEED}",
        "ed25519://hunter2",
    ],
)
def test_a_bad_secret_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(InvalidSecret) as error:
        load_signer(secret)
    shown = f"{error.value} {error.value!r} {error.value.__cause__}"
    assert "hunter2" not in shown
    assert RFC_SEED[:20] not in shown
    assert error.value.__suppress_context__ or error.value.__context__ is None


def test_a_signer_shows_its_address_and_not_its_secret() -> None:
    for secret in (DEVELOPMENT_PHRASE, f"ed25519:0x{RFC_SEED}"):
        signer = load_signer(secret)
        assert signer.address() in repr(signer)
        for shown in (repr(signer), str(signer), f"{signer}"):
            assert "bottom" not in shown
            assert RFC_SEED not in shown


# -- addresses


@pytest.mark.parametrize(
    ("prefix", "address"),
    [
        (42, "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
        (0, "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5"),
        (2, "HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F"),
    ],
)
def test_an_account_has_its_known_address_on_each_network(prefix: int, address: str) -> None:
    assert ss58_encode(ALICE, prefix) == address
    assert ss58_decode(address) == ALICE


@settings(deadline=None)
@given(
    st.binary(min_size=32, max_size=32), st.integers(0, 16383).filter(lambda prefix: prefix not in (46, 47))
)
def test_any_account_comes_back_from_its_address(account: bytes, prefix: int) -> None:
    assert ss58_decode(ss58_encode(account, prefix)) == account


@settings(deadline=None)
@given(
    st.text(max_size=60) | st.text("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", max_size=60)
)
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="SS58"):
        ss58_decode(text)


@pytest.mark.parametrize(
    "text",
    [
        "0x" + ALICE.hex(),
        "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQX",
        "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY ",
        "F7Hs",
    ],
    ids=["hex", "a typing error", "a blank behind", "the address of an account index"],
)
def test_what_looks_like_an_address_but_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="SS58"):
        ss58_decode(text)


def test_an_address_needs_an_account_of_32_bytes_and_a_network_that_exists() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        ss58_encode(ALICE[:31])
    for prefix in (-1, 46, 16384):
        with pytest.raises(ValueError, match="ss58_format"):
            ss58_encode(ALICE, prefix)
