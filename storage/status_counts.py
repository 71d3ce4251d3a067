"""How many entities are in each status, kept up to date by the transactions that change them.

Counting the rows of a table takes as long as the table is large, so each commit adds its differences to a
few rows instead, last of all and under the lock of the event log. What is counted is what events tell, so
the counts and the log cannot disagree. Tasks are counted twice: by their work, and by their escrow.
"""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import select

from storage import schema
from storage.transaction import NewEvent, Transaction

ESCROW = "escrow"


def differences(events: Iterable[NewEvent]) -> list[tuple[str, str, int]]:
    """By how much events change the counts: (machine, status, difference), sorted, without zeros."""
    found: Counter[tuple[str, str]] = Counter()
    for event in events:
        if event.status_before != event.body.status:
            found[event.entity, event.status_before] -= 1
            found[event.entity, event.body.status] += 1
        if event.escrow_status_before != event.body.escrow_status:
            found[ESCROW, event.escrow_status_before] -= 1
            found[ESCROW, event.body.escrow_status] += 1
    return sorted(
        (machine, status, difference)
        for (machine, status), difference in found.items()
        if status and difference  # what is new was in no status before
    )


def load(tx: Transaction) -> dict[str, dict[str, int]]:
    """The counts by machine (agent, task, escrow, bid, result, extrinsic) and status, without zeros."""
    table = schema.status_counts
    rows = select(table.c.machine, table.c.status, table.c.count).where(table.c.count != 0)
    counts: dict[str, dict[str, int]] = {}
    for machine, status, count in tx.connection.execute(rows.order_by(table.c.machine, table.c.status)):
        counts.setdefault(machine, {})[status] = count
    return counts
