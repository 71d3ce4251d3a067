"""From a raw finalized block to what storage reflects: decoded events, outcomes of extrinsics, facts.

Nothing here stops the bridge: what cannot be decoded is kept raw with the reason.
"""

from typing import Any

import msgspec

from chain.interpret import FailedItems, Uninterpretable, interpret, outcome, plain
from chain.node import RawBlock, ss58_prefix
from chain.pallets import PalletTable
from chain.scale.calls import Call
from chain.scale.errors import ScaleError
from chain.scale.events import EventRecord
from chain.scale.extrinsic import decode_extrinsic
from chain.scale.runtime import Runtime
from chain.scale.storage_keys import blake2_256
from storage.chain.log import Executed, ReadBlock, ReportedFact
from storage.facts import position_of
from storage.limits import LAST_ERROR_CHARS_MAX
from storage.records import ChainBlock, ChainEvent

encode = msgspec.json.Encoder().encode
UNREADABLE_OUTCOME = "executed, but the events of its block could not be decoded"


def read_block(raw: RawBlock, runtime: Runtime, pallets: PalletTable) -> ReadBlock:
    """Decode a block with the runtime of its parent's state, and interpret it with a table."""
    try:
        records = runtime.decode_events(raw.events)
    except ScaleError as error:
        return _undecodable(raw, runtime, str(error))
    calls = _Calls(raw, runtime, pallets)
    prefix = ss58_prefix(runtime)
    block_time_us = calls.block_time_us()
    events, facts = [], []
    for index, record in enumerate(records):
        anomaly = ""
        try:
            position = position_of(raw.header.number, index)
            fact = interpret(record, position, calls.arguments_of_cause(record), prefix, pallets)
        except Exception as error:  # an event never stops the bridge, whatever another client put into it
            fact, anomaly = None, _reason(error)
        if fact is not None:
            facts.append(ReportedFact(event_index=index, fact=fact))
        events.append(
            ChainEvent(
                block_number=raw.header.number,
                event_index=index,
                pallet=record.pallet,
                event=record.name,
                payload=_payload(record),
                extrinsic_index=record.extrinsic_index,
                anomaly=anomaly,
                block_time_us=block_time_us,
            )
        )
    return ReadBlock(
        block=_stored(raw, runtime, block_time_us, len(events), ""),
        events=tuple(events),
        executed=_executed(raw, _outcomes(records, runtime)),
        facts=tuple(facts),
    )


def _undecodable(raw: RawBlock, runtime: Runtime, why: str) -> ReadBlock:
    """The block with its raw events; its extrinsics can never be executed again, whatever they did."""
    return ReadBlock(
        block=_stored(raw, runtime, 0, 0, why[:LAST_ERROR_CHARS_MAX]), executed=_executed(raw, {})
    )


def without_facts(block: ReadBlock, why: Exception) -> ReadBlock:
    """The block as it is stored if its facts cannot be: each event that reports one says why."""
    reporting = {reported.event_index for reported in block.facts}
    events = tuple(
        msgspec.structs.replace(event, anomaly=_reason(why)) if event.event_index in reporting else event
        for event in block.events
    )
    return msgspec.structs.replace(block, events=events, facts=())


def _reason(error: Exception) -> str:
    """Why something could not be reflected; of a defect only its kind, for its text may quote anything."""
    known = isinstance(error, Uninterpretable | ScaleError)
    return str(error)[:LAST_ERROR_CHARS_MAX] if known else f"not reflected: {type(error).__name__}"


def _stored(raw: RawBlock, runtime: Runtime, time_us: int, event_count: int, error: str) -> ChainBlock:
    return ChainBlock(
        block_number=raw.header.number,
        block_hash=raw.header.hash,
        parent_hash=raw.header.parent_hash,
        spec_version=runtime.spec_version,
        block_time_us=time_us,
        raw_events=raw.events,
        event_count=event_count,
        error=error,
    )


def _outcomes(records: list[EventRecord], runtime: Runtime) -> dict[int, str]:
    outcomes: dict[int, str] = {}
    items: dict[int, FailedItems] = {}
    for record in records:
        if record.extrinsic_index is not None:
            failed = items.setdefault(record.extrinsic_index, FailedItems())
            try:
                failed.note(record, runtime)
                said = outcome(record, runtime)
            except Exception as error:
                said = f"refused, for a reason that cannot be read ({type(error).__name__})"
            if said is not None:
                outcomes[record.extrinsic_index] = said or failed.first
    return outcomes


def _executed(raw: RawBlock, outcomes: dict[int, str]) -> tuple[Executed, ...]:
    return tuple(
        Executed(
            extrinsic_hash=blake2_256(extrinsic),
            extrinsic_index=index,
            error=outcomes.get(index, UNREADABLE_OUTCOME),
            known=index in outcomes,
        )
        for index, extrinsic in enumerate(raw.extrinsics)
    )


def _payload(record: EventRecord) -> str:
    # PostgreSQL and JSON documents refuse U+0000, which a chain may well contain.
    try:
        return encode(plain(record.fields)).decode().replace("\\u0000", "\\ufffd")
    except RecursionError:
        return '{"unreadable": "nested too deep"}'


class _Calls:
    """The calls of a block, decoded when they are asked for."""

    def __init__(self, raw: RawBlock, runtime: Runtime, pallets: PalletTable) -> None:
        self._raw = raw
        self._runtime = runtime
        self._pallets = pallets

    def arguments_of_cause(self, event: EventRecord) -> dict[str, Any] | None:
        """The arguments of the call that caused an event, if that is the one its fact may take from."""
        wanted = self._pallets.cause_of(event.pallet, event.name)
        if not wanted or event.extrinsic_index is None:
            return None
        call = self._call(event.extrinsic_index)
        return call.arguments if call and (call.pallet, call.name) == (event.pallet, wanted) else None

    def block_time_us(self) -> int:
        """The time that the block's author set, by the inherent that comes first; 0 if there is none."""
        call = self._call(0)
        now = call.arguments.get("now") if call and call.pallet == "Timestamp" else None
        return now * 1000 if isinstance(now, int) else 0

    def _call(self, extrinsic_index: int) -> Call | None:
        """The call of an extrinsic, or None if there is none that can be decoded."""
        if extrinsic_index >= len(self._raw.extrinsics):
            return None
        try:
            extrinsic = decode_extrinsic(self._runtime, self._raw.extrinsics[extrinsic_index])
            return self._runtime.decode_call(extrinsic.call)
        except ScaleError:
            return None
