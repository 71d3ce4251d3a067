"""Reputation: what accounts are known for, backed by a bond that bad work costs them.

A reputation is 0 to 1000 points. Success earns the more of them, the fewer there are. Only what a bonded
account does counts; one that takes its bond back keeps its record for the day when it bonds again.
"""

import dataclasses
import enum

from chain.devnet.context import BlockContext, FundsUnavailable
from chain.devnet.frame import AccountId
from chain.devnet.pallet import Event, Pallet
from chain.devnet.pallets import balances, system
from chain.devnet.typeinfo import U8, U32, U64, U128, composite

PALLET = Pallet("Reputation", 15, "pallet_reputation")

MIN_STAKE_PLANCK = 100 * 10**12
GAIN_MAX = 10
POINTS_PER_GAIN_LOST = 100
FAILURE_POINTS = 20
FAILURE_SLASH_PERCENT = 1


class Offense(enum.IntEnum):
    """What costs a bond most, by the codes of `slash_severe`."""

    FRAUDULENT_RESULT = 0
    DOUBLE_TASK_ACCEPTANCE = 1
    REPEATED_FAILURES = 2
    PROTOCOL_VIOLATION = 3


SEVERE_SLASH_PERCENT = {
    Offense.FRAUDULENT_RESULT: 50,
    Offense.DOUBLE_TASK_ACCEPTANCE: 30,
    Offense.REPEATED_FAILURES: 25,
    Offense.PROTOCOL_VIOLATION: 20,
}


@composite("pallet_reputation::types::ReputationStake")
@dataclasses.dataclass(slots=True)
class Stake:
    """The bond and the record of an account. `staked` and `slashed` are planck, `slashed` in all so far.

    `active_since` is the block in which the present bond began, or the last one if there is none.
    """

    staked: U128 = 0
    reputation: U32 = 0
    tasks_completed: U32 = 0
    tasks_failed: U32 = 0
    slashed: U128 = 0
    active_since: U32 = 0


STAKES = PALLET.map("Stakes", (AccountId,), Stake, "Bonds and records by account.")

PALLET.constant("MinStake", U128, lambda _: MIN_STAKE_PLANCK, "The smallest bond, in planck.")

NotArbiter = PALLET.error("NotArbiter", "Only the arbiter may do this.")
NoStake = PALLET.error("NoStake", "The account has no bond.")
StakeTooLow = PALLET.error("StakeTooLow", "The bond would be smaller than the least there may be.")
InsufficientStake = PALLET.error("InsufficientStake", "The bond is smaller than that.")
UnknownOffense = PALLET.error("UnknownOffense", "There is no offense of this code.")
AmountZero = PALLET.error("AmountZero", "The amount is zero.")


class ReputationBonded(Event, of=PALLET, unnamed=True):
    """An account (1st) added so much (2nd) to its bond."""

    account: AccountId
    amount: U128


class ReputationUnbonded(Event, of=PALLET, unnamed=True):
    """An account (1st) took back so much (2nd) of its bond."""

    account: AccountId
    amount: U128


class TaskOutcomeReported(Event, of=PALLET, unnamed=True):
    """An account (1st) had success or not (3rd) with a task (2nd)."""

    account: AccountId
    task_id: U64
    success: bool


class ReputationIncreased(Event, of=PALLET, unnamed=True):
    """The reputation of an account (1st) went from one value (2nd) to another (3rd)."""

    account: AccountId
    old: U32
    new: U32


class ReputationDecreased(Event, of=PALLET, unnamed=True):
    """The reputation of an account (1st) went from one value (2nd) to another (3rd).

    So much (4th) of its bond went to the treasury.
    """

    account: AccountId
    old: U32
    new: U32
    slashed: U128


class SevereSlash(Event, of=PALLET, unnamed=True):
    """An offense cost an account (1st) so many percent (2nd) of its bond and of its reputation."""

    account: AccountId
    percent: U8


