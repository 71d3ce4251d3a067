"""The text of a cursor: opaque, fit for a URL, and checked when it comes back."""

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import InvalidCursor
from storage.feed import Cursor

LOG_IDS = st.binary(min_size=16, max_size=16).map(bytes.hex)
NUMBERS = st.integers(0, 2**64 - 1)


@given(LOG_IDS, NUMBERS)
def test_what_is_written_is_read_back(log_id: str, number: int) -> None:
    cursor = Cursor(log_id=log_id, number=number)
    text = cursor.text()
    assert set(text) <= set(string.ascii_letters + string.digits + "-_=")
    assert Cursor.parse(text) == cursor


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_anything_else_is_refused_or_is_a_cursor(text: str) -> None:
    try:
        cursor = Cursor.parse(text)
    except InvalidCursor:
        return
    assert Cursor.parse(cursor.text()) == cursor


@pytest.mark.parametrize(
    "text",
    [
        "",
        "!",
        "AAAA",
        "A" * 31,
        "A" * 33,
        "A" * 64,
        "é" * 32,
        "A" * 31 + "\n",
        " " + "A" * 32,
        "A" * 32 + "\0",
    ],
)
def test_what_was_never_written_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor):
        Cursor.parse(text)
