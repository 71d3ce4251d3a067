"""The torture of the bridge at a modest size; `make torture` is the large one. See docs/torture.md."""

import asyncio
from pathlib import Path

from tests.support.postgres import PostgresServer
from tests.torture.plan import RESTARTS
from tests.torture.run import Broken, Torture
from tests.torture.served import SABOTAGES

INTENTS = 60
SETTLE_SECONDS_OF_SABOTAGE = 10.0
"""Long enough: some of what is wrong by then never comes right."""


async def test_whatever_goes_wrong_every_intent_is_executed_once_and_every_block_is_read(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    postgres_server.create_database("torture")
    urls = (f"sqlite:///{tmp_path}/market.db", postgres_server.url("torture"))
    runs = [
        Torture(seed, INTENTS, url, _folder(tmp_path, f"seed {seed}")) for seed, url in enumerate(urls, 1)
    ]
    outcomes = await asyncio.gather(*(run.run() for run in runs), return_exceptions=True)
    broken = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert not broken, "\n".join(map(str, broken))
    postgres_server.drop_database("torture")


async def test_it_is_noticed_when_a_safeguard_is_taken_out(tmp_path: Path) -> None:
    async def take_out(sabotage: str) -> str:
        folder = _folder(tmp_path, sabotage)
        torture = Torture(1, INTENTS, f"sqlite:///{folder}/market.db", folder, sabotage=sabotage)
        if sabotage != "write-ahead":  # the others are noticed without a crash
            torture.steps = [step for step in torture.steps if step.act not in RESTARTS]
        try:
            return await torture.run(SETTLE_SECONDS_OF_SABOTAGE)
        except Broken as broken:
            return str(broken)

    said = dict(zip(SABOTAGES, await asyncio.gather(*map(take_out, SABOTAGES)), strict=True))
    assert "is on the chain twice" in said["write-ahead"], said["write-ahead"]
    assert "is on the chain twice" in said["era"], said["era"]
    assert "is on the chain never" in said["scan"], said["scan"]
    assert "is not stored" in said["walk"], said["walk"]


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder
