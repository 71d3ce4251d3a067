"""The status of a server, and its problems."""

from dataclasses import dataclass, field

from chamberlain.v1 import extrinsic_pb2
from chamberlain.v1 import orchestrator_service_pb2 as api
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from google.protobuf.json_format import MessageToDict
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from server.cli_calls import Refused, Server

TIMEOUT_SECONDS = 5.0
CHAIN = api.GetSyncStatusResponse.MODE_CHAIN
DEAD = extrinsic_pb2.EXTRINSIC_STATUS_DEAD


@dataclass
class Report:
    """The responses of a server; `refusal` says why, if it refused: then `sync` or `dashboard` is empty.

    If it did not respond, `no_answer` says so, and what to do.
    """

    address: str
    serving: bool = False
    no_answer: str = ""
    refusal: str = ""
    sync: api.GetSyncStatusResponse = field(default_factory=api.GetSyncStatusResponse)
    dashboard: api.GetDashboardResponse = field(default_factory=api.GetDashboardResponse)

    @property
    def problems(self) -> list[str]:
        """Problems that need an operator, in words; a server without any is healthy."""
        if self.no_answer:
            return [self.no_answer]
        if not self.serving:
            return [f"the server is not serving: {self.refusal or 'it is starting or stopping'}"]
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
                    f"{dead} {were} given up: `chamberlain outbox list --status dead` shows why; fix the"
                    " cause, then requeue or cancel"
                )
            found += [_paused(pause) for pause in sync.pauses]
            found += [f"signer {one.account_address} is low on funds" for one in sync.signers if one.low]
        return found

    @property
    def notes(self) -> list[str]:
        """Things that an operator should look at some time, in words; the server is healthy nevertheless."""
        sync = self.sync
        found = [f"missing in the runtime of the chain: {what}" for what in sync.missing_in_runtime]
        if sync.undecodable_blocks:
            found.append(
                f"{_counted(sync.undecodable_blocks, 'block has', 'blocks have')} events that could not be"
                " decoded: fix the cause, then `chamberlain chain redecode`"
            )
        if sync.anomalies:
            found.append(
                f"{_counted(sync.anomalies, 'event', 'events')} could not be applied as expected:"
                " ListChainEvents shows each with its anomaly"
            )
        return found

    def as_json(self) -> dict[str, object]:
        """Everything, for scripts; messages as proto JSON with the field names of the contract."""
        return {
            "address": self.address,
            "healthy": not self.problems,
            "problems": self.problems,
            "notes": self.notes,
            "serving": self.serving,
            "sync": MessageToDict(self.sync, preserving_proto_field_name=True),
            "dashboard": MessageToDict(self.dashboard, preserving_proto_field_name=True),
        }


def _paused(pause: extrinsic_pb2.SubmissionPause) -> str:
    who = f"signer {pause.signer}" if pause.signer else "all signers"
    return f"submission is paused for {who}" + (f": {pause.reason}" if pause.reason else "")


def _counted(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


def ask(server: Server) -> Report:
    """Query a server for its status."""
    health, orchestrator = server.stub(HealthStub), server.stub(OrchestratorServiceStub)
    report = Report(server.address)
    try:
        check = server.ask(health.Check, health_pb2.HealthCheckRequest(), timeout_seconds=TIMEOUT_SECONDS)
        report.sync = server.ask(
            orchestrator.GetSyncStatus, api.GetSyncStatusRequest(), timeout_seconds=TIMEOUT_SECONDS
        )
        report.dashboard = server.ask(
            orchestrator.GetDashboard, api.GetDashboardRequest(), timeout_seconds=TIMEOUT_SECONDS
        )
        report.serving = check.status == health_pb2.HealthCheckResponse.SERVING
    except Refused as refusal:
        if refusal.reason:
            report.refusal = refusal.message
        else:
            report.no_answer = refusal.message
    return report
