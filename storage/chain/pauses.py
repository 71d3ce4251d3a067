"""Pauses of submission: while one stands, no server signs or sends, for one signer or for all of them."""

from collections.abc import Sequence
from operator import attrgetter

from sqlalchemy import ColumnElement, exists, or_, select, text

from storage import schema
from storage.audit.deeds import AuditFacts
from storage.errors import NoChain
from storage.outcome import Outcome, mutation
from storage.records import Record
from storage.table_map import TableMap
from storage.transaction import Transaction

ALL_SIGNERS = ""
"""The `signer` of a pause of all signers."""


class Pause(Record, frozen=True, kw_only=True):
    """A standing order not to submit what `signer` signs, or anything at all if it is `ALL_SIGNERS`."""

    signer: str
    reason: str = ""
    create_time_us: int = 0


_PAUSES = TableMap(schema.submission_pauses, Pause)


def _facts(standing: list[Pause]) -> AuditFacts:
    return AuditFacts("submission", counts={"pauses": len(standing)})


@mutation(list[Pause], describe=_facts, subject=attrgetter("signer"))
def pause(tx: Transaction, items: Sequence[Pause]) -> list[Outcome[list[Pause]]]:
    """Pause signers; all pauses then in effect. A pause already in effect gets the new reason.

    Refusals, per item: NoChain.
    """
    if tx.local:
        return [NoChain() for _ in items]
    outcomes: list[Outcome[list[Pause]]] = []
    for item in items:
        new = Pause(signer=item.signer, reason=item.reason, create_time_us=tx.now_us)
        if not _PAUSES.insert_new(tx, [new]):
            _PAUSES.update(tx, [new])
        outcomes.append(standing(tx))
    return outcomes


@mutation(list[Pause], describe=_facts, subject=str)
def resume(tx: Transaction, items: Sequence[str]) -> list[Outcome[list[Pause]]]:
    """End the pauses of signers; all pauses then in effect. A signer that was not paused is left as it is."""
    table = schema.submission_pauses
    outcomes: list[Outcome[list[Pause]]] = []
    for signer in items:
        tx.connection.execute(table.delete().where(table.c.signer == signer))
        outcomes.append(standing(tx))
    return outcomes


def standing(tx: Transaction) -> list[Pause]:
    """All pauses, that of all signers first."""
    rows = tx.connection.execute(select(schema.submission_pauses).order_by("signer"))
    return [_PAUSES.from_row(row) for row in rows]


def has_queued(tx: Transaction, signer: str) -> bool:
    """Whether an extrinsic waits to be signed by this signer."""
    table = schema.extrinsics
    queued = select(table.c.correlation_id).where(text(schema.QUEUED_EXTRINSIC), table.c.signer == signer)
    return tx.connection.execute(queued.limit(1)).first() is not None


def not_paused() -> ColumnElement[bool]:
    """The condition that the submission of a row of `extrinsics` is not paused."""
    pauses, extrinsics = schema.submission_pauses, schema.extrinsics
    return ~exists().where(or_(pauses.c.signer == ALL_SIGNERS, pauses.c.signer == extrinsics.c.signer))
