"""Another process with a storage of its own, and the jobs it can do there.

It takes jobs as lines of JSON from its standard input: it opens the database, says `ready`, waits for a line,
does the job, and answers with a line of JSON.
"""

import asyncio
import itertools
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from storage.errors import StorageError
from storage.market import agents, bids, tasks
from storage.store import Storage
from tests.storage.auditing import ADA
from tests.storage.items import a_bid, a_task, an_agent
from tests.storage.looking import a_request, opened

REPOSITORY = Path(__file__).parents[2]


class Worker:
    """The side of who gives the jobs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin, self._stdout = process.stdin, process.stdout

    @classmethod
    async def start(cls) -> "Worker":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.storage.worker",
            cwd=REPOSITORY,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 24,
        )
        return cls(process)

    async def get_ready(self, job: str, url: str, binding: str, *arguments: Any) -> None:
        await self._tell(json.dumps([job, url, binding, arguments]))
        assert await self.line() == "ready"

    async def go(self) -> Any:
        """Do the job; its answer."""
        await self.begin()
        return json.loads(await self.line())

    async def begin(self) -> None:
        await self._tell("go")

    async def line(self) -> str:
        return (await self._stdout.readline()).decode().strip()

    async def kill(self) -> list[str]:
        """Kill it; the whole lines that it had still said."""
        self._process.send_signal(signal.SIGKILL)
        rest = await self._stdout.read()
        await self._process.wait()
        return [line.decode() for line in rest.split(b"\n")[:-1]]

    async def stop(self) -> None:
        self._stdin.close()
        await self._process.wait()

    async def _tell(self, line: str) -> None:
        self._stdin.write(f"{line}\n".encode())
        await self._stdin.drain()


async def _outcome(commit: Any) -> str:
    try:
        await commit
    except StorageError as error:
        return error.reason
    return ""


async def submit_bids(storage: Storage, pairs: list[tuple[str, str]]) -> list[str]:
    """Bid for agents on tasks; the reasons of the refusals, empty for what was accepted."""
    found = {task_id: (await storage.fetch(tasks.get, task_id)).task for task_id, _ in pairs}
    new = [a_bid(found[task_id], agent_id) for task_id, agent_id in pairs]
    return await asyncio.gather(*(_outcome(storage.commit(bids.submit, item, deed=ADA)) for item in new))


async def cancel_tasks(storage: Storage, task_ids: list[str]) -> list[str]:
    """Cancel tasks one after the other."""
    return [await _outcome(storage.commit(tasks.cancel, task_id, deed=ADA)) for task_id in task_ids]


async def register_agents(storage: Storage, agent_ids: list[str]) -> list[str]:
    commits = (storage.commit(agents.register, an_agent(agent_id), deed=ADA) for agent_id in agent_ids)
    return await asyncio.gather(*map(_outcome, commits))


async def create_tasks_for_ever(storage: Storage, life: str) -> None:
    """Create tasks, many at once, each with a request id that is said when the task is acknowledged."""
    numbers = itertools.count()

    async def create() -> None:
        for number in numbers:
            request_id = f"{life}-{number}"
            await storage.commit(
                tasks.create, a_task(client_task_id=request_id), request=a_request(request_id), deed=ADA
            )
            os.write(1, f"{request_id}\n".encode())

    await asyncio.gather(*(create() for _ in range(8)))


async def lock_chain(storage: Storage) -> None:
    """Take the lock of the chain, say so, and keep it until killed."""
    lock = await storage.try_lock_chain()
    print("locked" if lock else "taken", flush=True)
    if lock:
        await lock.hold()


async def prepare_only(storage: Storage) -> str:
    return storage.binding


JOBS: dict[str, Any] = {
    job.__name__: job
    for job in (submit_bids, cancel_tasks, register_agents, create_tasks_for_ever, lock_chain, prepare_only)
}


async def work() -> None:
    while line := await asyncio.to_thread(sys.stdin.readline):
        job, url, binding, arguments = json.loads(line)
        try:
            async with opened(url, binding) as storage:
                print("ready", flush=True)
                await asyncio.to_thread(sys.stdin.readline)
                print(json.dumps(await JOBS[job](storage, *arguments)), flush=True)
        except StorageError as error:
            print(error.reason, flush=True)


if __name__ == "__main__":
    asyncio.run(work())
