"""The calls of OrchestratorService that look at the whole: counts, and how far the chain is followed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from chamberlain.v1 import orchestrator_service_pb2 as pb

from server.catch_up import CatchUp
from server.convert.outbox import pause
from server.convert.values import hexadecimal, timestamp
from server.enums import (
    AGENT_STATUS,
    BID_STATUS,
    ESCROW_STATUS,
    EXTRINSIC_STATUS,
    RESULT_STATUS,
    TASK_STATUS,
)
from server.interceptor import Context
from server.observer import Observer, lag_blocks, seconds_since
from server.services.calls import Calls
from storage import dashboard
from storage.dashboard import Counts
from storage.store import LOCAL

if TYPE_CHECKING:
    from chain.bridge import BridgeStatus
    from chain.signer_watch import SignerAccount


class OverviewCalls(Calls):
    _observer: Observer

    async def GetDashboard(
        self, request: pb.GetDashboardRequest, context: Context
    ) -> pb.GetDashboardResponse:
        counts = await self._storage.read(dashboard.counts)
        return pb.GetDashboardResponse(
            agents=[
                pb.AgentStatusCount(status=AGENT_STATUS.to_wire[status], count=count)
                for status, count in counts.of("agent").items()
            ],
            tasks=[
                pb.TaskStatusCount(status=TASK_STATUS.to_wire[status], count=count)
                for status, count in counts.of("task").items()
            ],
            escrows=[
                pb.EscrowStatusCount(status=ESCROW_STATUS.to_wire[status], count=count)
                for status, count in counts.of("escrow").items()
            ],
            bids=[
                pb.BidStatusCount(status=BID_STATUS.to_wire[status], count=count)
                for status, count in counts.of("bid").items()
            ],
            results=[
                pb.ResultStatusCount(status=RESULT_STATUS.to_wire[status], count=count)
                for status, count in counts.of("result").items()
            ],
            extrinsics=_extrinsic_counts(counts.of("extrinsic")),
        )

    async def GetSyncStatus(
        self, request: pb.GetSyncStatusRequest, context: Context
    ) -> pb.GetSyncStatusResponse:
        counts = await self._storage.read(dashboard.counts)
        chain = self._observer.chain  # not before, for then it could be behind the cursor
        if self._storage.binding == LOCAL or chain is None:
            return pb.GetSyncStatusResponse(mode=pb.GetSyncStatusResponse.MODE_LOCAL)
        return _sync_status(self._storage.binding, counts, chain, self._observer.catch_up)


def _sync_status(
    genesis_hash: str, counts: Counts, chain: "BridgeStatus", catch_up: CatchUp
) -> pb.GetSyncStatusResponse:
    status = pb.GetSyncStatusResponse(
        mode=pb.GetSyncStatusResponse.MODE_CHAIN,
        genesis_hash=f"0x{genesis_hash}",
        connected=chain.connected,
        endpoint=chain.endpoint,
        cursor=_block(counts.cursor_number, counts.cursor_hash),
        finalized_head=_block(chain.finalized_number, chain.finalized_hash),
        lag_blocks=lag_blocks(counts, chain),
        extrinsics=_extrinsic_counts(counts.of("extrinsic")),
        last_error=chain.last_error,
        undecodable_blocks=counts.undecodable_blocks,
        missing_in_runtime=chain.missing_in_runtime,
        blocks_per_second=catch_up.blocks_per_second,
        catching_up=catch_up.under_way,
        reader=chain.is_reader,
        pruned_below=chain.pruned_below,
        signers=[_signer(account) for account in chain.signers],
        pauses=[pause(record) for record in counts.pauses],
        anomalies=counts.anomalies,
    )
    if counts.oldest_queued_us is not None:
        status.oldest_queued_time.CopyFrom(timestamp(counts.oldest_queued_us))
    if counts.cursor_time_us is not None:
        status.lag.FromMicroseconds(int(seconds_since(counts.cursor_time_us) * 1_000_000))
    if catch_up.seconds_left is not None:
        status.catch_up_duration.FromMicroseconds(int(catch_up.seconds_left * 1_000_000))
    return status


def _signer(account: "SignerAccount") -> pb.SignerAccount:
    return pb.SignerAccount(
        account_address=account.account_address,
        free_balance=str(account.free_balance),
        next_nonce=account.next_nonce,
        observe_time=timestamp(account.observe_time_us),
        low=account.low,
    )


def _block(number: int | None, block_hash: bytes) -> pb.BlockReference | None:
    return None if number is None else pb.BlockReference(number=number, hash=hexadecimal(block_hash))


def _extrinsic_counts(counts: Mapping[str, int]) -> list[pb.ExtrinsicStatusCount]:
    return [
        pb.ExtrinsicStatusCount(status=EXTRINSIC_STATUS.to_wire[status], count=count)
        for status, count in counts.items()
    ]
