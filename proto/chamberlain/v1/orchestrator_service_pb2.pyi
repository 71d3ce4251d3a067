import datetime

from chamberlain.v1 import agent_pb2 as _agent_pb2
from chamberlain.v1 import agreement_pb2 as _agreement_pb2
from chamberlain.v1 import bid_pb2 as _bid_pb2
from chamberlain.v1 import extrinsic_pb2 as _extrinsic_pb2
from chamberlain.v1 import milestone_pb2 as _milestone_pb2
from chamberlain.v1 import reputation_pb2 as _reputation_pb2
from chamberlain.v1 import result_pb2 as _result_pb2
from chamberlain.v1 import task_pb2 as _task_pb2
from chamberlain.v1 import types_pb2 as _types_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RegisterAgentRequest(_message.Message):
    __slots__ = ("agent_id", "label", "capabilities", "metadata", "attestation", "verification_level", "request_id")
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    ATTESTATION_FIELD_NUMBER: _ClassVar[int]
    VERIFICATION_LEVEL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    label: str
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    metadata: str
    attestation: bytes
    verification_level: _types_pb2.VerificationLevel
    request_id: str
    def __init__(self, agent_id: _Optional[str] = ..., label: _Optional[str] = ..., capabilities: _Optional[_Iterable[str]] = ..., metadata: _Optional[str] = ..., attestation: _Optional[bytes] = ..., verification_level: _Optional[_Union[_types_pb2.VerificationLevel, str]] = ..., request_id: _Optional[str] = ...) -> None: ...

