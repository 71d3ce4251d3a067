"""Encoders of the types that have no parts. Each raises EncodeError for a value that does not fit."""

import re
from binascii import unhexlify
from collections.abc import Callable
from typing import TypeAlias

from chain.scale.bits import encode_bits
from chain.scale.errors import EncodeError
from chain.scale.primitives import encode_compact
from chain.scale.ss58 import ACCOUNT_SIZE, ss58_decode
from chain.scale.values import Value

Encode: TypeAlias = Callable[[Value], bytes]

DECIMAL = re.compile(r"-?[0-9]{1,78}")  # 78 digits are enough for u256
BITS = re.compile(r"[01]*")


def integer_encoder(name: str) -> Encode:
    """Encodes a fixed-size integer, `name` being u8 to u256 or i8 to i256."""
    number = _integer(name)
    size, signed = int(name[1:]) // 8, name.startswith("i")
    return lambda value: number(value).to_bytes(size, "little", signed=signed)


def compact_encoder(name: str) -> Encode:
    """Encodes `Compact<T>`, `name` being the unsigned integer T."""
    number = _integer(name)
    return lambda value: encode_compact(number(value))


def _integer(name: str) -> Callable[[Value], int]:
    """A check that a value is an integer of that type, or the decimal text of one."""
    bits, signed = int(name[1:]), name.startswith("i")
    lowest = -(1 << bits - 1) if signed else 0
    highest = (1 << bits - signed) - 1

    def integer(value: Value) -> int:
        if isinstance(value, str) and DECIMAL.fullmatch(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            raise EncodeError(f"{name}, an integer from {lowest} to {highest}")
        return value

    return integer


def encode_bool(value: Value) -> bytes:
    if not isinstance(value, bool):
        raise EncodeError("bool")
    return b"\x01" if value else b"\x00"


def encode_char(value: Value) -> bytes:
    if not isinstance(value, str) or len(value) != 1 or "\ud800" <= value < "\ue000":
        raise EncodeError("one character")
    return ord(value).to_bytes(4, "little")


def encode_text(value: Value) -> bytes:
    if not isinstance(value, str):
        raise EncodeError("text")
    encoded = _utf8(value)
    return encode_compact(len(encoded)) + encoded


def encode_unit(value: Value) -> bytes:
    if value is not None and value != () and value != []:
        raise EncodeError("nothing, as None or ()")
    return b""


def encode_sized_bytes(value: Value) -> bytes:
    """Encodes a `Vec<u8>`. Text that begins with 0x is hex, any other stands for its UTF-8."""
    if isinstance(value, str) and not value.startswith("0x"):
        taken: bytes | None = _utf8(value)
    else:
        taken = _bytes(value)
    if taken is None:
        raise EncodeError("bytes, 0x hex or text")
    return encode_compact(len(taken)) + taken


def byte_array_encoder(length: int) -> Encode:
    """Encodes a `[u8; length]`."""

    def encode(value: Value) -> bytes:
        taken = _bytes(value)
        if taken is None or len(taken) != length:
            raise EncodeError(f"{length} bytes, or their 0x hex")
        return taken

    return encode


def encode_account(value: Value) -> bytes:
    """Encodes an `AccountId32`."""
    if isinstance(value, str) and not value.startswith("0x"):
        try:
            return ss58_decode(value)
        except ValueError:
            account = None
    else:
        account = _bytes(value)
    if account is None or len(account) != ACCOUNT_SIZE:
        raise EncodeError(f"an account: {ACCOUNT_SIZE} bytes, their 0x hex or an SS58 address")
    return account


def bits_encoder(word_size: int, highest_first: bool) -> Encode:
    """Encodes a `BitVec` of words of that many bytes."""

    def encode(value: Value) -> bytes:
        if not isinstance(value, str) or not BITS.fullmatch(value):
            raise EncodeError("text of 0 and 1")
        return encode_bits(value, word_size, highest_first)

    return encode


def _bytes(value: Value) -> bytes | None:
    """Bytes as they are or from 0x hex; None for anything else."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str) and value.startswith("0x"):
        try:
            return unhexlify(value[2:])
        except ValueError:
            return None
    return None


def _utf8(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise EncodeError("text that is valid Unicode") from None
