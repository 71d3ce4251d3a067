"""The audit log between the contract and storage."""

import re

from chamberlain.v1 import audit_service_pb2 as pb

from server.convert.values import timestamp
from server.enums import AUDIT_FAULT_KIND
from server.paging import Tokens, rows
from server.validation import Checked, Fields
from storage import limits
from storage.audit.chain import Anchor, Fault, Walk
from storage.audit.lists import AuditFilter, StoredEntry

_HASH = re.compile(r"[0-9a-f]{64}")
_TRACE_ID = re.compile(r"[0-9a-f]{32}")


def audit_page(request: pb.ListAuditRequest, tokens: Tokens) -> AuditFilter:
    with Checked(request) as fields:
        size = rows(
            fields,
            "page_size",
            request.page_size,
            default=limits.PAGE_SIZE_DEFAULT,
            at_most=limits.PAGE_SIZE_MAX,
        )
        return _filter(
            fields,
            request.filter,
            size=size,
            after=tokens.number(request.page_token),
            newest_first=not request.oldest_first,
        )


def exported(request: pb.ExportAuditRequest) -> AuditFilter:
    """The first page of an export."""
    with Checked(request) as fields:
        if request.after_number < 0:
            fields.refuse("after_number", "must not be negative")
        return _filter(
            fields,
            request.filter,
            size=limits.AUDIT_PAGE_MAX,
            after=request.after_number,
            newest_first=False,
        )


def _filter(
    fields: Fields, wanted: pb.AuditFilter, *, size: int, after: int | None, newest_first: bool
) -> AuditFilter:
    if wanted.trace_id and not _TRACE_ID.fullmatch(wanted.trace_id):
        fields.refuse("filter.trace_id", "must be 32 hexadecimal digits in lower case")
    return AuditFilter(
        size=size,
        after=after,
        newest_first=newest_first,
        actor=fields.optional_identifier("filter.actor", wanted.actor),
        method=fields.text("filter.method", wanted.method, limits.AUDIT_METHOD_BYTES_MAX),
        target_type=fields.optional_identifier("filter.target_type", wanted.target_type),
        target_id=fields.text("filter.target_id", wanted.target_id, limits.AUDIT_TARGET_BYTES_MAX),
        trace_id=wanted.trace_id,
        begin_time_us=fields.time_us("filter.begin_time", wanted.begin_time)
        if wanted.HasField("begin_time")
        else None,
        end_time_us=fields.time_us("filter.end_time", wanted.end_time)
        if wanted.HasField("end_time")
        else None,
    )


def walk(request: pb.VerifyAuditRequest) -> Walk:
    """A walk that has not begun."""
    with Checked(request) as fields:
        if request.anchor_number < 0:
            fields.refuse("anchor_number", "must not be negative")
        if bool(request.anchor_number) != bool(request.anchor_hash):
            fields.refuse("anchor_hash", "and anchor_number belong together")
        elif request.anchor_hash and not _HASH.fullmatch(request.anchor_hash):
            fields.refuse("anchor_hash", "must be 64 hexadecimal digits in lower case")
    if not request.anchor_number:
        return Walk()
    return Walk(anchor=Anchor(number=request.anchor_number, hash=request.anchor_hash))


def progress(walk: Walk) -> pb.VerifyAuditResponse:
    return pb.VerifyAuditResponse(
        first_number=walk.tail + 1,
        verified_number=walk.position,
        head_number=walk.end,
        head_hash=walk.end_hash,
        done=walk.over,
        fault=_fault(walk.fault) if walk.fault else None,
        anchor_checked=walk.anchor_checked,
    )


def _fault(fault: Fault) -> pb.AuditFault:
    return pb.AuditFault(
        number=fault.number, kind=AUDIT_FAULT_KIND.to_wire[fault.kind], description=fault.description
    )


def audit_entry(stored: StoredEntry) -> pb.AuditEntry:
    """Raises `AuditEntryBroken`."""
    entry = stored.entry
    return pb.AuditEntry(
        number=entry.number,
        time=timestamp(entry.time_us),
        actor=entry.actor,
        method=entry.method,
        target_type=entry.target_type,
        target_id=entry.target_id,
        result=entry.result,
        status=entry.status,
        subject=entry.subject,
        trace_id=entry.trace_id,
        correlation_id=entry.correlation_id,
        counts=entry.counts,
        previous_hash=stored.previous_hash,
        hash=stored.hash,
    )


def ndjson_line(stored: StoredEntry) -> bytes:
    """A line of an export; see AuditService.ExportAudit. What is broken is exported as it is."""
    return b'{"entry":%b,"previous_hash":"%b","hash":"%b"}\n' % (
        stored.canonical,
        stored.previous_hash.encode(),
        stored.hash.encode(),
    )
