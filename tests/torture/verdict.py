"""What must be true in the end: acknowledged intents, the database and the finalized chain tell one story."""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Table, select

from storage import schema
from storage.chain import log as chain_log
from storage.chain.log import CHAIN_BLOCKS, CHAIN_EVENTS, Cursor
from storage.chain.signatures import SIGNATURES
from storage.lifecycle import BidStatus, EscrowStatus, ExtrinsicStatus, ResultStatus
from storage.market.workset import AGENTS, BIDS, EXTRINSICS, RESULTS, TASKS
from storage.records import (
    Action,
    Agent,
    Bid,
    ChainBlock,
    ChainEvent,
    Extrinsic,
    Record,
    Result,
    Signature,
    Task,
)
from storage.store import Storage
from storage.table_map import TableMap
from storage.transaction import Transaction
from tests.torture.callers import Intent
from tests.torture.ledger import Block, Executed, Ledger

Row = TypeVar("Row", bound=Record)
Complaints = Iterator[str]

COMPLAINTS_MAX = 8
"""Of each kind."""
ON_CHAIN_BIDS = (BidStatus.COMMITTED, BidStatus.REVEALED, BidStatus.WON, BidStatus.LOST)


@dataclass(frozen=True)
class Database:
    """Everything that matters of a database, as it was left behind."""

    cursor: Cursor | None
    extrinsics: dict[str, Extrinsic]
    signatures: dict[bytes, Signature]
    agents: list[Agent]
    tasks: list[Task]
    bids: list[Bid]
    results: list[Result]
    blocks: list[ChainBlock]
    events: list[ChainEvent]

    @classmethod
    async def read(cls, url: str, genesis_hash: str) -> "Database":
        storage = Storage.open(url)
        try:
            await storage.prepare(genesis_hash)
            return await storage.read(cls._read)
        finally:
            await storage.close()

    @classmethod
    def _read(cls, tx: Transaction) -> "Database":
        def rows(table: Table, records: TableMap[Row], *order: str) -> list[Row]:
            statement = select(table).order_by(*(table.c[column] for column in order))
            return [records.from_row(row) for row in tx.connection.execute(statement)]

        return cls(
            chain_log.cursor(tx),
            {row.correlation_id: row for row in rows(schema.extrinsics, EXTRINSICS)},
            {row.extrinsic_hash: row for row in rows(schema.signatures, SIGNATURES)},
            rows(schema.agents, AGENTS),
            rows(schema.tasks, TASKS),
            rows(schema.bids, BIDS),
            rows(schema.results, RESULTS),
            rows(schema.chain_blocks, CHAIN_BLOCKS, "block_number"),
            rows(schema.chain_events, CHAIN_EVENTS, "block_number", "event_index"),
        )


def complaints(
    intents: Sequence[Intent], database: Database, ledger: Ledger, foreign: set[bytes]
) -> Complaints:
    """What is not as it must be; `foreign` are extrinsics that were not asked for here."""
    executed = [each for block in ledger.blocks for each in block.executed if each.hash not in foreign]
    for check in (
        _each_intent_once(intents, executed),
        _each_row_as_it_ended(intents, database, executed),
        _every_block(database, ledger.blocks),
        _every_event(database, ledger.blocks, executed),
        _every_entity(database, ledger),
    ):
        yield from itertools.islice(check, COMPLAINTS_MAX)


def _each_intent_once(intents: Sequence[Intent], executed: Sequence[Executed]) -> Complaints:
    """On the chain is what callers asked for, each once, and nothing else."""
    wanted = Counter(intent.mark for intent in intents if intent.ends != "dead")
    found = Counter(each.mark for each in executed)
    for mark in sorted(wanted.keys() | found.keys()):
        if wanted[mark] != found[mark]:
            where = [f"{each.block_number}-{each.extrinsic_index}" for each in executed if each.mark == mark]
            asked = f"asked for {_times(wanted[mark])}"
            yield f"{mark} was {asked} and is on the chain {_times(found[mark])} {where}"


def _each_row_as_it_ended(
    intents: Sequence[Intent], database: Database, executed: Sequence[Executed]
) -> Complaints:
    """Every acknowledged intent has one row, whose status, place and reason are those of the chain."""
    asked = Counter(intent.correlation_id for intent in intents)
    yield from (f"two intents share the extrinsic {key}" for key, count in asked.items() if count > 1)
    yield from (f"nobody asked for the extrinsic {key}" for key in database.extrinsics.keys() - asked.keys())
    by_mark = {each.mark: each for each in executed}
    for intent in intents:
        row = database.extrinsics.get(intent.correlation_id)
        if row is None:
            yield f"{intent} was acknowledged and is not stored"
            continue
        if row.status != intent.ends or intent.reason not in row.last_error:
            yield f"{intent} ended as {row.status} after {row.attempt_count} attempts: {row.last_error!r}"
        if row.status in (ExtrinsicStatus.FINALIZED, ExtrinsicStatus.FAILED):
            yield from _row_and_chain(intent, row, by_mark.get(intent.mark), database)


