"""List and watch requests of the contract to the filters of storage."""

from chamberlain.v1 import chain_service_pb2 as chain_pb
from chamberlain.v1 import orchestrator_service_pb2 as orchestrator
from chamberlain.v1 import outbox_service_pb2 as outbox_pb

from server.enums import (
    AGENT_STATUS,
    BID_STATUS,
    ESCROW_STATUS,
    EXTRINSIC_STATUS,
    RESULT_STATUS,
    TASK_STATUS,
)
from server.paging import Tokens, page
from server.validation import Fields
from storage import limits
from storage.events import Filter
from storage.feed import Cursor
from storage.lists import (
    AgentFilter,
    BidFilter,
    ChainEventFilter,
    ExtrinsicFilter,
    ResultFilter,
    TaskFilter,
)

WATCHED_IDS_MAX = 100
"""How many tasks, extrinsics or pallets one watch may name."""
WATCHED_BY_TASK = frozenset({"task", "bid", "result", "agreement", "milestone"})
WATCHED_BY_EXTRINSIC = frozenset({"extrinsic"})


def agents(request: orchestrator.ListAgentsRequest, tokens: Tokens) -> AgentFilter:
    fields = Fields()
    wanted = AgentFilter(
        status=fields.filter("status", request.status, AGENT_STATUS),
        capability=fields.text("capability", request.capability, limits.CAPABILITY_BYTES_MAX),
        page=page(fields, request, tokens),
    )
    fields.refuse_if_wrong()
    return wanted


def tasks(request: orchestrator.ListTasksRequest, tokens: Tokens) -> TaskFilter:
    fields = Fields()
    wanted = TaskFilter(
        status=fields.filter("status", request.status, TASK_STATUS),
        escrow_status=fields.filter("escrow_status", request.escrow_status, ESCROW_STATUS),
        requester_id=fields.optional_identifier("requester_id", request.requester_id),
        assigned_agent_id=fields.optional_identifier("assigned_agent_id", request.assigned_agent_id),
        client_task_id=fields.optional_identifier("client_task_id", request.client_task_id),
        page=page(fields, request, tokens),
    )
    fields.refuse_if_wrong()
    return wanted


def bids(request: orchestrator.ListBidsRequest, tokens: Tokens) -> BidFilter:
    fields = Fields()
    if not request.task_id and not request.agent_id:
        fields.refuse("task_id", "is required, unless agent_id is given")
    wanted = BidFilter(
        task_id=fields.optional_identifier("task_id", request.task_id),
        agent_id=fields.optional_identifier("agent_id", request.agent_id),
        status=fields.filter("status", request.status, BID_STATUS),
        page=page(fields, request, tokens),
    )
    fields.refuse_if_wrong()
    return wanted


def results(request: orchestrator.ListResultsRequest, tokens: Tokens) -> ResultFilter:
    fields = Fields()
    wanted = ResultFilter(
        task_id=fields.optional_identifier("task_id", request.task_id),
        agent_id=fields.optional_identifier("agent_id", request.agent_id),
        status=fields.filter("status", request.status, RESULT_STATUS),
        page=page(fields, request, tokens),
    )
    fields.refuse_if_wrong()
    return wanted


def extrinsics(request: outbox_pb.ListExtrinsicsRequest, tokens: Tokens) -> ExtrinsicFilter:
    fields = Fields()
    wanted = ExtrinsicFilter(
        status=fields.filter("status", request.status, EXTRINSIC_STATUS),
        task_id=fields.optional_identifier("task_id", request.task_id),
        agent_id=fields.optional_identifier("agent_id", request.agent_id),
        page=page(fields, request, tokens),
    )
    fields.refuse_if_wrong()
    return wanted


def chain_events(request: chain_pb.ListChainEventsRequest, tokens: Tokens) -> ChainEventFilter:
    fields = Fields()
    if request.event and not request.pallet:
        fields.refuse("pallet", "is required if event is given")
    wanted = ChainEventFilter(
        pallet=fields.optional_identifier("pallet", request.pallet),
        event=fields.optional_identifier("event", request.event),
        correlation_id=fields.optional_identifier("correlation_id", request.correlation_id),
        first_block=request.first_block if request.HasField("first_block") else None,
        last_block=request.last_block if request.HasField("last_block") else None,
        page=page(fields, request, tokens, numbered=True),
    )
    fields.refuse_if_wrong()
    return wanted


def watched_tasks(request: orchestrator.WatchTasksRequest) -> Filter:
    fields = Fields()
    wanted = Filter(
        entities=WATCHED_BY_TASK,
        task_ids=fields.identifiers("task_ids", request.task_ids, WATCHED_IDS_MAX),
        requester_id=fields.optional_identifier("requester_id", request.requester_id),
    )
    fields.refuse_if_wrong()
    return wanted


def watched_extrinsics(request: outbox_pb.WatchExtrinsicsRequest) -> Filter:
    fields = Fields()
    wanted = Filter(
        entities=WATCHED_BY_EXTRINSIC,
        entity_ids=fields.identifiers("correlation_ids", request.correlation_ids, WATCHED_IDS_MAX),
    )
    fields.refuse_if_wrong()
    return wanted


def watched_pallets(request: chain_pb.WatchChainEventsRequest) -> frozenset[str]:
    fields = Fields()
    pallets = fields.identifiers("pallets", request.pallets, WATCHED_IDS_MAX)
    fields.refuse_if_wrong()
    return pallets


def cursor(text: str) -> Cursor | None:
    """The cursor to begin after; None, which means now, if it is empty. Raises `InvalidCursor`."""
    return Cursor.parse(text) if text else None
