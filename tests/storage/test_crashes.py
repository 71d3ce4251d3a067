"""A process that is killed at any moment: what it acknowledged is there once, and nothing is half there."""

import random
from typing import Any

from storage.market import tasks
from tests.storage.auditing import walked
from tests.storage.items import a_task
from tests.storage.looking import Tables, a_request, dump, opened
from tests.storage.worker import Worker
from tests.support.databases import GENESIS

LIVES = 3
ACKNOWLEDGED_MAX = 200


async def test_every_acknowledged_write_is_there_once_and_nothing_is_half_there(lasting_url: str) -> None:
    chance = random.Random(7)
    acknowledged: set[str] = set()
    for life in range(LIVES):
        worker = await Worker.start()
        await worker.get_ready("create_tasks_for_ever", lasting_url, GENESIS, f"{life}")
        await worker.begin()
        for _ in range(chance.randint(1, ACKNOWLEDGED_MAX)):
            acknowledged.add(await worker.line())
        acknowledged.update(await worker.kill())

        async with opened(lasting_url, GENESIS) as storage:
            tables = await dump(storage)
            _check_whole(tables)
            created = [row[1] for row in tables["tasks"]]
            assert len(created) == len(set(created))
            assert acknowledged <= set(created)
            # Of each there is one entry in the audit log, and the chain goes on behind the crash.
            walk = await walked(storage)
            assert (walk.fault, walk.position) == (None, len(created))
            # The request ids of the acknowledged are known too: asking again creates nothing.
            for request_id in chance.sample(sorted(acknowledged), 5):
                again = a_task(client_task_id="again")
                receipt = await storage.commit(tasks.create, again, request=a_request(request_id))
                assert receipt.record.client_task_id == request_id
            assert len((await dump(storage))["tasks"]) == len(created)


def _check_whole(tables: Tables) -> None:
    """Each task has its input, its extrinsic, its answer and the two events; and none of these is alone."""
    task_ids = {row[0] for row in tables["tasks"]}
    assert {row[0] for row in tables["task_inputs"]} == task_ids
    assert sorted(row[2] for row in tables["extrinsics"]) == sorted(task_ids)
    assert len(tables["requests"]) == len(task_ids)
    log = tables["events"]
    assert [row[0] for row in log] == list(range(1, 2 * len(task_ids) + 1))
    assert _ids(log, "task") == task_ids
    assert _ids(log, "extrinsic") == {row[0] for row in tables["extrinsics"]}
    (state,) = tables["database_state"]
    assert state[2] == len(log)


def _ids(log: list[tuple[Any, ...]], entity: str) -> set[str]:
    return {row[3] for row in log if row[2] == entity}
