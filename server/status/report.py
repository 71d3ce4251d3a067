"""What is asked of a server, and what is wrong with it."""

import asyncio
from dataclasses import dataclass, field

import grpc
from chamberlain.v1 import extrinsic_pb2
from chamberlain.v1 import orchestrator_service_pb2 as api
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from google.protobuf.json_format import MessageToDict
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from server.cli_options import no_server

TIMEOUT_SECONDS = 5.0
CHAIN = api.GetSyncStatusResponse.MODE_CHAIN
DEAD = extrinsic_pb2.EXTRINSIC_STATUS_DEAD


@dataclass
class Report:
    """The answers of a server; `sync` and `dashboard` are empty while its database is away.

    If there were none, `no_answer` says so, and what to do.
    """

    address: str
    serving: bool = False
    no_answer: str = ""
    sync: api.GetSyncStatusResponse = field(default_factory=api.GetSyncStatusResponse)
    dashboard: api.GetDashboardResponse = field(default_factory=api.GetDashboardResponse)

    @property
    def problems(self) -> list[str]:
        """What needs a person, in words; a server without any is healthy."""
        if self.no_answer:
            return [self.no_answer]
        if not self.serving:
            return [
                "the server does not serve: its database is away, it waits for the chain that its new"
                " database is to be bound to, or it is stopping; its log tells which"
            ]
        sync, found = self.sync, []
        if sync.mode == CHAIN:
            if not sync.connected:
                found.append("no node of the chain is connected")
            if sync.HasField("pruned_below"):
                found.append(
                    f"the node has discarded the blocks below {sync.pruned_below}, which are needed:"
                    " use an archive node"
                )
            if sync.last_error:
                found.append(f"the chain cannot be followed: {sync.last_error}")
            dead = sum(each.count for each in sync.extrinsics if each.status == DEAD)
            if dead:
                were = "extrinsic was" if dead == 1 else "extrinsics were"
                found.append(
                    f"{dead} {were} given up: `chamberlain outbox list --status dead` tells why; mend it,"
                    " then requeue or cancel"
                )
            found += [_paused(pause) for pause in sync.pauses]
            found += [f"signer {one.account_address} is low on funds" for one in sync.signers if one.low]
        return found

    def as_json(self) -> dict[str, object]:
        """Everything, for scripts; the fields of the messages as proto JSON names them in the contract."""
        return {
            "address": self.address,
            "healthy": not self.problems,
            "problems": self.problems,
            "serving": self.serving,
            "sync": MessageToDict(self.sync, preserving_proto_field_name=True),
            "dashboard": MessageToDict(self.dashboard, preserving_proto_field_name=True),
        }


def _paused(pause: extrinsic_pb2.SubmissionPause) -> str:
    who = f"signer {pause.signer}" if pause.signer else "all signers"
    return f"sending is paused for {who}" + (f": {pause.reason}" if pause.reason else "")


async def ask(channel: grpc.aio.Channel, address: str) -> Report:
    """Ask a server how it is."""
    health, orchestrator = HealthStub(channel), OrchestratorServiceStub(channel)
    stranger = f"what answers at {address} is no Chamberlain"
    try:
        check = await health.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_SECONDS)
    except grpc.aio.AioRpcError as error:
        if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
            return Report(address, no_answer=no_server(address))
        return Report(address, no_answer=stranger)
    if check.status != health_pb2.HealthCheckResponse.SERVING:
        return Report(address)
    try:
        sync, dashboard = await asyncio.gather(
            orchestrator.GetSyncStatus(api.GetSyncStatusRequest(), timeout=TIMEOUT_SECONDS),
            orchestrator.GetDashboard(api.GetDashboardRequest(), timeout=TIMEOUT_SECONDS),
        )
    except grpc.aio.AioRpcError as error:
        if error.code() == grpc.StatusCode.UNIMPLEMENTED:
            return Report(address, no_answer=stranger)
        return Report(address)
    return Report(address, serving=True, sync=sync, dashboard=dashboard)
