"""Requests of the contract to what storage takes. Each function refuses all that is wrong at once."""

from collections.abc import Sequence

from chamberlain.v1 import orchestrator_service_pb2 as orchestrator
from chamberlain.v1 import outbox_service_pb2 as outbox_pb
from chamberlain.v1 import result_pb2

from server.enums import VERIFICATION_LEVEL
from server.errors import CallNotAllowed
from server.structs import canonical_json
from server.validation import Fields
from storage import limits
from storage.agents import AgentChange, NewAgent
from storage.bids import NewBid, Reveal
from storage.disputes import Dispute, Resolution
from storage.outbox import NewCall
from storage.pauses import Pause
from storage.records import AgentUpdate, ResourceUsage, VerificationLevel
from storage.results import NewResult
from storage.tasks import NewTask

UPDATABLE = ("label", "capabilities", "metadata")
"""The fields of an agent that an update mask may name."""


def new_agent(request: orchestrator.RegisterAgentRequest) -> NewAgent:
    fields = Fields()
    agent = NewAgent(
        agent_id=fields.identifier("agent_id", request.agent_id),
        label=fields.text("label", request.label, limits.LABEL_BYTES_MAX),
        capabilities=_capabilities(fields, "capabilities", request.capabilities),
        metadata=fields.text("metadata", request.metadata, limits.METADATA_BYTES_MAX),
        attestation=fields.blob("attestation", request.attestation, limits.ATTESTATION_BYTES_MAX),
        verification_level=_verification_level(fields, request.verification_level),
    )
    fields.optional_identifier("request_id", request.request_id)
    fields.refuse_if_wrong()
    return agent


def agent_change(request: orchestrator.UpdateAgentRequest) -> AgentChange:
    fields = Fields()
    agent, named = request.agent, set(request.update_mask.paths)
    if not named:
        fields.refuse("update_mask", "is required")
    if not named.issubset(UPDATABLE):
        fields.refuse("update_mask", f"may name only {', '.join(UPDATABLE)}")
    if request.revision < 0:
        fields.refuse("revision", "must not be negative")
    change = AgentChange(
        agent_id=fields.identifier("agent.agent_id", agent.agent_id),
        revision=request.revision,
        update=AgentUpdate(
            label=fields.text("agent.label", agent.label, limits.LABEL_BYTES_MAX)
            if "label" in named
            else None,
            capabilities=_capabilities(fields, "agent.capabilities", agent.capabilities)
            if "capabilities" in named
            else None,
            metadata=fields.text("agent.metadata", agent.metadata, limits.METADATA_BYTES_MAX)
            if "metadata" in named
            else None,
        ),
    )
    fields.optional_identifier("request_id", request.request_id)
    fields.refuse_if_wrong()
    return change


def new_task(request: orchestrator.CreateTaskRequest, *, bidding_window_us: int, path: str = "") -> NewTask:
    fields = Fields(path)
    task = NewTask(
        client_task_id=fields.optional_identifier("client_task_id", request.client_task_id),
        requester_id=fields.identifier("requester_id", request.requester_id),
        description=fields.text(
            "description", request.description, limits.DESCRIPTION_BYTES_MAX, required=True
        ),
        task_type=fields.text("task_type", request.task_type, limits.TASK_TYPE_BYTES_MAX, required=True),
        input=request.input,
        max_budget=fields.amount("max_budget", request.max_budget, at_least=1),
        deadline_us=_deadline_us(fields, request),
        verification_level=_verification_level(fields, request.verification_level),
        bidding_window_us=bidding_window_us,
    )
    fields.optional_identifier("request_id", request.request_id)
    fields.refuse_if_wrong()
    return task


def check_batch(request: orchestrator.BatchCreateTasksRequest) -> None:
    """Refuse a batch that is empty or too large."""
    fields = Fields()
    if not 1 <= len(request.requests) <= limits.BATCH_CREATE_MAX:
        fields.refuse("requests", f"must have 1 to {limits.BATCH_CREATE_MAX} entries")
    fields.refuse_if_wrong()


def _deadline_us(fields: Fields, request: orchestrator.CreateTaskRequest) -> int:
    if not request.HasField("deadline"):
        fields.refuse("deadline", "is required")
        return 0
    return fields.deadline_us("deadline", request.deadline)


def new_bid(request: orchestrator.SubmitBidRequest) -> NewBid:
    fields = Fields()
    bid = NewBid(
        task_id=fields.identifier("task_id", request.task_id),
        agent_id=fields.identifier("agent_id", request.agent_id),
        commitment=fields.exact_blob("commitment", request.commitment, limits.COMMITMENT_BYTES),
        quality_score=fields.number("quality_score", request.quality_score, limits.QUALITY_SCORE_MAX),
        estimated_duration_seconds=fields.whole_seconds("estimated_duration", request.estimated_duration),
    )
    fields.optional_identifier("request_id", request.request_id)
    fields.refuse_if_wrong()
    return bid


