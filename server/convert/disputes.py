"""Disputes and what the parties agreed on, between the contract and storage."""

from chamberlain.v1 import agreement_pb2, milestone_pb2
from chamberlain.v1 import orchestrator_service_pb2 as pb

from server.convert.requests import key
from server.convert.values import optional_amount, timestamp
from server.enums import AGREEMENT_STATUS, MILESTONE_STATUS
from server.validation import Checked
from storage import limits
from storage.market.disputes import Dispute, Resolution
from storage.records import Agreement, Milestone


def dispute(request: pb.DisputeTaskRequest) -> Dispute:
    with Checked(request) as fields:
        return Dispute(
            task_id=fields.identifier("task_id", request.task_id),
            agent_id=fields.optional_identifier("agent_id", request.agent_id),
            reason=fields.text("reason", request.reason, limits.DISPUTE_REASON_BYTES_MAX, required=True),
        )


def resolution(request: pb.ResolveDisputeRequest) -> Resolution:
    return Resolution(task_id=key(request, "task_id"), pay_agent=request.pay_agent)


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
        paid_amount=optional_amount(record.paid_amount),
        recipient=record.recipient,
        revision=record.revision,
        create_time=timestamp(record.create_time_us),
        update_time=timestamp(record.update_time_us),
    )
