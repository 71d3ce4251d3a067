"""Processes that answer questions: a server under measurement, callers, a chain.

Each has an event loop of its own (uvloop, as the server has) and a pipe to the driver. It says first what
the driver must know of it, then answers until the pipe closes; so it ends when the driver does, however that
ends.
"""

import asyncio
import multiprocessing
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine
from multiprocessing.connection import Connection
from typing import Any, Self

import uvloop

END_SECONDS_MAX = 20.0
"""How long a process may take to end; then it is killed."""

_spawn = multiprocessing.get_context("spawn")


class ProcessFailed(Exception):
    """A process ended, or failed to answer; the text is its traceback."""


class _Traceback(str):
    """What a failing process answers."""


class Line:
    """The end of the pipe that the process holds."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def answer(self, answer: object) -> None:
        self._pipe.send(answer)

    async def questions(self) -> AsyncIterator[Any]:
        """What the driver asks, until it closes the pipe."""
        while True:
            try:
                question = await asyncio.to_thread(self._pipe.recv)
            except EOFError:
                return
            yield question


class Process:
    """Runs `main(line, *arguments)`; `greeting` is its first answer."""

    def __init__(self, main: Callable[..., Coroutine[Any, Any, None]], *arguments: object) -> None:
        """Raises `ProcessFailed`."""
        self._pipe, theirs = _spawn.Pipe()
        self._process = _spawn.Process(target=_run, args=(main, theirs, arguments), daemon=True)
        self._process.start()
        theirs.close()
        try:
            self.greeting = self.answer()
        except BaseException:
            self.close()
            raise

    @property
    def process_id(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def ask(self, question: object) -> Any:
        """Ask, and wait for the answer. Raises `ProcessFailed`."""
        self.tell(question)
        return self.answer()

    def tell(self, question: object) -> None:
        """Ask, and fetch the answer later. Raises `ProcessFailed`."""
        try:
            self._pipe.send(question)
        except OSError:
            raise ProcessFailed(f"{self._process.name} has ended") from None

    def answer(self) -> Any:
        """The next answer. Raises `ProcessFailed`."""
        try:
            answer = self._pipe.recv()
        except EOFError:
            raise ProcessFailed(f"{self._process.name} has ended") from None
        if isinstance(answer, _Traceback):
            raise ProcessFailed(answer)
        return answer

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(END_SECONDS_MAX)
        self._process.kill()
        self._process.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _run(
    main: Callable[..., Coroutine[Any, Any, None]], pipe: Connection, arguments: tuple[object, ...]
) -> None:
    try:
        uvloop.run(main(Line(pipe), *arguments))
    except KeyboardInterrupt:
        pass  # the driver has it too, and ends
    except Exception:
        pipe.send(_Traceback(traceback.format_exc()))
