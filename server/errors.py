"""How every error looks on the wire: one table from the tree in `storage/errors.py` to gRPC statuses.

Every status carries `google.rpc.ErrorInfo` with domain `chamberlain` and a reason of the contract's
`ErrorReason`, and the other details of `google/rpc/error_details.proto` where they apply.
"""

import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

import structlog
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, PreconditionFailure, ResourceInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc import StatusCode
from grpc.aio import ServicerContext

from storage import errors as storage_errors
from storage.errors import Failure, Invalid, Refusal
from storage.limits import FIELD_PATH_CHARS_MAX, VIOLATIONS_MAX

DOMAIN = "chamberlain"
DETAILS_METADATA_KEY = "grpc-status-details-bin"

log = structlog.get_logger(__name__)


class Violation(NamedTuple):
    """What is wrong with one field: its path in the request, and a human-readable description."""

    field: str
    description: str


class InvalidField(Invalid):
    """Fields of a request are missing, malformed, too long or out of range; all that were found."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = [
            Violation(field[:FIELD_PATH_CHARS_MAX], description)
            for field, description in violations[:VIOLATIONS_MAX]
        ]
        first, more = self.violations[0], len(violations) - 1
        super().__init__(
            f"{first.field or 'the request'}: {first.description}" + (f" (and {more} more)" if more else ""),
            metadata={"field": first.field},
        )


class RequestTooLarge(Invalid):
    """The request is larger than this server accepts."""

    def __init__(self, size_bytes: int, bytes_max: int) -> None:
        super().__init__(
            f"the request has {size_bytes:,} bytes; at most {bytes_max:,} are allowed",
            metadata={"request_bytes": str(size_bytes), "request_bytes_max": str(bytes_max)},
        )


class InvalidPageToken(Invalid):
    """The page token does not come from this list with these filters on this database."""

    def __init__(self) -> None:
        super().__init__(
            "the page token is malformed, or comes from a list with other filters", field="page_token"
        )


class CallNotAllowed(Refusal):
    """The call is not on the allow-list."""

    def __init__(self, pallet: str, call: str) -> None:
        super().__init__(
            f"{pallet}.{call} is not among the calls that this server accepts (OUTBOX_ALLOWED_CALLS)",
            metadata={"pallet": pallet, "call": call},
        )


_CODES: dict[type[BaseException], StatusCode] = {
    storage_errors.NotFound: StatusCode.NOT_FOUND,
    storage_errors.AlreadyExists: StatusCode.ALREADY_EXISTS,
    storage_errors.Precondition: StatusCode.FAILED_PRECONDITION,
    storage_errors.Invalid: StatusCode.INVALID_ARGUMENT,
    storage_errors.Aborted: StatusCode.ABORTED,
    storage_errors.Expired: StatusCode.OUT_OF_RANGE,
    storage_errors.DataLoss: StatusCode.DATA_LOSS,
    CallNotAllowed: StatusCode.PERMISSION_DENIED,
    storage_errors.DatabaseUnavailable: StatusCode.UNAVAILABLE,
    storage_errors.ChainUnavailable: StatusCode.UNAVAILABLE,
    storage_errors.CommitUnknown: StatusCode.UNAVAILABLE,
    storage_errors.ShuttingDown: StatusCode.UNAVAILABLE,
    storage_errors.Overloaded: StatusCode.RESOURCE_EXHAUSTED,
    storage_errors.DeadlineExceeded: StatusCode.DEADLINE_EXCEEDED,
}

# The messages of failures to clients: their own texts come from drivers, and may name hosts or statements.
_FAILURES: dict[type[Failure], str] = {
    storage_errors.DatabaseUnavailable: "the database cannot be reached; nothing was changed",
    storage_errors.ChainUnavailable: (
        "the chain at CHAIN_WS_URL cannot be reached, and the database is not bound to it yet;"
        " nothing was changed"
    ),
    storage_errors.CommitUnknown: (
        "the change may or may not be stored: repeat the call with the same request id to find out"
    ),
    storage_errors.ShuttingDown: "the server is shutting down; nothing was changed",
    storage_errors.Overloaded: "too many calls are waiting; nothing was changed",
    storage_errors.DeadlineExceeded: "the deadline passed; nothing was changed",
}
# A client may simply retry after these.
_RETRIED = (
    storage_errors.DatabaseUnavailable,
    storage_errors.ChainUnavailable,
    storage_errors.Overloaded,
    storage_errors.ShuttingDown,
)


def code_of(error: BaseException) -> StatusCode:
    """The gRPC code of an error; INTERNAL for one that is not in the table."""
    for kind in type(error).__mro__:
        if kind in _CODES:
            return _CODES[kind]
    return StatusCode.INTERNAL


def status_of(error: BaseException) -> Status:
    """What a client is told of an error. One that is not in the table is a defect: it is logged with its
    stack under an opaque id, and the id is all that leaves the process."""
    code = code_of(error)
    if code is StatusCode.INTERNAL:
        return _internal(error)
    if isinstance(error, Refusal):
        return _status(code, error.message, error.reason, error.metadata, _refusal_details(code, error))
    assert isinstance(error, Failure)
    return _status(code, _FAILURES[type(error)], error.reason, {}, _failure_details(error))


async def abort(context: "ServicerContext[Any, Any]", error: BaseException) -> NoReturn:
    """End the call with the status of `error`; raises `grpc.aio.AbortError`."""
    status = status_of(error)
    await context.abort(
        _BY_NUMBER[status.code],
        status.message,
        ((DETAILS_METADATA_KEY, status.SerializeToString()),),
    )
    raise AssertionError("abort returned")


def _refusal_details(code: StatusCode, refusal: Refusal) -> list[Message]:
    details: list[Message] = []
    if code is StatusCode.INVALID_ARGUMENT:
        details.append(_bad_request(refusal))
    if code is StatusCode.FAILED_PRECONDITION:
        subject = "/".join(refusal.resource) if refusal.resource else refusal.field
        violation = PreconditionFailure.Violation(
            type=refusal.reason, subject=subject, description=refusal.message
        )
        details.append(PreconditionFailure(violations=[violation]))
    if refusal.resource:
        kind, name = refusal.resource
        details.append(ResourceInfo(resource_type=kind, resource_name=name, description=refusal.message))
    return details


def _bad_request(refusal: Refusal) -> BadRequest:
    violations = (
        refusal.violations
        if isinstance(refusal, InvalidField)
        else [Violation(refusal.field, refusal.message)]
    )
    return BadRequest(
        field_violations=[
            BadRequest.FieldViolation(field=field, description=description)
            for field, description in violations
        ]
    )


def _failure_details(error: Failure) -> list[Message]:
    if not isinstance(error, _RETRIED):
        return []
    retry = RetryInfo()
    retry.retry_delay.FromNanoseconds(int(error.retry_after_seconds * 1e9))
    return [retry]


def _internal(error: BaseException) -> Status:
    error_id = uuid.uuid4().hex
    log.error("call failed", error_id=error_id, exc_info=error)
    return _status(StatusCode.INTERNAL, f"internal error {error_id}", "INTERNAL", {"error_id": error_id}, [])


def _status(
    code: StatusCode, message: str, reason: str, metadata: dict[str, str], details: Sequence[Message]
) -> Status:
    number, _ = code.value
    status = Status(code=number, message=message)
    status.details.add().Pack(ErrorInfo(reason=reason, domain=DOMAIN, metadata=metadata))
    for detail in details:
        status.details.add().Pack(detail)
    return status


_BY_NUMBER: dict[int, StatusCode] = {code.value[0]: code for code in StatusCode}
