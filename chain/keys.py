"""Keys that sign extrinsics, and the addresses of accounts.

Keys come from substrate-interface's `Keypair`. A signer shows its address, never its secret: not in
its `repr`, and not in an error.
"""

import re
from typing import Literal, Protocol, TypeAlias

import sr25519
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey
from substrateinterface import Keypair, KeypairType

from chain.scale.ss58 import ss58_decode, ss58_encode

__all__ = ["InvalidSecret", "KeyKind", "Signer", "load_signer", "ss58_decode", "ss58_encode", "verify"]

KeyKind: TypeAlias = Literal["sr25519", "ed25519", "ecdsa"]

ED25519_PREFIX = "ed25519:"
SEED = re.compile(r"0x[0-9a-fA-F]{64}")


class InvalidSecret(ValueError):
    """A secret that no key can be made from. The message does not contain it."""


class Signer(Protocol):
    """Signs for one account of 32 bytes."""

    @property
    def account(self) -> bytes: ...

    @property
    def kind(self) -> KeyKind: ...

    def address(self, prefix: int = 42) -> str:
        """The account's SS58 address on the network of that prefix."""
        ...

    def sign(self, payload: bytes) -> bytes:
        """The signature of exactly these bytes."""
        ...


def load_signer(secret_uri: str) -> Signer:
    """The signer of a secret.

    Either a mnemonic of 12 to 24 English words, optionally followed by a derivation path
    (`bottom drive … //hard/soft`); or a path alone, derived from the well-known development phrase
    (`//Alice`): sr25519 keys both. Or `ed25519:` and a seed of 32 bytes as 0x hex.
    Raises InvalidSecret.
    """
    if secret_uri.startswith(ED25519_PREFIX):
        seed = secret_uri.removeprefix(ED25519_PREFIX)
        if not SEED.fullmatch(seed):
            raise InvalidSecret("an ed25519 secret is ed25519:0x and the 64 hex digits of its seed")
        return _KeypairSigner("ed25519", Keypair.create_from_seed(seed, crypto_type=KeypairType.ED25519))
    try:
        keypair = Keypair.create_from_uri(secret_uri)
    except Exception:  # whatever it says may quote the secret
        raise InvalidSecret(
            "a secret is a mnemonic of 12 to 24 English words with or without a derivation path, a path "
            "such as //Alice, or ed25519:0x and a seed; passwords (///) are not supported"
        ) from None
    return _KeypairSigner("sr25519", keypair)


class _KeypairSigner:
    __slots__ = ("_keypair", "account", "kind")

    def __init__(self, kind: KeyKind, keypair: Keypair) -> None:
        self.kind = kind
        self.account: bytes = keypair.public_key
        self._keypair = keypair

    def address(self, prefix: int = 42) -> str:
        return ss58_encode(self.account, prefix)

    def sign(self, payload: bytes) -> bytes:
        signature: bytes = self._keypair.sign(payload)
        return signature

    def __repr__(self) -> str:
        return f"Signer({self.kind} {self.address()})"


def verify(kind: KeyKind, account: bytes, payload: bytes, signature: bytes) -> bool:
    """Whether the account signed exactly these bytes. ecdsa signatures are never accepted."""
    if len(account) != 32 or len(signature) != 64:
        return False
    try:
        match kind:
            case "sr25519":
                return bool(sr25519.verify(signature, payload, account))
            case "ed25519":
                return VerifyKey(account).verify(payload, signature) == payload
            case "ecdsa":
                return False
    except (ValueError, BadSignatureError):  # not a point or scalar of the curve; not the signature
        return False
