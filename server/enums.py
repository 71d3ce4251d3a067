"""The enums of storage and those of the contract: same names, translated by two dictionaries each."""

from enum import StrEnum
from typing import Generic, TypeVar

from chamberlain.v1 import (
    agent_pb2,
    agreement_pb2,
    approval_pb2,
    audit_service_pb2,
    bid_pb2,
    extrinsic_pb2,
    handoff_pb2,
    milestone_pb2,
    result_pb2,
    session_pb2,
    task_pb2,
    transcript_pb2,
    types_pb2,
)
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from storage.audit.chain import FaultKind
from storage.lifecycle import (
    AgentStatus,
    AgreementStatus,
    ApprovalStatus,
    BidStatus,
    EscrowStatus,
    ExtrinsicStatus,
    HandoffStatus,
    MilestoneStatus,
    ResultStatus,
    SessionStatus,
    TaskStatus,
)
from storage.records import Action, EntryRole, VerificationLevel

Stored = TypeVar("Stored", bound=StrEnum)
Wire = TypeVar("Wire", bound=int)


class EnumMap(Generic[Stored, Wire]):
    """One enum in both languages: `TaskStatus.BIDDING` is `TASK_STATUS_BIDDING`."""

    def __init__(self, stored: type[Stored], wire: type[Wire], prefix: str) -> None:
        assert isinstance(wire, EnumTypeWrapper)
        numbers = dict(wire.items())
        self.to_wire: dict[str, Wire] = {
            value: numbers[f"{prefix}_{value.name if value else 'UNSPECIFIED'}"] for value in stored
        }
        self.from_wire: dict[int, Stored] = {self.to_wire[value]: value for value in stored}
        self.name: str = wire.DESCRIPTOR.name


AGENT_STATUS = EnumMap(AgentStatus, agent_pb2.AgentStatus, "AGENT_STATUS")
TASK_STATUS = EnumMap(TaskStatus, task_pb2.TaskStatus, "TASK_STATUS")
ESCROW_STATUS = EnumMap(EscrowStatus, task_pb2.EscrowStatus, "ESCROW_STATUS")
BID_STATUS = EnumMap(BidStatus, bid_pb2.BidStatus, "BID_STATUS")
AGREEMENT_STATUS = EnumMap(AgreementStatus, agreement_pb2.AgreementStatus, "AGREEMENT_STATUS")
MILESTONE_STATUS = EnumMap(MilestoneStatus, milestone_pb2.MilestoneStatus, "MILESTONE_STATUS")
RESULT_STATUS = EnumMap(ResultStatus, result_pb2.ResultStatus, "RESULT_STATUS")
EXTRINSIC_STATUS = EnumMap(ExtrinsicStatus, extrinsic_pb2.ExtrinsicStatus, "EXTRINSIC_STATUS")
SESSION_STATUS = EnumMap(SessionStatus, session_pb2.SessionStatus, "SESSION_STATUS")
ENTRY_ROLE = EnumMap(EntryRole, transcript_pb2.EntryRole, "ENTRY_ROLE")
HANDOFF_STATUS = EnumMap(HandoffStatus, handoff_pb2.HandoffStatus, "HANDOFF_STATUS")
APPROVAL_STATUS = EnumMap(ApprovalStatus, approval_pb2.ApprovalStatus, "APPROVAL_STATUS")
AUDIT_FAULT_KIND = EnumMap(FaultKind, audit_service_pb2.AuditFaultKind, "AUDIT_FAULT_KIND")
VERIFICATION_LEVEL = EnumMap(VerificationLevel, types_pb2.VerificationLevel, "VERIFICATION_LEVEL")
ACTION = EnumMap(Action, types_pb2.Action, "ACTION")
