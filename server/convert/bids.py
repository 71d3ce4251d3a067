"""Bids, between the contract and storage."""

from chamberlain.v1 import bid_pb2
from chamberlain.v1 import orchestrator_service_pb2 as pb

from server.convert.values import optional_amount, timestamp
from server.enums import ACTION, BID_STATUS
from server.paging import Tokens, page_request
from server.validation import Checked
from storage import limits
from storage.lifecycle import BidStatus
from storage.market.bids import NewBid, Reveal
from storage.market.lists import BidFilter
from storage.records import Bid

_VALUE_SHOWN = frozenset({BidStatus.REVEALED, BidStatus.WON, BidStatus.LOST})


def new_bid(request: pb.SubmitBidRequest) -> NewBid:
    with Checked(request) as fields:
        return NewBid(
            task_id=fields.identifier("task_id", request.task_id),
            agent_id=fields.identifier("agent_id", request.agent_id),
            commitment=fields.exact_blob("commitment", request.commitment, limits.COMMITMENT_BYTES),
            quality_score=fields.number("quality_score", request.quality_score, limits.QUALITY_SCORE_MAX),
            estimated_duration_seconds=fields.whole_seconds("estimated_duration", request.estimated_duration),
        )


def reveal(request: pb.RevealBidRequest) -> Reveal:
    with Checked(request) as fields:
        return Reveal(
            task_id=fields.identifier("task_id", request.task_id),
            agent_id=fields.identifier("agent_id", request.agent_id),
            value=fields.amount("value", request.value),
            nonce=fields.exact_blob("nonce", request.nonce, limits.NONCE_BYTES),
        )


def bids(request: pb.ListBidsRequest, tokens: Tokens) -> BidFilter:
    with Checked(request) as fields:
        if not request.task_id and not request.agent_id:
            fields.refuse("task_id", "is required, unless agent_id is given")
        return BidFilter(
            task_id=fields.optional_identifier("task_id", request.task_id),
            agent_id=fields.optional_identifier("agent_id", request.agent_id),
            status=fields.filter("status", request.status, BID_STATUS),
            page=page_request(fields, request, tokens),
        )


def bid(record: Bid) -> bid_pb2.Bid:
    """The value is left out while it is secret, although storage may know it already."""
    message = bid_pb2.Bid(
        bid_id=record.bid_id,
        task_id=record.task_id,
        agent_id=record.agent_id,
        commitment=record.commitment,
        quality_score=record.quality_score,
        value=optional_amount(record.value) if record.status in _VALUE_SHOWN else "",
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
