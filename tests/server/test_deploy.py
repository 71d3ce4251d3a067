"""What deploy/ asks Prometheus for is what a server tells it."""

import json
import re
from pathlib import Path

import pytest

from tests.server.chain_world import a_world
from tests.server.scrape import get

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS = DEPLOY / "alerts.yml"
DASHBOARD = DEPLOY / "grafana-dashboard.json"
METRIC = re.compile(r"\bchamberlain_[a-z0-9_]+")
SUFFIXES = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}


@pytest.fixture
async def served() -> set[str]:
    """The names of all series that a server with a chain may have."""
    async with a_world(metrics_bind="127.0.0.1:0") as world:
        text = (await get(world.app, "/metrics")).text
    kinds = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE)
    return {f"{name}{suffix}" for name, kind in kinds for suffix in SUFFIXES[kind]}


@pytest.mark.parametrize("path", [ALERTS, DASHBOARD], ids=lambda path: path.name)
async def test_every_metric_that_is_asked_for_exists(served: set[str], path: Path) -> None:
    asked = set(METRIC.findall(path.read_text()))
    assert len(asked) > 10
    assert asked <= served


def test_every_alert_says_when_it_fires_and_what_to_do() -> None:
    rules = ALERTS.read_text().split("      - alert: ")[1:]
    assert len({rule.splitlines()[0] for rule in rules}) == len(rules)
    for rule in rules:
        for key in ("expr: ", "severity: ", "summary: ", "description: "):
            assert rule.count(key) == 1, rule


def test_the_dashboard_has_a_query_in_every_panel() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels)
    for panel in panels:
        assert all(METRIC.search(target["expr"]) for target in panel["targets"])
