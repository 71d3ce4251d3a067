"""Records of storage to messages of the contract."""

import functools

from chamberlain.v1 import (
    agent_pb2,
    agreement_pb2,
    bid_pb2,
    chain_service_pb2,
    extrinsic_pb2,
    milestone_pb2,
    reputation_pb2,
    result_pb2,
    task_pb2,
)
from google.protobuf.timestamp_pb2 import Timestamp

from chain.pallets import PalletTable
from server.enums import (
    ACTION,
    AGENT_STATUS,
    AGREEMENT_STATUS,
    BID_STATUS,
    ESCROW_STATUS,
    EXTRINSIC_STATUS,
    MILESTONE_STATUS,
    RESULT_STATUS,
    TASK_STATUS,
    VERIFICATION_LEVEL,
)
from server.structs import struct_of
from storage.lifecycle import BidStatus
from storage.pauses import Pause
from storage.records import (
    Action,
    Agent,
    Agreement,
    Bid,
    ChainEvent,
    Event,
    Extrinsic,
    Milestone,
    Reputation,
    Result,
    Task,
    milestone_number,
)

_VALUE_SHOWN = frozenset({BidStatus.REVEALED, BidStatus.WON, BidStatus.LOST})


@functools.lru_cache(256)
def timestamp(time_us: int) -> Timestamp:
    """A time as a message, to be copied: what is made in one transaction has the same."""
    seconds, microseconds = divmod(time_us, 1_000_000)
    return Timestamp(seconds=seconds, nanos=microseconds * 1000)


def optional_timestamp(time_us: int | None) -> Timestamp | None:
    return None if time_us is None else timestamp(time_us)


def _optional_amount(amount: int | None) -> str | None:
    return None if amount is None else str(amount)


def hexadecimal(digest: bytes) -> str:
    """`0x` and hexadecimal digits; empty for no bytes."""
    return f"0x{digest.hex()}" if digest else ""


def agent(record: Agent) -> agent_pb2.Agent:
    return agent_pb2.Agent(
        agent_id=record.agent_id,
        label=record.label,
        capabilities=record.capabilities,
        metadata=record.metadata,
        attestation=record.attestation,
        verification_level=VERIFICATION_LEVEL.to_wire[record.verification_level],
        status=AGENT_STATUS.to_wire[record.status],
        chain_agent_id=record.chain_agent_id,
        account_address=record.account_address,
        pending_action=ACTION.to_wire[record.pending_action],
        pending_correlation_id=record.pending_correlation_id,
        last_error=record.last_error,
        revision=record.revision,
        create_time=timestamp(record.create_time_us),
        update_time=timestamp(record.update_time_us),
    )


def task(record: Task, task_input: bytes = b"") -> task_pb2.Task:
    message = task_pb2.Task()
    fill_task(message, record, task_input)
    return message


def fill_task(message: task_pb2.Task, record: Task, task_input: bytes = b"") -> None:
    """Write a task into an empty message: one that stands in another already needs no copy."""
    message.task_id = record.task_id
    message.client_task_id = record.client_task_id
    message.requester_id = record.requester_id
    message.description = record.description
    message.task_type = record.task_type
    message.input = task_input
    message.max_budget = str(record.max_budget)
    message.verification_level = VERIFICATION_LEVEL.to_wire[record.verification_level]
    message.status = TASK_STATUS.to_wire[record.status]
    message.escrow_status = ESCROW_STATUS.to_wire[record.escrow_status]
    message.spec_hash = record.spec_hash
    message.assigned_agent_id = record.assigned_agent_id
    message.disputed_by = record.disputed_by
    message.dispute_reason = record.dispute_reason
    message.pending_action = ACTION.to_wire[record.pending_action]
    message.pending_correlation_id = record.pending_correlation_id
    message.last_error = record.last_error
    message.revision = record.revision
    message.create_time.CopyFrom(timestamp(record.create_time_us))
    message.update_time.CopyFrom(timestamp(record.update_time_us))
    if record.deadline_us is not None:
        message.deadline.CopyFrom(timestamp(record.deadline_us))
    if record.bidding_end_us is not None:
        message.bidding_end_time.CopyFrom(timestamp(record.bidding_end_us))
    if record.chain_task_id is not None:
        message.chain_task_id = record.chain_task_id
    if record.deadline_block is not None:
        message.deadline_block = record.deadline_block
    if record.cost is not None:
        message.cost = str(record.cost)
    if record.paid_amount is not None:
        message.paid_amount = str(record.paid_amount)
    if record.fee_amount is not None:
        message.fee_amount = str(record.fee_amount)


def agreement(record: Agreement) -> agreement_pb2.Agreement:
    return agreement_pb2.Agreement(
        agreement_id=record.agreement_id,
        task_id=record.task_id,
        agent_id=record.agent_id,
        chain_agreement_id=record.chain_agreement_id,
        proposer=record.proposer,
        terms_hash=record.terms_hash,
        status=AGREEMENT_STATUS.to_wire[record.status],
        revision=record.revision,
        create_time=timestamp(record.create_time_us),
        update_time=timestamp(record.update_time_us),
    )


def milestone(record: Milestone) -> milestone_pb2.Milestone:
    return milestone_pb2.Milestone(
        milestone_id=record.number,
        description=record.description,
        amount=str(record.amount),
        required_approvals=record.required_approvals,
        approved_by=record.approved_by,
        status=MILESTONE_STATUS.to_wire[record.status],
        paid_amount=_optional_amount(record.paid_amount),
        recipient=record.recipient,
        revision=record.revision,
        create_time=timestamp(record.create_time_us),
        update_time=timestamp(record.update_time_us),
    )


