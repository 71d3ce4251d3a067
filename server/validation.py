"""The checks of requests at the edge. What is wrong with a request is collected, then refused at once.

The limits are those of `storage/limits.py`. U+0000 is refused everywhere, since Postgres cannot store it.
"""

import functools
import re
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from server.enums import EnumMap, Stored, Wire
from server.errors import InvalidField, Violation
from storage import limits

_AMOUNT = re.compile(r"0|[1-9][0-9]*")
_AMOUNT_DIGITS_MAX = len(str(limits.AMOUNT_MAX))
_NANOS_MAX = 999_999_999
_MICROSECONDS = 1_000_000


class Checked:
    """The check of a request, as `with Checked(request) as fields:`.

    Its end checks the request id, if requests of this type have one, and raises `InvalidField` with all that
    was wrong. Another refusal within it is raised as it is. `path` leads to the message within its request,
    with a dot at its end.
    """

    __slots__ = ("_fields", "_request")

    def __init__(self, request: Message, path: str = "") -> None:
        self._request: Any = request
        self._fields = Fields(path)

    def __enter__(self) -> "Fields":
        return self._fields

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            return
        fields = self._fields
        if _has_request_id(self._request.DESCRIPTOR):
            fields.optional_identifier("request_id", self._request.request_id)
        if fields.violations:
            raise InvalidField(fields.violations)


@functools.cache
def _has_request_id(message: Descriptor) -> bool:
    return "request_id" in message.fields_by_name


class Fields:
    """The fields of a request that is `Checked`: each check returns the value, and remembers what is wrong.

    A value that did not pass may be returned as it came, or as a neutral one.
    """

    __slots__ = ("_path", "violations")

    def __init__(self, path: str = "") -> None:
        self._path = path
        self.violations: list[Violation] = []

    def refuse(self, field: str, description: str) -> None:
        """Remember that `field` is wrong."""
        self.violations.append(Violation(self._path + field, description))

    def text(self, field: str, value: str, bytes_max: int, *, required: bool = False) -> str:
        """A text of at most `bytes_max` bytes of UTF-8."""
        if required and not value:
            self.refuse(field, "is required")
        elif len(value) * 4 > bytes_max and len(value.encode()) > bytes_max:
            self.refuse(field, f"is too long: at most {bytes_max:,} bytes of UTF-8")
        if "\0" in value:
            self.refuse(field, "must not contain U+0000")
        return value

    def identifier(self, field: str, value: str) -> str:
        """A required id or name."""
        return self.text(field, value, limits.IDENTIFIER_BYTES_MAX, required=True)

    def optional_identifier(self, field: str, value: str) -> str:
        return self.text(field, value, limits.IDENTIFIER_BYTES_MAX)

    def identifiers(self, field: str, values: Sequence[str], count_max: int) -> frozenset[str]:
        """A set of ids or names, for a filter."""
        if len(values) > count_max:
            self.refuse(field, f"has too many entries: at most {count_max}")
            return frozenset()
        return frozenset(self.identifier(f"{field}[{place}]", value) for place, value in enumerate(values))

    def blob(self, field: str, value: bytes, bytes_max: int) -> bytes:
        """At most `bytes_max` bytes."""
        if len(value) > bytes_max:
            self.refuse(field, f"is too long: at most {bytes_max:,} bytes")
        return value

    def exact_blob(self, field: str, value: bytes, length_bytes: int) -> bytes:
        """Exactly `length_bytes` bytes."""
        if len(value) != length_bytes:
            self.refuse(field, f"must have exactly {length_bytes} bytes, not {len(value):,}")
        return value

    def amount(self, field: str, value: str, *, at_least: int = 0) -> int:
        """An unsigned 128-bit integer in decimal digits."""
        if not value:
            self.refuse(field, "is required")
        elif _AMOUNT.fullmatch(value) is None:
            self.refuse(
                field,
                "must be a whole number in decimal digits, without sign, point, exponent or leading zeros",
            )
        elif len(value) > _AMOUNT_DIGITS_MAX or (amount := int(value)) > limits.AMOUNT_MAX:
            self.refuse(field, f"must be at most {limits.AMOUNT_MAX} (2^128 - 1)")
        elif amount < at_least:
            self.refuse(field, f"must be at least {at_least}")
        else:
            return amount
        return at_least

    def required_choice(
        self, field: str, value: int, enum: EnumMap[Stored, Wire], stand_in: Stored
    ) -> Stored:
        """A value of an enum that must be given."""
        if not value:
            self.refuse(field, "is required")
        return self.choice(field, value, enum, stand_in)

    def number(self, field: str, value: int, at_most: int) -> int:
        """An integer from 0 to `at_most`."""
        if not 0 <= value <= at_most:
            self.refuse(field, f"must be 0 to {at_most}")
        return value

    def choice(self, field: str, value: int, enum: EnumMap[Stored, Wire], default: Stored) -> Stored:
        """A value of an enum; `default` if it is unspecified."""
        if not value:
            return default
        found = enum.from_wire.get(value)
        if found is None:
            self._refuse_number(field, value, enum)
            return default
        return found

    def filter(self, field: str, value: int, enum: EnumMap[Stored, Wire]) -> Stored | None:
        """A value of an enum; None, which means all, if it is unspecified."""
        if value and value not in enum.from_wire:
            self._refuse_number(field, value, enum)
        return enum.from_wire.get(value) if value else None

    def _refuse_number(self, field: str, value: int, enum: EnumMap[Stored, Wire]) -> None:
        self.refuse(field, f"{value} is not a value of {enum.name}")

    def time_us(self, field: str, value: Timestamp) -> int:
        """A time from 1970 to 2199, in microseconds since the epoch."""
        return self.deadline_us(field, value, wrong="must be from 1970 to 2199")

    def deadline_us(
        self, field: str, value: Timestamp, *, wrong: str = "must be in the future, and before the year 2200"
    ) -> int:
        """A time before the year 2200, in microseconds since the epoch."""
        seconds, nanos = value.seconds, value.nanos
        if not 0 <= nanos <= _NANOS_MAX:
            self.refuse(field, "is not a valid timestamp: nanos must be 0 to 999,999,999")
            return 0
        if not 0 <= seconds <= limits.DEADLINE_SECONDS_MAX:
            self.refuse(field, wrong)
        return seconds * _MICROSECONDS + nanos // 1000

    def whole_seconds(self, field: str, value: Duration) -> int:
        """A duration of whole seconds, 0 to 2^32 - 1."""
        if value.nanos:
            self.refuse(field, "must be whole seconds")
        elif not 0 <= value.seconds <= limits.DURATION_SECONDS_MAX:
            self.refuse(field, f"must be 0 to {limits.DURATION_SECONDS_MAX} seconds")
        return value.seconds
