"""What the metrics make of the events of a commit."""

import itertools
from collections.abc import Iterator

from server.metrics.commits import SIGNED_MAX, CommitMeter
from storage.lifecycle import ExtrinsicStatus
from storage.records import EventBody
from storage.transaction import NewEvent

QUEUED, SIGNED, DEAD = ExtrinsicStatus.QUEUED, ExtrinsicStatus.SIGNED, ExtrinsicStatus.DEAD
SUBMITTED, IN_BLOCK, FINALIZED = (
    ExtrinsicStatus.SUBMITTED,
    ExtrinsicStatus.IN_BLOCK,
    ExtrinsicStatus.FINALIZED,
)


def life(*statuses: str, entity_id: str = "x", seconds: float = 0.0) -> Iterator[NewEvent]:
    """The events of an extrinsic that goes through these states, the first of which it was in."""
    for before, status in itertools.pairwise(statuses):
        yield NewEvent(
            event_time_us=int(seconds * 1_000_000),
            entity="extrinsic",
            entity_id=entity_id,
            created=not before,
            revision=1,
            body=EventBody(status=status),
            status_before=before,
        )


def counted(meter: CommitMeter) -> dict[str, float]:
    """All samples without labels."""
    return {
        sample.name.removeprefix("chamberlain_outbox_"): sample.value
        for metric in meter.collect()
        for sample in metric.samples
        if not sample.labels and sample.name.startswith("chamberlain_outbox_")
    }


def test_an_extrinsic_is_timed_from_its_newest_signature_to_its_end() -> None:
    meter = CommitMeter()
    meter.committed(1, 0.001, [*life("", QUEUED, SIGNED, seconds=1.0)])
    meter.committed(1, 0.001, [*life(SIGNED, SUBMITTED, IN_BLOCK, SUBMITTED, QUEUED, seconds=100.0)])
    meter.committed(1, 0.001, [*life(QUEUED, SIGNED, SUBMITTED, seconds=110.0)])
    meter.committed(1, 0.001, [*life(SUBMITTED, FINALIZED, seconds=122.5)])
    found = counted(meter)
    assert (found["finality_seconds_count"], found["finality_seconds_sum"]) == (1, 12.5)
    assert (found["submitted_total"], found["retried_total"], found["finalized_total"]) == (2, 1, 1)


def test_what_is_queued_again_only_to_be_given_up_is_not_retried() -> None:
    meter = CommitMeter()
    meter.committed(1, 0.001, [*life(SUBMITTED, QUEUED, DEAD)])
    found = counted(meter)
    assert (found["retried_total"], found["dead_total"]) == (0, 1)


def test_what_is_under_way_is_remembered_up_to_a_limit() -> None:
    meter = CommitMeter()
    ids = [str(number) for number in range(SIGNED_MAX + 1)]
    for entity_id in ids:
        meter.committed(1, 0.001, [*life(QUEUED, SIGNED, entity_id=entity_id)])
    for entity_id in ids:
        meter.committed(1, 0.001, [*life(SUBMITTED, FINALIZED, entity_id=entity_id)])
    found = counted(meter)
    assert (found["finalized_total"], found["finality_seconds_count"]) == (SIGNED_MAX + 1, SIGNED_MAX)
