"""Errors of storage: their reasons, and copies for several callers."""

import re

import pytest

from storage import errors
from storage.errors import AgentNotFound, DuplicateBid, Failure, Refusal, StorageError


def _all(base: type[StorageError]) -> list[type[StorageError]]:
    return [base, *(error for child in base.__subclasses__() for error in _all(child))]


@pytest.mark.parametrize("error", _all(StorageError)[1:], ids=lambda error: error.__name__)
def test_every_error_has_a_reason_of_its_own(error: type[StorageError]) -> None:
    assert re.fullmatch(r"_*[A-Z]+(_[A-Z]+)*", error.reason)
    assert [other for other in _all(StorageError) if other.reason == error.reason] == [error]


@pytest.mark.parametrize(
    "error",
    [
        AgentNotFound("did:x"),
        DuplicateBid("task", "agent", "bid"),
        errors.StaleRevision("task", "x", 1, 2),
        errors.ValueAboveBudget("task", 2**128 - 1, 0),
        errors.DatabaseUnavailable("away"),
        errors.ShuttingDown(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_copy_says_the_same_and_is_nobody_elses(error: StorageError) -> None:
    error.__cause__ = ValueError()
    copy = error.copy()
    assert copy is not error
    assert type(copy) is type(error)
    assert (str(copy), copy.args, copy.__dict__) == (str(error), error.args, error.__dict__)
    assert copy.__cause__ is error.__cause__
    with pytest.raises(type(error)):
        raise copy
    assert error.__traceback__ is None


def test_every_error_is_a_refusal_a_failure_or_a_matter_of_the_operator() -> None:
    for error in _all(StorageError)[1:]:
        assert issubclass(error, Refusal | Failure | errors.Misconfigured)
