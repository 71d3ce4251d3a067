"""SessionService: the state of agents, voice clients and workflows that outlives their process."""

from collections.abc import AsyncIterator

from chamberlain.v1 import session_service_pb2 as pb
from chamberlain.v1.session_service_pb2_grpc import SessionServiceServicer

from server.convert import approvals as convert_approvals
from server.convert import sessions as convert
from server.convert import tasks as convert_tasks
from server.convert import transcripts as convert_transcripts
from server.convert.requests import check_request_id, cursor, key
from server.interceptor import Context
from server.services.calls import Calls
from storage.feed import Cursor
from storage.sessions import lists as session_lists
from storage.sessions import sessions, transcripts
from storage.sessions import sweep as session_sweep
from storage.sessions.sweep import Sweep
from storage.sessions.transcripts import Copy
from storage.store import Storage


class SessionService(Calls, SessionServiceServicer):
    """`sweep` says how old sessions become."""

    def __init__(self, storage: Storage, *, sweep: Sweep) -> None:
        super().__init__(storage)
        self._sweep = sweep

    async def CreateSession(
        self, request: pb.CreateSessionRequest, context: Context
    ) -> pb.CreateSessionResponse:
        new_session = convert.new_session(request)
        created = await self._commit(sessions.create, new_session, request)
        return pb.CreateSessionResponse(session=convert.session(created))

    async def GetSession(self, request: pb.GetSessionRequest, context: Context) -> pb.GetSessionResponse:
        found = await self._storage.fetch(sessions.get, key(request, "session_id"))
        return pb.GetSessionResponse(session=convert.session(found))

    async def ListSessions(
        self, request: pb.ListSessionsRequest, context: Context
    ) -> pb.ListSessionsResponse:
        tokens = await self._pages.tokens(request)
        wanted = convert.sessions(request, tokens)
        page = await self._storage.read(session_lists.sessions, wanted)
        return pb.ListSessionsResponse(
            sessions=[convert.session(record) for record in page.records],
            next_page_token=tokens.token(page.next_key),
            total_size=page.total_size,
            watch_cursor=Cursor(log_id=page.log.log_id, number=page.log.head).text(),
        )

    async def UpdateSession(
        self, request: pb.UpdateSessionRequest, context: Context
    ) -> pb.UpdateSessionResponse:
        update = convert.session_update(request)
        updated = await self._commit(sessions.update, update, request)
        return pb.UpdateSessionResponse(session=convert.session(updated))

    async def DeleteSession(
        self, request: pb.DeleteSessionRequest, context: Context
    ) -> pb.DeleteSessionResponse:
        session_id = key(request, "session_id")
        await self._commit(sessions.delete, session_id, request)
        return pb.DeleteSessionResponse()

    async def WatchSessions(
        self, request: pb.WatchSessionsRequest, context: Context
    ) -> AsyncIterator[pb.WatchSessionsResponse]:
        wanted = convert.watched_sessions(request)
        after = cursor(request.after_cursor)
        async for batch in self._storage.feed.watch(wanted, after):
            yield pb.WatchSessionsResponse(
                events=[convert.session_event(event) for event in batch.events],
                cursor=batch.cursor.text(),
            )

    async def ResumeSession(
        self, request: pb.ResumeSessionRequest, context: Context
    ) -> pb.ResumeSessionResponse:
        wanted = convert.resume(request)
        resumed = await self._storage.read(session_lists.resume, wanted)
        return pb.ResumeSessionResponse(
            session=convert.session(resumed.detail),
            entries=[convert_transcripts.entry(entry) for entry in resumed.entries],
            commands=[convert.command(command) for command in resumed.commands],
            active_tasks=[convert_tasks.task(task) for task in resumed.active_tasks],
            pending_approvals=[convert_approvals.approval(each) for each in resumed.pending_approvals],
        )

    async def AppendCommand(
        self, request: pb.AppendCommandRequest, context: Context
    ) -> pb.AppendCommandResponse:
        new_command = convert.new_command(request)
        command = await self._commit(sessions.append_command, new_command, request)
        return pb.AppendCommandResponse(command=convert.command(command))

    async def ListCommands(
        self, request: pb.ListCommandsRequest, context: Context
    ) -> pb.ListCommandsResponse:
        tokens = await self._pages.tokens(request)
        wanted = convert.commands(request, tokens)
        page = await self._storage.read(sessions.command_page, *wanted)
        return pb.ListCommandsResponse(
            commands=[convert.command(command) for command in page.commands],
            next_page_token=tokens.token(str(page.commands[-1].number) if page.more else ""),
        )

    async def BranchSession(
        self, request: pb.BranchSessionRequest, context: Context
    ) -> pb.BranchSessionResponse:
        wanted = convert.branch(request)
        made = await self._commit(transcripts.copy, wanted, request)
        return pb.BranchSessionResponse(session=convert.session(made))

    async def CopySession(self, request: pb.CopySessionRequest, context: Context) -> pb.CopySessionResponse:
        session_id = key(request, "session_id")
        wanted = Copy(session_id=session_id, with_commands=True)
        made = await self._commit(transcripts.copy, wanted, request)
        return pb.CopySessionResponse(session=convert.session(made))

    async def SweepSessions(
        self, request: pb.SweepSessionsRequest, context: Context
    ) -> pb.SweepSessionsResponse:
        check_request_id(request)
        if request.dry_run:
            swept = await self._storage.read(session_sweep.due, self._sweep)
        else:
            swept = await self._commit(session_sweep.sweep, self._sweep, request)
        return pb.SweepSessionsResponse(
            expired_session_ids=swept.expired_session_ids,
            deleted_session_ids=swept.deleted_session_ids,
            more=swept.more,
        )
