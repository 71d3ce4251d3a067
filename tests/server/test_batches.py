"""BatchCreateTasks: each request succeeds or fails alone, and the results come in their order."""

from typing import Any

from chamberlain.v1 import orchestrator_service_pb2 as pb
from grpc import StatusCode

from server.app import App
from tests.server.market import a_task
from tests.server.refusals import Refused, check, details_of


def refusal_of(result: pb.BatchCreateTasksResult) -> Refused:
    code = next(code for code in StatusCode if code.value[0] == result.error.code)
    return Refused(code, result.error.message, details_of(result.error))


async def test_each_request_of_a_batch_has_its_own_result(orchestrator: Any) -> None:
    requests = [a_task(client_task_id=str(place)) for place in range(6)]
    requests[3].max_budget = "12.5"
    requests[4].description = "\0"
    requests[4].task_type = ""
    results = (await orchestrator.BatchCreateTasks(pb.BatchCreateTasksRequest(requests=requests))).results

    assert [result.WhichOneof("outcome") for result in results] == [
        "created", "created", "created", "error", "error", "created",
    ]  # fmt: skip
    for place in (0, 1, 2, 5):
        assert results[place].created.task.client_task_id == str(place)
    check(
        refusal_of(results[3]),
        StatusCode.INVALID_ARGUMENT,
        "INVALID_FIELD",
        fields=["requests[3].max_budget"],
    )
    check(
        refusal_of(results[4]),
        StatusCode.INVALID_ARGUMENT,
        "INVALID_FIELD",
        fields=["requests[4].description", "requests[4].task_type"],
    )
    listed = await orchestrator.ListTasks(pb.ListTasksRequest(include_total_size=True))
    assert listed.total_size == 4


async def test_a_full_batch_is_committed_together(orchestrator: Any, app: App) -> None:
    before = app.storage.committer.batches
    requests = [a_task() for _ in range(500)]
    response = await orchestrator.BatchCreateTasks(pb.BatchCreateTasksRequest(requests=requests))
    assert len({result.created.task.task_id for result in response.results}) == 500
    assert app.storage.committer.batches == before + 1


async def test_a_request_id_counts_once_in_a_batch_and_beside_it(orchestrator: Any) -> None:
    requests = [
        a_task(request_id="a", client_task_id="1"),
        a_task(request_id="b", client_task_id="2"),
        a_task(request_id="a", client_task_id="1"),
        a_task(request_id="b", client_task_id="3"),
    ]
    requests[2].deadline.CopyFrom(requests[0].deadline)
    results = (await orchestrator.BatchCreateTasks(pb.BatchCreateTasksRequest(requests=requests))).results
    assert results[0] == results[2]
    check(refusal_of(results[3]), StatusCode.FAILED_PRECONDITION, "REQUEST_ID_REUSED")
    alone = await orchestrator.CreateTask(requests[0])
    assert alone == results[0].created
