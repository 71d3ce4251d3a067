"""What Prometheus sees."""

import asyncio
import urllib.request
from typing import NamedTuple
from urllib.error import HTTPError

from prometheus_client.parser import text_string_to_metric_families

from server.app import App


class Answer(NamedTuple):
    status: int
    text: str


class Samples(dict[tuple[str, frozenset[tuple[str, str]]], float]):
    """Samples by name and labels."""

    def of(self, name: str, **labels: str) -> float:
        return self[name, frozenset(labels.items())]

    def labels(self, name: str, label: str) -> set[str]:
        """The values of a label of a metric."""
        return {dict(labels)[label] for found, labels in self if found == name}


async def get(app: App, path: str) -> Answer:
    def fetch() -> Answer:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{app.metrics_port}{path}", timeout=10) as response:
                return Answer(response.status, response.read().decode())
        except HTTPError as error:
            with error:
                return Answer(error.code, error.read().decode())

    return await asyncio.to_thread(fetch)


async def scrape(app: App) -> Samples:
    answer = await get(app, "/metrics")
    assert answer.status == 200
    return Samples(
        ((sample.name, frozenset(sample.labels.items())), sample.value)
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    )
