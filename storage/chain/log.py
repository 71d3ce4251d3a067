"""The log of the chain: finalized blocks, their events, and the cursor that says how far it was read.

One transaction stores blocks raw and decoded, projects their facts, settles the extrinsics from here, and
moves the cursor by compare-and-set. The cursor is the fence: of two readers, one is refused.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import select, update

from storage import facts, schema
from storage.chain import expiry, projection, projection_load
from storage.chain.outbox import clear_intent, give_up
from storage.engines.driver import execute, fetch
from storage.errors import Superseded
from storage.lifecycle import ExtrinsicStatus
from storage.market.workset import EXTRINSICS, Workset
from storage.outcome import Outcome, mutation
from storage.records import ChainBlock, ChainEvent, Extrinsic, Record
from storage.table_map import TableMap
from storage.transaction import Transaction

CHAIN_BLOCKS = TableMap(schema.chain_blocks, ChainBlock)
CHAIN_EVENTS = TableMap(schema.chain_events, ChainEvent)


class Cursor(Record, frozen=True, kw_only=True):
    """The last block that is reflected."""

    block_number: int
    block_hash: bytes


class Executed(Record, frozen=True, kw_only=True):
    """A signed extrinsic of a block; `error` is empty if it succeeded.

    It is not `known` if its outcome could not be read: then it has ended, but its entity is left as it is.
    """

    extrinsic_hash: bytes
    extrinsic_index: int
    error: str = ""
    known: bool = True


class ReportedFact(Record, frozen=True, kw_only=True):
    """A fact, and the event of the block that reports it."""

    event_index: int
    fact: facts.Fact


class ReadBlock(Record, frozen=True, kw_only=True):
    """A finalized block as it was read and decoded."""

    block: ChainBlock
    events: tuple[ChainEvent, ...] = ()
    executed: tuple[Executed, ...] = ()
    facts: tuple[ReportedFact, ...] = ()


class Ingest(Record, frozen=True, kw_only=True):
    """Consecutive blocks that follow the cursor `after`.

    `attempts_max` is how many attempts of an extrinsic may fail before it is given up, `retry_delay_us` how
    long the second waits; every later one waits twice as long as the one before.
    """

    after: Cursor
    blocks: tuple[ReadBlock, ...]
    attempts_max: int
    retry_delay_us: int


def cursor(tx: Transaction) -> Cursor | None:
    """The cursor; None before the first block."""
    table = schema.chain_cursor
    row = tx.connection.execute(select(table.c.block_number, table.c.block_hash)).one_or_none()
    return None if row is None else Cursor(block_number=row.block_number, block_hash=row.block_hash)


@mutation(bool)
def begin(tx: Transaction, items: Sequence[Cursor]) -> list[Outcome[bool]]:
    """Set the cursor of a database that has none; whether it was set."""
    table = schema.chain_cursor
    columns = ("id", "block_number", "block_hash", "tail_block", "replay_error")
    rows = [(1, item.block_number, item.block_hash, item.block_number, "") for item in items]
    return [tx.dialect.insert(tx.connection, table, columns, [row]) == 1 for row in rows]


def _move_cursor(tx: Transaction, after: Cursor, to: Cursor) -> bool:
    table = schema.chain_cursor
    moved = tx.connection.execute(
        update(table)
        .where(table.c.block_number == after.block_number, table.c.block_hash == after.block_hash)
        .values(block_number=to.block_number, block_hash=to.block_hash)
    )
    return moved.rowcount == 1


@mutation(Cursor)
def ingest(tx: Transaction, items: Sequence[Ingest]) -> list[Outcome[Cursor]]:
    """Reflect blocks; the new cursor. Refusals: Superseded if the cursor is not where the blocks begin."""
    return [_ingest(tx, item) for item in items]


def _ingest(tx: Transaction, item: Ingest) -> Outcome[Cursor]:
    last = item.blocks[-1].block
    reached = Cursor(block_number=last.block_number, block_hash=last.block_hash)
    if not _move_cursor(tx, item.after, reached):
        return Superseded("the cursor was moved by another reader")
    work = Workset(tx)
    own = own_extrinsics(
        tx, [executed.extrinsic_hash for block in item.blocks for executed in block.executed]
    )
    caused = _load(work, item.blocks, own, last.block_number)
    events: list[ChainEvent] = []
    for block, by_index in zip(item.blocks, caused, strict=True):
        events += _reflect(work, block, by_index)
        _settle(work, block, own)
    expiry.queue_again(
        work, last.block_number, attempts_max=item.attempts_max, retry_delay_us=item.retry_delay_us
    )
    work.store()
    CHAIN_BLOCKS.insert_new(tx, [block.block for block in item.blocks])
    CHAIN_EVENTS.insert_new(tx, events)
    _wake_waiting(tx, item.blocks, work)
    return reached


def _load(
    work: Workset, blocks: Sequence[ReadBlock], own: dict[bytes, str], last_number: int
) -> list[dict[int, Extrinsic]]:
    """Load, and lock, all that the blocks concern; of each block, the extrinsics from here by their place.

    Which entities an extrinsic concerns never changes, so extrinsics are read first and locked last.
    """
    correlation_ids = set(own.values()).union(expiry.expired(work.tx, last_number))
    unlocked = {row.correlation_id: row for row in EXTRINSICS.load(work.tx, correlation_ids, lock=False)}
    caused = [
        {
            executed.extrinsic_index: unlocked[own[executed.extrinsic_hash]]
            for executed in block.executed
            if executed.extrinsic_hash in own
        }
        for block in blocks
    ]
    reported = [
        (reported.fact, by_index.get(_index_of(block, reported)))
        for block, by_index in zip(blocks, caused, strict=True)
        for reported in block.facts
    ]
    projection_load.load(work, reported, list(unlocked.values()))
    work.extrinsics.load(correlation_ids)
    return caused


def own_extrinsics(tx: Transaction, hashes: Sequence[bytes]) -> dict[bytes, str]:
    """Of hashes of extrinsics, those ever signed here, with their correlation ids."""
    if not hashes:
        return {}
    condition = tx.dialect.any_of(schema.signatures.c.extrinsic_hash)
    rows = fetch(
        tx.connection,
        f"SELECT extrinsic_hash, correlation_id FROM signatures WHERE {condition}",
        tx.dialect.keys(hashes),
    )
    return {bytes(extrinsic_hash): correlation_id for extrinsic_hash, correlation_id in rows}


def _index_of(block: ReadBlock, reported: ReportedFact) -> int:
    index = block.events[reported.event_index].extrinsic_index
    return -1 if index is None else index


def _reflect(work: Workset, block: ReadBlock, by_index: dict[int, Extrinsic]) -> list[ChainEvent]:
    """Project the facts of a block; its events with what was learned of them."""
    learned: dict[int, dict[str, Any]] = {}
    for event in block.events:
        extrinsic = by_index.get(-1 if event.extrinsic_index is None else event.extrinsic_index)
        if extrinsic is not None:
            learned[event.event_index] = {"correlation_id": extrinsic.correlation_id}
    for reported in block.facts:
        anomaly = projection.project(reported.fact, work, by_index.get(_index_of(block, reported)))
        if anomaly:
            learned.setdefault(reported.event_index, {})["anomaly"] = anomaly
    return [
        msgspec.structs.replace(event, **learned[event.event_index])
        if event.event_index in learned
        else event
        for event in block.events
    ]


def _settle(work: Workset, block: ReadBlock, own: dict[bytes, str]) -> None:
    """End the extrinsics from here that the block executed."""
    for executed in block.executed:
        extrinsic = work.extrinsics.get(own.get(executed.extrinsic_hash, ""))
        if extrinsic is None or extrinsic.block_number is not None:
            continue
        place: dict[str, Any] = {
            "extrinsic_hash": executed.extrinsic_hash,
            "block_number": block.block.block_number,
            "extrinsic_index": executed.extrinsic_index,
            "lease_end_us": 0,
        }
        if executed.error:
            give_up(work, extrinsic, ExtrinsicStatus.FAILED, executed.error, rejected=executed.known, **place)
            continue
        clear_intent(work, extrinsic, "", rejected=False)
        work.extrinsics.change(
            extrinsic,
            status=ExtrinsicStatus.FINALIZED,
            last_error="",
            lease_token="",
            finalize_time_us=work.tx.now_us,
            **place,
        )


def _wake_waiting(tx: Transaction, blocks: Sequence[ReadBlock], work: Workset) -> None:
    """Let the extrinsics try again that waited for a task or an agent which is on the chain now."""
    task_ids, agent_ids = set(), set()
    for block in blocks:
        for reported in block.facts:
            match reported.fact:
                case facts.TaskCreated(chain_task_id=number):
                    task = work.tasks.get_by(number)
                    task_ids.add(task.task_id if task else "")
                case facts.AgentRegistered(chain_agent_id=number):
                    agent = work.agents.get_by(number)
                    agent_ids.add(agent.agent_id if agent else "")
    wake(tx, {"task_id": task_ids - {""}, "agent_id": agent_ids - {""}})


def wake(tx: Transaction, ids_by_column: Mapping[str, Collection[str]]) -> None:
    """Let queued extrinsics try again that never were signed, by ids of what they concern."""
    for column, ids in ids_by_column.items():
        if ids:
            # By what is known of them. SQLite would go through all that is queued, if the status were told as
            # an index has it.
            concerned = tx.dialect.any_of(schema.extrinsics.c[column], 2)
            waiting = f"SELECT correlation_id FROM extrinsics WHERE {concerned}"
            execute(
                tx.connection,
                f"UPDATE extrinsics SET next_attempt_us = {tx.dialect.parameter(1)} WHERE correlation_id IN"
                f" ({waiting} AND {column} <> '') AND status || '' = 'queued' AND attempt_count = 0",
                (tx.now_us, *tx.dialect.keys(sorted(ids))),
            )
