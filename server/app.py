"""The composition root: who is made of what, who starts whom, and how all of it ends."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import grpc
import structlog
from chamberlain.v1.approval_service_pb2_grpc import add_ApprovalServiceServicer_to_server
from chamberlain.v1.audit_service_pb2_grpc import add_AuditServiceServicer_to_server
from chamberlain.v1.chain_service_pb2_grpc import add_ChainServiceServicer_to_server
from chamberlain.v1.handoff_service_pb2_grpc import add_HandoffServiceServicer_to_server
from chamberlain.v1.orchestrator_service_pb2_grpc import add_OrchestratorServiceServicer_to_server
from chamberlain.v1.outbox_service_pb2_grpc import add_OutboxServiceServicer_to_server
from chamberlain.v1.session_service_pb2_grpc import add_SessionServiceServicer_to_server
from chamberlain.v1.transcript_service_pb2_grpc import add_TranscriptServiceServicer_to_server
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server
from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha.reflection_pb2_grpc import add_ServerReflectionServicer_to_server
from pydantic import SecretStr

from chain.pallets import DEFAULT
from server.background import Background
from server.database import DatabaseWatch
from server.health import Health
from server.interceptor import CallInterceptor
from server.listener import Routes, channel_options, listen
from server.observer import LOOK_SECONDS, Observer
from server.services.approvals import ApprovalService
from server.services.audit import AuditService
from server.services.chain import ChainService
from server.services.handoffs import HandoffService
from server.services.orchestrator import OrchestratorService
from server.services.outbox import OutboxService
from server.services.sessions import SessionService
from server.services.transcripts import TranscriptService
from server.settings import BadSettings, Settings, environment_name
from server.sweeps import all_sweeps, session_ages
from storage.chain.outbox import NewCall
from storage.store import LOCAL, Storage

if TYPE_CHECKING:
    from server.chain_link import ChainLink
    from server.metrics.metrics import Metrics

FIRST_ATTEMPT_SECONDS = 10.0
"""How long a start waits for the database before it goes on without."""
HEALTH_HEAD_START_SECONDS = 0.1
"""How long, in a drain, those who watch our health have before the streams end."""
CANCELLED_CALLS_SECONDS = 1.0
"""How long, in a drain, calls that were cut off have to notice it."""
CALLS_MAX = 20_000
"""Calls and streams in flight; one more is RESOURCE_EXHAUSTED."""
DEVELOPMENT_DATABASE = ":memory:"
DEVELOPMENT_CALLS = frozenset(
    {
        "System.remark",
        "Balances.transfer_allow_death",
        "Balances.transfer_keep_alive",
        "Escrow.resolve_dispute",
    }
)
NEED_A_CHAIN = (
    "chain_archive_url",
    "chain_metadata_path",
    "chain_pallets_path",
    "chain_signer",
    "chain_signer_file",
    "chain_signers_path",
    "chain_start_block",
)
"""Settings that say nothing without a chain."""

log = structlog.get_logger(__name__)


class App:
    """A server in this process.

    `development` adds a development chain, and a database in memory beside it unless the settings name one.
    `handlers` are served too, behind the same interceptor.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        development: bool = False,
        handlers: Sequence[grpc.GenericRpcHandler] = (),
    ) -> None:
        self.port = 0  # where it listens, once started
        self.metrics_port = 0  # 0 if there are none
        self.storage: Storage
        self.observer: Observer
        self.chain: ChainLink | None = None
        self.settings = _development_settings(settings) if development else settings
        self._development = development
        self._handlers = tuple(handlers)
        self._background: Background
        self._exit = contextlib.AsyncExitStack()  # how what was started ends, the last first

    async def start(self) -> None:
        """Listen, and begin to work as soon as the database and the chain are there.

        Returns when the database is ready, or after the first attempt to reach it; then the server goes on
        trying. Raises `PortTaken`, `BadSettings` or `Misconfigured`, and then nothing is left running.
        """
        try:
            await self._start(self.settings)
        except BaseException:
            await self._exit.aclose()
            raise

    async def stop(self) -> None:
        """Drain: health goes first, streams end, calls finish, what waits is committed."""
        await self._exit.aclose()

    async def wait(self) -> None:
        """Wait for ever. Raises `Misconfigured` if it turns out that an operator must act."""
        raise await self._background.gave_up

    async def _start(self, settings: Settings) -> None:
        self.storage = storage = Storage.open(
            settings.database_url.get_secret_value(),
            connections_max=settings.db_max_connections,
            connect_timeout_seconds=settings.db_connect_timeout_secs,
            heartbeat_seconds=settings.watch_heartbeat_seconds,
        )
        self._exit.push_async_callback(storage.close)
        self.chain = chain = await self._open_chain(settings)
        self.observer = Observer(storage, chain.status if chain else None)
        metrics = self._metrics(settings)

        routes: Any = Routes(self._handlers)
        self._add_services(routes, settings)
        health = Health(tuple(routes.services))
        await health.set(serving=False)
        add_HealthServicer_to_server(health.servicer, routes)
        reflected = (*routes.services, reflection.SERVICE_NAME)
        add_ServerReflectionServicer_to_server(reflection.aio.ReflectionServicer(reflected), routes)
        interceptor = CallInterceptor(
            routes.handlers,
            request_bytes_max=settings.request_bytes_max,
            timeout_seconds=settings.default_deadline_seconds,
            meter=metrics.calls if metrics else None,
        )
        if metrics and settings.metrics_bind:
            served = metrics.serve(settings.metrics_bind, interceptor, lambda: health.serving)
            self.metrics_port = self._exit.enter_context(served)
            log.info("metrics are served", address=settings.metrics_bind, port=self.metrics_port)
        server = await self._listen(settings, interceptor)

        self._background = background = Background()
        self._exit.push_async_callback(background.stop)
        self._exit.push_async_callback(_drain, server, health, interceptor, settings.drain_seconds)
        database = DatabaseWatch(storage, health, chain.binding if chain else _local)
        background.start("database", database.run)
        background.start("overdue calls", interceptor.end_overdue)
        for sweep in all_sweeps(storage, settings):
            background.every(sweep.name, sweep.period_seconds, sweep.run)
        if chain or metrics:
            background.every("observer", LOOK_SECONDS, self.observer.look)
        if chain:
            background.start("chain", _after(database.ready, chain.run))
        await _first_attempt(database, background)

    def _add_services(self, routes: Any, settings: Settings) -> None:
        """Add our services; health and reflection name them in this order."""
        storage, chain = self.storage, self.chain
        orchestrator = OrchestratorService(
            storage, self.observer, bidding_window_seconds=settings.bidding_window_seconds
        )
        outbox = OutboxService(
            storage,
            allowed_calls=settings.outbox_allowed_calls,
            pallets=chain.pallets if chain else DEFAULT,
            has_key=chain.has_key if chain else _no_key,
            wrong_with=chain.wrong_with if chain else _nothing_wrong,
        )
        add_OrchestratorServiceServicer_to_server(orchestrator, routes)
        add_OutboxServiceServicer_to_server(outbox, routes)
        add_ChainServiceServicer_to_server(ChainService(storage), routes)
        add_SessionServiceServicer_to_server(SessionService(storage, sweep=session_ages(settings)), routes)
        add_TranscriptServiceServicer_to_server(TranscriptService(storage), routes)
        add_HandoffServiceServicer_to_server(HandoffService(storage), routes)
        add_ApprovalServiceServicer_to_server(ApprovalService(storage), routes)
        add_AuditServiceServicer_to_server(AuditService(storage), routes)

    async def _listen(self, settings: Settings, interceptor: CallInterceptor) -> grpc.aio.Server:
        """Begin to take calls. Raises `PortTaken`."""
        server = grpc.aio.server(
            handlers=[interceptor],
            options=channel_options(settings.request_bytes_max),
            maximum_concurrent_rpcs=CALLS_MAX,
        )
        self.port = listen(server, settings.bind_addr)
        await server.start()
        return server

    def _metrics(self, settings: Settings) -> "Metrics | None":
        if settings.metrics_bind is None:
            return None
        from server.metrics.metrics import Metrics

        return Metrics(self.storage, self.observer)

    async def _open_chain(self, settings: Settings) -> "ChainLink | None":
        if not self._development and settings.chain_ws_url is None:
            _refuse_half_a_chain(settings)
            return None
        from server.chain_link import development_chain, remote_chain

        if self._development:
            return await self._exit.enter_async_context(development_chain(settings, self.storage))
        return remote_chain(settings, self.storage)


