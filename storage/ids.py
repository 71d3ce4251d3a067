"""Ids that the server makes: UUIDv7 (RFC 9562, section 5.7), so that their order is that of creation."""

import os
import threading
import time

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A UUIDv7 in its canonical text form; within one process each is greater than the one before."""
    global _last
    milliseconds = time.time_ns() // 1_000_000
    random_bits = int.from_bytes(os.urandom(10), "big") & ((1 << 74) - 1)
    value = (milliseconds << 74) | random_bits
    with _lock:
        _last = value = max(value, _last + 1)
    high, low = value >> 62, value & ((1 << 62) - 1)
    # 48 bits of time, version 7, 12 bits; variant 2, 62 bits.
    number = ((high >> 12) << 80) | (7 << 76) | ((high & 0xFFF) << 64) | (2 << 62) | low
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
