"""The trace that a call belongs to, by the `traceparent` of its metadata (https://www.w3.org/TR/trace-context/)."""

import re
from collections.abc import Iterable

TRACE_METADATA_KEY = "traceparent"
# Later versions may add fields behind the four of version 00; version ff and ids of zeros are invalid.
_TRACEPARENT = re.compile(
    r"(?:00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
    r"|(?!00|ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?)"
)


def trace_id_of(metadata: Iterable[tuple[str, str | bytes]] | None) -> str:
    """The trace id, 32 hexadecimal digits; empty if there is none, or a malformed one.

    A call with several `traceparent`s has no trace id, as the specification says.
    """
    found = [value for key, value in metadata or () if key == TRACE_METADATA_KEY]
    if len(found) != 1 or not isinstance(found[0], str):
        return ""
    match = _TRACEPARENT.fullmatch(found[0])
    return (match[1] or match[2]) if match else ""
