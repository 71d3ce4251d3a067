"""Values that messages of several kinds have."""

import functools

from google.protobuf.timestamp_pb2 import Timestamp

from server.enums import VERIFICATION_LEVEL
from server.validation import Fields
from storage.records import VerificationLevel


@functools.lru_cache(256)
def timestamp(time_us: int) -> Timestamp:
    """A time as a message, to be copied: what is made in one transaction has the same."""
    seconds, microseconds = divmod(time_us, 1_000_000)
    return Timestamp(seconds=seconds, nanos=microseconds * 1000)


def optional_timestamp(time_us: int | None) -> Timestamp | None:
    return None if time_us is None else timestamp(time_us)


def optional_amount(amount: int | None) -> str | None:
    return None if amount is None else str(amount)


def hexadecimal(digest: bytes) -> str:
    """`0x` and hexadecimal digits; empty for no bytes."""
    return f"0x{digest.hex()}" if digest else ""


def verification_level(fields: Fields, value: int) -> VerificationLevel:
    return fields.choice("verification_level", value, VERIFICATION_LEVEL, VerificationLevel.BEST_EFFORT)
