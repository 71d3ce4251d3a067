"""OrchestratorService: the market. Its calls lie in a module for each kind of entity."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceServicer

from server.services.agents import AgentCalls
from server.services.bids import BidCalls
from server.services.disputes import DisputeCalls
from server.services.overview import OverviewCalls
from server.services.results import ResultCalls
from server.services.tasks import TaskCalls
from storage.store import Storage

if TYPE_CHECKING:
    from chain.bridge import BridgeStatus


class OrchestratorService(
    AgentCalls,
    TaskCalls,
    BidCalls,
    ResultCalls,
    DisputeCalls,
    OverviewCalls,
    OrchestratorServiceServicer,
):
    """`bidding_window_seconds` is how long bidding stays open in local mode; `chain_status` is None then."""

    def __init__(
        self,
        storage: Storage,
        *,
        bidding_window_seconds: int,
        chain_status: "Callable[[], BridgeStatus] | None",
    ) -> None:
        super().__init__(storage)
        self._bidding_window_us = bidding_window_seconds * 1_000_000
        self._chain_status = chain_status
