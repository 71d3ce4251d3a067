"""Balances: accounts pay each other, and set money aside."""

from chain.devnet.context import BelowMinimum, BlockContext, CannotLookup, FundsUnavailable, NotExpendable
from chain.devnet.frame import AccountId, AccountInfo, MultiAddress
from chain.devnet.pallet import Event, Pallet
from chain.devnet.pallets import system
from chain.devnet.typeinfo import U128, CompactU128

PALLET = Pallet("Balances", 2, "pallet_balances")

EXISTENTIAL_DEPOSIT = 500
"""An account with less free balance, in planck, does not exist."""

TREASURY = b"modlpy/trsry".ljust(32, b"\x00")
"""The account that fees and slashes go to, derived from the pallet id `py/trsry` as everywhere."""

TOTAL_ISSUANCE = PALLET.value("TotalIssuance", U128, "All money there is, in planck.", default=0)

PALLET.constant(
    "ExistentialDeposit", U128, lambda _: EXISTENTIAL_DEPOSIT, "The least that an account may hold."
)


class Endowed(Event, of=PALLET):
    """An account was opened with some balance."""

    account: AccountId
    free_balance: U128


class DustLost(Event, of=PALLET):
    """An account fell below the existential deposit; what it had left is gone."""

    account: AccountId
    amount: U128


class Transfer(Event, of=PALLET):
    """Money changed hands."""

    from_: AccountId
    to: AccountId
    amount: U128


class Reserved(Event, of=PALLET):
    """Money was set aside."""

    who: AccountId
    amount: U128


class Unreserved(Event, of=PALLET):
    """Money that was set aside is free again."""

    who: AccountId
    amount: U128


@PALLET.call
def transfer_allow_death(
    block: BlockContext, signer: AccountId, dest: MultiAddress, value: CompactU128
) -> None:
    """Pay an account, even if the payer ceases to exist."""
    transfer(block, signer, lookup(dest), value, keep_alive=False)


@PALLET.call
def transfer_keep_alive(
    block: BlockContext, signer: AccountId, dest: MultiAddress, value: CompactU128
) -> None:
    """Pay an account, unless the payer ceased to exist."""
    transfer(block, signer, lookup(dest), value, keep_alive=True)


@PALLET.call
def transfer_all(block: BlockContext, signer: AccountId, dest: MultiAddress, keep_alive: bool) -> None:
    """Pay an account all that can be paid: what keeps the payer alive stays if told so or if it must live."""
    source = system.account_at(block, signer)
    stays = keep_alive or source.data.reserved > 0
    amount = spendable(source) if stays else source.data.free
    transfer(block, signer, lookup(dest), amount, keep_alive=stays)


def lookup(address: object) -> bytes:
    """Return the account of an address, or raise CannotLookup."""
    match address:
        case {"Id": bytes(account)}:
            return account
    raise CannotLookup


def transfer(block: BlockContext, payer: bytes, payee: bytes, amount: int, *, keep_alive: bool) -> None:
    """Move free balance.

    Raises:
        FundsUnavailable: the payer has less, or would have to die while money of it is set aside.
        NotExpendable: the payer is to be kept alive and would not be.
        BelowMinimum: the payee does not exist and would not by this amount.
    """
    source, destination = system.account_at(block, payer), system.account_at(block, payee)
    remaining = source.data.free - amount
    dies = remaining < EXISTENTIAL_DEPOSIT
    if remaining < 0 or (dies and source.data.reserved):
        raise FundsUnavailable
    if dies and keep_alive:
        raise NotExpendable
    if not system.exists(destination) and amount < EXISTENTIAL_DEPOSIT:
        raise BelowMinimum
    if payer == payee:
        return
    source.data.free = remaining
    if dies:
        _kill(block, payer, source)
    else:
        system.ACCOUNTS.put(block, source, payer)
    _deposit(block, payee, destination, amount)
    block.deposit(Transfer(from_=payer, to=payee, amount=amount))


def spendable(account: AccountInfo) -> int:
    """Return how much free balance can leave the account, which still exists then."""
    return max(0, account.data.free - EXISTENTIAL_DEPOSIT)


def pay_treasury(block: BlockContext, account: bytes, amount: int) -> None:
    """Move free balance to the treasury without an event; the caller has checked that it is `spendable`."""
    payer, treasury = system.account_at(block, account), system.account_at(block, TREASURY)
    payer.data.free -= amount
    treasury.data.free += amount
    system.ACCOUNTS.put(block, payer, account)
    system.ACCOUNTS.put(block, treasury, TREASURY)


def reserve(block: BlockContext, account: bytes, amount: int) -> None:
    """Set money aside; the caller has checked that it is `spendable`."""
    entry = system.account_at(block, account)
    entry.data.free -= amount
    entry.data.reserved += amount
    entry.consumers = 1
    system.ACCOUNTS.put(block, entry, account)
    block.deposit(Reserved(who=account, amount=amount))


def unreserve(block: BlockContext, account: bytes, amount: int) -> None:
    """Free money that `reserve` has set aside."""
    if not amount:
        return
    entry = system.account_at(block, account)
    entry.data.free += amount
    entry.data.reserved -= amount
    entry.consumers = 1 if entry.data.reserved else 0
    system.ACCOUNTS.put(block, entry, account)
    block.deposit(Unreserved(who=account, amount=amount))


def endow(block: BlockContext, account: bytes, amount: int) -> None:
    """Create money for an account, at genesis."""
    entry = AccountInfo(providers=1)
    entry.data.free = amount
    system.ACCOUNTS.put(block, entry, account)
    TOTAL_ISSUANCE.put(block, TOTAL_ISSUANCE.get(block) + amount)


def _deposit(block: BlockContext, account: bytes, entry: AccountInfo, amount: int) -> None:
    opened = not system.exists(entry)
    entry.providers = 1
    entry.data.free += amount
    system.ACCOUNTS.put(block, entry, account)
    if opened:
        block.deposit(system.NewAccount(account=account))
        block.deposit(Endowed(account=account, free_balance=amount))


def _kill(block: BlockContext, account: bytes, entry: AccountInfo) -> None:
    """Remove an account, its nonce included, and burn what it has left."""
    dust = entry.data.free
    system.ACCOUNTS.remove(block, account)
    block.deposit(system.KilledAccount(account=account))
    if dust:
        TOTAL_ISSUANCE.put(block, TOTAL_ISSUANCE.get(block) - dust)
        block.deposit(DustLost(account=account, amount=dust))
