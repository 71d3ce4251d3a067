"""Ids that the server makes: UUIDv7 (RFC 9562, section 5.7), so that their order is that of creation."""

import os
import random
import threading
import time

_RANDOM_BITS = 74
_LOW_BITS = 62  # of the random bits, those behind the variant
_STEP_BITS = 32
_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A UUIDv7 in its canonical text form; within one process each is greater than the one before.

    The first of a millisecond is random, each other a random step behind the one before it (section 6.2,
    method 2): a batch makes many at once, and to ask the kernel for each costs more than all the rest.
    """
    global _last
    now = time.time_ns() // 1_000_000 << _RANDOM_BITS
    with _lock:
        if now > _last:
            _last = now | int.from_bytes(os.urandom(10)) >> (80 - _RANDOM_BITS)
        else:
            _last += 1 + random.getrandbits(_STEP_BITS)
        value = _last
    return _text(value)


def first_id(time_us: int) -> str:
    """The first id that could be made in the millisecond of this time; in that of the epoch, if before it."""
    return _text(max(time_us, 0) // 1000 << _RANDOM_BITS)


def _text(value: int) -> str:
    """48 bits of time and 74 others in the form of a UUID."""
    milliseconds, high, low = value >> _RANDOM_BITS, value >> _LOW_BITS & 0xFFF, value & (1 << _LOW_BITS) - 1
    # 48 bits of time; version 7, 12 bits; variant 2, 62 bits.
    digits = (milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low).to_bytes(16, "big").hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
