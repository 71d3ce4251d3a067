"""What the submitter does with the outbox, each step durable before the next.

Rows are claimed with a lease, so that one submitter works on them at a time; a lease that ran out is
claimed again by anyone, and its token fences the one before. Signed bytes are stored before they are sent.
Outcomes come from finalized blocks (`storage.chain_log`), never from here.
"""

from collections.abc import Sequence

from sqlalchemy import select, text, update

from storage import schema
from storage.errors import Superseded
from storage.lifecycle import EXTRINSIC, LIVE_EXTRINSIC, ExtrinsicStatus
from storage.limits import LAST_ERROR_CHARS_MAX
from storage.outbox import give_up, load_with_entities
from storage.outcome import Outcome, decide_each, mutation
from storage.records import Agent, Bid, Extrinsic, Record, Result, Signature, Task
from storage.table_map import TableMap
from storage.transaction import Transaction
from storage.workset import AGENTS, BIDS, EXTRINSICS, RESULTS, TASKS, Workset

_signatures = TableMap(schema.signatures, Signature)


class Claim(Record, frozen=True, kw_only=True):
    """Claim queued extrinsics that are due, oldest first, until `lease_us` from now."""

    token: str
    lease_us: int
    at_most: int


class Claimed(Record, frozen=True, kw_only=True):
    """A claimed extrinsic with the entities that its call is made of."""

    extrinsic: Extrinsic
    agent: Agent | None
    task: Task | None
    bid: Bid | None
    result: Result | None


@mutation(list[Claimed])
def claim(tx: Transaction, items: Sequence[Claim]) -> list[Outcome[list[Claimed]]]:
    """Claim queued extrinsics. Nothing is refused."""
    return [_claim(tx, item) for item in items]


def _claim(tx: Transaction, item: Claim) -> list[Claimed]:
    table = schema.extrinsics
    due = (
        select(table)
        .where(
            text(schema.QUEUED_EXTRINSIC),
            table.c.next_attempt_us <= tx.now_us,
            table.c.lease_end_us <= tx.now_us,
        )
        .order_by(table.c.next_attempt_us, table.c.correlation_id)
        .limit(item.at_most)
        .with_for_update(skip_locked=True)
    )
    extrinsics = [EXTRINSICS.from_row(row) for row in tx.connection.execute(due)]
    if extrinsics:
        tx.connection.execute(
            update(table)
            .where(table.c.correlation_id.in_([row.correlation_id for row in extrinsics]))
            .values(lease_token=item.token, lease_end_us=tx.now_us + item.lease_us)
        )
    return _with_entities(tx, extrinsics)


def _with_entities(tx: Transaction, extrinsics: Sequence[Extrinsic]) -> list[Claimed]:
    # Read, not locked: the extrinsics are locked already, and entities are locked before them.
    agents = {row.agent_id: row for row in AGENTS.load(tx, (x.agent_id for x in extrinsics), lock=False)}
    tasks = {row.task_id: row for row in TASKS.load(tx, (x.task_id for x in extrinsics), lock=False)}
    bids = {row.bid_id: row for row in BIDS.load(tx, (x.entity_id for x in extrinsics), lock=False)}
    results = {row.result_id: row for row in RESULTS.load(tx, (x.entity_id for x in extrinsics), lock=False)}
    return [
        Claimed(
            extrinsic=row,
            agent=agents.get(row.agent_id),
            task=tasks.get(row.task_id),
            bid=bids.get(row.entity_id),
            result=results.get(row.entity_id),
        )
        for row in extrinsics
    ]


class Signed(Record, frozen=True, kw_only=True):
    """A signature of a claimed extrinsic; `deadline_block` goes to the task that it creates."""

    token: str
    signature: Signature
    deadline_block: int | None = None


class SignedBatch(Record, frozen=True, kw_only=True):
    """Signatures of one account, made knowing its `epoch`."""

    account_address: str
    epoch: int
    signed: tuple[Signed, ...]


@mutation(int)
def store_signatures(tx: Transaction, items: Sequence[SignedBatch]) -> list[Outcome[int]]:
    """Store signed bytes before they are sent; the new epoch of the account.

    Refusals, per batch: Superseded if another submitter assigned nonces of the account since, or a
    lease was lost. Nothing of a refused batch is stored.
    """
    return decide_each(items, lambda item: _store_signatures(tx, item))


def _store_signatures(tx: Transaction, item: SignedBatch) -> int:
    if _epoch(tx, item.account_address, lock=True) != item.epoch:
        raise Superseded("another submitter assigned nonces of this account")
    work = Workset(tx)
    load_with_entities(work, [signed.signature.correlation_id for signed in item.signed])
    pairs = [(signed, _leased(work, signed.signature.correlation_id, signed.token)) for signed in item.signed]
    for signed, row in pairs:
        signature = signed.signature
        work.extrinsics.change(
            row,
            status=ExtrinsicStatus.SIGNED,
            attempt_count=row.attempt_count + 1,
            last_error="",
            extrinsic_hash=signature.extrinsic_hash,
            nonce=signature.nonce,
            birth_block=signature.birth_block,
            death_block=signature.death_block,
        )
        task = work.tasks.get(row.entity_id)
        if task is not None and signed.deadline_block is not None:
            work.tasks.change(task, deadline_block=signed.deadline_block)
    work.store()
    if _signatures.insert_new(tx, [signed.signature for signed in item.signed]) != len(item.signed):
        raise RuntimeError("the same bytes were signed for two extrinsics")
    signers = schema.signers
    tx.connection.execute(
        update(signers).where(signers.c.account_address == item.account_address).values(epoch=item.epoch + 1)
    )
    return item.epoch + 1


