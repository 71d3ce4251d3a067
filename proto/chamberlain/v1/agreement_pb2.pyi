import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AgreementStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AGREEMENT_STATUS_UNSPECIFIED: _ClassVar[AgreementStatus]
    AGREEMENT_STATUS_PROPOSED: _ClassVar[AgreementStatus]
    AGREEMENT_STATUS_SIGNED: _ClassVar[AgreementStatus]
    AGREEMENT_STATUS_FINALIZED: _ClassVar[AgreementStatus]
    AGREEMENT_STATUS_DISPUTED: _ClassVar[AgreementStatus]
    AGREEMENT_STATUS_CANCELLED: _ClassVar[AgreementStatus]
AGREEMENT_STATUS_UNSPECIFIED: AgreementStatus
AGREEMENT_STATUS_PROPOSED: AgreementStatus
AGREEMENT_STATUS_SIGNED: AgreementStatus
AGREEMENT_STATUS_FINALIZED: AgreementStatus
AGREEMENT_STATUS_DISPUTED: AgreementStatus
AGREEMENT_STATUS_CANCELLED: AgreementStatus

class Agreement(_message.Message):
    __slots__ = ("agreement_id", "task_id", "agent_id", "chain_agreement_id", "proposer", "terms_hash", "status", "revision", "create_time", "update_time")
    AGREEMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    CHAIN_AGREEMENT_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSER_FIELD_NUMBER: _ClassVar[int]
    TERMS_HASH_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    agreement_id: str
    task_id: str
    agent_id: str
    chain_agreement_id: int
    proposer: str
    terms_hash: bytes
    status: AgreementStatus
    revision: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, agreement_id: _Optional[str] = ..., task_id: _Optional[str] = ..., agent_id: _Optional[str] = ..., chain_agreement_id: _Optional[int] = ..., proposer: _Optional[str] = ..., terms_hash: _Optional[bytes] = ..., status: _Optional[_Union[AgreementStatus, str]] = ..., revision: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
