"""Extrinsics and the pauses of their submission, between the contract and storage."""

from chamberlain.v1 import extrinsic_pb2
from chamberlain.v1 import outbox_service_pb2 as pb

from chain.pallets import PalletTable
from server.convert.values import hexadecimal, optional_timestamp, timestamp
from server.enums import ACTION, EXTRINSIC_STATUS
from server.errors import CallNotAllowed
from server.paging import Tokens, page_request
from server.structs import canonical_json, struct_of
from server.validation import Checked
from storage import limits
from storage.chain.lists import ExtrinsicFilter
from storage.chain.outbox import NewCall
from storage.chain.pauses import Pause
from storage.events import Filter
from storage.records import Action, Extrinsic

WATCHED_BY_EXTRINSIC = frozenset({"extrinsic"})


def new_call(request: pb.EnqueueExtrinsicRequest, *, allowed_calls: frozenset[str]) -> NewCall:
    """Raises `CallNotAllowed` for a call that is not among `allowed_calls`, each a `Pallet.call`."""
    with Checked(request) as fields:
        call = NewCall(
            pallet=fields.identifier("pallet", request.pallet),
            call=fields.identifier("call", request.call),
            payload=canonical_json(fields, "payload", request.payload),
            signer=fields.optional_identifier("signer", request.signer),
        )
    if f"{call.pallet}.{call.call}" not in allowed_calls:
        raise CallNotAllowed(call.pallet, call.call)
    return call


def new_pause(request: pb.PauseSubmissionRequest) -> Pause:
    with Checked(request) as fields:
        return Pause(
            signer=fields.optional_identifier("signer", request.signer),
            reason=fields.text("reason", request.reason, limits.REASON_BYTES_MAX),
        )


def resume(request: pb.ResumeSubmissionRequest) -> str:
    """The signer to resume."""
    with Checked(request) as fields:
        return fields.optional_identifier("signer", request.signer)


def extrinsics(request: pb.ListExtrinsicsRequest, tokens: Tokens) -> ExtrinsicFilter:
    with Checked(request) as fields:
        return ExtrinsicFilter(
            status=fields.filter("status", request.status, EXTRINSIC_STATUS),
            task_id=fields.optional_identifier("task_id", request.task_id),
            agent_id=fields.optional_identifier("agent_id", request.agent_id),
            page=page_request(fields, request, tokens),
        )


def watched_extrinsics(request: pb.WatchExtrinsicsRequest) -> Filter:
    with Checked(request) as fields:
        return Filter(
            entities=WATCHED_BY_EXTRINSIC,
            entity_ids=fields.identifiers("correlation_ids", request.correlation_ids, limits.WATCHED_IDS_MAX),
        )


def extrinsic(record: Extrinsic, pallets: PalletTable) -> extrinsic_pb2.Extrinsic:
    """The pallet and the call are those that the table has for its action; a raw call names its own."""
    pallet, call = pallets.call_name(record.action)
    if record.action == Action.RAW_CALL:
        pallet, call = record.pallet, record.call
    return extrinsic_pb2.Extrinsic(
        correlation_id=record.correlation_id,
        action=ACTION.to_wire[record.action],
        pallet=pallet,
        call=call,
        payload=struct_of(record.payload) if record.action == Action.RAW_CALL else None,
        task_id=record.task_id,
        agent_id=record.agent_id,
        signer=record.signer,
        status=EXTRINSIC_STATUS.to_wire[record.status],
        attempt_count=record.attempt_count,
        last_error=record.last_error,
        extrinsic_hash=hexadecimal(record.extrinsic_hash),
        nonce=record.nonce,
        death_block=record.death_block,
        block_number=record.block_number,
        extrinsic_index=record.extrinsic_index,
        revision=record.revision,
        create_time=timestamp(record.create_time_us),
        update_time=timestamp(record.update_time_us),
        finalize_time=optional_timestamp(record.finalize_time_us),
    )


def pause(record: Pause) -> extrinsic_pb2.SubmissionPause:
    return extrinsic_pb2.SubmissionPause(
        signer=record.signer, reason=record.reason, create_time=timestamp(record.create_time_us)
    )
