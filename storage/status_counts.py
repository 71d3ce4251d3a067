"""How many entities are in each status, kept up to date by the transactions that change them.

Counting the rows of a table takes as long as the table is large, so each commit adds its differences to a
few rows instead, last of all and under the lock of the event log. What is counted is what events tell, so
the counts and the log cannot disagree. Tasks are counted twice: by their work, and by their escrow.
"""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Column, select, update

from storage import schema, schema_approvals, schema_sessions
from storage.driver import execute
from storage.transaction import NewEvent, Transaction

ESCROW = "escrow"
_MACHINES: dict[str, Column[str]] = {
    "agent": schema.agents.c.status,
    "task": schema.tasks.c.status,
    ESCROW: schema.tasks.c.escrow_status,
    "bid": schema.bids.c.status,
    "result": schema.results.c.status,
    "agreement": schema.agreements.c.status,
    "milestone": schema.milestones.c.status,
    "extrinsic": schema.extrinsics.c.status,
    "session": schema_sessions.sessions.c.status,
    "approval": schema_approvals.approvals.c.status,
}


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
        if status and difference  # what is new was in no status before
    )


def recount(tx: Transaction) -> None:
    """Count anew, from the tables: after somebody changed a status past the service, say.

    Whoever has not committed yet waits for the lock of the event log, and adds its differences after it. What
    this transaction has changed is in the tables already, and its differences are added at its end.
    """
    tx.connection.execute(select(schema.database.c.id).with_for_update())
    counts = schema.status_counts
    tx.connection.execute(update(counts).values(count=0))
    for machine, status in _MACHINES.items():
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
    """The counts by machine (agent, task, escrow, bid, result, extrinsic) and status, without zeros."""
    table = schema.status_counts
    rows = select(table.c.machine, table.c.status, table.c.count).where(table.c.count != 0)
    counts: dict[str, dict[str, int]] = {}
    for machine, status, count in tx.connection.execute(rows.order_by(table.c.machine, table.c.status)):
        counts.setdefault(machine, {})[status] = count
    return counts
