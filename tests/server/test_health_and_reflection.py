"""Standard clients find out how the server is and what it can do, without our proto files."""

import grpc
from chamberlain.v1.chain_service_pb2 import DESCRIPTOR as CHAIN
from chamberlain.v1.handoff_service_pb2 import DESCRIPTOR as HANDOFF
from chamberlain.v1.orchestrator_service_pb2 import DESCRIPTOR as ORCHESTRATOR
from chamberlain.v1.outbox_service_pb2 import DESCRIPTOR as OUTBOX
from chamberlain.v1.session_service_pb2 import DESCRIPTOR as SESSION
from chamberlain.v1.transcript_service_pb2 import DESCRIPTOR as TRANSCRIPT
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

OURS = {
    "chamberlain.v1.OrchestratorService",
    "chamberlain.v1.OutboxService",
    "chamberlain.v1.ChainService",
    "chamberlain.v1.SessionService",
    "chamberlain.v1.TranscriptService",
    "chamberlain.v1.HandoffService",
    "chamberlain.v1.ApprovalService",
    "chamberlain.v1.AuditService",
}


async def ask(channel: grpc.aio.Channel, **request: str) -> ServerReflectionResponse:
    stream = ServerReflectionStub(channel).ServerReflectionInfo()
    await stream.write(ServerReflectionRequest(**request))
    answer: ServerReflectionResponse = await stream.read()
    await stream.done_writing()
    return answer


async def test_the_server_and_each_of_its_services_are_healthy(channel: grpc.aio.Channel) -> None:
    for name in ("", *OURS):
        answer = await HealthStub(channel).Check(HealthCheckRequest(service=name))
        assert answer.status == HealthCheckResponse.SERVING


async def test_reflection_lists_all_services(channel: grpc.aio.Channel) -> None:
    answer = await ask(channel, list_services="")
    names = {service.name for service in answer.list_services_response.service}
    assert names == OURS | {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


async def test_reflection_describes_every_service(channel: grpc.aio.Channel) -> None:
    for descriptor in (ORCHESTRATOR, OUTBOX, CHAIN, SESSION, TRANSCRIPT, HANDOFF):
        (service,) = descriptor.services_by_name.values()
        answer = await ask(channel, file_containing_symbol=service.full_name)
        files = [
            FileDescriptorProto.FromString(raw)
            for raw in answer.file_descriptor_response.file_descriptor_proto
        ]
        described = {service.name: service for file in files for service in file.service}
        assert [method.name for method in described[service.name].method] == [
            method.name for method in service.methods
        ]