def reputation(agent_id: str, record: Reputation) -> reputation_pb2.Reputation:
    return reputation_pb2.Reputation(
        agent_id=agent_id,
        account_address=record.account_address,
        score=record.score,
        staked_amount=str(record.staked),
        slashed_amount=str(record.slashed),
        tasks_completed=record.tasks_completed,
        tasks_failed=record.tasks_failed,
        severe_slashes=record.severe_slashes,
        update_time=timestamp(record.update_time_us) if record.update_time_us else None,
    )


def bid(record: Bid) -> bid_pb2.Bid:
    """The value is left out while it is secret, although storage may know it already."""
    message = bid_pb2.Bid(
        bid_id=record.bid_id,
        task_id=record.task_id,
        agent_id=record.agent_id,
        commitment=record.commitment,
        quality_score=record.quality_score,
        value=_optional_amount(record.value) if record.status in _VALUE_SHOWN else "",
        status=BID_STATUS.to_wire[record.status],
        pending_action=ACTION.to_wire[record.pending_action],
        pending_correlation_id=record.pending_correlation_id,
        last_error=record.last_error,
        revision=record.revision,
        create_time=timestamp(record.create_time_us),
        update_time=timestamp(record.update_time_us),
    )
    message.estimated_duration.seconds = record.estimated_duration_seconds
    return message


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


def extrinsic(record: Extrinsic, pallets: PalletTable) -> extrinsic_pb2.Extrinsic:
    """The pallet and the call are those that the table has for its action; a raw call names its own."""
    pallet, call = pallets.call_name(record.action)
    if record.action == Action.RAW_CALL:
        pallet, call = record.pallet, record.call
    return extrinsic_pb2.Extrinsic(
        correlation_id=record.correlation_id,
        action=ACTION.to_wire[record.action],
        pallet=pallet,
        call=call,
        payload=struct_of(record.payload) if record.action == Action.RAW_CALL else None,
        task_id=record.task_id,
        agent_id=record.agent_id,
        signer=record.signer,
        status=EXTRINSIC_STATUS.to_wire[record.status],
        attempt_count=record.attempt_count,
        last_error=record.last_error,
        extrinsic_hash=hexadecimal(record.extrinsic_hash),
        nonce=record.nonce,
        death_block=record.death_block,
        block_number=record.block_number,
        extrinsic_index=record.extrinsic_index,
        revision=record.revision,
        create_time=timestamp(record.create_time_us),
        update_time=timestamp(record.update_time_us),
        finalize_time=optional_timestamp(record.finalize_time_us),
    )


def pause(record: Pause) -> extrinsic_pb2.SubmissionPause:
    return extrinsic_pb2.SubmissionPause(
        signer=record.signer, reason=record.reason, create_time=timestamp(record.create_time_us)
    )


def chain_event(record: ChainEvent) -> chain_service_pb2.ChainEvent:
    return chain_service_pb2.ChainEvent(
        block_number=record.block_number,
        event_index=record.event_index,
        pallet=record.pallet,
        event=record.event,
        payload=struct_of(record.payload),
        extrinsic_index=record.extrinsic_index,
        correlation_id=record.correlation_id,
        anomaly=record.anomaly,
        block_time=timestamp(record.block_time_us),
    )


_EVENT_TYPES = {
    ("task", True): task_pb2.TASK_EVENT_TYPE_TASK_CREATED,
    ("task", False): task_pb2.TASK_EVENT_TYPE_TASK_CHANGED,
    ("bid", True): task_pb2.TASK_EVENT_TYPE_BID_CREATED,
    ("bid", False): task_pb2.TASK_EVENT_TYPE_BID_CHANGED,
    ("result", True): task_pb2.TASK_EVENT_TYPE_RESULT_CREATED,
    ("result", False): task_pb2.TASK_EVENT_TYPE_RESULT_CHANGED,
    ("agreement", True): task_pb2.TASK_EVENT_TYPE_AGREEMENT_CREATED,
    ("agreement", False): task_pb2.TASK_EVENT_TYPE_AGREEMENT_CHANGED,
    ("milestone", True): task_pb2.TASK_EVENT_TYPE_MILESTONE_CREATED,
    ("milestone", False): task_pb2.TASK_EVENT_TYPE_MILESTONE_CHANGED,
}


def task_event(event: Event) -> task_pb2.TaskEvent:
    body = event.body
    message = task_pb2.TaskEvent(
        type=_EVENT_TYPES[event.entity, event.created],
        event_time=timestamp(event.event_time_us),
        task_id=event.task_id,
        requester_id=event.requester_id,
        revision=event.revision,
        agent_id=body.agent_id,
        pending_action=ACTION.to_wire[body.pending_action],
        correlation_id=body.correlation_id,
        error=body.error,
    )
    if event.entity == "bid":
        message.bid_id = event.entity_id
        message.bid_status = BID_STATUS.to_wire[body.status]
    elif event.entity == "result":
        message.result_id = event.entity_id
        message.result_status = RESULT_STATUS.to_wire[body.status]
    elif event.entity == "agreement":
        message.agreement_id = event.entity_id
        message.agreement_status = AGREEMENT_STATUS.to_wire[body.status]
    elif event.entity == "milestone":
        message.milestone_id = milestone_number(event.entity_id)
        message.milestone_status = MILESTONE_STATUS.to_wire[body.status]
    else:
        message.status = TASK_STATUS.to_wire[body.status]
        message.escrow_status = ESCROW_STATUS.to_wire[body.escrow_status]
    return message
