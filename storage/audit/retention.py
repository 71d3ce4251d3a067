"""Pruning the audit log, so that its beginning is signed off instead of missing."""

from collections.abc import Sequence

from storage import limits
from storage.audit.chain import (
    CHECKPOINT_TYPE,
    Fault,
    broken_bounds,
    check_link,
    checkpoint_of,
    rows_after,
)
from storage.audit.deeds import AuditFacts
from storage.audit.lists import bounds
from storage.batches import Rows
from storage.engines.driver import execute
from storage.errors import AuditEntryBroken
from storage.outcome import Outcome, mutation
from storage.records import Record
from storage.transaction import Transaction


class Prune(Record, frozen=True, kw_only=True):
    """Delete entries from before `before_us`, at most `at_most` of them."""

    before_us: int
    at_most: int = limits.AUDIT_PRUNE_MAX


class Pruned(Rows[Prune], frozen=True, kw_only=True):
    """How many entries were deleted, up to which; or why none."""

    tail: int
    tail_hash: str
    fault: Fault | None = None


def _pruned_facts(pruned: Pruned) -> AuditFacts | None:
    if not pruned.count:
        return None
    checkpoint = checkpoint_of(pruned.tail, pruned.tail_hash)
    return AuditFacts(CHECKPOINT_TYPE, checkpoint, counts={"entries": pruned.count})


@mutation(Pruned, describe=_pruned_facts)
def prune(tx: Transaction, items: Sequence[Prune]) -> list[Outcome[Pruned]]:
    """Delete the oldest entries, after checking them: a link that is broken is kept.

    The entry of the deed itself is the checkpoint that signs for them: its target names the last of them.
    """
    return [_prune(tx, item) for item in items]


def _prune(tx: Transaction, item: Prune) -> Pruned:
    try:
        log = bounds(tx, lock=True)
    except AuditEntryBroken:
        return Pruned(count=0, more=False, tail=0, tail_hash="", fault=broken_bounds(0))
    tail, tail_hash, fault = log.tail, log.tail_hash, None
    for row in rows_after(tx, log.tail, item.at_most, log.head):
        digest, fault = check_link(row, tail, tail_hash)
        if fault is not None or row[1] >= item.before_us:
            break
        tail, tail_hash = tail + 1, digest
    if fault is not None or tail == log.tail:
        return Pruned(count=0, more=False, tail=log.tail, tail_hash=log.tail_hash, fault=fault)
    parameter = tx.dialect.parameter
    execute(tx.connection, f"DELETE FROM audit_log WHERE number <= {parameter(1)}", (tail,))
    execute(
        tx.connection,
        f"UPDATE database_state SET audit_tail = {parameter(1)}, audit_tail_hash = {parameter(2)}",
        (tail, tail_hash),
    )
    count = tail - log.tail
    return Pruned(count=count, more=count >= item.at_most, tail=tail, tail_hash=tail_hash)
