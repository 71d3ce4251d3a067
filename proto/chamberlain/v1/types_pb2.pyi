from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class VerificationLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERIFICATION_LEVEL_UNSPECIFIED: _ClassVar[VerificationLevel]
    VERIFICATION_LEVEL_BEST_EFFORT: _ClassVar[VerificationLevel]
    VERIFICATION_LEVEL_OPTIMISTIC: _ClassVar[VerificationLevel]
    VERIFICATION_LEVEL_TEE: _ClassVar[VerificationLevel]
    VERIFICATION_LEVEL_ZKSNARK: _ClassVar[VerificationLevel]
    VERIFICATION_LEVEL_REDUNDANT: _ClassVar[VerificationLevel]

class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACTION_UNSPECIFIED: _ClassVar[Action]
    ACTION_RAW_CALL: _ClassVar[Action]
    ACTION_REGISTER_AGENT: _ClassVar[Action]
    ACTION_UPDATE_AGENT: _ClassVar[Action]
    ACTION_RETIRE_AGENT: _ClassVar[Action]
    ACTION_CREATE_TASK: _ClassVar[Action]
    ACTION_CANCEL_TASK: _ClassVar[Action]
    ACTION_SUBMIT_BID: _ClassVar[Action]
    ACTION_CLOSE_BIDDING: _ClassVar[Action]
    ACTION_REVEAL_BID: _ClassVar[Action]
    ACTION_ALLOCATE_TASK: _ClassVar[Action]
    ACTION_SUBMIT_RESULT: _ClassVar[Action]
    ACTION_SETTLE_TASK: _ClassVar[Action]
    ACTION_DISPUTE_TASK: _ClassVar[Action]
VERIFICATION_LEVEL_UNSPECIFIED: VerificationLevel
VERIFICATION_LEVEL_BEST_EFFORT: VerificationLevel
VERIFICATION_LEVEL_OPTIMISTIC: VerificationLevel
VERIFICATION_LEVEL_TEE: VerificationLevel
VERIFICATION_LEVEL_ZKSNARK: VerificationLevel
VERIFICATION_LEVEL_REDUNDANT: VerificationLevel
ACTION_UNSPECIFIED: Action
ACTION_RAW_CALL: Action
ACTION_REGISTER_AGENT: Action
ACTION_UPDATE_AGENT: Action
ACTION_RETIRE_AGENT: Action
ACTION_CREATE_TASK: Action
ACTION_CANCEL_TASK: Action
ACTION_SUBMIT_BID: Action
ACTION_CLOSE_BIDDING: Action
ACTION_REVEAL_BID: Action
ACTION_ALLOCATE_TASK: Action
ACTION_SUBMIT_RESULT: Action
ACTION_SETTLE_TASK: Action
ACTION_DISPUTE_TASK: Action
