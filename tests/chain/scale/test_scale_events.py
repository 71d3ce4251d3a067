"""Decoding `System.Events`, against a real block and its decoding by scalecodec."""

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.keys import ss58_decode
from chain.scale.errors import DecodeError, EncodeError, MetadataError
from chain.scale.events import EventRecord, Phase
from chain.scale.runtime import Runtime

PHASES: dict[str, Phase] = {
    "ApplyExtrinsic": "apply",
    "Finalization": "finalization",
    "Initialization": "initialization",
}

ALICE = bytes.fromhex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")

A_TRANSFER = EventRecord(
    extrinsic_index=2,
    phase="apply",
    pallet="Balances",
    name="Transfer",
    fields={"from": ALICE, "to": bytes(32), "amount": 2**100},
)
A_NEW_SESSION = EventRecord(None, "initialization", "Session", "NewSession", {"session_index": 7})
A_PAID_SLASH = EventRecord(None, "finalization", "Balances", "Slashed", {"who": ALICE, "amount": 1})


def in_our_form(value: Any, ours: Any) -> Any:
    """A value of scalecodec, which shows bytes as SS58 or hex, in the form of `ours`."""
    match ours:
        case dict():
            return {name: in_our_form(inner, ours.get(name)) for name, inner in value.items()}
        case list() | tuple():
            return type(ours)(in_our_form(inner, own) for inner, own in zip(value, ours, strict=True))
        case bytes():
            return bytes.fromhex(value[2:]) if value.startswith("0x") else ss58_decode(value)
    return value


def test_every_event_of_a_real_block_decodes_to_the_values_that_scalecodec_finds(
    either_kusama: Runtime, kusama_events: bytes, kusama_expected_events: bytes
) -> None:
    expected = msgspec.json.decode(kusama_expected_events)
    records = either_kusama.decode_events(kusama_events)
    assert len(records) == len(expected) == 3533
    for record, theirs in zip(records, expected, strict=True):
        assert record == EventRecord(
            extrinsic_index=theirs["extrinsic_idx"],
            phase=PHASES[theirs["phase"]],
            pallet=theirs["module_id"],
            name=theirs["event_id"],
            fields=in_our_form(theirs["attributes"] or {}, record.fields),
        )


def test_the_events_of_a_real_block_encode_to_the_bytes_they_came_from(
    kusama: Runtime, kusama_events: bytes
) -> None:
    assert kusama.encode_events(kusama.decode_events(kusama_events)) == kusama_events


def test_events_outside_extrinsics_keep_their_phase_and_have_no_extrinsic(kusama: Runtime) -> None:
    records = [A_NEW_SESSION, A_TRANSFER, A_PAID_SLASH]
    assert kusama.decode_events(kusama.encode_events(records)) == records


def test_fields_without_names_are_keyed_by_position(kusama: Runtime) -> None:
    sessions = kusama.encode_event("Offences", "Offence", {"kind": b"0123456789abcdef", "timeslot": b"\x01"})
    nameless = kusama.encode_event("Paras", "CurrentCodeUpdated", {"0": 2000})
    raw = b"\x08" + b"".join(b"\x02" + event + b"\x00" for event in (sessions, nameless))
    assert [record.fields for record in kusama.decode_events(raw)] == [
        {"kind": b"0123456789abcdef", "timeslot": b"\x01"},
        {"0": 2000},
    ]


def test_topics_are_passed_over(kusama: Runtime) -> None:
    transfer = (
        b"\x00" + (2).to_bytes(4, "little") + kusama.encode_event("Balances", "Transfer", A_TRANSFER.fields)
    )
    two_topics = b"\x08" + bytes(64)
    assert kusama.decode_events(b"\x08" + (transfer + two_topics) * 2) == [A_TRANSFER, A_TRANSFER]


def test_a_block_without_events_is_an_empty_list(kusama: Runtime) -> None:
    assert kusama.decode_events(b"\x00") == []


def test_an_event_that_is_cut_off_says_where(kusama: Runtime, kusama_events: bytes) -> None:
    raw = kusama.encode_events([A_NEW_SESSION, A_TRANSFER])
    start_of_transfer_fields = 1 + (1 + 2 + 4 + 1) + (1 + 4 + 2)
    with pytest.raises(DecodeError) as error:
        kusama.decode_events(raw[:-30])
    assert error.value.offset == start_of_transfer_fields


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing at all"),
        pytest.param(b"\x04", id="an event announced, none there"),
        pytest.param(b"\xfe\xff\xff\xff", id="a billion events announced"),
        pytest.param(b"\x04\x03\x00\x00\x00\x00\x00\x00", id="a fourth phase"),
        pytest.param(b"\x04\x01\xfe\xfe\x00", id="a pallet that the runtime does not have"),
        pytest.param(b"\x04\x01\x00\xfe\x00", id="an event that the pallet does not have"),
        pytest.param(b"\x00\x00", id="a byte too many"),
    ],
)
def test_malformed_events_are_refused(kusama: Runtime, raw: bytes) -> None:
    with pytest.raises(DecodeError):
        kusama.decode_events(raw)


@settings(deadline=None)
@given(position=st.integers(min_value=0), change=st.integers(1, 255))
def test_events_with_a_corrupted_byte_decode_to_something_else_or_are_refused(
    kusama: Runtime, kusama_events: bytes, position: int, change: int
) -> None:
    one_of_each = {record.name: record for record in kusama.decode_events(kusama_events)}
    raw = bytearray(kusama.encode_events(list(one_of_each.values())))
    raw[position % len(raw)] ^= change
    with suppress(DecodeError):
        kusama.decode_events(bytes(raw))


def test_an_event_that_does_not_fit_its_metadata_is_not_encoded(kusama: Runtime) -> None:
    with pytest.raises(MetadataError, match="pallet Balances has no event 'Teleport'"):
        kusama.encode_event("Balances", "Teleport", {})
    with pytest.raises(EncodeError, match="amount: expected u128"):
        kusama.encode_event("Balances", "Transfer", {"from": ALICE, "to": ALICE, "amount": -1})
