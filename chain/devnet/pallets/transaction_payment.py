"""TransactionPayment: what an extrinsic costs its signer.

The fee and the tip go to the treasury before the call is executed, and stay there if the call fails. A fee
never ends its payer's existence: who would keep less than the existential deposit cannot pay it.
"""

from chain.devnet.context import BlockContext, RuntimeParameters
from chain.devnet.frame import AccountId
from chain.devnet.pallet import Event, Pallet
from chain.devnet.pallets import balances
from chain.devnet.typeinfo import U128

PALLET = Pallet("TransactionPayment", 14, "pallet_transaction_payment")

PALLET.constant(
    "BaseFee", U128, lambda parameters: parameters.base_fee_planck, "What every extrinsic costs, in planck."
)
PALLET.constant(
    "ByteFee",
    U128,
    lambda parameters: parameters.byte_fee_planck,
    "What every byte of an extrinsic costs besides, in planck.",
)


class TransactionFeePaid(Event, of=PALLET):
    """The signer of an extrinsic has paid for it; the tip is a part of `actual_fee`."""

    who: AccountId
    actual_fee: U128
    tip: U128


def fee_of(parameters: RuntimeParameters, length: int) -> int:
    """Return what an extrinsic of so many bytes, its length prefix included, costs without a tip."""
    return parameters.base_fee_planck + length * parameters.byte_fee_planck


def charge(block: BlockContext, account: bytes, length: int, tip: int) -> TransactionFeePaid | None:
    """Take the fee and the tip, and return the event that follows those of the call; None if all is free.

    The caller has checked that the account can pay.
    """
    fee = fee_of(block.parameters, length) + tip
    if not fee:
        return None
    balances.pay_treasury(block, account, fee)
    return TransactionFeePaid(who=account, actual_fee=fee, tip=tip)