class RegisterAgentResponse(_message.Message):
    __slots__ = ("agent", "correlation_id")
    AGENT_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    agent: _agent_pb2.Agent
    correlation_id: str
    def __init__(self, agent: _Optional[_Union[_agent_pb2.Agent, _Mapping]] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class GetAgentRequest(_message.Message):
    __slots__ = ("agent_id",)
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    def __init__(self, agent_id: _Optional[str] = ...) -> None: ...

class GetAgentResponse(_message.Message):
    __slots__ = ("agent",)
    AGENT_FIELD_NUMBER: _ClassVar[int]
    agent: _agent_pb2.Agent
    def __init__(self, agent: _Optional[_Union[_agent_pb2.Agent, _Mapping]] = ...) -> None: ...

class ListAgentsRequest(_message.Message):
    __slots__ = ("status", "capability", "page_size", "page_token", "include_total_size")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CAPABILITY_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    status: _agent_pb2.AgentStatus
    capability: str
    page_size: int
    page_token: str
    include_total_size: bool
    def __init__(self, status: _Optional[_Union[_agent_pb2.AgentStatus, str]] = ..., capability: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., include_total_size: _Optional[bool] = ...) -> None: ...

class ListAgentsResponse(_message.Message):
    __slots__ = ("agents", "next_page_token", "total_size")
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    agents: _containers.RepeatedCompositeFieldContainer[_agent_pb2.Agent]
    next_page_token: str
    total_size: int
    def __init__(self, agents: _Optional[_Iterable[_Union[_agent_pb2.Agent, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ...) -> None: ...

class UpdateAgentRequest(_message.Message):
    __slots__ = ("agent", "update_mask", "revision", "request_id")
    AGENT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    agent: _agent_pb2.Agent
    update_mask: _field_mask_pb2.FieldMask
    revision: int
    request_id: str
    def __init__(self, agent: _Optional[_Union[_agent_pb2.Agent, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., revision: _Optional[int] = ..., request_id: _Optional[str] = ...) -> None: ...

class UpdateAgentResponse(_message.Message):
    __slots__ = ("agent", "correlation_id")
    AGENT_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    agent: _agent_pb2.Agent
    correlation_id: str
    def __init__(self, agent: _Optional[_Union[_agent_pb2.Agent, _Mapping]] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class RetireAgentRequest(_message.Message):
    __slots__ = ("agent_id", "request_id")
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    request_id: str
    def __init__(self, agent_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class RetireAgentResponse(_message.Message):
    __slots__ = ("agent", "correlation_id")
    AGENT_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    agent: _agent_pb2.Agent
    correlation_id: str
    def __init__(self, agent: _Optional[_Union[_agent_pb2.Agent, _Mapping]] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class GetReputationRequest(_message.Message):
    __slots__ = ("agent_id",)
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    def __init__(self, agent_id: _Optional[str] = ...) -> None: ...

class GetReputationResponse(_message.Message):
    __slots__ = ("reputation",)
    REPUTATION_FIELD_NUMBER: _ClassVar[int]
    reputation: _reputation_pb2.Reputation
    def __init__(self, reputation: _Optional[_Union[_reputation_pb2.Reputation, _Mapping]] = ...) -> None: ...

class CreateTaskRequest(_message.Message):
    __slots__ = ("client_task_id", "requester_id", "description", "task_type", "input", "max_budget", "deadline", "verification_level", "request_id")
    CLIENT_TASK_ID_FIELD_NUMBER: _ClassVar[int]
    REQUESTER_ID_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TASK_TYPE_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    MAX_BUDGET_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    VERIFICATION_LEVEL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    client_task_id: str
    requester_id: str
    description: str
    task_type: str
    input: bytes
    max_budget: str
    deadline: _timestamp_pb2.Timestamp
    verification_level: _types_pb2.VerificationLevel
    request_id: str
    def __init__(self, client_task_id: _Optional[str] = ..., requester_id: _Optional[str] = ..., description: _Optional[str] = ..., task_type: _Optional[str] = ..., input: _Optional[bytes] = ..., max_budget: _Optional[str] = ..., deadline: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., verification_level: _Optional[_Union[_types_pb2.VerificationLevel, str]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateTaskResponse(_message.Message):
    __slots__ = ("task", "correlation_id")
    TASK_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    task: _task_pb2.Task
    correlation_id: str
    def __init__(self, task: _Optional[_Union[_task_pb2.Task, _Mapping]] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class BatchCreateTasksRequest(_message.Message):
    __slots__ = ("requests",)
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[CreateTaskRequest]
    def __init__(self, requests: _Optional[_Iterable[_Union[CreateTaskRequest, _Mapping]]] = ...) -> None: ...

class BatchCreateTasksResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[BatchCreateTasksResult]
    def __init__(self, results: _Optional[_Iterable[_Union[BatchCreateTasksResult, _Mapping]]] = ...) -> None: ...

class BatchCreateTasksResult(_message.Message):
    __slots__ = ("created", "error")
    CREATED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    created: CreateTaskResponse
    error: _status_pb2.Status
    def __init__(self, created: _Optional[_Union[CreateTaskResponse, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class GetTaskRequest(_message.Message):
    __slots__ = ("task_id",)
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    def __init__(self, task_id: _Optional[str] = ...) -> None: ...

class GetTaskResponse(_message.Message):
    __slots__ = ("task", "agreement", "milestones")
    TASK_FIELD_NUMBER: _ClassVar[int]
    AGREEMENT_FIELD_NUMBER: _ClassVar[int]
    MILESTONES_FIELD_NUMBER: _ClassVar[int]
    task: _task_pb2.Task
    agreement: _agreement_pb2.Agreement
    milestones: _containers.RepeatedCompositeFieldContainer[_milestone_pb2.Milestone]
    def __init__(self, task: _Optional[_Union[_task_pb2.Task, _Mapping]] = ..., agreement: _Optional[_Union[_agreement_pb2.Agreement, _Mapping]] = ..., milestones: _Optional[_Iterable[_Union[_milestone_pb2.Milestone, _Mapping]]] = ...) -> None: ...

class ListTasksRequest(_message.Message):
    __slots__ = ("status", "requester_id", "assigned_agent_id", "client_task_id", "escrow_status", "page_size", "page_token", "include_total_size")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REQUESTER_ID_FIELD_NUMBER: _ClassVar[int]
    ASSIGNED_AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ESCROW_STATUS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    status: _task_pb2.TaskStatus
    requester_id: str
    assigned_agent_id: str
    client_task_id: str
    escrow_status: _task_pb2.EscrowStatus
    page_size: int
    page_token: str
    include_total_size: bool
    def __init__(self, status: _Optional[_Union[_task_pb2.TaskStatus, str]] = ..., requester_id: _Optional[str] = ..., assigned_agent_id: _Optional[str] = ..., client_task_id: _Optional[str] = ..., escrow_status: _Optional[_Union[_task_pb2.EscrowStatus, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., include_total_size: _Optional[bool] = ...) -> None: ...

class ListTasksResponse(_message.Message):
    __slots__ = ("tasks", "next_page_token", "total_size", "watch_cursor")
    TASKS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    WATCH_CURSOR_FIELD_NUMBER: _ClassVar[int]
    tasks: _containers.RepeatedCompositeFieldContainer[_task_pb2.Task]
    next_page_token: str
    total_size: int
    watch_cursor: str
    def __init__(self, tasks: _Optional[_Iterable[_Union[_task_pb2.Task, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ..., watch_cursor: _Optional[str] = ...) -> None: ...

class CancelTaskRequest(_message.Message):
    __slots__ = ("task_id", "request_id")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    request_id: str
    def __init__(self, task_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class CancelTaskResponse(_message.Message):
    __slots__ = ("task", "correlation_id")
    TASK_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    task: _task_pb2.Task
    correlation_id: str
    def __init__(self, task: _Optional[_Union[_task_pb2.Task, _Mapping]] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class WatchTasksRequest(_message.Message):
    __slots__ = ("after_cursor", "task_ids", "requester_id")
    AFTER_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TASK_IDS_FIELD_NUMBER: _ClassVar[int]
    REQUESTER_ID_FIELD_NUMBER: _ClassVar[int]
    after_cursor: str
    task_ids: _containers.RepeatedScalarFieldContainer[str]
    requester_id: str
    def __init__(self, after_cursor: _Optional[str] = ..., task_ids: _Optional[_Iterable[str]] = ..., requester_id: _Optional[str] = ...) -> None: ...

class WatchTasksResponse(_message.Message):
    __slots__ = ("events", "cursor")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_task_pb2.TaskEvent]
    cursor: str
    def __init__(self, events: _Optional[_Iterable[_Union[_task_pb2.TaskEvent, _Mapping]]] = ..., cursor: _Optional[str] = ...) -> None: ...

class SubmitBidRequest(_message.Message):
    __slots__ = ("task_id", "agent_id", "commitment", "quality_score", "estimated_duration", "request_id")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    COMMITMENT_FIELD_NUMBER: _ClassVar[int]
    QUALITY_SCORE_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_DURATION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    agent_id: str
    commitment: bytes
    quality_score: int
    estimated_duration: _duration_pb2.Duration
    request_id: str
    def __init__(self, task_id: _Optional[str] = ..., agent_id: _Optional[str] = ..., commitment: _Optional[bytes] = ..., quality_score: _Optional[int] = ..., estimated_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class SubmitBidResponse(_message.Message):
    __slots__ = ("bid", "correlation_id")
    BID_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    bid: _bid_pb2.Bid
    correlation_id: str
    def __init__(self, bid: _Optional[_Union[_bid_pb2.Bid, _Mapping]] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class CloseBiddingRequest(_message.Message):
    __slots__ = ("task_id", "request_id")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    request_id: str
    def __init__(self, task_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class CloseBiddingResponse(_message.Message):
    __slots__ = ("task", "correlation_id")
    TASK_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    task: _task_pb2.Task
    correlation_id: str
    def __init__(self, task: _Optional[_Union[_task_pb2.Task, _Mapping]] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class RevealBidRequest(_message.Message):
    __slots__ = ("task_id", "agent_id", "value", "nonce", "request_id")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    agent_id: str
    value: str
    nonce: bytes
    request_id: str
    def __init__(self, task_id: _Optional[str] = ..., agent_id: _Optional[str] = ..., value: _Optional[str] = ..., nonce: _Optional[bytes] = ..., request_id: _Optional[str] = ...) -> None: ...

class RevealBidResponse(_message.Message):
    __slots__ = ("bid", "correlation_id")
    BID_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    bid: _bid_pb2.Bid
    correlation_id: str
    def __init__(self, bid: _Optional[_Union[_bid_pb2.Bid, _Mapping]] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class ListBidsRequest(_message.Message):
    __slots__ = ("task_id", "agent_id", "status", "page_size", "page_token", "include_total_size")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    agent_id: str
    status: _bid_pb2.BidStatus
    page_size: int
    page_token: str
    include_total_size: bool
    def __init__(self, task_id: _Optional[str] = ..., agent_id: _Optional[str] = ..., status: _Optional[_Union[_bid_pb2.BidStatus, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., include_total_size: _Optional[bool] = ...) -> None: ...

class ListBidsResponse(_message.Message):
    __slots__ = ("bids", "next_page_token", "total_size")
    BIDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    bids: _containers.RepeatedCompositeFieldContainer[_bid_pb2.Bid]
    next_page_token: str
    total_size: int
    def __init__(self, bids: _Optional[_Iterable[_Union[_bid_pb2.Bid, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ...) -> None: ...

class AllocateTaskRequest(_message.Message):
    __slots__ = ("task_id", "request_id")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    request_id: str
    def __init__(self, task_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class AllocateTaskResponse(_message.Message):
    __slots__ = ("task", "correlation_id")
    TASK_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    task: _task_pb2.Task
    correlation_id: str
    def __init__(self, task: _Optional[_Union[_task_pb2.Task, _Mapping]] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class SubmitResultRequest(_message.Message):
    __slots__ = ("task_id", "agent_id", "output", "proof", "resource_usage", "request_id")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_USAGE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    agent_id: str
    output: bytes
    proof: bytes
    resource_usage: _result_pb2.ResourceUsage
    request_id: str
    def __init__(self, task_id: _Optional[str] = ..., agent_id: _Optional[str] = ..., output: _Optional[bytes] = ..., proof: _Optional[bytes] = ..., resource_usage: _Optional[_Union[_result_pb2.ResourceUsage, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class SubmitResultResponse(_message.Message):
    __slots__ = ("result", "correlation_id")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    result: _result_pb2.Result
    correlation_id: str
    def __init__(self, result: _Optional[_Union[_result_pb2.Result, _Mapping]] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class GetResultRequest(_message.Message):
    __slots__ = ("result_id", "task_id")
    RESULT_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    result_id: str
    task_id: str
    def __init__(self, result_id: _Optional[str] = ..., task_id: _Optional[str] = ...) -> None: ...

class GetResultResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: _result_pb2.Result
    def __init__(self, result: _Optional[_Union[_result_pb2.Result, _Mapping]] = ...) -> None: ...

class ListResultsRequest(_message.Message):
    __slots__ = ("task_id", "agent_id", "status", "page_size", "page_token", "include_total_size")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    agent_id: str
    status: _result_pb2.ResultStatus
    page_size: int
    page_token: str
    include_total_size: bool
    def __init__(self, task_id: _Optional[str] = ..., agent_id: _Optional[str] = ..., status: _Optional[_Union[_result_pb2.ResultStatus, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., include_total_size: _Optional[bool] = ...) -> None: ...

class ListResultsResponse(_message.Message):
    __slots__ = ("results", "next_page_token", "total_size")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_result_pb2.Result]
    next_page_token: str
    total_size: int
    def __init__(self, results: _Optional[_Iterable[_Union[_result_pb2.Result, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ...) -> None: ...

class SettleTaskRequest(_message.Message):
    __slots__ = ("task_id", "request_id")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    request_id: str
    def __init__(self, task_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class SettleTaskResponse(_message.Message):
    __slots__ = ("task", "correlation_id")
    TASK_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    task: _task_pb2.Task
    correlation_id: str
    def __init__(self, task: _Optional[_Union[_task_pb2.Task, _Mapping]] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class DisputeTaskRequest(_message.Message):
    __slots__ = ("task_id", "agent_id", "reason", "request_id")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    agent_id: str
    reason: str
    request_id: str
    def __init__(self, task_id: _Optional[str] = ..., agent_id: _Optional[str] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class DisputeTaskResponse(_message.Message):
    __slots__ = ("task", "correlation_id")
    TASK_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    task: _task_pb2.Task
    correlation_id: str
    def __init__(self, task: _Optional[_Union[_task_pb2.Task, _Mapping]] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class ResolveDisputeRequest(_message.Message):
    __slots__ = ("task_id", "pay_agent", "request_id")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    PAY_AGENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    pay_agent: bool
    request_id: str
    def __init__(self, task_id: _Optional[str] = ..., pay_agent: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class ResolveDisputeResponse(_message.Message):
    __slots__ = ("task",)
    TASK_FIELD_NUMBER: _ClassVar[int]
    task: _task_pb2.Task
    def __init__(self, task: _Optional[_Union[_task_pb2.Task, _Mapping]] = ...) -> None: ...

class GetAgreementRequest(_message.Message):
    __slots__ = ("task_id",)
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    def __init__(self, task_id: _Optional[str] = ...) -> None: ...

class GetAgreementResponse(_message.Message):
    __slots__ = ("agreement",)
    AGREEMENT_FIELD_NUMBER: _ClassVar[int]
    agreement: _agreement_pb2.Agreement
    def __init__(self, agreement: _Optional[_Union[_agreement_pb2.Agreement, _Mapping]] = ...) -> None: ...

class GetDashboardRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetDashboardResponse(_message.Message):
    __slots__ = ("agents", "tasks", "escrows", "bids", "results", "extrinsics")
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    ESCROWS_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    EXTRINSICS_FIELD_NUMBER: _ClassVar[int]
    agents: _containers.RepeatedCompositeFieldContainer[AgentStatusCount]
    tasks: _containers.RepeatedCompositeFieldContainer[TaskStatusCount]
    escrows: _containers.RepeatedCompositeFieldContainer[EscrowStatusCount]
    bids: _containers.RepeatedCompositeFieldContainer[BidStatusCount]
    results: _containers.RepeatedCompositeFieldContainer[ResultStatusCount]
    extrinsics: _containers.RepeatedCompositeFieldContainer[ExtrinsicStatusCount]
    def __init__(self, agents: _Optional[_Iterable[_Union[AgentStatusCount, _Mapping]]] = ..., tasks: _Optional[_Iterable[_Union[TaskStatusCount, _Mapping]]] = ..., escrows: _Optional[_Iterable[_Union[EscrowStatusCount, _Mapping]]] = ..., bids: _Optional[_Iterable[_Union[BidStatusCount, _Mapping]]] = ..., results: _Optional[_Iterable[_Union[ResultStatusCount, _Mapping]]] = ..., extrinsics: _Optional[_Iterable[_Union[ExtrinsicStatusCount, _Mapping]]] = ...) -> None: ...

class AgentStatusCount(_message.Message):
    __slots__ = ("status", "count")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    status: _agent_pb2.AgentStatus
    count: int
    def __init__(self, status: _Optional[_Union[_agent_pb2.AgentStatus, str]] = ..., count: _Optional[int] = ...) -> None: ...

class TaskStatusCount(_message.Message):
    __slots__ = ("status", "count")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    status: _task_pb2.TaskStatus
    count: int
    def __init__(self, status: _Optional[_Union[_task_pb2.TaskStatus, str]] = ..., count: _Optional[int] = ...) -> None: ...

class EscrowStatusCount(_message.Message):
    __slots__ = ("status", "count")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    status: _task_pb2.EscrowStatus
    count: int
    def __init__(self, status: _Optional[_Union[_task_pb2.EscrowStatus, str]] = ..., count: _Optional[int] = ...) -> None: ...

class BidStatusCount(_message.Message):
    __slots__ = ("status", "count")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    status: _bid_pb2.BidStatus
    count: int
    def __init__(self, status: _Optional[_Union[_bid_pb2.BidStatus, str]] = ..., count: _Optional[int] = ...) -> None: ...

class ResultStatusCount(_message.Message):
    __slots__ = ("status", "count")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    status: _result_pb2.ResultStatus
    count: int
    def __init__(self, status: _Optional[_Union[_result_pb2.ResultStatus, str]] = ..., count: _Optional[int] = ...) -> None: ...

class ExtrinsicStatusCount(_message.Message):
    __slots__ = ("status", "count")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    status: _extrinsic_pb2.ExtrinsicStatus
    count: int
    def __init__(self, status: _Optional[_Union[_extrinsic_pb2.ExtrinsicStatus, str]] = ..., count: _Optional[int] = ...) -> None: ...

class GetSyncStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetSyncStatusResponse(_message.Message):
    __slots__ = ("mode", "genesis_hash", "connected", "endpoint", "cursor", "finalized_head", "lag_blocks", "extrinsics", "oldest_queued_time", "last_error", "undecodable_blocks", "lag", "blocks_per_second", "catching_up", "catch_up_duration", "reader", "pruned_below", "signers", "pauses", "anomalies", "missing_in_runtime")
    class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MODE_UNSPECIFIED: _ClassVar[GetSyncStatusResponse.Mode]
        MODE_LOCAL: _ClassVar[GetSyncStatusResponse.Mode]
        MODE_CHAIN: _ClassVar[GetSyncStatusResponse.Mode]
    MODE_UNSPECIFIED: GetSyncStatusResponse.Mode
    MODE_LOCAL: GetSyncStatusResponse.Mode
    MODE_CHAIN: GetSyncStatusResponse.Mode
    MODE_FIELD_NUMBER: _ClassVar[int]
    GENESIS_HASH_FIELD_NUMBER: _ClassVar[int]
    CONNECTED_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    FINALIZED_HEAD_FIELD_NUMBER: _ClassVar[int]
    LAG_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    EXTRINSICS_FIELD_NUMBER: _ClassVar[int]
    OLDEST_QUEUED_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    UNDECODABLE_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    LAG_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    CATCHING_UP_FIELD_NUMBER: _ClassVar[int]
    CATCH_UP_DURATION_FIELD_NUMBER: _ClassVar[int]
    READER_FIELD_NUMBER: _ClassVar[int]
    PRUNED_BELOW_FIELD_NUMBER: _ClassVar[int]
    SIGNERS_FIELD_NUMBER: _ClassVar[int]
    PAUSES_FIELD_NUMBER: _ClassVar[int]
    ANOMALIES_FIELD_NUMBER: _ClassVar[int]
    MISSING_IN_RUNTIME_FIELD_NUMBER: _ClassVar[int]
    mode: GetSyncStatusResponse.Mode
    genesis_hash: str
    connected: bool
    endpoint: str
    cursor: BlockReference
    finalized_head: BlockReference
    lag_blocks: int
    extrinsics: _containers.RepeatedCompositeFieldContainer[ExtrinsicStatusCount]
    oldest_queued_time: _timestamp_pb2.Timestamp
    last_error: str
    undecodable_blocks: int
    lag: _duration_pb2.Duration
    blocks_per_second: float
    catching_up: bool
    catch_up_duration: _duration_pb2.Duration
    reader: bool
    pruned_below: int
    signers: _containers.RepeatedCompositeFieldContainer[SignerAccount]
    pauses: _containers.RepeatedCompositeFieldContainer[_extrinsic_pb2.SubmissionPause]
    anomalies: int
    missing_in_runtime: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, mode: _Optional[_Union[GetSyncStatusResponse.Mode, str]] = ..., genesis_hash: _Optional[str] = ..., connected: _Optional[bool] = ..., endpoint: _Optional[str] = ..., cursor: _Optional[_Union[BlockReference, _Mapping]] = ..., finalized_head: _Optional[_Union[BlockReference, _Mapping]] = ..., lag_blocks: _Optional[int] = ..., extrinsics: _Optional[_Iterable[_Union[ExtrinsicStatusCount, _Mapping]]] = ..., oldest_queued_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_error: _Optional[str] = ..., undecodable_blocks: _Optional[int] = ..., lag: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., blocks_per_second: _Optional[float] = ..., catching_up: _Optional[bool] = ..., catch_up_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., reader: _Optional[bool] = ..., pruned_below: _Optional[int] = ..., signers: _Optional[_Iterable[_Union[SignerAccount, _Mapping]]] = ..., pauses: _Optional[_Iterable[_Union[_extrinsic_pb2.SubmissionPause, _Mapping]]] = ..., anomalies: _Optional[int] = ..., missing_in_runtime: _Optional[_Iterable[str]] = ...) -> None: ...

class SignerAccount(_message.Message):
    __slots__ = ("account_address", "free_balance", "next_nonce", "observe_time", "low")
    ACCOUNT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    FREE_BALANCE_FIELD_NUMBER: _ClassVar[int]
    NEXT_NONCE_FIELD_NUMBER: _ClassVar[int]
    OBSERVE_TIME_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    account_address: str
    free_balance: str
    next_nonce: int
    observe_time: _timestamp_pb2.Timestamp
    low: bool
    def __init__(self, account_address: _Optional[str] = ..., free_balance: _Optional[str] = ..., next_nonce: _Optional[int] = ..., observe_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., low: _Optional[bool] = ...) -> None: ...

class BlockReference(_message.Message):
    __slots__ = ("number", "hash")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    number: int
    hash: str
    def __init__(self, number: _Optional[int] = ..., hash: _Optional[str] = ...) -> None: ...
