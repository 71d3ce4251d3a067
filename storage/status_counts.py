"""How many entities are in each status, kept up to date by the transactions that change them.

Counting the rows of a table takes as long as the table is large, so each commit adds its differences to a
few rows instead, last of all and under the lock of the event log. What is counted is what events tell, in
the transaction that writes them. A deleted entity leaves its status and is counted no more. Tasks are counted
twice: by their work, and by their escrow. Handoffs have no events, so they are not counted.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Column, select, update

from storage import schema, schema_approvals, schema_sessions
from storage.engines.driver import execute
from storage.lifecycle import (
    AgentStatus,
    AgreementStatus,
    ApprovalStatus,
    BidStatus,
    EscrowStatus,
    ExtrinsicStatus,
    MilestoneStatus,
    ResultStatus,
    SessionStatus,
    TaskStatus,
)
from storage.records import DELETED
from storage.transaction import NewEvent, Transaction

ESCROW = "escrow"


class Machine(NamedTuple):
    """What has a status: the column that holds it, and the statuses that there are."""

    column: Column[str]
    statuses: type[StrEnum]


MACHINES: Mapping[str, Machine] = {
    "agent": Machine(schema.agents.c.status, AgentStatus),
    "task": Machine(schema.tasks.c.status, TaskStatus),
    ESCROW: Machine(schema.tasks.c.escrow_status, EscrowStatus),
    "bid": Machine(schema.bids.c.status, BidStatus),
    "result": Machine(schema.results.c.status, ResultStatus),
    "agreement": Machine(schema.agreements.c.status, AgreementStatus),
    "milestone": Machine(schema.milestones.c.status, MilestoneStatus),
    "extrinsic": Machine(schema.extrinsics.c.status, ExtrinsicStatus),
    "session": Machine(schema_sessions.sessions.c.status, SessionStatus),
    "approval": Machine(schema_approvals.approvals.c.status, ApprovalStatus),
}
"""All that is counted, by the kind of entity in its events; `escrow` is the second status of a task."""


def differences(events: Iterable[NewEvent]) -> list[tuple[str, str, int]]:
    """By how much events change the counts: (machine, status, difference), sorted, without zeros."""
    moves = Counter(
        (
            event.entity,
            event.status_before,
            event.body.status,
            event.escrow_status_before,
            event.body.escrow_status,
        )
        for event in events
    )
    found: Counter[tuple[str, str]] = Counter()
    for (entity, before, after, escrow_before, escrow_after), count in moves.items():
        found[entity, before] -= count
        found[entity, after] += count
        found[ESCROW, escrow_before] -= count
        found[ESCROW, escrow_after] += count
    return sorted(
        (machine, status, difference)
        for (machine, status), difference in found.items()
        # What is new was in no status before, and what is deleted is in none after.
        if status and difference and status != DELETED
    )


def recount(tx: Transaction) -> None:
    """Count anew, from the tables: after a status was changed past the service, say.

    A transaction that has not committed yet waits for the lock of the event log, and adds its differences
    after this one. What this one has changed is in the tables already, so the differences that are added at
    its end are taken off here.
    """
    tx.connection.execute(select(schema.database.c.id).with_for_update())
    counts = schema.status_counts
    tx.connection.execute(update(counts).values(count=0))
    for machine, (status, _) in MACHINES.items():
        execute(
            tx.connection,
            f"INSERT INTO status_counts (machine, status, count) SELECT '{machine}', {status.name}, count(*)"
            f" FROM {status.table.name} WHERE true GROUP BY {status.name}"
            " ON CONFLICT (machine, status) DO UPDATE SET count = excluded.count",
        )
    for machine, name, difference in differences(tx.events):
        row = (counts.c.machine == machine, counts.c.status == name)
        tx.connection.execute(update(counts).where(*row).values(count=counts.c.count - difference))


def load(tx: Transaction) -> dict[str, dict[str, int]]:
    """The counts by machine, see `MACHINES`, and status; without zeros."""
    table = schema.status_counts
    rows = select(table.c.machine, table.c.status, table.c.count).where(table.c.count != 0)
    counts: dict[str, dict[str, int]] = {}
    for machine, status, count in tx.connection.execute(rows.order_by(table.c.machine, table.c.status)):
        counts.setdefault(machine, {})[status] = count
    return counts