@PALLET.call
def bond_reputation(block: BlockContext, signer: AccountId, value: U128) -> None:
    """Set money aside as a bond, or add to it."""
    if value == 0:
        raise AmountZero
    stake = STAKES.get(block, signer) or Stake()
    if stake.staked + value < MIN_STAKE_PLANCK:
        raise StakeTooLow
    if value > balances.spendable(system.account_at(block, signer)):
        raise FundsUnavailable
    if not stake.staked:
        stake.active_since = block.number
    stake.staked += value
    STAKES.put(block, stake, signer)
    balances.reserve(block, signer, value)
    block.deposit(ReputationBonded(account=signer, amount=value))


@PALLET.call
def unbond_reputation(block: BlockContext, signer: AccountId, value: U128) -> None:
    """Take a bond back, all of it or so much that it is still large enough."""
    if value == 0:
        raise AmountZero
    stake = _stake_of(block, signer)
    if value > stake.staked:
        raise InsufficientStake
    stake.staked -= value
    if 0 < stake.staked < MIN_STAKE_PLANCK:
        raise StakeTooLow
    STAKES.put(block, stake, signer)
    balances.unreserve(block, signer, value)
    block.deposit(ReputationUnbonded(account=signer, amount=value))


@PALLET.call
def report_outcome(
    block: BlockContext, signer: AccountId, agent: AccountId, task_id: U64, success: bool
) -> None:
    """Count a task for or against an account, as the arbiter."""
    _check_arbiter(block, signer)
    _count(block, agent, _stake_of(block, agent), task_id, success=success)


@PALLET.call
def slash_severe(block: BlockContext, signer: AccountId, agent: AccountId, offense_code: U8) -> None:
    """Punish an offense, as the arbiter: 0 fraudulent result 50 %, 1 double task acceptance 30 %,
    2 repeated failures 25 %, 3 protocol violation 20 %."""
    _check_arbiter(block, signer)
    try:
        percent = SEVERE_SLASH_PERCENT[Offense(offense_code)]
    except ValueError:
        raise UnknownOffense from None
    stake = _stake_of(block, agent)
    _lower(block, agent, stake, points=stake.reputation * percent // 100, slash_percent=percent)
    block.deposit(SevereSlash(account=agent, percent=percent))


def count_outcome(block: BlockContext, account: bytes, task_id: int, *, success: bool) -> None:
    """Count a task for or against an account; without a bond it counts nothing."""
    stake: Stake | None = STAKES.get(block, account)
    if stake is not None and stake.staked:
        _count(block, account, stake, task_id, success=success)


def reputation_of(block: BlockContext, account: bytes) -> int:
    """Return the reputation that speaks for an account: none without a bond."""
    stake: Stake | None = STAKES.get(block, account)
    return stake.reputation if stake is not None and stake.staked else 0


def _count(block: BlockContext, account: bytes, stake: Stake, task_id: int, *, success: bool) -> None:
    block.deposit(TaskOutcomeReported(account=account, task_id=task_id, success=success))
    if not success:
        stake.tasks_failed += 1
        _lower(block, account, stake, points=FAILURE_POINTS, slash_percent=FAILURE_SLASH_PERCENT)
        return
    old = stake.reputation
    stake.reputation += max(0, GAIN_MAX - old // POINTS_PER_GAIN_LOST)
    stake.tasks_completed += 1
    STAKES.put(block, stake, account)
    if stake.reputation > old:
        block.deposit(ReputationIncreased(account=account, old=old, new=stake.reputation))


def _lower(block: BlockContext, account: bytes, stake: Stake, *, points: int, slash_percent: int) -> None:
    """Take points, and a part of the bond, which goes to the treasury."""
    old, slashed = stake.reputation, stake.staked * slash_percent // 100
    stake.reputation = max(0, old - points)
    stake.staked -= slashed
    stake.slashed += slashed
    STAKES.put(block, stake, account)
    if slashed:
        balances.unreserve(block, account, slashed)
        balances.transfer(block, account, balances.TREASURY, slashed, keep_alive=True)
    block.deposit(ReputationDecreased(account=account, old=old, new=stake.reputation, slashed=slashed))


def _check_arbiter(block: BlockContext, signer: bytes) -> None:
    if signer != block.parameters.arbiter:
        raise NotArbiter


def _stake_of(block: BlockContext, account: bytes) -> Stake:
    stake: Stake | None = STAKES.get(block, account)
    if stake is None or not stake.staked:
        raise NoStake
    return stake
