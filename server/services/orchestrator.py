"""OrchestratorService: the market. Its calls lie in a module for each kind of entity."""

from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceServicer

from server.observer import Observer
from server.services.agents import AgentCalls
from server.services.bids import BidCalls
from server.services.disputes import DisputeCalls
from server.services.overview import OverviewCalls
from server.services.results import ResultCalls
from server.services.tasks import TaskCalls
from storage.store import Storage


class OrchestratorService(
    AgentCalls,
    TaskCalls,
    BidCalls,
    ResultCalls,
    DisputeCalls,
    OverviewCalls,
    OrchestratorServiceServicer,
):
    """`bidding_window_seconds` is how long bidding stays open in local mode."""

    def __init__(self, storage: Storage, observer: Observer, *, bidding_window_seconds: int) -> None:
        super().__init__(storage)
        self._bidding_window_us = bidding_window_seconds * 1_000_000
        self._observer = observer
