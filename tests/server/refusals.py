"""What a refused call tells its client, checked as a client reads it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from chamberlain.v1.error_reason_pb2 import ErrorReason
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, PreconditionFailure, ResourceInfo, RetryInfo
from google.rpc.status_pb2 import Status

KINDS: Sequence[Any] = (BadRequest, ErrorInfo, PreconditionFailure, ResourceInfo, RetryInfo)


@dataclass
class Refused:
    """A status as a client sees it."""

    code: grpc.StatusCode = grpc.StatusCode.OK
    message: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def info(self) -> ErrorInfo:
        info: ErrorInfo = self.details["ErrorInfo"]
        return info

    @property
    def fields(self) -> list[str]:
        bad = self.details.get("BadRequest")
        return [violation.field for violation in bad.field_violations] if bad else []

    @property
    def text(self) -> str:
        """The descriptions of all field violations."""
        return "\n".join(violation.description for violation in self.details["BadRequest"].field_violations)


def details_of(status: Status) -> dict[str, Any]:
    """The details of a status by their kind, of which there is one each."""
    found: dict[str, Any] = {}
    for detail in status.details:
        (kind,) = (kind for kind in KINDS if detail.Is(kind.DESCRIPTOR))
        assert kind.__name__ not in found
        message = kind()
        detail.Unpack(message)
        found[kind.__name__] = message
    return found


def check(
    refused: Refused,
    code: grpc.StatusCode,
    reason: str,
    *,
    resource: str = "",
    fields: Sequence[str] = (),
    metadata: dict[str, str] | None = None,
) -> None:
    """Check a status: its reason is of the contract, and its details are those that its code promises."""
    assert (refused.code, refused.info.reason) == (code, reason), refused.message
    assert refused.info.domain == "chamberlain"
    assert ErrorReason.Value(f"ERROR_REASON_{reason}")
    assert refused.message
    assert ("BadRequest" in refused.details) == (code is grpc.StatusCode.INVALID_ARGUMENT)
    assert ("PreconditionFailure" in refused.details) == (code is grpc.StatusCode.FAILED_PRECONDITION)
    if resource:
        assert refused.details["ResourceInfo"].resource_name == resource
    if fields:
        assert refused.fields == list(fields)
    for key, value in (metadata or {}).items():
        assert refused.info.metadata[key] == value


@contextmanager
def refused(
    code: grpc.StatusCode,
    reason: str,
    *,
    resource: str = "",
    fields: Sequence[str] = (),
    metadata: dict[str, str] | None = None,
) -> Iterator[Refused]:
    """The call in the block is refused like this."""
    seen = Refused()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield seen
    error = caught.value
    seen.code, seen.message = error.code(), error.details() or ""
    trailers = dict(error.trailing_metadata() or ())
    status = Status.FromString(trailers["grpc-status-details-bin"])
    assert (status.code, status.message) == (seen.code.value[0], seen.message)
    seen.details = details_of(status)
    check(seen, code, reason, resource=resource, fields=fields, metadata=metadata)
