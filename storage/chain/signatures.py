"""Signed bytes: which may still be executed, what nodes said of them, when they may be forgotten."""

from collections.abc import Sequence

from sqlalchemy import select

from storage import schema
from storage.batches import Rows
from storage.chain.pauses import not_paused
from storage.engines.driver import execute
from storage.lifecycle import EXTRINSIC, LIVE_EXTRINSIC, ExtrinsicStatus
from storage.limits import LAST_ERROR_CHARS_MAX
from storage.market.workset import Workset
from storage.outcome import Outcome, decide_each, mutation
from storage.records import Extrinsic, Record, Signature
from storage.table_map import TableMap
from storage.transaction import Transaction

SIGNATURES = TableMap(schema.signatures, Signature)


class Live(Record, frozen=True, kw_only=True):
    """The newest signature of an extrinsic that may still be executed; it is `known` once a node took it."""

    extrinsic_hash: bytes
    account_address: str
    nonce: int
    birth_block: int
    death_block: int
    known: bool


def live_to_send(tx: Transaction) -> list[Live]:
    """The newest signatures of all live extrinsics whose submission is not paused, lowest nonces first."""
    signatures, extrinsics = schema.signatures, schema.extrinsics
    live = (
        select(
            signatures.c.extrinsic_hash,
            signatures.c.account_address,
            signatures.c.nonce,
            signatures.c.birth_block,
            signatures.c.death_block,
            extrinsics.c.status,
        )
        .join(extrinsics, extrinsics.c.extrinsic_hash == signatures.c.extrinsic_hash)
        .where(schema.live_extrinsics(), not_paused())
        .order_by(signatures.c.nonce)
    )
    return [
        Live(
            extrinsic_hash=extrinsic_hash,
            account_address=address,
            nonce=nonce,
            birth_block=birth_block,
            death_block=death_block,
            known=status != ExtrinsicStatus.SIGNED,
        )
        for extrinsic_hash, address, nonce, birth_block, death_block, status in tx.connection.execute(live)
    ]


def signatures_of(tx: Transaction, hashes: Sequence[bytes]) -> list[Signature]:
    """The signatures with these hashes, lowest nonce first."""
    found = SIGNATURES.load(tx, hashes, lock=False)
    return sorted(found, key=lambda signature: (signature.nonce, signature.correlation_id))


class Hint(Record, frozen=True, kw_only=True):
    """A node's response to sent bytes: `submitted` (it accepted them), `in_block`, or None and its objection.

    An objection to bytes that a node took before says nothing: most often they are in a block by now. An
    objection that is `excused` is not the extrinsic's fault: the pool is full, the account cannot pay.
    """

    correlation_id: str
    extrinsic_hash: bytes
    status: ExtrinsicStatus | None
    objection: str = ""
    excused: bool = False


@mutation(bool)
def note_hints(tx: Transaction, items: Sequence[Hint]) -> list[Outcome[bool]]:
    """Note what nodes said; whether it changed anything. A hint never ends an extrinsic."""
    work = Workset(tx)
    work.extrinsics.load(item.correlation_id for item in items)
    outcomes = decide_each(items, lambda item: _note(work, item))
    work.store()
    return outcomes


def _note(work: Workset, item: Hint) -> bool:
    row = work.extrinsics.get(item.correlation_id)
    if row is None or row.status not in LIVE_EXTRINSIC or row.extrinsic_hash != item.extrinsic_hash:
        return False
    if item.status is None:
        return _note_objection(work, row, item)
    known = row.status == item.status or item.status not in LIVE_EXTRINSIC
    if known or not EXTRINSIC.allows(row.status, item.status):
        return False
    work.extrinsics.change(row, status=item.status, last_error="", excused=False)
    return True


def _note_objection(work: Workset, row: Extrinsic, item: Hint) -> bool:
    objection = item.objection[:LAST_ERROR_CHARS_MAX]
    if row.status != ExtrinsicStatus.SIGNED or (row.last_error, row.excused) == (objection, item.excused):
        return False
    work.extrinsics.change(row, last_error=objection, excused=item.excused)
    return True


class Prune(Record, frozen=True, kw_only=True):
    """Delete the signatures of what was executed before `before_us`, at most `at_most` of them."""

    before_us: int
    at_most: int


@mutation(Rows[Prune])
def prune(tx: Transaction, items: Sequence[Prune]) -> list[Outcome[Rows[Prune]]]:
    """Delete old signatures, oldest first.

    Only those of extrinsics that were executed, and whose era is over on the chain as far as it was read.
    """
    place = tx.dialect.parameter
    # SQLite does a cross join in the order of its words; else it goes through all that was ever executed.
    statement = (
        "DELETE FROM signatures WHERE extrinsic_hash IN (SELECT s.extrinsic_hash FROM signatures s"
        " CROSS JOIN extrinsics e WHERE e.correlation_id = s.correlation_id"
        f" AND s.create_time_us < {place(1)} AND e.status IN ('finalized', 'failed')"
        f" AND e.finalize_time_us < {place(2)}"
        " AND s.death_block <= (SELECT block_number FROM chain_cursor)"
        f" ORDER BY s.create_time_us LIMIT {place(3)})"
    )
    return [
        Rows.of(
            execute(tx.connection, statement, (item.before_us, item.before_us, item.at_most)), item.at_most
        )
        for item in items
    ]
