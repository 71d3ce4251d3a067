"""The state of the service as gauges, from the memory of the observer: a scrape queries nothing."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from server.observer import Observer, lag_blocks, seconds_since
from storage.dashboard import Counts
from storage.lifecycle import ExtrinsicStatus
from storage.status_counts import MACHINES

if TYPE_CHECKING:
    from chain.bridge import BridgeStatus


def state(observer: Observer) -> Iterator[Metric]:
    """All gauges. Those that come from the database have no sample while it is away."""
    counts, chain = observer.counts, observer.chain_seen
    yield from _entities(counts)
    yield from _outbox(counts)
    yield from _chain(chain, observer)
    yield from _reflected(counts, chain)


def gauge(name: str, text: str, value: float | None) -> GaugeMetricFamily:
    """A gauge without labels; without a sample if the value is not known."""
    family = GaugeMetricFamily(f"chamberlain_{name}", text)
    if value is not None:
        family.add_metric((), value)
    return family


def _entities(counts: Counts | None) -> Iterator[Metric]:
    family = GaugeMetricFamily("chamberlain_entities", "Entities by state.", labels=("entity", "status"))
    if counts is not None:
        for entity, (_, statuses) in MACHINES.items():
            if entity != "extrinsic":  # these have a gauge of their own
                found = counts.of(entity)
                for status in statuses:
                    family.add_metric((entity, status.value), found.get(status, 0))
    yield family


def _outbox(counts: Counts | None) -> Iterator[Metric]:
    family = GaugeMetricFamily("chamberlain_outbox_extrinsics", "Extrinsics by state.", labels=("status",))
    oldest = None
    if counts is not None:
        for status in ExtrinsicStatus:
            family.add_metric((status.value,), counts.of("extrinsic").get(status, 0))
        oldest = 0.0 if counts.oldest_queued_us is None else seconds_since(counts.oldest_queued_us)
    yield family
    yield gauge(
        "outbox_oldest_queued_seconds", "How long the oldest queued extrinsic has been waiting.", oldest
    )
    pauses = None if counts is None else len(counts.pauses)
    yield gauge("outbox_pauses", "Pauses of submission in effect.", pauses)


def _chain(chain: "BridgeStatus | None", observer: Observer) -> Iterator[Metric]:
    def known(tell: "Callable[[BridgeStatus], float | None]") -> float | None:
        return None if chain is None else tell(chain)

    catch_up = observer.catch_up
    yield gauge("chain_connected", "Whether a node is connected.", known(lambda it: it.connected))
    yield gauge("chain_reader", "Whether this process reads the chain.", known(lambda it: it.is_reader))
    yield gauge(
        "chain_finalized_block",
        "The number of the last block that the node reports as final.",
        known(lambda it: it.finalized_number),
    )
    yield gauge(
        "chain_pruned",
        "Whether the node no longer has the blocks that the database needs next.",
        known(lambda it: it.pruned_below is not None),
    )
    yield gauge("chain_catching_up", "Whether a catch-up is under way.", known(lambda _: catch_up.under_way))
    yield gauge(
        "chain_blocks_per_second",
        "Blocks reflected per second, over the last half minute.",
        known(lambda _: catch_up.blocks_per_second),
    )
    connections = CounterMetricFamily("chamberlain_chain_connections", "Connections made to nodes.")
    balance = GaugeMetricFamily(
        "chamberlain_signer_free_balance",
        "The balance that a signer can spend, in the smallest unit of the chain.",
        labels=("account",),
    )
    nonce = GaugeMetricFamily("chamberlain_signer_next_nonce", "Its next nonce.", labels=("account",))
    low = GaugeMetricFamily(
        "chamberlain_signer_low", "Whether the balance of a signer is low.", labels=("account",)
    )
    if chain is not None:
        connections.add_metric((), chain.connections)
        for signer in chain.signers:
            balance.add_metric((signer.account_address,), signer.free_balance)
            nonce.add_metric((signer.account_address,), signer.next_nonce)
            low.add_metric((signer.account_address,), signer.low)
    yield from (connections, balance, nonce, low)


def _reflected(counts: Counts | None, chain: "BridgeStatus | None") -> Iterator[Metric]:
    def known(tell: "Callable[[Counts, BridgeStatus], float | None]") -> float | None:
        return None if counts is None or chain is None else tell(counts, chain)

    yield gauge(
        "chain_cursor_block", "The last block that is reflected.", known(lambda it, _: it.cursor_number)
    )
    yield gauge("chain_lag_blocks", "Final blocks that are not reflected yet.", known(lag_blocks))
    yield gauge(
        "chain_lag_seconds",
        "The age of the newest reflected block.",
        known(lambda it, _: None if it.cursor_time_us is None else seconds_since(it.cursor_time_us)),
    )
    yield gauge(
        "chain_undecodable_blocks",
        "Blocks whose events are kept raw, since they could not be decoded.",
        known(lambda it, _: it.undecodable_blocks),
    )
    yield gauge(
        "chain_anomalies",
        "Events of the chain that did not fit the stored state.",
        known(lambda it, _: it.anomalies),
    )
