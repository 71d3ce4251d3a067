"""Rebuilding the state owned by the chain: old blocks are re-decoded, and their facts projected again.

A replay is requested here, in the database, and run by the process that reads the chain, which reads no new
blocks meanwhile. The facts of one entity are projected all at once on its stored state, and only differences
are written: so an entity is never seen in a past state, and a replay of correct state changes nothing. Only
columns that facts set are ever written.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import select, update

from storage import facts, schema, status_counts
from storage.anomalies import is_jump
from storage.audit.deeds import AuditFacts
from storage.chain import projection, projection_load
from storage.chain.log import CHAIN_BLOCKS, CHAIN_EVENTS, Cursor, ReadBlock, own_extrinsics
from storage.chain.outbox import carrier_of, load_entities_of, reject_waiting_bids, rejection
from storage.engines.driver import fetch
from storage.errors import BlocksNotKept, NoChain, NothingToReplay, Superseded
from storage.lifecycle import ExtrinsicStatus
from storage.limits import LAST_ERROR_CHARS_MAX
from storage.market.workset import EXTRINSICS, Entities, Workset
from storage.outcome import Outcome, decide_each, mutation
from storage.records import Agent, ChainBlock, ChainEvent, Extrinsic, Record, Task
from storage.transaction import Transaction

_BOOKKEEPING = frozenset({"revision", "create_time_us", "update_time_us"})


class Replay(Record, frozen=True, kw_only=True):
    """A replay: from which block on, which one is next, and up to which one.

    It is over when there is no `first_block`; `error` says why, if it was given up.
    """

    first_block: int | None
    next_block: int
    last_block: int
    error: str = ""


class Request(Record, frozen=True, kw_only=True):
    """Replay from a block on; None for the first one of which something could not be decoded or reflected."""

    first_block: int | None


class Rewrite(Record, frozen=True, kw_only=True):
    """Blocks that were re-decoded, while the cursor is at `cursor`."""

    cursor: Cursor
    blocks: tuple[ReadBlock, ...]


class PlacedFact(Record, frozen=True, kw_only=True):
    """A fact, the event that reports it, and the hash of the extrinsic that caused it, if one did."""

    block_number: int
    event_index: int
    extrinsic_hash: bytes
    fact: facts.Fact


class Projection(Record, frozen=True, kw_only=True):
    """All facts of some entities, in the order of the chain, while the cursor is at `cursor`."""

    cursor: Cursor
    facts: tuple[PlacedFact, ...]


class Finish(Record, frozen=True, kw_only=True):
    """The end of the replay that began at `first_block`; `error` says why it was given up."""

    first_block: int
    error: str = ""


def state(tx: Transaction) -> Replay | None:
    """The replay that runs, or how the last one ended; None before the first block was read."""
    table = schema.chain_cursor
    row = tx.connection.execute(
        select(table.c.block_number, table.c.replay_first, table.c.replay_next, table.c.replay_error)
    ).one_or_none()
    if row is None:
        return None
    return Replay(
        first_block=row.replay_first,
        next_block=row.replay_next or 0,
        last_block=row.block_number,
        error=row.replay_error,
    )


def blocks(tx: Transaction, first_block: int, at_most: int) -> list[ChainBlock]:
    """Blocks as they are stored, from one on, at most so many."""
    table = schema.chain_blocks
    wanted = select(table).where(table.c.block_number >= first_block)
    rows = tx.connection.execute(wanted.order_by(table.c.block_number).limit(at_most))
    return [CHAIN_BLOCKS.from_row(row) for row in rows]


def _requested_facts(asked: Replay) -> AuditFacts:
    return AuditFacts(
        "block", str(asked.first_block), counts={"blocks": asked.last_block - asked.next_block + 1}
    )


@mutation(Replay, describe=_requested_facts)
def request(tx: Transaction, items: Sequence[Request]) -> list[Outcome[Replay]]:
    """Ask for a replay; one that runs begins anew where that is earlier.

    Refusals: NoChain, NothingToReplay, BlocksNotKept.
    """
    return decide_each(items, lambda item: _request(tx, item))


def _request(tx: Transaction, item: Request) -> Replay:
    if tx.local:
        raise NoChain
    table = schema.chain_cursor
    row = tx.connection.execute(select(table).with_for_update()).one_or_none()
    first = item.first_block if item.first_block is not None else _first_defect(tx)
    if row is None or first is None or first > row.block_number:
        raise NothingToReplay(
            "all blocks read so far are decoded and applied" if row and first is None else ""
        )
    if first <= row.tail_block:
        raise BlocksNotKept(row.tail_block)
    if row.replay_first is not None:
        first = min(first, row.replay_first)
    tx.connection.execute(update(table).values(replay_first=first, replay_next=first, replay_error=""))
    return Replay(first_block=first, next_block=first, last_block=row.block_number)


def _first_defect(tx: Transaction) -> int | None:
    """The first block that could not be decoded, or of which an event was not reflected as expected."""
    blocks, events = schema.chain_blocks, schema.chain_events
    found = [
        tx.connection.execute(
            select(table.c.block_number).where(wrong).order_by(table.c.block_number).limit(1)
        ).scalar()
        for table, wrong in ((blocks, blocks.c.error != ""), (events, events.c.anomaly != ""))
    ]
    return min((number for number in found if number is not None), default=None)


@mutation(bool)
def finish(tx: Transaction, items: Sequence[Finish]) -> list[Outcome[bool]]:
    """End a replay, and count entities by status anew; False if another one was asked for meanwhile."""
    table = schema.chain_cursor
    ended: list[Outcome[bool]] = [
        tx.connection.execute(
            update(table)
            .where(table.c.replay_first == item.first_block)
            .values(replay_first=None, replay_error=item.error[:LAST_ERROR_CHARS_MAX])
        ).rowcount
        == 1
        for item in items
    ]
    status_counts.recount(tx)
    return ended


@mutation(bool)
def rewrite(tx: Transaction, items: Sequence[Rewrite]) -> list[Outcome[bool]]:
    """Store blocks as they are decoded now. Refusals: Superseded if the cursor has moved."""
    return decide_each(items, lambda item: _rewrite(tx, item))


def _rewrite(tx: Transaction, item: Rewrite) -> bool:
    _check_cursor(tx, item.cursor)
    numbers = [read.block.block_number for read in item.blocks]
    known = {block.block_number: block for block in CHAIN_BLOCKS.load(tx, numbers, lock=False)}
    stored: dict[int, list[ChainEvent]] = {number: [] for number in numbers}
    for event in CHAIN_EVENTS.load(tx, numbers, lock=False):
        stored[event.block_number].append(event)
    own = own_extrinsics(tx, [executed.extrinsic_hash for read in item.blocks for executed in read.executed])
    for read in item.blocks:
        number = read.block.block_number
        if number not in known or (read.block.error and not known[number].error):
            continue  # deleted meanwhile, or decoded better before
        before = sorted(stored[number], key=lambda event: event.event_index)
        now = _events(read, own, before)
        if now != before:
            table = schema.chain_events
            tx.connection.execute(table.delete().where(table.c.block_number == number))
            CHAIN_EVENTS.insert_new(tx, now)
        if known[number].error != read.block.error:
            _repair_extrinsics(tx, read, own)
        if known[number] != read.block:
            _update_block(tx, read.block)
    tx.connection.execute(update(schema.chain_cursor).values(replay_next=numbers[-1] + 1))
    return True


def _events(read: ReadBlock, own: dict[bytes, str], before: Sequence[ChainEvent]) -> list[ChainEvent]:
    """The events of a block; what was noted of one that reports a fact stays until that is projected.

    So does the extrinsic from here that caused one, for its signatures may be forgotten meanwhile.
    """
    hashes = {executed.extrinsic_index: executed.extrinsic_hash for executed in read.executed}
    noted = {event.event_index: event.anomaly for event in before}
    causes = {event.extrinsic_index: event.correlation_id for event in before if event.correlation_id}
    reporting = {reported.event_index for reported in read.facts}
    return [
        msgspec.structs.replace(
            event,
            correlation_id=own.get(hashes.get(_place(event.extrinsic_index), b""))
            or causes.get(event.extrinsic_index, ""),
            anomaly=noted.get(event.event_index, "") if event.event_index in reporting else event.anomaly,
        )
        for event in read.events
    ]


def _place(extrinsic_index: int | None) -> int:
    return -1 if extrinsic_index is None else extrinsic_index


def _update_block(tx: Transaction, block: ChainBlock) -> None:
    table = schema.chain_blocks
    tx.connection.execute(
        update(table)
        .where(table.c.block_number == block.block_number)
        .values(error=block.error, event_count=block.event_count, block_time_us=block.block_time_us)
    )


def _repair_extrinsics(tx: Transaction, read: ReadBlock, own: dict[bytes, str]) -> None:
    """Say what became of extrinsics from here whose block could not be decoded before."""
    work = Workset(tx)
    ours = [executed for executed in read.executed if executed.extrinsic_hash in own and executed.known]
    correlation_ids = [own[executed.extrinsic_hash] for executed in ours]
    load_entities_of(work, EXTRINSICS.load(tx, correlation_ids, lock=False))
    work.extrinsics.load(correlation_ids)
    for executed in ours:
        extrinsic = work.extrinsics.get(own[executed.extrinsic_hash])
        if extrinsic is None or extrinsic.extrinsic_hash != executed.extrinsic_hash:
            continue
        error = executed.error[:LAST_ERROR_CHARS_MAX]
        carrier = carrier_of(work, extrinsic)
        if carrier is not None and carrier[1].last_error == extrinsic.last_error:
            entities, record = carrier
            fields: dict[str, Any] = {"last_error": error} | (rejection(extrinsic, record) if error else {})
            entities.change(record, requester_id=work.requester_of(extrinsic.task_id), **fields)
            if "status" in fields and isinstance(record, Agent | Task):
                reject_waiting_bids(work, record)
        status = ExtrinsicStatus.FAILED if error else ExtrinsicStatus.FINALIZED
        work.extrinsics.change(extrinsic, status=status, last_error=error)
    work.store()


@mutation(bool)
def project(tx: Transaction, items: Sequence[Projection]) -> list[Outcome[bool]]:
    """Project facts of entities once more. Refusals: Superseded if the cursor has moved."""
    return decide_each(items, lambda item: _project(tx, item))


def _project(tx: Transaction, item: Projection) -> bool:
    _check_cursor(tx, item.cursor)
    caused = _causes(tx, item.facts)
    reported = [(placed.fact, caused.get(placed.extrinsic_hash)) for placed in item.facts]
    # On a workset that is never stored, and whose events nobody sees.
    aside = Transaction(tx.connection, tx.dialect, now_us=tx.now_us, local=tx.local)
    scratch = Workset(aside)
    projection_load.load(scratch, reported, list(caused.values()))
    anomalies = {
        (placed.block_number, placed.event_index): projection.project(fact, scratch, own)
        for placed, (fact, own) in zip(item.facts, reported, strict=True)
    }
    work = Workset(tx)
    for projected, stored in zip(scratch.projected(), work.projected(), strict=True):
        _take_over(projected, stored, work)
    work.store()
    scratch.counted.store()
    _note(tx, anomalies)
    return True


def _causes(tx: Transaction, placed: Sequence[PlacedFact]) -> dict[bytes, Extrinsic]:
    """The extrinsics from here that caused facts, by their hash."""
    own = own_extrinsics(tx, [fact.extrinsic_hash for fact in placed if fact.extrinsic_hash])
    rows = {row.correlation_id: row for row in EXTRINSICS.load(tx, set(own.values()), lock=False)}
    return {extrinsic_hash: rows[correlation_id] for extrinsic_hash, correlation_id in own.items()}


def _take_over(projected: Entities[Any], stored: Entities[Any], work: Workset) -> None:
    """Change what is stored into what was projected, where that differs."""
    records = projected.by_id()
    stored.load(records)
    for record_id, record in records.items():
        requester_id = work.requester_of(getattr(record, "task_id", ""))
        before = stored.get(record_id)
        if before is None:
            stored.add(msgspec.structs.replace(record, revision=1), requester_id=requester_id)
            continue
        fields = {
            name: getattr(record, name)
            for name in record.__struct_fields__
            if name not in _BOOKKEEPING and getattr(record, name) != getattr(before, name)
        }
        if fields:
            stored.change(before, requester_id=requester_id, **fields)


def _note(tx: Transaction, anomalies: dict[tuple[int, int], str]) -> None:
    """Note what was unexpected about facts.

    A jump says nothing here, since facts are projected on what their entities became later: what was noted of
    one when it happened stays, if it still is one.
    """
    table = schema.chain_events
    numbers = sorted({number for number, _ in anomalies})
    condition = tx.dialect.any_of(table.c.block_number)
    rows = fetch(
        tx.connection,
        f"SELECT block_number, event_index, anomaly FROM chain_events WHERE {condition} AND anomaly <> ''",
        tx.dialect.keys(numbers),
    )
    noted = {(number, index): anomaly for number, index, anomaly in rows}
    for place, found in anomalies.items():
        before, anomaly = noted.get(place, ""), found
        if is_jump(anomaly):
            anomaly = before if is_jump(before) else ""
        if anomaly != before:
            key = (table.c.block_number == place[0], table.c.event_index == place[1])
            tx.connection.execute(update(table).where(*key).values(anomaly=anomaly))


def _check_cursor(tx: Transaction, cursor: Cursor) -> None:
    """Hold the cursor where it is. Raises `Superseded` if it is elsewhere."""
    table = schema.chain_cursor
    row = tx.connection.execute(
        select(table.c.block_number, table.c.block_hash).with_for_update()
    ).one_or_none()
    if row is None or (row.block_number, bytes(row.block_hash)) != (cursor.block_number, cursor.block_hash):
        raise Superseded("the cursor was moved by another reader")
