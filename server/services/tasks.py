"""The calls of OrchestratorService that concern tasks."""

import asyncio
from collections.abc import AsyncIterator

from chamberlain.v1 import orchestrator_service_pb2 as pb

from server.convert import disputes as convert_disputes
from server.convert import tasks as convert
from server.convert.requests import cursor, key
from server.errors import status_of
from server.interceptor import Context
from server.services.calls import Calls, tell_correlation
from storage.feed import Cursor
from storage.market import lists, tasks


class TaskCalls(Calls):
    _bidding_window_us: int

    async def CreateTask(self, request: pb.CreateTaskRequest, context: Context) -> pb.CreateTaskResponse:
        response = await self._create(request)
        tell_correlation(context, response.correlation_id)
        return response

    async def BatchCreateTasks(
        self, request: pb.BatchCreateTasksRequest, context: Context
    ) -> pb.BatchCreateTasksResponse:
        convert.check_batch(request)
        # Committed side by side, so that they join one transaction.
        results = await asyncio.gather(
            *(self._create_one_of_many(place, item) for place, item in enumerate(request.requests))
        )
        return pb.BatchCreateTasksResponse(results=results)

    async def _create_one_of_many(
        self, place: int, request: pb.CreateTaskRequest
    ) -> pb.BatchCreateTasksResult:
        try:
            return pb.BatchCreateTasksResult(created=await self._create(request, f"requests[{place}]."))
        except Exception as error:
            return pb.BatchCreateTasksResult(error=status_of(error))

    async def _create(self, request: pb.CreateTaskRequest, path: str = "") -> pb.CreateTaskResponse:
        new_task = convert.new_task(request, bidding_window_us=self._bidding_window_us, path=path)
        receipt = await self._commit(tasks.create, new_task, request)
        response = pb.CreateTaskResponse(correlation_id=receipt.correlation_id)
        convert.fill_task(response.task, receipt.record)
        return response

    async def GetTask(self, request: pb.GetTaskRequest, context: Context) -> pb.GetTaskResponse:
        found = await self._storage.fetch(tasks.get, key(request, "task_id"))
        response = pb.GetTaskResponse(
            agreement=convert_disputes.agreement(found.agreement) if found.agreement else None,
            milestones=[convert_disputes.milestone(milestone) for milestone in found.milestones],
        )
        convert.fill_task(response.task, found.task, found.input)
        return response

    async def ListTasks(self, request: pb.ListTasksRequest, context: Context) -> pb.ListTasksResponse:
        tokens = await self._pages.tokens(request)
        page = await self._storage.read(lists.tasks, convert.tasks(request, tokens))
        return pb.ListTasksResponse(
            tasks=[convert.task(record) for record in page.records],
            next_page_token=tokens.token(page.next_key),
            total_size=page.total_size,
            watch_cursor=Cursor(log_id=page.log.log_id, number=page.log.head).text(),
        )

    async def CancelTask(self, request: pb.CancelTaskRequest, context: Context) -> pb.CancelTaskResponse:
        task_id = key(request, "task_id")
        receipt = await self._commit(tasks.cancel, task_id, request)
        tell_correlation(context, receipt.correlation_id)
        return pb.CancelTaskResponse(task=convert.task(receipt.record), correlation_id=receipt.correlation_id)

    async def WatchTasks(
        self, request: pb.WatchTasksRequest, context: Context
    ) -> AsyncIterator[pb.WatchTasksResponse]:
        wanted = convert.watched_tasks(request)
        after = cursor(request.after_cursor)
        async for batch in self._storage.feed.watch(wanted, after):
            yield pb.WatchTasksResponse(
                events=[convert.task_event(event) for event in batch.events],
                cursor=batch.cursor.text(),
            )

    async def CloseBidding(
        self, request: pb.CloseBiddingRequest, context: Context
    ) -> pb.CloseBiddingResponse:
        task_id = key(request, "task_id")
        receipt = await self._commit(tasks.close_bidding, task_id, request)
        tell_correlation(context, receipt.correlation_id)
        return pb.CloseBiddingResponse(
            task=convert.task(receipt.record), correlation_id=receipt.correlation_id
        )

    async def AllocateTask(
        self, request: pb.AllocateTaskRequest, context: Context
    ) -> pb.AllocateTaskResponse:
        task_id = key(request, "task_id")
        receipt = await self._commit(tasks.allocate, task_id, request)
        tell_correlation(context, receipt.correlation_id)
        return pb.AllocateTaskResponse(
            task=convert.task(receipt.record), correlation_id=receipt.correlation_id
        )

    async def SettleTask(self, request: pb.SettleTaskRequest, context: Context) -> pb.SettleTaskResponse:
        task_id = key(request, "task_id")
        receipt = await self._commit(tasks.settle, task_id, request)
        tell_correlation(context, receipt.correlation_id)
        return pb.SettleTaskResponse(task=convert.task(receipt.record), correlation_id=receipt.correlation_id)
