"""Approvals: decisions that a person must make before an agent continues. Times are the database's."""

from collections.abc import Iterable, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

import msgspec

from storage import limits
from storage import schema_approvals as schema
from storage.audit.deeds import AuditFacts
from storage.batches import Batch
from storage.engines.driver import fetch
from storage.errors import ApprovalNotFound, ApprovalNotPending, Retry
from storage.fetcher import query
from storage.ids import new_id
from storage.lifecycle import APPROVAL, ApprovalStatus
from storage.outcome import Outcome, decide_each, mutation
from storage.pages import Page, PageRequest, equal_to, keyset_page
from storage.records import DELETED, EventBody, Record
from storage.schema import OPEN_TASK
from storage.sessions.approval_records import Approval
from storage.sessions.purge import Purge, Purged, claim, delete, purged, purged_facts, session_is_open
from storage.sessions.session_set import SessionSet, head_of
from storage.table_map import TableMap
from storage.transaction import Transaction
from storage.weights import fitting, json_weight, text_weight

APPROVALS = TableMap(schema.approvals, Approval)


class NewApproval(Record, frozen=True, kw_only=True):
    session_id: str = ""
    task_id: str = ""
    approval_kind: str
    title: str
    details: str = "{}"
    requested_by: str
    approver_role: str = ""
    time_to_live_us: int


class Ending(Record, frozen=True, kw_only=True):
    """How a pending approval ends, and by whom."""

    approval_id: str
    status: ApprovalStatus  # approved, rejected or cancelled
    decided_by: str
    notes: str = ""


class Expired(Batch[int], frozen=True, kw_only=True):
    """The approvals that expired."""

    approval_ids: list[str]


class ApprovalFilter(Record, frozen=True, kw_only=True):
    page: PageRequest
    status: ApprovalStatus | None = None
    session_id: str = ""
    task_id: str = ""
    approver_role: str = ""


@mutation(Approval, locks=head_of, subject=attrgetter("requested_by"))
def request(tx: Transaction, items: Sequence[NewApproval]) -> list[Outcome[Approval]]:
    """Store approvals in status pending. It counts as activity of their sessions.

    Refusals, per approval: SessionNotFound, SessionEnded.
    """
    sessions = SessionSet(tx)
    sessions.load_heads(item.session_id for item in items if item.session_id)
    new: list[Approval] = []

    def decide(item: NewApproval) -> Approval:
        if item.session_id:
            sessions.move_head(sessions.open_head(item.session_id))
        fields = msgspec.structs.asdict(item)
        expire_time_us = sessions.now_us + fields.pop("time_to_live_us")
        approval = Approval(
            approval_id=new_id(),
            create_time_us=sessions.now_us,
            update_time_us=sessions.now_us,
            expire_time_us=expire_time_us,
            **fields,
        )
        new.append(approval)
        _tell(tx, approval, before=None)
        return approval

    outcomes = decide_each(items, decide)
    sessions.store()
    if len(APPROVALS.insert(tx, new)) != len(new):
        raise Retry
    return outcomes


@mutation(Approval, locks=lambda item: [(APPROVALS, item.approval_id)], subject=attrgetter("decided_by"))
def end(tx: Transaction, items: Sequence[Ending]) -> list[Outcome[Approval]]:
    """Decide or cancel approvals. Refusals, per approval: ApprovalNotFound, ApprovalNotPending."""
    now_us = tx.dialect.clock_us(tx.connection)
    found = _load(tx, (item.approval_id for item in items))
    ended: set[str] = set()

    def decide(item: Ending) -> Approval:
        approval = found.get(item.approval_id)
        if approval is None:
            raise ApprovalNotFound(item.approval_id)
        if APPROVAL.terminal(approval.status):
            raise ApprovalNotPending(approval.approval_id, approval.status, approval.decided_by)
        if approval.expire_time_us <= now_us:  # the sweep has not come by yet
            raise ApprovalNotPending(approval.approval_id, ApprovalStatus.EXPIRED)
        approval = _ended(
            tx, approval, now_us, status=item.status, decided_by=item.decided_by, notes=item.notes
        )
        found[approval.approval_id] = approval
        ended.add(approval.approval_id)
        return approval

    outcomes = decide_each(items, decide)
    APPROVALS.update(tx, [found[key] for key in sorted(ended)])
    return outcomes


def _expired_facts(expired: Expired) -> list[AuditFacts]:
    return [AuditFacts("approval", each, status=ApprovalStatus.EXPIRED) for each in expired.approval_ids]


@mutation(Expired, describe=_expired_facts)
def sweep(tx: Transaction, items: Sequence[int]) -> list[Outcome[Expired]]:
    """Let approvals expire that nobody decided in time; each item is how many at most."""
    return [_sweep(tx, at_most) for at_most in items]