def _development_settings(settings: Settings) -> Settings:
    """What the development chain changes of the settings that are not set."""
    if settings.chain_ws_url is not None:
        raise BadSettings("CHAIN_WS_URL: the development chain is asked for as well; choose one of them")
    changes: dict[str, object] = {
        "database_url": SecretStr(DEVELOPMENT_DATABASE),
        "outbox_allowed_calls": DEVELOPMENT_CALLS,
    }
    for name in settings.model_fields_set:
        changes.pop(name, None)
    return settings.model_copy(update=changes)


def _refuse_half_a_chain(settings: Settings) -> None:
    """Raise `BadSettings` if a chain is meant and not named: the database would be local for ever."""
    for name in NEED_A_CHAIN:
        if getattr(settings, name) is not None:
            raise BadSettings(
                f"{environment_name(name)}: needs CHAIN_WS_URL beside it; without it, this server would"
                " decide by itself, and its database be bound to local mode for ever"
            )


async def _local() -> str:
    return LOCAL


def _no_key(signer: str) -> bool:
    return False


async def _nothing_wrong(call: NewCall) -> None:
    return None


def _after(event: asyncio.Event, job: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        await event.wait()
        await job()

    return run


async def _first_attempt(database: DatabaseWatch, background: Background) -> None:
    """Wait until the database was tried. Raises `Misconfigured` if it is the wrong one."""
    tried = asyncio.create_task(database.tried.wait())
    await asyncio.wait(
        (tried, background.gave_up), timeout=FIRST_ATTEMPT_SECONDS, return_when=asyncio.FIRST_COMPLETED
    )
    tried.cancel()
    if background.gave_up.done():
        raise background.gave_up.result()


async def _drain(
    server: grpc.aio.Server, health: Health, interceptor: CallInterceptor, at_most_seconds: float
) -> None:
    """End the server within `at_most_seconds`, telling everybody in the right order."""
    log.info("draining")
    loop = asyncio.get_running_loop()
    deadline = loop.time() + at_most_seconds
    await health.leave()
    if interceptor.streams:
        await asyncio.sleep(HEALTH_HEAD_START_SECONDS)
    # Before the transport stops, since that cancels calls that it has and Python has not seen yet.
    await interceptor.drain(at_most_seconds)
    await server.stop(max(0.0, deadline - loop.time()))
    # `stop` does not wait for calls whose client has left.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CANCELLED_CALLS_SECONDS):
            await interceptor.ended()
