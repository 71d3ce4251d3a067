"""`google.protobuf.Struct` and canonical JSON (RFC 8785 for what may occur here: sorted keys, no spaces).

A Struct holds every number as a double, so an integer above 2^53 may have been rounded on its way:
it is refused, and must come as a decimal string. NaN, infinities and U+0000 are refused too.
"""

import math
from typing import Any, TypeAlias

import msgspec
from google.protobuf.struct_pb2 import Struct, Value

from server.validation import Fields
from storage import limits

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def canonical_json(
    fields: Fields, field: str, struct: Struct, *, bytes_max: int = limits.PAYLOAD_BYTES_MAX
) -> str:
    """The canonical JSON of a Struct, at most `bytes_max` bytes; faults go to `fields`."""
    encoded = b""
    too_large = struct.ByteSize() > bytes_max * limits.MESSAGE_BYTES_PER_JSON_CHAR_MAX
    if not too_large:
        encoded = _encode(_object(fields, field, struct))
        too_large = len(encoded) > bytes_max
    if too_large:
        fields.refuse(field, f"is too large: at most {bytes_max:,} bytes as canonical JSON")
    return encoded.decode()


def struct_of(text: str) -> Struct:
    """The Struct of a stored JSON object; an empty text is an empty object."""
    struct = Struct()
    if text:
        struct.update(_decode(text))
    return struct


def _object(fields: Fields, path: str, struct: Struct) -> dict[str, Json]:
    for key in struct.fields:
        if "\0" in key:
            fields.refuse(path, "must not contain U+0000 in a name")
    return {key: _json(fields, f"{path}.{key}", value) for key, value in struct.fields.items()}


def _json(fields: Fields, path: str, value: Value) -> Json:
    match value.WhichOneof("kind"):
        case "null_value":
            return None
        case "bool_value":
            return value.bool_value
        case "number_value":
            return _number(fields, path, value.number_value)
        case "string_value":
            if "\0" in value.string_value:
                fields.refuse(path, "must not contain U+0000")
            return value.string_value
        case "list_value":
            return [
                _json(fields, f"{path}[{place}]", item) for place, item in enumerate(value.list_value.values)
            ]
        case "struct_value":
            return _object(fields, path, value.struct_value)
    fields.refuse(path, "has no value")
    return None


def _number(fields: Fields, path: str, number: float) -> int | float:
    if not math.isfinite(number):
        fields.refuse(path, "must be a finite number")
        return 0
    if number.is_integer():
        if abs(number) > limits.JSON_INTEGER_MAX:
            fields.refuse(path, "is an integer above 2^53: send it as a decimal string")
        return int(number)
    return number