def reveal(request: orchestrator.RevealBidRequest) -> Reveal:
    fields = Fields()
    revealed = Reveal(
        task_id=fields.identifier("task_id", request.task_id),
        agent_id=fields.identifier("agent_id", request.agent_id),
        value=fields.amount("value", request.value),
        nonce=fields.exact_blob("nonce", request.nonce, limits.NONCE_BYTES),
    )
    fields.optional_identifier("request_id", request.request_id)
    fields.refuse_if_wrong()
    return revealed


def new_result(request: orchestrator.SubmitResultRequest) -> NewResult:
    fields = Fields()
    result = NewResult(
        task_id=fields.identifier("task_id", request.task_id),
        agent_id=fields.identifier("agent_id", request.agent_id),
        output=request.output,
        proof=fields.blob("proof", request.proof, limits.PROOF_BYTES_MAX),
        resource_usage=_resource_usage(request.resource_usage),
    )
    fields.optional_identifier("request_id", request.request_id)
    fields.refuse_if_wrong()
    return result


def dispute(request: orchestrator.DisputeTaskRequest) -> Dispute:
    fields = Fields()
    new = Dispute(
        task_id=fields.identifier("task_id", request.task_id),
        agent_id=fields.optional_identifier("agent_id", request.agent_id),
        reason=fields.text("reason", request.reason, limits.DISPUTE_REASON_BYTES_MAX, required=True),
    )
    fields.optional_identifier("request_id", request.request_id)
    fields.refuse_if_wrong()
    return new


def resolution(request: orchestrator.ResolveDisputeRequest) -> Resolution:
    task_id = key("task_id", request.task_id, request_id=request.request_id)
    return Resolution(task_id=task_id, pay_agent=request.pay_agent)


def new_call(request: outbox_pb.EnqueueExtrinsicRequest, *, allowed_calls: frozenset[str]) -> NewCall:
    """Raises `CallNotAllowed` for a call that is not among `allowed_calls`, each a `Pallet.call`."""
    fields = Fields()
    call = NewCall(
        pallet=fields.identifier("pallet", request.pallet),
        call=fields.identifier("call", request.call),
        payload=canonical_json(fields, "payload", request.payload),
        signer=fields.optional_identifier("signer", request.signer),
    )
    fields.optional_identifier("request_id", request.request_id)
    fields.refuse_if_wrong()
    if f"{call.pallet}.{call.call}" not in allowed_calls:
        raise CallNotAllowed(call.pallet, call.call)
    return call


def pause(request: outbox_pb.PauseSubmissionRequest) -> Pause:
    fields = Fields()
    wanted = Pause(
        signer=fields.optional_identifier("signer", request.signer),
        reason=fields.text("reason", request.reason, limits.REASON_BYTES_MAX),
    )
    fields.optional_identifier("request_id", request.request_id)
    fields.refuse_if_wrong()
    return wanted


def resume(request: outbox_pb.ResumeSubmissionRequest) -> str:
    """The signer to resume."""
    fields = Fields()
    signer = fields.optional_identifier("signer", request.signer)
    fields.optional_identifier("request_id", request.request_id)
    fields.refuse_if_wrong()
    return signer


def key(field: str, value: str, *, request_id: str = "") -> str:
    """The id in `field`, of a request that says nothing else but its request id."""
    fields = Fields()
    fields.identifier(field, value)
    fields.optional_identifier("request_id", request_id)
    fields.refuse_if_wrong()
    return value


def check_request_id(request_id: str) -> None:
    """Check a request that says nothing else but its request id."""
    fields = Fields()
    fields.optional_identifier("request_id", request_id)
    fields.refuse_if_wrong()


def result_key(request: orchestrator.GetResultRequest) -> str:
    """The id by which a result is asked for, that of the result or that of its task."""
    if request.WhichOneof("key") == "task_id":
        return key("task_id", request.task_id)
    return key("result_id", request.result_id)


def _verification_level(fields: Fields, value: int) -> VerificationLevel:
    return fields.choice("verification_level", value, VERIFICATION_LEVEL, VerificationLevel.BEST_EFFORT)


def _capabilities(fields: Fields, field: str, values: Sequence[str]) -> tuple[str, ...]:
    if len(values) > limits.CAPABILITIES_MAX:
        fields.refuse(field, f"has too many entries: at most {limits.CAPABILITIES_MAX}")
        return ()
    return tuple(
        fields.text(f"{field}[{place}]", value, limits.CAPABILITY_BYTES_MAX, required=True)
        for place, value in enumerate(values)
    )


def _resource_usage(usage: result_pb2.ResourceUsage) -> ResourceUsage:
    return ResourceUsage(
        cpu_time_ms=usage.cpu_time_ms,
        memory_bytes=usage.memory_bytes,
        storage_bytes=usage.storage_bytes,
        bandwidth_bytes=usage.bandwidth_bytes,
        gpu_time_ms=usage.gpu_time_ms,
    )
