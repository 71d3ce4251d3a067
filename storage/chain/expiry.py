"""Extrinsics whose era ended on the finalized chain without a block including them: requeued, or given up.

An attempt counts towards giving up only if it failed through its own fault: a node accepted the bytes or
objected to them, and no lower nonce of the account blocked it.
"""

import random
from collections.abc import Sequence

from sqlalchemy import select

from storage import schema
from storage.chain.outbox import give_up
from storage.lifecycle import LIVE_EXTRINSIC, ExtrinsicStatus
from storage.market.workset import Workset
from storage.records import Extrinsic, Record
from storage.transaction import Transaction

RETRY_DOUBLINGS_MAX = 8
"""How often the delay before the next attempt doubles."""


def expired(tx: Transaction, last_number: int) -> Sequence[str]:
    """What can no longer be executed: its era is over, if no block held any of its hashes."""
    table = schema.extrinsics
    over = select(table.c.correlation_id).where(
        schema.live_extrinsics(), table.c.death_block <= last_number + 1
    )
    return tx.connection.execute(over).scalars().all()


def queue_again(work: Workset, cursor_number: int, *, attempts_max: int, retry_delay_us: int) -> None:
    """Queue again what is still live after the blocks up to the cursor, although its era is over."""
    over = work.extrinsics.all(lambda row: _is_over(row, cursor_number))
    if not over:
        return
    lines = _lines(work, over, cursor_number)
    for extrinsic in over:
        line, nonce = lines[extrinsic.correlation_id], extrinsic.nonce
        assert nonce is not None, "it is signed"
        blocked = line.first < nonce
        leaves_a_gap = nonce < line.last_not_over
        attempts = extrinsic.attempt_count - (extrinsic.excused or blocked)
        error = f"no block before {extrinsic.death_block} included it"
        if extrinsic.excused and extrinsic.last_error:
            error = f"{error}: {extrinsic.last_error}"
        queued = work.extrinsics.change(
            extrinsic,
            status=ExtrinsicStatus.QUEUED,
            attempt_count=attempts,
            last_error=error,
            excused=False,
            lease_token="",
            lease_end_us=0,
            # What has a later signature waiting for its nonce is not delayed.
            next_attempt_us=work.tx.now_us + (0 if leaves_a_gap else _delay_us(retry_delay_us, attempts)),
        )
        if attempts >= attempts_max:
            give_up(work, queued, ExtrinsicStatus.DEAD, f"given up after {attempts} attempts: {error}")


def _is_over(row: Extrinsic, cursor_number: int) -> bool:
    return (
        row.status in LIVE_EXTRINSIC and row.death_block is not None and row.death_block <= cursor_number + 1
    )


def _delay_us(first_us: int, attempts: int) -> int:
    longest = first_us << min(max(attempts - 1, 0), RETRY_DOUBLINGS_MAX)
    return int(longest * random.uniform(1.0, 1.5))  # noqa: S311 - so that not all come back at once


class _Line(Record, frozen=True, kw_only=True):
    """Of an account, the lowest live nonce, and the highest of those whose era is not over; -1 if none."""

    first: int
    last_not_over: int


def _lines(work: Workset, over: Sequence[Extrinsic], cursor_number: int) -> dict[str, _Line]:
    """The line of the account that signed, for each of these live extrinsics, by correlation id."""
    signatures, extrinsics = schema.signatures, schema.extrinsics
    over_ids = {row.correlation_id for row in over}
    mine = signatures.alias()
    accounts = (
        select(mine.c.account_address)
        .join(extrinsics, extrinsics.c.extrinsic_hash == mine.c.extrinsic_hash)
        .where(
            schema.live_extrinsics(),
            extrinsics.c.death_block <= cursor_number + 1,
        )
    )
    live = (
        select(extrinsics.c.correlation_id, signatures.c.account_address, signatures.c.nonce)
        .join(signatures, extrinsics.c.extrinsic_hash == signatures.c.extrinsic_hash)
        .where(schema.live_extrinsics(), signatures.c.account_address.in_(accounts))
        .order_by(signatures.c.nonce)
    )
    first: dict[str, int] = {}
    last_not_over: dict[str, int] = {}
    account_of: dict[str, str] = {}
    for correlation_id, address, nonce in work.tx.connection.execute(live):
        changed = work.extrinsics.get(correlation_id)
        if changed is not None and changed.status not in LIVE_EXTRINSIC:
            continue  # these blocks executed it
        first.setdefault(address, nonce)
        if correlation_id in over_ids:
            account_of[correlation_id] = address
        else:
            last_not_over[address] = nonce
    return {
        correlation_id: _Line(first=first[address], last_not_over=last_not_over.get(address, -1))
        for correlation_id, address in account_of.items()
    }
