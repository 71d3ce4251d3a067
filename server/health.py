"""`grpc.health.v1`: the server as a whole (the empty name) and each service, all in the same state."""

from collections.abc import Sequence
from typing import Any

from grpc_health.v1.health import aio
from grpc_health.v1.health_pb2 import HealthCheckResponse

OVERALL = ""


class Health:
    """NOT_SERVING until the database has been reached, while it is away, and from the drain on."""

    def __init__(self, services: Sequence[str]) -> None:
        self.serving = False
        self._names = (OVERALL, *services)
        self.servicer: Any = aio.HealthServicer()

    async def set(self, *, serving: bool) -> None:
        """Set the status for all checks and watches. Has no effect after `leave`."""
        self.serving = serving
        status = HealthCheckResponse.SERVING if serving else HealthCheckResponse.NOT_SERVING
        for name in self._names:
            await self.servicer.set(name, status)

    async def leave(self) -> None:
        """NOT_SERVING for good: the server drains."""
        self.serving = False
        await self.servicer.enter_graceful_shutdown()
