"""The commits: batches and their durations, and the outcomes of extrinsics."""

from collections import Counter
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from server.metrics.histogram import Histogram
from storage.lifecycle import LIVE_EXTRINSIC, ExtrinsicStatus
from storage.transaction import NewEvent

BATCH_ITEMS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
COMMIT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
FINALITY_SECONDS = (1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
SIGNED_MAX = 10_000
"""How many extrinsics under way are remembered with the time of their signature; more are not timed."""

_OUTCOMES = {
    "submitted": "Extrinsics that a node accepted.",
    "finalized": "Extrinsics that were executed in a finalized block.",
    "failed": "Extrinsics that were executed in a finalized block and failed there.",
    "dead": "Extrinsics that were given up.",
    "retried": "Extrinsics that were queued again, automatically or by an operator.",
}


class CommitMeter:
    """Counts what the committer of this process has committed; the sum over all processes is the truth."""

    def __init__(self) -> None:
        self._batches = 0
        self._items = 0
        self._batch_items = Histogram(BATCH_ITEMS)
        self._seconds = Histogram(COMMIT_SECONDS)
        self._extrinsics: Counter[str] = Counter()
        self._finality = Histogram(FINALITY_SECONDS)
        self._signed_us: dict[str, int] = {}  # by correlation id

    def committed(self, items: int, seconds: float, events: Sequence[NewEvent]) -> None:
        """Note a batch that was committed, how long that took, and its events."""
        self._batches += 1
        self._items += items
        self._batch_items.observe(items)
        self._seconds.observe(seconds)
        again: set[str] = set()
        for event in events:
            if event.entity == "extrinsic" and event.status_before != event.body.status:
                self._moved(event, again)
        self._extrinsics["retried"] += len(again)

    def _moved(self, event: NewEvent, again: set[str]) -> None:
        """Count a move; `again` are those of the batch that were queued again, and not given up after all."""
        status = event.body.status
        match status:
            case ExtrinsicStatus.SIGNED:
                if len(self._signed_us) < SIGNED_MAX:
                    self._signed_us[event.entity_id] = event.event_time_us
            case ExtrinsicStatus.SUBMITTED if event.status_before == ExtrinsicStatus.SIGNED:
                self._extrinsics["submitted"] += 1
            case ExtrinsicStatus.QUEUED if event.status_before:
                again.add(event.entity_id)
            case ExtrinsicStatus.FINALIZED | ExtrinsicStatus.FAILED | ExtrinsicStatus.DEAD:
                self._extrinsics[status] += 1
                again.discard(event.entity_id)
        if status in LIVE_EXTRINSIC:
            return
        signed_us = self._signed_us.pop(event.entity_id, None)
        if signed_us is not None and status in (ExtrinsicStatus.FINALIZED, ExtrinsicStatus.FAILED):
            self._finality.observe((event.event_time_us - signed_us) / 1_000_000)

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily("chamberlain_commit_batches", "Batches committed.", value=self._batches)
        yield CounterMetricFamily("chamberlain_commit_items", "Writes committed.", value=self._items)
        yield _histogram("chamberlain_commit_batch_items", "Writes per batch.", self._batch_items)
        yield _histogram("chamberlain_commit_duration_seconds", "How long a batch took.", self._seconds)
        for name, text in _OUTCOMES.items():
            yield CounterMetricFamily(f"chamberlain_outbox_{name}", text, value=self._extrinsics[name])
        yield _histogram(
            "chamberlain_outbox_finality_seconds",
            "From the signature of an extrinsic to its final outcome, if this process saw both.",
            self._finality,
        )


def _histogram(name: str, text: str, seen: Histogram) -> HistogramMetricFamily:
    return HistogramMetricFamily(name, text, buckets=seen.buckets(), sum_value=seen.sum)
