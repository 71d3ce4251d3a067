"""OutboxService: everything that is sent to the chain."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
from chamberlain.v1 import extrinsic_pb2
from chamberlain.v1 import outbox_service_pb2 as pb
from chamberlain.v1.outbox_service_pb2_grpc import OutboxServiceServicer

from chain.pallets import PalletTable
from server.convert import outbox as convert
from server.convert.requests import cursor, key
from server.interceptor import Context
from server.services.calls import Calls, tell_correlation
from storage.chain import lists as chain_lists
from storage.chain import outbox, pauses
from storage.chain.outbox import NewCall
from storage.errors import Refusal
from storage.feed import Cursor
from storage.records import Extrinsic
from storage.store import Storage


class OutboxService(Calls, OutboxServiceServicer):
    """`allowed_calls` are the raw calls that may be enqueued, as `Pallet.call`; `pallets` name the others.

    `has_key` tells of a name whether this server has a key of its own for it, and `wrong_with` why the chain
    cannot take a raw call, as far as that is known now.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        allowed_calls: frozenset[str],
        pallets: PalletTable,
        has_key: Callable[[str], bool],
        wrong_with: Callable[[NewCall], Awaitable[Refusal | None]],
    ) -> None:
        super().__init__(storage)
        self._has_key = has_key
        self._wrong_with = wrong_with
        self._allowed_calls = allowed_calls
        self._pallets = pallets

    async def EnqueueExtrinsic(
        self, request: pb.EnqueueExtrinsicRequest, context: Context
    ) -> pb.EnqueueExtrinsicResponse:
        new_call = convert.new_call(request, allowed_calls=self._allowed_calls)
        new_call = msgspec.structs.replace(new_call, refusal=await self._wrong_with(new_call))
        receipt = await self._commit(outbox.enqueue_call, new_call, request)
        tell_correlation(context, receipt.correlation_id)
        return pb.EnqueueExtrinsicResponse(
            extrinsic=self._shown(receipt.record), correlation_id=receipt.correlation_id
        )

    async def GetExtrinsic(
        self, request: pb.GetExtrinsicRequest, context: Context
    ) -> pb.GetExtrinsicResponse:
        correlation_id = key(request, "correlation_id")
        found = await self._storage.fetch(outbox.get, correlation_id)
        return pb.GetExtrinsicResponse(extrinsic=self._shown(found))

    async def ListExtrinsics(
        self, request: pb.ListExtrinsicsRequest, context: Context
    ) -> pb.ListExtrinsicsResponse:
        tokens = await self._pages.tokens(request)
        page = await self._storage.read(chain_lists.extrinsics, convert.extrinsics(request, tokens))
        return pb.ListExtrinsicsResponse(
            extrinsics=[self._shown(record) for record in page.records],
            next_page_token=tokens.token(page.next_key),
            total_size=page.total_size,
            watch_cursor=Cursor(log_id=page.log.log_id, number=page.log.head).text(),
        )

    async def WatchExtrinsics(
        self, request: pb.WatchExtrinsicsRequest, context: Context
    ) -> AsyncIterator[pb.WatchExtrinsicsResponse]:
        wanted = convert.watched_extrinsics(request)
        after = cursor(request.after_cursor)
        async for batch in self._storage.feed.watch(wanted, after):
            # Each once, in the order of their last change.
            changed = list(dict.fromkeys(event.entity_id for event in reversed(batch.events)))[::-1]
            found = await asyncio.gather(*(self._storage.fetch(outbox.get, key) for key in changed))
            yield pb.WatchExtrinsicsResponse(
                extrinsics=[self._shown(record) for record in found],
                cursor=batch.cursor.text(),
            )

    async def RequeueExtrinsic(
        self, request: pb.RequeueExtrinsicRequest, context: Context
    ) -> pb.RequeueExtrinsicResponse:
        correlation_id = key(request, "correlation_id")
        extrinsic = await self._commit(outbox.requeue, correlation_id, request)
        tell_correlation(context, extrinsic.correlation_id)
        return pb.RequeueExtrinsicResponse(extrinsic=self._shown(extrinsic))

    async def CancelExtrinsic(
        self, request: pb.CancelExtrinsicRequest, context: Context
    ) -> pb.CancelExtrinsicResponse:
        correlation_id = key(request, "correlation_id")
        extrinsic = await self._commit(outbox.cancel, correlation_id, request)
        tell_correlation(context, extrinsic.correlation_id)
        return pb.CancelExtrinsicResponse(extrinsic=self._shown(extrinsic))

    async def PauseSubmission(
        self, request: pb.PauseSubmissionRequest, context: Context
    ) -> pb.PauseSubmissionResponse:
        pause = convert.new_pause(request)
        standing = await self._commit(pauses.pause, pause, request)
        return pb.PauseSubmissionResponse(
            pauses=map(convert.pause, standing), unknown_signer=await self._unknown(pause.signer)
        )

    async def ResumeSubmission(
        self, request: pb.ResumeSubmissionRequest, context: Context
    ) -> pb.ResumeSubmissionResponse:
        standing = await self._commit(pauses.resume, convert.resume(request), request)
        return pb.ResumeSubmissionResponse(pauses=map(convert.pause, standing))

    async def GetSubmission(
        self, request: pb.GetSubmissionRequest, context: Context
    ) -> pb.GetSubmissionResponse:
        standing = await self._storage.read(pauses.standing)
        return pb.GetSubmissionResponse(
            paused=any(pause.signer == pauses.ALL_SIGNERS for pause in standing),
            pauses=map(convert.pause, standing),
        )

    async def _unknown(self, signer: str) -> bool:
        """Whether neither a key nor anything queued is known of a signer: its name may be a slip."""
        if signer == pauses.ALL_SIGNERS or self._has_key(signer):
            return False
        return not await self._storage.read(pauses.has_queued, signer)

    def _shown(self, record: Extrinsic) -> extrinsic_pb2.Extrinsic:
        return convert.extrinsic(record, self._pallets)
