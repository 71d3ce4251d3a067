"""AuditService: the audit log, listed, proven and exported."""

from collections.abc import AsyncIterator

import msgspec
from chamberlain.v1 import audit_service_pb2 as pb
from chamberlain.v1.audit_service_pb2_grpc import AuditServiceServicer

from server.convert import audit as convert
from server.interceptor import Context
from server.services.calls import Calls
from storage.audit import chain as audit_chain
from storage.audit import lists as audit_lists


class AuditService(Calls, AuditServiceServicer):
    async def ListAudit(self, request: pb.ListAuditRequest, context: Context) -> pb.ListAuditResponse:
        tokens = await self._pages.tokens(request)
        page = await self._storage.read(audit_lists.page, convert.audit_page(request, tokens))
        return pb.ListAuditResponse(
            entries=[convert.audit_entry(stored) for stored in page.entries],
            next_page_token=tokens.token("" if page.next_after is None else str(page.next_after)),
        )

    async def VerifyAudit(
        self, request: pb.VerifyAuditRequest, context: Context
    ) -> AsyncIterator[pb.VerifyAuditResponse]:
        walk = convert.walk(request)
        while not walk.over:
            walk = await self._storage.read(audit_chain.go_on, walk)
            yield convert.progress(walk)

    async def ExportAudit(
        self, request: pb.ExportAuditRequest, context: Context
    ) -> AsyncIterator[pb.ExportAuditResponse]:
        wanted = convert.exported(request)
        head = (await self._storage.read(audit_lists.bounds)).head
        after = wanted.after
        while after is not None and after < head:
            page = await self._storage.read(audit_lists.page, msgspec.structs.replace(wanted, after=after))
            entries = [stored for stored in page.entries if stored.number <= head]
            if entries:
                lines = b"".join(map(convert.ndjson_line, entries))
                yield pb.ExportAuditResponse(ndjson=lines, last_number=entries[-1].number)
            after = page.next_after
