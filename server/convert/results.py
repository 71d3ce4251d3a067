"""Results, between the contract and storage."""

from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1 import result_pb2

from server.convert.requests import key
from server.convert.values import timestamp
from server.enums import ACTION, RESULT_STATUS
from server.paging import Tokens, page_request
from server.validation import Checked
from storage import limits
from storage.market.lists import ResultFilter
from storage.market.results import NewResult
from storage.records import ResourceUsage, Result


def new_result(request: pb.SubmitResultRequest) -> NewResult:
    with Checked(request) as fields:
        return NewResult(
            task_id=fields.identifier("task_id", request.task_id),
            agent_id=fields.identifier("agent_id", request.agent_id),
            output=request.output,
            proof=fields.blob("proof", request.proof, limits.PROOF_BYTES_MAX),
            resource_usage=_resource_usage(request.resource_usage),
        )


def _resource_usage(usage: result_pb2.ResourceUsage) -> ResourceUsage:
    return ResourceUsage(
        cpu_time_ms=usage.cpu_time_ms,
        memory_bytes=usage.memory_bytes,
        storage_bytes=usage.storage_bytes,
        bandwidth_bytes=usage.bandwidth_bytes,
        gpu_time_ms=usage.gpu_time_ms,
    )


def result_key(request: pb.GetResultRequest) -> str:
    """The id by which a result is asked for, that of the result or that of its task."""
    return key(request, "task_id" if request.HasField("task_id") else "result_id")


def results(request: pb.ListResultsRequest, tokens: Tokens) -> ResultFilter:
    with Checked(request) as fields:
        return ResultFilter(
            task_id=fields.optional_identifier("task_id", request.task_id),
            agent_id=fields.optional_identifier("agent_id", request.agent_id),
            status=fields.filter("status", request.status, RESULT_STATUS),
            page=page_request(fields, request, tokens),
        )


def result(record: Result, output: bytes = b"") -> result_pb2.Result:
    usage = record.resource_usage
    return result_pb2.Result(
        result_id=record.result_id,
        task_id=record.task_id,
        agent_id=record.agent_id,
        output=output,
        result_hash=record.result_hash,
        proof=record.proof,
        resource_usage=result_pb2.ResourceUsage(
            cpu_time_ms=usage.cpu_time_ms,
            memory_bytes=usage.memory_bytes,
            storage_bytes=usage.storage_bytes,
            bandwidth_bytes=usage.bandwidth_bytes,
            gpu_time_ms=usage.gpu_time_ms,
        ),
        status=RESULT_STATUS.to_wire[record.status],
        pending_action=ACTION.to_wire[record.pending_action],
        pending_correlation_id=record.pending_correlation_id,
        last_error=record.last_error,
        revision=record.revision,
        create_time=timestamp(record.create_time_us),
        update_time=timestamp(record.update_time_us),
    )
