import datetime

from chamberlain.v1 import types_pb2 as _types_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AgentStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AGENT_STATUS_UNSPECIFIED: _ClassVar[AgentStatus]
    AGENT_STATUS_PENDING: _ClassVar[AgentStatus]
    AGENT_STATUS_ACTIVE: _ClassVar[AgentStatus]
    AGENT_STATUS_SUSPENDED: _ClassVar[AgentStatus]
    AGENT_STATUS_RETIRED: _ClassVar[AgentStatus]
    AGENT_STATUS_REJECTED: _ClassVar[AgentStatus]
AGENT_STATUS_UNSPECIFIED: AgentStatus
AGENT_STATUS_PENDING: AgentStatus
AGENT_STATUS_ACTIVE: AgentStatus
AGENT_STATUS_SUSPENDED: AgentStatus
AGENT_STATUS_RETIRED: AgentStatus
AGENT_STATUS_REJECTED: AgentStatus

class Agent(_message.Message):
    __slots__ = ("agent_id", "label", "capabilities", "metadata", "attestation", "verification_level", "status", "chain_agent_id", "account_address", "pending_action", "pending_correlation_id", "last_error", "revision", "create_time", "update_time")
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    ATTESTATION_FIELD_NUMBER: _ClassVar[int]
    VERIFICATION_LEVEL_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CHAIN_AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PENDING_ACTION_FIELD_NUMBER: _ClassVar[int]
    PENDING_CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    label: str
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    metadata: str
    attestation: bytes
    verification_level: _types_pb2.VerificationLevel
    status: AgentStatus
    chain_agent_id: int
    account_address: str
    pending_action: _types_pb2.Action
    pending_correlation_id: str
    last_error: str
    revision: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, agent_id: _Optional[str] = ..., label: _Optional[str] = ..., capabilities: _Optional[_Iterable[str]] = ..., metadata: _Optional[str] = ..., attestation: _Optional[bytes] = ..., verification_level: _Optional[_Union[_types_pb2.VerificationLevel, str]] = ..., status: _Optional[_Union[AgentStatus, str]] = ..., chain_agent_id: _Optional[int] = ..., account_address: _Optional[str] = ..., pending_action: _Optional[_Union[_types_pb2.Action, str]] = ..., pending_correlation_id: _Optional[str] = ..., last_error: _Optional[str] = ..., revision: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
