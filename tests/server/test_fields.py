"""The checks of single fields, against what they promise, for anything that a client may send."""

import json
import math
from typing import Any

import pytest
from chamberlain.v1.session_service_pb2 import GetSessionRequest, SweepSessionsRequest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from server.errors import InvalidField, InvalidPageToken
from server.structs import canonical_json, struct_of
from server.validation import Checked, Fields
from storage.limits import AMOUNT_MAX, DEADLINE_SECONDS_MAX, JSON_INTEGER_MAX, PAYLOAD_BYTES_MAX


def accepted(fields: Fields) -> bool:
    return not fields.violations


def refusal_of(fields: Fields) -> str:
    ((_, description),) = fields.violations
    return description


@given(text=st.text(), bytes_max=st.integers(0, 40))
def test_a_text_passes_if_it_fits_in_utf8_and_has_no_nul(text: str, bytes_max: int) -> None:
    fields = Fields()
    assert fields.text("text", text, bytes_max) == text
    assert accepted(fields) == (len(text.encode()) <= bytes_max and "\0" not in text)


@given(value=st.integers(0, AMOUNT_MAX))
def test_every_amount_passes_as_it_is(value: int) -> None:
    fields = Fields()
    assert fields.amount("amount", str(value)) == value
    assert accepted(fields)


@given(value=st.integers(AMOUNT_MAX + 1))
def test_no_amount_above_128_bits_passes(value: int) -> None:
    fields = Fields()
    fields.amount("amount", str(value))
    assert "2^128 - 1" in refusal_of(fields)


@given(
    value=st.one_of(
        st.text(),
        st.floats().map(str),
        st.integers(max_value=-1).map(str),
        st.integers(0, AMOUNT_MAX).map("0{}".format),
        st.integers(0, AMOUNT_MAX).map(" {}".format),
        st.integers(0, AMOUNT_MAX).map("{}.0".format),
        st.integers(0, AMOUNT_MAX).map("+{}".format),
    ).filter(lambda text: not (text == "0" or (text.isascii() and text.isdigit() and text[0] != "0")))
)
def test_nothing_but_plain_digits_is_an_amount(value: str) -> None:
    fields = Fields()
    fields.amount("amount", value)
    assert not accepted(fields)


@given(seconds=st.integers(-(2**63), 2**63 - 1), nanos=st.integers(-(2**31), 2**31 - 1))
def test_a_deadline_lies_before_the_year_2200(seconds: int, nanos: int) -> None:
    fields = Fields()
    deadline_us = fields.deadline_us("deadline", Timestamp(seconds=seconds, nanos=nanos))
    assert accepted(fields) == (0 <= nanos < 10**9 and 0 <= seconds <= DEADLINE_SECONDS_MAX)
    if accepted(fields):
        assert 0 <= deadline_us < 2**53


@given(seconds=st.integers(-(2**63), 2**63 - 1), nanos=st.integers(-(2**31), 2**31 - 1))
def test_an_estimate_is_whole_seconds_in_32_bits(seconds: int, nanos: int) -> None:
    fields = Fields()
    fields.whole_seconds("estimate", Duration(seconds=seconds, nanos=nanos))
    assert accepted(fields) == (nanos == 0 and 0 <= seconds < 2**32)


plain_text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-JSON_INTEGER_MAX, JSON_INTEGER_MAX)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: not x.is_integer())
    | plain_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain_text, inner, max_size=4),
    max_leaves=12,
)


@given(value=st.dictionaries(plain_text, json_values, max_size=4))
def test_a_payload_comes_back_from_its_canonical_json_as_it_was(value: dict[str, Any]) -> None:
    struct = Struct()
    struct.update(value)
    fields = Fields()
    text = canonical_json(fields, "payload", struct)
    if accepted(fields):
        assert json.loads(text) == value
        assert struct_of(text) == struct
        shuffled = Struct()
        for key in reversed(list(struct.fields)):
            shuffled.fields[key].CopyFrom(struct.fields[key])
        assert canonical_json(Fields(), "payload", shuffled) == text
    else:
        assert len(text.encode()) > PAYLOAD_BYTES_MAX


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (Value(number_value=math.nan), "finite"),
        (Value(number_value=-math.inf), "finite"),
        (Value(number_value=2.0**53 + 2), "2^53"),
        (Value(number_value=-1e300), "2^53"),
        (Value(string_value="a\0"), "U+0000"),
        (Value(), "no value"),
        (Value(list_value=ListValue(values=[Value(null_value=0), Value(number_value=math.nan)])), "finite"),  # type: ignore[arg-type]
        (Value(struct_value=Struct(fields={"\0": Value(bool_value=True)})), "U+0000"),
        (Value(string_value="x" * PAYLOAD_BYTES_MAX), "4,096 bytes"),
        (Value(list_value=ListValue(values=[Value(bool_value=True)] * 300_000)), "4,096 bytes"),
    ],
)
def test_what_json_or_postgres_cannot_hold_is_refused(value: Value, told: str) -> None:
    fields = Fields()
    canonical_json(fields, "payload", Struct(fields={"key": value}))
    assert told in refusal_of(fields)


def test_a_wrong_value_is_named_by_its_path() -> None:
    struct = Struct()
    struct.update({"dest": [{"amount": 1.5}, {"amount": "\0"}]})
    with pytest.raises(InvalidField) as refusal, Checked(Struct(), "requests[2].") as fields:
        canonical_json(fields, "payload", struct)
    assert refusal.value.violations[0].field == "requests[2].payload.dest[1].amount"


@given(number=st.integers(0, JSON_INTEGER_MAX))
def test_integers_are_written_as_integers(number: int) -> None:
    struct = Struct(fields={"n": Value(number_value=number)})
    assert canonical_json(Fields(), "payload", struct) == f'{{"n":{number}}}'


def test_a_request_id_is_checked_after_all_else_in_every_request_that_has_one() -> None:
    with pytest.raises(InvalidField) as refusal, Checked(SweepSessionsRequest(request_id="\0")) as fields:
        fields.refuse("dry_run", "is wrong")
    assert [field for field, _ in refusal.value.violations] == ["dry_run", "request_id"]
    with Checked(GetSessionRequest()) as fields:
        assert fields.identifier("session_id", "s") == "s"


def test_another_refusal_within_a_check_is_raised_as_it_is() -> None:
    def refused() -> None:
        with Checked(GetSessionRequest()) as fields:
            fields.refuse("session_id", "is required")
            raise InvalidPageToken

    with pytest.raises(InvalidPageToken):
        refused()
