"""Lists: every row once, in order, and tokens that fit only where they were made."""

import base64
from typing import Any

import pytest
from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1.agent_pb2 import AgentStatus
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from chamberlain.v1.task_pb2 import TaskStatus
from grpc import StatusCode
from hypothesis import given
from hypothesis import strategies as st

from server.app import App
from server.errors import InvalidPageToken
from server.paging import Tokens
from tests.server.conftest import connected, running, settings
from tests.server.market import Market, a_bid
from tests.server.refusals import refused


async def pages(call: Any, request: Any) -> list[Any]:
    """All pages of a list."""
    found = [await call(request)]
    while found[-1].next_page_token:
        request.page_token = found[-1].next_page_token
        found.append(await call(request))
    return found


async def test_pages_show_every_task_once_the_newest_first(orchestrator: Any, market: Market) -> None:
    created = [(await market.task()).task_id for _ in range(7)]
    found = await pages(orchestrator.ListTasks, pb.ListTasksRequest(page_size=3, include_total_size=True))
    assert [len(page.tasks) for page in found] == [3, 3, 1]
    assert [task.task_id for page in found for task in page.tasks] == created[::-1]
    assert [page.total_size for page in found] == [7, 7, 7]
    assert all(task.input == b"" for page in found for task in page.tasks)


async def test_agents_come_by_their_ids(orchestrator: Any, market: Market) -> None:
    ids = ["did:ex:ü", "did:ex:a", "did:ex:b", "A"]
    for agent_id in ids:
        await market.agent(agent_id, capabilities=["sum"] if agent_id != "A" else ["summing"])
    found = await pages(orchestrator.ListAgents, pb.ListAgentsRequest(page_size=1))
    assert [agent.agent_id for page in found for agent in page.agents] == sorted(ids)
    able = await orchestrator.ListAgents(pb.ListAgentsRequest(capability="sum"))
    assert [agent.agent_id for agent in able.agents] == sorted(set(ids) - {"A"})


async def test_a_page_has_50_rows_unless_it_says_otherwise_and_never_more_than_200(
    orchestrator: Any, market: Market
) -> None:
    task = await market.task()
    for _ in range(201):
        await orchestrator.SubmitBid(a_bid(task, await market.agent()))
    sizes = []
    for size in (0, 60, 200, 1000, 2**31 - 1):
        request = pb.ListBidsRequest(task_id=task.task_id, page_size=size)
        listed = await orchestrator.ListBids(request)
        sizes.append(len(listed.bids))
        assert not listed.HasField("total_size")
    assert sizes == [50, 60, 200, 200, 200]


async def test_filters_hold_on_every_page(orchestrator: Any, market: Market) -> None:
    for place in range(6):
        task = await market.task(requester_id=f"did:ex:{place % 2}")
        if place < 4:
            await orchestrator.CancelTask(pb.CancelTaskRequest(task_id=task.task_id))
    request = pb.ListTasksRequest(
        status=TaskStatus.TASK_STATUS_CANCELLED, requester_id="did:ex:1", page_size=1
    )
    found = await pages(orchestrator.ListTasks, request)
    assert [(task.status, task.requester_id) for page in found for task in page.tasks] == [
        (TaskStatus.TASK_STATUS_CANCELLED, "did:ex:1")
    ] * 2


async def test_the_page_size_may_change_from_page_to_page(orchestrator: Any, market: Market) -> None:
    for _ in range(5):
        await market.task()
    first = await orchestrator.ListTasks(pb.ListTasksRequest(page_size=1))
    rest = await orchestrator.ListTasks(
        pb.ListTasksRequest(page_size=10, page_token=first.next_page_token, include_total_size=True)
    )
    assert len(rest.tasks) == 4


async def test_a_token_of_other_filters_or_another_list_is_refused(orchestrator: Any, market: Market) -> None:
    for _ in range(3):
        await market.task()
        await market.agent()
    token = (await orchestrator.ListTasks(pb.ListTasksRequest(page_size=1))).next_page_token
    for call, request in (
        (orchestrator.ListTasks, pb.ListTasksRequest(requester_id="did:ex:other", page_token=token)),
        (orchestrator.ListAgents, pb.ListAgentsRequest(page_token=token)),
        (orchestrator.ListAgents, pb.ListAgentsRequest(page_token=token + "AAAA")),
        (orchestrator.ListAgents, pb.ListAgentsRequest(page_token="not base64!")),
        (orchestrator.ListAgents, pb.ListAgentsRequest(page_token="🌍")),
        (orchestrator.ListAgents, pb.ListAgentsRequest(page_token="A" * 1_000_000)),
        (
            orchestrator.ListAgents,
            pb.ListAgentsRequest(status=AgentStatus.AGENT_STATUS_ACTIVE, page_token=token),
        ),
    ):
        with refused(StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN", fields=["page_token"]):
            await call(request)


async def test_a_token_of_another_database_is_refused(orchestrator: Any, market: Market) -> None:
    for _ in range(2):
        await market.task()
    token = (await orchestrator.ListTasks(pb.ListTasksRequest(page_size=1))).next_page_token
    async with running(App(settings())) as other, connected(other) as channel:
        with refused(StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN"):
            await OrchestratorServiceStub(channel).ListTasks(pb.ListTasksRequest(page_token=token))


@given(key=st.text(min_size=1, max_size=40), place=st.integers(0), bit=st.integers(0, 7))
def test_a_token_that_somebody_changed_is_refused(key: str, place: int, bit: int) -> None:
    tokens = Tokens(pb.ListTasksRequest(), "log")
    token = tokens.token(key)
    assert tokens.key(token) == key
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[place % len(raw)] ^= 1 << bit
    with pytest.raises(InvalidPageToken):
        tokens.key(base64.urlsafe_b64encode(raw).decode())


@given(token=st.text(min_size=1))
def test_a_token_that_somebody_made_up_is_refused(token: str) -> None:
    with pytest.raises(InvalidPageToken):
        Tokens(pb.ListTasksRequest(), "log").key(token)
