"""The submitter's steps on the outbox, each durable before the next.

Rows are claimed with a lease, so that one submitter works on them at a time; a lease that ran out is
claimed again by anyone, and its token fences the one before. Signed bytes are stored before they are sent.
Outcomes come from finalized blocks (`storage.chain.log`), never from here.
"""

from collections.abc import Sequence

import msgspec
from sqlalchemy import ColumnElement, false, func, select, text, true, update

from storage import schema
from storage.chain.outbox import give_up, load_with_entities
from storage.chain.pauses import ALL_SIGNERS, standing
from storage.chain.signatures import SIGNATURES
from storage.errors import Superseded
from storage.lifecycle import ExtrinsicStatus
from storage.limits import LAST_ERROR_CHARS_MAX
from storage.market.workset import AGENTS, BIDS, EXTRINSICS, RESULTS, TASKS, Workset
from storage.outcome import Outcome, decide_each, mutation
from storage.records import Agent, Bid, Extrinsic, Record, Result, Signature, Task
from storage.transaction import Transaction


class Names(Record, frozen=True, kw_only=True):
    """Names of signers: those that are `listed`, or all `but` those."""

    listed: tuple[str, ...] = ()
    but: bool = True

    def __bool__(self) -> bool:
        """Whether there can be any."""
        return self.but or bool(self.listed)


class Claim(Record, frozen=True, kw_only=True):
    """Claim queued extrinsics of these signers that are due, oldest first, until `lease_us` from now."""

    token: str
    lease_us: int
    at_most: int
    signers: Names = Names()


class Claimed(Record, frozen=True, kw_only=True):
    """A claimed extrinsic with the entities that its call is made of."""

    extrinsic: Extrinsic
    agent: Agent | None
    task: Task | None
    bid: Bid | None
    result: Result | None


@mutation(list[Claimed])
def claim(tx: Transaction, items: Sequence[Claim]) -> list[Outcome[list[Claimed]]]:
    """Claim queued extrinsics whose submission is not paused. Nothing is refused."""
    return [_claim(tx, item) for item in items]


def _claim(tx: Transaction, item: Claim) -> list[Claimed]:
    table = schema.extrinsics
    # Not by a condition for each row, as elsewhere: there may be many, which wait until the pause ends. The
    # index knows their signers: SQLite passes over them without their rows. So does Postgres if it is told
    # whom to claim for; for `NOT IN` no index serves it, and it looks at the rows (measured: 0.2 us each).
    paused = tuple(pause.signer for pause in standing(tx))
    if ALL_SIGNERS in paused:
        return []
    due = (
        select(table)
        .where(
            text(schema.QUEUED_EXTRINSIC),
            table.c.next_attempt_us <= tx.now_us,
            table.c.lease_end_us <= tx.now_us,
            _signed_by(item.signers),
            _signed_by(Names(listed=paused)),
        )
        .order_by(table.c.correlation_id)
        .limit(item.at_most)
        .with_for_update(skip_locked=True, of=table)
    )
    extrinsics = [EXTRINSICS.from_row(row) for row in tx.connection.execute(due)]
    if extrinsics:
        tx.connection.execute(
            update(table)
            .where(table.c.correlation_id.in_([row.correlation_id for row in extrinsics]))
            .values(lease_token=item.token, lease_end_us=tx.now_us + item.lease_us)
        )
    return _with_entities(tx, extrinsics)