def _epoch(tx: Transaction, account_address: str, *, lock: bool) -> int:
    """The epoch of an account; its row is made when it is first locked."""
    table = schema.signers
    statement = select(table.c.epoch).where(table.c.account_address == account_address)
    if lock:
        tx.dialect.insert(tx.connection, table, ("account_address", "epoch"), [(account_address, 0)])
        statement = statement.with_for_update()
    return tx.connection.execute(statement).scalar() or 0


class AccountState(Record, frozen=True, kw_only=True):
    """What a submitter must know to assign nonces: the epoch, and the nonces that may still be executed."""

    epoch: int
    live_nonces: frozenset[int]


def account_state(tx: Transaction, account_address: str) -> AccountState:
    """Read the epoch and the live nonces of an account, in one snapshot."""
    signatures, extrinsics = schema.signatures, schema.extrinsics
    live = (
        select(signatures.c.nonce)
        .join(extrinsics, extrinsics.c.extrinsic_hash == signatures.c.extrinsic_hash)
        .where(
            extrinsics.c.status.in_(sorted(LIVE_EXTRINSIC)),
            signatures.c.account_address == account_address,
        )
    )
    return AccountState(
        epoch=_epoch(tx, account_address, lock=False),
        live_nonces=frozenset(tx.connection.execute(live).scalars()),
    )


def live_hashes(tx: Transaction, _: None) -> list[bytes]:
    """The hashes of the newest signatures of all live extrinsics."""
    table = schema.extrinsics
    live = select(table.c.extrinsic_hash).where(table.c.status.in_(sorted(LIVE_EXTRINSIC)))
    return list(tx.connection.execute(live).scalars())


def signatures_of(tx: Transaction, hashes: Sequence[bytes]) -> list[Signature]:
    """The signatures with these hashes, lowest nonce first."""
    found = _signatures.load(tx, hashes, lock=False)
    return sorted(found, key=lambda signature: (signature.nonce, signature.correlation_id))


class Hint(Record, frozen=True, kw_only=True):
    """What a node said of sent bytes: `submitted` (it took them), `in_block`, or None and its objection.

    An objection to bytes that a node took before says nothing: most often they are in a block by now.
    """

    correlation_id: str
    extrinsic_hash: bytes
    status: ExtrinsicStatus | None
    objection: str = ""


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
        objection = item.objection[:LAST_ERROR_CHARS_MAX]
        if row.status != ExtrinsicStatus.SIGNED or row.last_error == objection:
            return False
        work.extrinsics.change(row, last_error=objection)
        return True
    known = row.status == item.status or item.status not in LIVE_EXTRINSIC
    if known or not EXTRINSIC.allows(row.status, item.status):
        return False
    work.extrinsics.change(row, status=item.status, last_error="")
    return True


class Postponed(Record, frozen=True, kw_only=True):
    """A claimed extrinsic that cannot be signed yet: try again at `next_attempt_us`."""

    token: str
    correlation_id: str
    next_attempt_us: int
    error: str


@mutation(bool)
def postpone(tx: Transaction, items: Sequence[Postponed]) -> list[Outcome[bool]]:
    """Release claimed extrinsics until later; whether they still were claimed.

    Waiting is no attempt and no change that watchers are told of.
    """
    return [_postpone(tx, item) for item in items]


def _postpone(tx: Transaction, item: Postponed) -> bool:
    table = schema.extrinsics
    released = tx.connection.execute(
        update(table)
        .where(
            table.c.correlation_id == item.correlation_id,
            table.c.lease_token == item.token,
            table.c.status == ExtrinsicStatus.QUEUED,
        )
        .values(
            lease_token="",
            lease_end_us=0,
            next_attempt_us=item.next_attempt_us,
            last_error=item.error[:LAST_ERROR_CHARS_MAX],
        )
    )
    return released.rowcount == 1


class Hopeless(Record, frozen=True, kw_only=True):
    """A claimed extrinsic that cannot be signed, ever or any more."""

    token: str
    correlation_id: str
    error: str


@mutation(bool)
def bury(tx: Transaction, items: Sequence[Hopeless]) -> list[Outcome[bool]]:
    """Give claimed extrinsics up: they are dead. Refusals: Superseded if the lease was lost."""
    work = Workset(tx)
    load_with_entities(work, [item.correlation_id for item in items])

    def decide(item: Hopeless) -> bool:
        row = _leased(work, item.correlation_id, item.token)
        give_up(work, row, ExtrinsicStatus.DEAD, item.error)
        return True

    outcomes = decide_each(items, decide)
    work.store()
    return outcomes


def _leased(work: Workset, correlation_id: str, token: str) -> Extrinsic:
    row = work.extrinsics.get(correlation_id)
    if row is None or row.status != ExtrinsicStatus.QUEUED or row.lease_token != token:
        raise Superseded("the lease on this extrinsic was lost")
    return row
