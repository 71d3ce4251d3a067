"""The steps of a submitter, one at a time."""

import msgspec

from storage.chain import outbox, submission
from storage.chain.outbox import NewCall
from storage.chain.submission import Claim, Names, Signed, SignedBatch
from storage.records import Extrinsic
from storage.store import Storage
from tests.storage.blocks import ACCOUNT, TOKEN, Chain
from tests.storage.items import MINUTE_US
from tests.storage.looking import all_of

EVERYBODY = Names()
CALL = NewCall(pallet="System", call="remark", payload="{}", signer="ops")


async def queue_calls(storage: Storage, number: int, signer: str = CALL.signer) -> list[str]:
    """Queue raw calls; their correlation ids."""
    call = msgspec.structs.replace(CALL, signer=signer)
    receipts = await all_of(storage, outbox.enqueue_call, *([call] * number))
    return [receipt.correlation_id for receipt in receipts]


async def see(storage: Storage, correlation_id: str) -> Extrinsic:
    return await storage.fetch(outbox.get, correlation_id)


def a_claim(
    token: str = TOKEN, at_most: int = 100, lease_us: int = MINUTE_US, signers: Names = EVERYBODY
) -> Claim:
    return Claim(token=token, lease_us=lease_us, at_most=at_most, signers=signers)


async def claimed(storage: Storage, claim: Claim) -> list[str]:
    """Claim; the correlation ids."""
    return [item.extrinsic.correlation_id for item in await storage.commit(submission.claim, claim)]


def signed(chain: Chain, *correlation_ids: str, epoch: int = 0, token: str = TOKEN) -> SignedBatch:
    return SignedBatch(
        account_address=ACCOUNT,
        epoch=epoch,
        signed=tuple(
            Signed(token=token, signature=chain.signature(correlation_id))
            for correlation_id in correlation_ids
        ),
    )


async def one_signed(storage: Storage) -> tuple[str, bytes]:
    """A signed call: its correlation id and its hash."""
    (call,) = await queue_calls(storage, 1)
    (extrinsic_hash,) = await Chain(storage).sign(call)
    return call, extrinsic_hash
