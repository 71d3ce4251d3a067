"""Expiry and deletion of sessions, in batches, by any number of servers at once.

A session that has been idle for the retention time expires. A session that expired more than the purge time
ago is deleted. The transcripts of deleted sessions are deleted afterwards.
"""

from collections.abc import Sequence

from storage import schema_sessions as schema
from storage.audit.deeds import AuditFacts
from storage.batches import Batch, Rows
from storage.engines.driver import execute, fetch
from storage.lifecycle import SessionStatus
from storage.outcome import Outcome, mutation
from storage.records import DELETED, Record
from storage.sessions.session_set import SessionSet
from storage.sessions.sessions import expire
from storage.transaction import Transaction

REASON = "idle for the retention time"


class Sweep(Record, frozen=True, kw_only=True):
    """How old is too old, and how many sessions of each kind to move at most."""

    retention_us: int
    purge_us: int
    at_most: int


class Swept(Batch[Sweep], frozen=True, kw_only=True):
    """The sessions that expired and those that were deleted, or would be."""

    expired_session_ids: list[str]
    deleted_session_ids: list[str]


def due(tx: Transaction, sweep: Sweep) -> Swept:
    """What a sweep would do now; it changes nothing."""
    now_us = tx.dialect.clock_us(tx.connection)
    return _swept(sweep, _idle(tx, sweep, now_us, ""), _over(tx, sweep, now_us, ""))


def _swept_facts(swept: Swept) -> list[AuditFacts]:
    moved = ((SessionStatus.EXPIRED, swept.expired_session_ids), (DELETED, swept.deleted_session_ids))
    return [
        AuditFacts("session", session_id, status=status) for status, found in moved for session_id in found
    ]


@mutation(Swept, describe=_swept_facts)
def sweep(tx: Transaction, items: Sequence[Sweep]) -> list[Outcome[Swept]]:
    """Expire idle sessions, and delete long-expired ones."""
    return [_sweep(tx, item) for item in items]


def _sweep(tx: Transaction, sweep: Sweep) -> Swept:
    work = SessionSet(tx)
    claim = tx.dialect.skip_locked("session_heads")
    idle, over = _idle(tx, sweep, work.now_us, claim), _over(tx, sweep, work.now_us, claim)
    work.load([*idle, *over])
    for session_id in idle:
        expire(work, session_id, REASON)
    for session_id in over:
        work.delete(work.get(session_id))
    work.store()
    return _swept(sweep, idle, over)


def _swept(sweep: Sweep, idle: list[str], over: list[str]) -> Swept:
    full = max(len(idle), len(over)) >= sweep.at_most
    return Swept(expired_session_ids=idle, deleted_session_ids=over, more=full)


def _idle(tx: Transaction, sweep: Sweep, now_us: int, claim: str) -> list[str]:
    """The open sessions that have been idle for the retention time, longest idle first."""
    parameter = tx.dialect.parameter
    rows = fetch(
        tx.connection,
        f"SELECT session_id FROM session_heads WHERE {schema.OPEN_HEAD}"
        f" AND last_activity_us <= {parameter(1)} ORDER BY last_activity_us LIMIT {parameter(2)}{claim}",
        (now_us - sweep.retention_us, sweep.at_most),
    )
    return [row[0] for row in rows]


def _over(tx: Transaction, sweep: Sweep, now_us: int, claim: str) -> list[str]:
    """The sessions that expired longer ago than the purge time, the oldest first."""
    parameter = tx.dialect.parameter
    rows = fetch(
        tx.connection,
        "SELECT sessions.session_id FROM sessions"
        " JOIN session_heads ON session_heads.session_id = sessions.session_id"
        # Postgres looks at the state again once it has the lock: somebody else may have deleted it.
        f" WHERE {schema.EXPIRED_SESSION} AND state = 'ended' AND end_time_us <= {parameter(1)}"
        f" ORDER BY end_time_us LIMIT {parameter(2)}{claim}",
        (now_us - sweep.purge_us, sweep.at_most),
    )
    return [row[0] for row in rows]


@mutation(Rows[int])
def collect(tx: Transaction, items: Sequence[int]) -> list[Outcome[Rows[int]]]:
    """Clear away what is left of deleted sessions; each item is how many rows to delete at most."""
    return [Rows.of(_collect(tx, at_most), at_most) for at_most in items]


# What belongs to a session, by its order; the head, which is last, has one row.
_REMAINS = (
    ("transcript_entries", "position"),
    ("session_commands", "number"),
    ("session_heads", "entry_count"),
)


def _collect(tx: Transaction, at_most: int) -> int:
    claimed = fetch(
        tx.connection,
        f"SELECT session_id FROM session_heads WHERE {schema.DELETED_HEAD}"
        f" ORDER BY session_id LIMIT {tx.dialect.parameter(1)}{tx.dialect.skip_locked()}",
        (at_most,),
    )
    left = at_most
    for (session_id,) in claimed:
        for table, order in _REMAINS:
            if left:
                left -= _delete_first(tx, table, order, session_id, left)
    return at_most - left


def _delete_first(tx: Transaction, table: str, order: str, session_id: str, at_most: int) -> int:
    parameter = tx.dialect.parameter
    first = (
        f'SELECT "{order}" FROM {table} WHERE session_id = {parameter(2)}'
        f' ORDER BY "{order}" LIMIT {parameter(3)}'
    )
    return execute(
        tx.connection,
        f'DELETE FROM {table} WHERE session_id = {parameter(1)} AND "{order}" IN ({first})',
        (session_id, session_id, at_most),
    )