def _signed_by(names: Names) -> ColumnElement[bool]:
    if not names.listed:
        return true() if names.but else false()
    signer = schema.extrinsics.c.signer
    return signer.not_in(names.listed) if names.but else signer.in_(names.listed)


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

    Refusals, per batch: Superseded if another submitter assigned nonces of the account since, a lease was
    lost, or submission is paused. Nothing of a refused batch is stored.
    """
    return decide_each(items, lambda item: _store_signatures(tx, item))


def _store_signatures(tx: Transaction, item: SignedBatch) -> int:
    if _epoch(tx, item.account_address, lock=True) != item.epoch:
        raise Superseded("another submitter assigned nonces of this account")
    work = Workset(tx)
    load_with_entities(work, [signed.signature.correlation_id for signed in item.signed])
    pairs = [(signed, _leased(work, signed.signature.correlation_id, signed.token)) for signed in item.signed]
    paused = {pause.signer for pause in standing(tx)}
    if paused and (ALL_SIGNERS in paused or any(row.signer in paused for _, row in pairs)):
        raise Superseded("submission is paused")
    for signed, row in pairs:
        signature = signed.signature
        work.extrinsics.change(
            row,
            status=ExtrinsicStatus.SIGNED,
            attempt_count=row.attempt_count + 1,
            last_error="",
            excused=True,  # until a node has the bytes
            extrinsic_hash=signature.extrinsic_hash,
            nonce=signature.nonce,
            birth_block=signature.birth_block,
            death_block=signature.death_block,
        )
        task = work.tasks.get(row.entity_id)
        if task is not None and signed.deadline_block is not None:
            work.tasks.change(task, deadline_block=signed.deadline_block)
    work.store()
    if SIGNATURES.insert_new(tx, [signed.signature for signed in item.signed]) != len(item.signed):
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


def account_states(tx: Transaction, addresses: Sequence[str]) -> dict[str, AccountState]:
    """Read the epochs and the live nonces of accounts, in one snapshot."""
    signatures, extrinsics, signers = schema.signatures, schema.extrinsics, schema.signers
    epochs = select(signers).where(signers.c.account_address.in_(addresses))
    epoch_of = {row.account_address: row.epoch for row in tx.connection.execute(epochs)}
    live = (
        select(signatures.c.account_address, signatures.c.nonce)
        .join(extrinsics, extrinsics.c.extrinsic_hash == signatures.c.extrinsic_hash)
        .where(schema.live_extrinsics(), signatures.c.account_address.in_(addresses))
    )
    nonces: dict[str, set[int]] = {}
    for address, nonce in tx.connection.execute(live):
        nonces.setdefault(address, set()).add(nonce)
    return {
        address: AccountState(epoch=epoch_of.get(address, 0), live_nonces=frozenset(nonces.get(address, ())))
        for address in addresses
    }


def live_counts(tx: Transaction) -> dict[str, int]:
    """How many extrinsics of each account may still be executed, of accounts that have any."""
    signatures, extrinsics = schema.signatures, schema.extrinsics
    counts = (
        select(signatures.c.account_address, func.count())
        .join(extrinsics, extrinsics.c.extrinsic_hash == signatures.c.extrinsic_hash)
        .where(schema.live_extrinsics())
        .group_by(signatures.c.account_address)
    )
    return {row[0]: row[1] for row in tx.connection.execute(counts)}


class Postponed(Record, frozen=True, kw_only=True):
    """A claimed extrinsic that cannot be signed yet: try again at `next_attempt_us`.

    Without this, or without an `error`, it is as it was before the claim.
    """

    token: str
    correlation_id: str
    next_attempt_us: int | None = None
    error: str | None = None


@mutation(bool)
def postpone(tx: Transaction, items: Sequence[Postponed]) -> list[Outcome[bool]]:
    """Release claimed extrinsics until later; whether they still were claimed.

    Waiting is not an attempt, and not a change that watchers see.
    """
    rows = {row.correlation_id: row for row in EXTRINSICS.load(tx, (item.correlation_id for item in items))}
    released: dict[str, Extrinsic] = {}
    outcomes: list[Outcome[bool]] = []
    for item in items:
        row = rows.get(item.correlation_id)
        claimed = row is not None and row.status == ExtrinsicStatus.QUEUED and row.lease_token == item.token
        outcomes.append(claimed)
        if row is not None and claimed:
            rows[row.correlation_id] = released[row.correlation_id] = msgspec.structs.replace(
                row,
                lease_token="",
                lease_end_us=0,
                next_attempt_us=row.next_attempt_us if item.next_attempt_us is None else item.next_attempt_us,
                last_error=row.last_error if item.error is None else item.error[:LAST_ERROR_CHARS_MAX],
            )
    EXTRINSICS.update(tx, list(released.values()))
    return outcomes


class Wake(Record, frozen=True, kw_only=True):
    """Let queued extrinsics of these signers try again now, at most `at_most` of them."""

    signers: Names
    at_most: int


@mutation(int)
def wake(tx: Transaction, items: Sequence[Wake]) -> list[Outcome[int]]:
    """End the waiting of queued extrinsics, the oldest first; how many."""
    table = schema.extrinsics
    outcomes: list[Outcome[int]] = []
    for item in items:
        waiting = (
            select(table.c.correlation_id)
            .where(
                text(schema.QUEUED_EXTRINSIC), table.c.next_attempt_us > tx.now_us, _signed_by(item.signers)
            )
            .order_by(table.c.correlation_id)
            .limit(item.at_most)
            .with_for_update(skip_locked=True)
        )
        woken = tx.connection.execute(waiting).scalars().all()
        if woken:
            tx.connection.execute(
                update(table).where(table.c.correlation_id.in_(woken)).values(next_attempt_us=tx.now_us)
            )
        outcomes.append(len(woken))
    return outcomes


class Unsignable(Record, frozen=True, kw_only=True):
    """A claimed extrinsic that cannot be signed, ever or any more."""

    token: str
    correlation_id: str
    error: str


@mutation(bool)
def mark_dead(tx: Transaction, items: Sequence[Unsignable]) -> list[Outcome[bool]]:
    """Give claimed extrinsics up: they are dead. Refusals: Superseded if the lease was lost."""
    work = Workset(tx)
    load_with_entities(work, [item.correlation_id for item in items])

    def decide(item: Unsignable) -> bool:
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
