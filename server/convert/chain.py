"""Events of the chain, between the contract and storage."""

from chamberlain.v1 import chain_service_pb2 as pb

from server.convert.values import timestamp
from server.paging import Tokens, page_request
from server.structs import struct_of
from server.validation import Checked
from storage import limits
from storage.chain.lists import ChainEventFilter
from storage.records import ChainEvent


def chain_events(request: pb.ListChainEventsRequest, tokens: Tokens) -> ChainEventFilter:
    with Checked(request) as fields:
        if request.event and not request.pallet:
            fields.refuse("pallet", "is required if event is given")
        return ChainEventFilter(
            pallet=fields.optional_identifier("pallet", request.pallet),
            event=fields.optional_identifier("event", request.event),
            correlation_id=fields.optional_identifier("correlation_id", request.correlation_id),
            first_block=request.first_block if request.HasField("first_block") else None,
            last_block=request.last_block if request.HasField("last_block") else None,
            page=page_request(fields, request, tokens, numbered=True),
        )


def watched_pallets(request: pb.WatchChainEventsRequest) -> frozenset[str]:
    with Checked(request) as fields:
        return fields.identifiers("pallets", request.pallets, limits.WATCHED_IDS_MAX)


def chain_event(record: ChainEvent) -> pb.ChainEvent:
    return pb.ChainEvent(
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
