"""All metrics of one server, as one collector: each is read at the scrape from where it is known."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from importlib.metadata import version

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from server.interceptor import CallInterceptor
from server.metrics.calls import CallMeter
from server.metrics.commits import CommitMeter
from server.metrics.endpoint import endpoint
from server.metrics.state import gauge, state
from server.observer import Observer
from storage.store import Storage


class Metrics(Collector):
    """`calls` and `commits` count; the rest is asked when it is collected."""

    def __init__(self, storage: Storage, observer: Observer) -> None:
        self.calls = CallMeter()
        self.commits = CommitMeter()
        self._storage = storage
        self._observer = observer
        self._interceptor: CallInterceptor

    def serve(
        self, address: str, interceptor: CallInterceptor, healthy: Callable[[], bool]
    ) -> AbstractContextManager[int]:
        """Count what is committed, and serve all of it at `host:port` meanwhile; yields the port.

        Raises `PortTaken`.
        """
        self._interceptor = interceptor
        self._storage.committer.on_commit = self.commits.committed
        registry = CollectorRegistry()
        registry.register(self)
        ProcessCollector(registry=registry)
        return endpoint(address, registry, healthy)

    def collect(self) -> Iterator[Metric]:
        yield from self.calls.collect()
        in_flight = GaugeMetricFamily(
            "chamberlain_rpc_in_flight", "Calls and streams in flight.", labels=("kind",)
        )
        in_flight.add_metric(("unary",), self._interceptor.unary_calls)
        in_flight.add_metric(("stream",), self._interceptor.streams)
        yield in_flight
        yield gauge("watchers", "Watches that the event feed serves.", self._storage.feed.watchers)
        yield from self.commits.collect()
        yield gauge("commit_queue_items", "Writes that wait.", self._storage.committer.waiting)
        yield gauge("database_up", "Whether the database can be reached.", self._observer.counts is not None)
        yield from state(self._observer)
        build = GaugeMetricFamily("chamberlain_build_info", "The running version.", labels=("version",))
        build.add_metric((version("chamberlain"),), 1)
        yield build
