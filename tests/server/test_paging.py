"""Lists: every row once, in order, and tokens that fit only where they were made."""

import base64
import re
from contextlib import nullcontext
from typing import Any

import pytest
from chamberlain.v1 import audit_service_pb2 as audit_pb
from chamberlain.v1 import chain_service_pb2 as chain_pb
from chamberlain.v1 import orchestrator_service_pb2 as pb
from chamberlain.v1 import session_service_pb2 as session_pb
from chamberlain.v1 import transcript_service_pb2 as transcript_pb
from chamberlain.v1.agent_pb2 import AgentStatus
from chamberlain.v1.audit_service_pb2_grpc import AuditServiceStub
from chamberlain.v1.chain_service_pb2_grpc import ChainServiceStub
from chamberlain.v1.orchestrator_service_pb2_grpc import OrchestratorServiceStub
from chamberlain.v1.task_pb2 import TaskStatus
from grpc import StatusCode
from grpc.aio import Channel
from hypothesis import example, given
from hypothesis import strategies as st

from server.app import App
from server.errors import InvalidPageToken
from server.paging import Tokens
from storage import limits
from tests.server.conftest import connected, running, settings
from tests.server.conversation import a_session, an_append
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


KEYS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(key=KEYS, place=st.integers(0), bit=st.integers(0, 7))
def test_a_token_that_somebody_changed_is_refused(key: str, place: int, bit: int) -> None:
    tokens = Tokens(pb.ListTasksRequest(), "log")
    token = tokens.token(key)
    assert tokens.key(token) == key
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[place % len(raw)] ^= 1 << bit
    with pytest.raises(InvalidPageToken):
        tokens.key(base64.urlsafe_b64encode(raw).decode())


@given(st.integers(0, limits.NUMBER_MAX))
def test_a_key_that_is_a_number_comes_back(number: int) -> None:
    tokens = Tokens(pb.ListTasksRequest(), "log")
    assert tokens.number(tokens.token(str(number))) == number
    assert tokens.number("") is None


@given(KEYS | st.integers(max_value=-1).map(str) | st.integers(2**63).map(str))
@example("1_0")
@example(" 7")
@example("٣")
@example("-0")
def test_a_key_that_is_no_number_is_refused_whoever_sealed_it(key: str) -> None:
    if re.fullmatch("[0-9]{1,19}", key) and int(key) <= limits.NUMBER_MAX:
        return
    tokens = Tokens(pb.ListTasksRequest(), "log")
    with pytest.raises(InvalidPageToken):
        tokens.number(tokens.token(key))


@pytest.mark.parametrize("key", [b"\0", b"a\0", b"\xff", "x", "-5", "9" * 30, "9" * 19, "1_0", "٣", "ÿ"])
async def test_no_key_of_a_client_that_seals_its_own_is_an_internal_error(
    channel: Channel, orchestrator: Any, sessions: Any, transcripts: Any, key: bytes | str
) -> None:
    session_id = (await a_session(sessions)).session_id
    await transcripts.AppendTranscript(an_append(session_id, "a"))
    raw = (await orchestrator.ListTasks(pb.ListTasksRequest())).watch_cursor
    log_id = base64.urlsafe_b64decode(raw)[:16].hex()
    requests: dict[Any, Any] = {
        orchestrator.ListTasks: pb.ListTasksRequest(),
        sessions.ListCommands: session_pb.ListCommandsRequest(session_id=session_id),
        transcripts.ListTranscript: transcript_pb.ListTranscriptRequest(
            session_id=session_id, newest_first=True
        ),
        transcripts.SearchTranscripts: transcript_pb.SearchTranscriptsRequest(query="a"),
        AuditServiceStub(channel).ListAudit: audit_pb.ListAuditRequest(),
        ChainServiceStub(channel).ListChainEvents: chain_pb.ListChainEventsRequest(),
    }
    for call, request in requests.items():
        tokens = Tokens(request, log_id)
        sealed = key if isinstance(key, bytes) else key.encode()
        request.page_token = base64.urlsafe_b64encode(tokens._seal(sealed) + sealed).decode().rstrip("=")
        of_texts = call is orchestrator.ListTasks and isinstance(key, str)
        with nullcontext() if of_texts else refused(StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN"):
            await call(request)


async def test_a_page_behind_the_end_of_a_transcript_goes_back_from_its_end(
    orchestrator: Any, sessions: Any, transcripts: Any
) -> None:
    session_id = (await a_session(sessions)).session_id
    await transcripts.AppendTranscript(an_append(session_id, "a", "b"))
    raw = (await orchestrator.ListTasks(pb.ListTasksRequest())).watch_cursor
    request = transcript_pb.ListTranscriptRequest(session_id=session_id, newest_first=True)
    request.page_token = Tokens(request, base64.urlsafe_b64decode(raw)[:16].hex()).token("100")
    page = await transcripts.ListTranscript(request)
    assert [entry.position for entry in page.entries] == [2, 1]


@given(token=st.text(min_size=1))
def test_a_token_that_somebody_made_up_is_refused(token: str) -> None:
    with pytest.raises(InvalidPageToken):
        Tokens(pb.ListTasksRequest(), "log").key(token)
