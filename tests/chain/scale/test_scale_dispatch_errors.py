"""Why a call failed, in the words of the metadata."""

import pytest

from chain.scale.dispatch_errors import DispatchError
from chain.scale.runtime import Runtime
from chain.scale.values import Value


def test_an_error_of_a_pallet_has_its_name_and_documentation(either_kusama: Runtime) -> None:
    error = either_kusama.dispatch_error({"Module": {"index": 4, "error": b"\x02\x00\x00\x00"}})
    assert error == DispatchError("Balances", "InsufficientBalance", "Balance too low to send value.")


def test_the_older_form_of_a_pallet_s_error_is_one_number(kusama: Runtime) -> None:
    error = kusama.dispatch_error({"Module": {"index": 4, "error": 2}})
    assert (error.pallet, error.name) == ("Balances", "InsufficientBalance")


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("BadOrigin", "BadOrigin"),
        ({"Token": "FundsUnavailable"}, "Token.FundsUnavailable"),
        ({"Arithmetic": "Underflow"}, "Arithmetic.Underflow"),
        ({"Module": {"index": 250, "error": b"\x09\x00\x00\x00"}}, "Module.250.9"),
        ({"Module": {"index": 4, "error": b"\xfe\x00\x00\x00"}}, "Module.4.254"),
    ],
)
def test_an_error_without_a_pallet_is_named_by_its_path(kusama: Runtime, value: Value, name: str) -> None:
    assert kusama.dispatch_error(value) == DispatchError(None, name, "")


def test_a_failed_extrinsic_of_a_real_block_says_why(kusama: Runtime, kusama_events: bytes) -> None:
    [failed] = [each for each in kusama.decode_events(kusama_events) if each.name == "ExtrinsicFailed"]
    assert kusama.dispatch_error(failed.fields["dispatch_error"]).name == "Arithmetic.Underflow"