def _sweep(tx: Transaction, at_most: int) -> Expired:
    now_us = tx.dialect.clock_us(tx.connection)
    parameter = tx.dialect.parameter
    claimed = fetch(
        tx.connection,
        f"SELECT approval_id FROM approvals WHERE {schema.PENDING_APPROVAL}"
        f" AND expire_time_us <= {parameter(1)}"
        f" ORDER BY expire_time_us LIMIT {parameter(2)}{tx.dialect.skip_locked()}",
        (now_us, at_most),
    )
    due = _load(tx, (row[0] for row in claimed)).values()
    expired = [_ended(tx, approval, now_us, status=ApprovalStatus.EXPIRED) for approval in due]
    APPROVALS.update(tx, expired)
    approval_ids = [approval.approval_id for approval in expired]
    return Expired(approval_ids=approval_ids, more=len(approval_ids) >= at_most)


_TASK_IS_OPEN = (
    f"EXISTS (SELECT 1 FROM tasks WHERE tasks.task_id = approvals.task_id AND ({OPEN_TASK}"
    " OR tasks.status = 'pending' OR tasks.escrow_status = 'funded' OR tasks.escrow_status = 'disputed'))"
)
_HANDOFF_IS_OPEN = (
    "EXISTS (SELECT 1 FROM handoffs WHERE handoffs.handoff_id = approvals.task_id"
    " AND (handoffs.status = 'pending' OR handoffs.status = 'active'))"
)
_STAYS = f"({session_is_open('approvals')} OR {_TASK_IS_OPEN} OR {_HANDOFF_IS_OPEN})"


@mutation(Purged, describe=partial(purged_facts, "approval"))
def purge(tx: Transaction, items: Sequence[Purge]) -> list[Outcome[Purged]]:
    """Delete approvals that ended long ago, but not while their session, task or handoff is still open."""
    return [_purge(tx, item) for item in items]


def _purge(tx: Transaction, item: Purge) -> Purged:
    due, after = claim(tx, item, APPROVALS, unless=_STAYS)
    for approval in _load(tx, due).values():
        _tell(tx, approval, before=approval, status=DELETED)
    delete(tx, APPROVALS, due)
    return purged(due, after)


@query
def get(tx: Transaction, keys: Sequence[str]) -> list[Outcome[Approval]]:
    """Approvals by id. Refusals: ApprovalNotFound."""
    found = {approval.approval_id: approval for approval in APPROVALS.load(tx, keys, lock=False)}
    return [found.get(key) or ApprovalNotFound(key) for key in keys]


def page(tx: Transaction, wanted: ApprovalFilter) -> Page[Approval]:
    """Pending approvals oldest first, if only these are wanted, and else the newest first.

    Must run in a snapshot.
    """
    conditions = equal_to(schema.approvals, wanted, ("status", "session_id", "task_id", "approver_role"))
    waiting = wanted.status == ApprovalStatus.PENDING
    return keyset_page(tx, APPROVALS, conditions, wanted.page, newest_first=not waiting, weigh=_weight)


def pending_of_session(tx: Transaction, session_id: str) -> list[Approval]:
    """The oldest pending approvals of a session, at most RESUMED_APPROVALS_MAX and RESUMED_BYTES_MAX."""
    statement = (
        f"SELECT {', '.join(APPROVALS.quoted())} FROM approvals WHERE session_id = {tx.dialect.parameter(1)}"
        f" AND session_id <> '' AND {schema.PENDING_APPROVAL}"
        f" ORDER BY approval_id LIMIT {limits.RESUMED_APPROVALS_MAX}"
    )
    found = [APPROVALS.from_row(row) for row in fetch(tx.connection, statement, (session_id,))]
    return fitting(found, _weight, limits.RESUMED_BYTES_MAX)


def _weight(approval: Approval) -> int:
    return json_weight(approval.details) + text_weight(
        approval.session_id,
        approval.task_id,
        approval.approval_kind,
        approval.title,
        approval.requested_by,
        approval.approver_role,
        approval.decided_by,
        approval.notes,
    )


def _load(tx: Transaction, approval_ids: Iterable[str]) -> dict[str, Approval]:
    return {approval.approval_id: approval for approval in APPROVALS.load(tx, approval_ids)}


def _ended(tx: Transaction, approval: Approval, now_us: int, **fields: Any) -> Approval:
    ended = msgspec.structs.replace(
        approval, revision=approval.revision + 1, update_time_us=now_us, end_time_us=now_us, **fields
    )
    _tell(tx, ended, before=approval)
    return ended


def _tell(tx: Transaction, approval: Approval, *, before: Approval | None, status: str = "") -> None:
    tx.tell(
        "approval",
        approval.approval_id,
        EventBody(
            status=status or approval.status,
            session_id=approval.session_id,
            role=approval.approver_role,
        ),
        revision=approval.revision,
        task_id=approval.task_id,
        created=before is None,
        status_before=before.status if before else "",
    )
