"""The calls of OrchestratorService that look at the whole: counts, and how far the chain is followed."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from chamberlain.v1 import orchestrator_service_pb2 as pb

from server.convert_records import hexadecimal, timestamp
from server.enums import (
    AGENT_STATUS,
    BID_STATUS,
    ESCROW_STATUS,
    EXTRINSIC_STATUS,
    RESULT_STATUS,
    TASK_STATUS,
)
from server.interceptor import Context
from server.services.calls import Calls
from storage import dashboard
from storage.dashboard import Counts
from storage.store import LOCAL

if TYPE_CHECKING:
    from chain.bridge import BridgeStatus


class OverviewCalls(Calls):
    _chain_status: "Callable[[], BridgeStatus] | None"

    async def GetDashboard(
        self, request: pb.GetDashboardRequest, context: Context
    ) -> pb.GetDashboardResponse:
        counts = await self._storage.read(dashboard.counts, None)
        return pb.GetDashboardResponse(
            agents=[
                pb.AgentStatusCount(status=AGENT_STATUS.to_wire[status], count=count)
                for status, count in counts.agents.items()
            ],
            tasks=[
                pb.TaskStatusCount(status=TASK_STATUS.to_wire[status], count=count)
                for status, count in counts.tasks.items()
            ],
            escrows=[
                pb.EscrowStatusCount(status=ESCROW_STATUS.to_wire[status], count=count)
                for status, count in counts.escrows.items()
            ],
            bids=[
                pb.BidStatusCount(status=BID_STATUS.to_wire[status], count=count)
                for status, count in counts.bids.items()
            ],
            results=[
                pb.ResultStatusCount(status=RESULT_STATUS.to_wire[status], count=count)
                for status, count in counts.results.items()
            ],
            extrinsics=_extrinsic_counts(counts.extrinsics),
        )

    async def GetSyncStatus(
        self, request: pb.GetSyncStatusRequest, context: Context
    ) -> pb.GetSyncStatusResponse:
        counts = await self._storage.read(dashboard.counts, None)
        if self._storage.binding == LOCAL or self._chain_status is None:
            return pb.GetSyncStatusResponse(mode=pb.GetSyncStatusResponse.MODE_LOCAL)
        return _sync_status(self._storage.binding, counts, self._chain_status())


def _sync_status(genesis_hash: str, counts: Counts, chain: "BridgeStatus") -> pb.GetSyncStatusResponse:
    status = pb.GetSyncStatusResponse(
        mode=pb.GetSyncStatusResponse.MODE_CHAIN,
        genesis_hash=f"0x{genesis_hash}",
        connected=chain.connected,
        endpoint=chain.endpoint,
        cursor=_block(counts.cursor_number, counts.cursor_hash),
        finalized_head=_block(chain.finalized_number, chain.finalized_hash),
        extrinsics=_extrinsic_counts(counts.extrinsics),
        last_error=chain.last_error,
        undecodable_blocks=counts.undecodable_blocks,
        missing_in_runtime=chain.missing_in_runtime,
    )
    if chain.finalized_number is not None:
        status.lag_blocks = max(0, chain.finalized_number - (counts.cursor_number or 0))
    if counts.oldest_queued_us is not None:
        status.oldest_queued_time.CopyFrom(timestamp(counts.oldest_queued_us))
    return status


def _block(number: int | None, block_hash: bytes) -> pb.BlockReference | None:
    return None if number is None else pb.BlockReference(number=number, hash=hexadecimal(block_hash))


def _extrinsic_counts(counts: Mapping[str, int]) -> list[pb.ExtrinsicStatusCount]:
    return [
        pb.ExtrinsicStatusCount(status=EXTRINSIC_STATUS.to_wire[status], count=count)
        for status, count in counts.items()
    ]
