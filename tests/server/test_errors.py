"""The table of errors agrees with the contract, and tells nothing that is nobody's business."""

from collections.abc import Iterator

import pytest
from chamberlain.v1.error_reason_pb2 import ErrorReason
from google.rpc.error_details_pb2 import RetryInfo
from grpc import StatusCode
from structlog.testing import capture_logs

from server.errors import InvalidField, Violation, code_of, status_of
from storage import errors as storage_errors
from storage.errors import Misconfigured, StorageError
from storage.limits import VIOLATIONS_MAX
from tests.server.refusals import details_of

NEVER_REACH_A_CLIENT = {
    storage_errors.Retry,  # the committer runs the transaction again
    storage_errors.Superseded,  # for the bridge
}


def leaves(kind: type[StorageError]) -> Iterator[type[StorageError]]:
    """The classes below `kind` that are raised."""
    below = [child for child in kind.__subclasses__() if child is not Misconfigured]
    if not below:
        yield kind
    for child in below:
        yield from leaves(child)


def test_every_error_has_a_reason_in_the_contract_and_every_reason_an_error() -> None:
    ours = {kind.reason for kind in leaves(StorageError) if kind not in NEVER_REACH_A_CLIENT}
    contract = {name.removeprefix("ERROR_REASON_") for name, _ in ErrorReason.items()} - {"UNSPECIFIED"}
    assert ours | {"INTERNAL"} == contract


def test_every_error_that_reaches_a_client_has_a_code() -> None:
    for kind in leaves(StorageError):
        expected_internal = kind in NEVER_REACH_A_CLIENT
        error = kind.__new__(kind)
        assert (code_of(error) is StatusCode.INTERNAL) == expected_internal, kind


@pytest.mark.parametrize(
    ("failure", "code", "retried"),
    [
        (storage_errors.DatabaseUnavailable("host db-7 refused"), StatusCode.UNAVAILABLE, True),
        (storage_errors.ChainUnavailable("node-7 refused"), StatusCode.UNAVAILABLE, True),
        (storage_errors.CommitUnknown("host db-7 hung up"), StatusCode.UNAVAILABLE, False),
        (storage_errors.ShuttingDown(), StatusCode.UNAVAILABLE, True),
        (storage_errors.Overloaded("host db-7 is slow"), StatusCode.RESOURCE_EXHAUSTED, True),
        (storage_errors.DeadlineExceeded("host db-7 is late"), StatusCode.DEADLINE_EXCEEDED, False),
    ],
)
def test_a_failure_says_whether_to_try_again_but_not_what_the_driver_said(
    failure: storage_errors.Failure, code: StatusCode, retried: bool
) -> None:
    status = status_of(failure)
    details = details_of(status)
    assert status.code == code.value[0]
    assert details["ErrorInfo"].reason == failure.reason
    assert ("RetryInfo" in details) == retried
    if isinstance(retry := details.get("RetryInfo"), RetryInfo):
        assert retry.retry_delay.ToNanoseconds() > 0
    assert "-7" not in str(status)


def test_a_defect_leaves_only_an_id_and_is_found_in_the_log_by_it() -> None:
    with capture_logs() as logs:
        status = status_of(ValueError("SELECT secret FROM users"))
    info = details_of(status)["ErrorInfo"]
    assert (status.code, info.reason) == (StatusCode.INTERNAL.value[0], "INTERNAL")
    assert "secret" not in str(status)
    (entry,) = logs
    assert entry["error_id"] == info.metadata["error_id"]
    assert str(entry["exc_info"]) == "SELECT secret FROM users"


def test_a_status_fits_into_the_trailers_whatever_the_fields_are_called() -> None:
    violations = [Violation("🌍" * 10_000, "is too long")] * 1000
    status = status_of(InvalidField(violations))
    bad_request = details_of(status)["BadRequest"]
    assert len(bad_request.field_violations) == VIOLATIONS_MAX
    assert "999 more" in status.message
    assert status.ByteSize() * 4 / 3 + len(status.message.encode()) * 3 < 8 * 1024