def _row_and_chain(intent: Intent, row: Extrinsic, found: Executed | None, database: Database) -> Complaints:
    if found is None:
        return  # that it is not on the chain was said
    stored = (row.block_number, row.extrinsic_index, row.extrinsic_hash.hex())
    executed = (found.block_number, found.extrinsic_index, found.hash.hex())
    if stored != executed:
        yield f"{intent} is stored as executed at {stored}, and was at {executed}"
    if (row.status == ExtrinsicStatus.FAILED) != bool(found.error) or found.error not in row.last_error:
        yield f"{intent} is stored as {row.status} {row.last_error!r}, and the chain says {found.error!r}"
    signature = database.signatures.get(found.hash)
    if signature is None or signature.correlation_id != row.correlation_id:
        yield f"{intent} was executed by bytes that were not stored for it: {signature}"


def _every_block(database: Database, blocks: Sequence[Block]) -> Complaints:
    """Every block is stored, up to the cursor, raw and with its hash; none is skipped."""
    last = blocks[-1]
    if database.cursor != Cursor(block_number=last.number, block_hash=last.hash):
        yield f"the cursor is {database.cursor}, and the finalized block {last.number} is {last.hash.hex()}"
    stored = {block.block_number: block for block in database.blocks}
    for number in sorted(stored.keys() ^ {block.number for block in blocks}):
        yield f"block {number} is {'not on the chain' if number in stored else 'not stored'}"
    for block in blocks:
        found = stored.get(block.number)
        if found is None:
            continue
        ours = (found.block_hash, found.parent_hash, found.raw_events, found.event_count, found.error)
        if ours != (block.hash, block.parent_hash, block.raw_events, len(block.events), ""):
            yield f"block {block.number} is stored as {found}, and is {block}"


def _every_event(database: Database, blocks: Sequence[Block], executed: Sequence[Executed]) -> Complaints:
    """Every event is stored, in its place, and with the intent that caused it."""
    causes = {
        (each.block_number, each.extrinsic_index): database.signatures[each.hash].correlation_id
        for each in executed
        if each.hash in database.signatures
    }
    wanted = {
        (block.number, index): (
            record.pallet,
            record.name,
            record.extrinsic_index,
            "" if record.extrinsic_index is None else causes.get((block.number, record.extrinsic_index), ""),
        )
        for block in blocks
        for index, record in enumerate(block.events)
    }
    stored = {
        (event.block_number, event.event_index): (
            event.pallet,
            event.event,
            event.extrinsic_index,
            event.correlation_id,
        )
        for event in database.events
    }
    yield from _differences("event", stored, wanted)
    yield from (f"event with an anomaly: {event}" for event in database.events if event.anomaly)


def _every_entity(database: Database, ledger: Ledger) -> Complaints:
    """Agents, tasks, bids and results are what the pallets have stored, and nothing is pending."""
    agents = {agent.agent_id: agent for agent in database.agents}
    yield from _differences(
        "agent",
        {
            _number(agent.chain_agent_id): (agent.agent_id, agent.status, agent.verification_level)
            for agent in database.agents
        },
        {
            number: (agent["did"].decode(), agent["status"].lower(), _snake(agent["verification_level"]))
            for number, agent in ledger.agents.items()
        },
    )
    results = {result.task_id: result for result in database.results}
    yield from (
        f"result {result} is not recorded"
        for result in database.results
        if result.status != ResultStatus.RECORDED
    )
    yield from _differences(
        "task",
        {
            _number(task.chain_task_id): (
                task.spec_hash,
                task.max_budget,
                task.deadline_block,
                task.status,
                task.escrow_status,
                task.cost,
                _number(agents[task.assigned_agent_id].chain_agent_id) if task.assigned_agent_id else None,
                results[task.task_id].result_hash if task.task_id in results else None,
            )
            for task in database.tasks
        },
        {
            number: (
                task["spec_hash"],
                task["budget"],
                task["deadline"],
                task["status"].lower(),
                EscrowStatus(ledger.escrows[number]["status"].lower()),
                task["cost"],
                task["winner"],
                task["result_hash"],
            )
            for number, task in ledger.tasks.items()
        },
    )
    numbers = {task.task_id: _number(task.chain_task_id) for task in database.tasks}
    yield from _differences(
        "bid",
        {
            (numbers[bid.task_id], _number(agents[bid.agent_id].chain_agent_id)): (bid.commitment, bid.value)
            for bid in database.bids
            if bid.status in ON_CHAIN_BIDS
        },
        {place: (bid["commitment"], bid["cost"]) for place, bid in ledger.bids.items()},
    )
    for entity in (*database.agents, *database.tasks, *database.bids, *database.results):
        if entity.pending_action != Action.NONE or entity.pending_correlation_id:
            yield f"something is pending: {entity}"


def _differences(what: str, stored: Mapping[Any, object], wanted: Mapping[Any, object]) -> Complaints:
    for key in sorted(stored.keys() | wanted.keys()):
        if stored.get(key) != wanted.get(key):
            yield f"{what} {key}: stored {stored.get(key)}, on the chain {wanted.get(key)}"


def _number(chain_id: int | None) -> int:
    """The chain's number of an entity, -1 if it has none."""
    return -1 if chain_id is None else chain_id


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).strip("_")


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
