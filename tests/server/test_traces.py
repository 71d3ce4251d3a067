"""The trace of a call, by its `traceparent`: taken when it is valid, and passed over when it is not."""

import pytest

from server.traces import trace_id_of

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    "value",
    [f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-ff", f"cc-{TRACE}-{PARENT}-01-what-comes-later"],
)
def test_the_trace_id_of_a_valid_header_is_taken(value: str) -> None:
    assert trace_id_of([("user-agent", "x"), ("traceparent", value)]) == TRACE


@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        [TRACE],
        [f"00-{TRACE}-{PARENT}"],
        [f"00-{TRACE}-{PARENT}-01-more"],
        [f"00-{TRACE.upper()}-{PARENT}-01"],
        [f"00-{'0' * 32}-{PARENT}-01"],
        [f"00-{TRACE}-{'0' * 16}-01"],
        [f"ff-{TRACE}-{PARENT}-01"],
        [f"00-{TRACE[:-1]}g-{PARENT}-01"],
        [f" 00-{TRACE}-{PARENT}-01"],
        [f"00-{TRACE}-{PARENT}-01\n"],
        [f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01"],
    ],
)
def test_a_malformed_or_repeated_header_is_none(values: list[str]) -> None:
    assert trace_id_of([("traceparent", value) for value in values]) == ""


def test_a_call_without_metadata_has_no_trace() -> None:
    assert trace_id_of(None) == ""
