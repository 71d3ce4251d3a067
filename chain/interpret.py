"""Making facts of decoded events, and outcomes of extrinsics."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from chain.pallets import PalletTable
from chain.scale.events import EventRecord
from chain.scale.runtime import Runtime
from chain.scale.ss58 import ss58_encode
from storage import facts
from storage.lifecycle import AgentStatus
from storage.limits import (
    AMOUNT_MAX,
    CAPABILITY_BYTES_MAX,
    IDENTIFIER_BYTES_MAX,
    METADATA_BYTES_MAX,
    MILESTONE_DESCRIPTION_BYTES_MAX,
)
from storage.records import VerificationLevel

CHAIN_ID_MAX = 2**63 - 1  # what a database stores as a number
SMALL_NUMBER_MAX = 2**32 - 1
HASH_BYTES = 32
_LEVELS = {level.replace("_", ""): level for level in VerificationLevel}


class Uninterpretable(Exception):
    """An event of the table whose fields are not what the fact needs; the message says which."""


def interpret(
    event: EventRecord,
    position: int,
    call_arguments: Mapping[str, Any] | None,
    ss58_prefix: int,
    pallets: PalletTable,
) -> facts.Fact | None:
    """The fact that an event at a position (see `facts.position_of`) reports, or None if it is none of ours.

    `call_arguments` are those of the call that caused it, if it was the one that `PalletTable.cause_of`
    names. Raises `Uninterpretable`.
    """
    rule = pallets.events.get((event.pallet, event.name))
    if rule is None:
        return None
    fields = dict(rule.constants)
    if issubclass(rule.fact, facts.ReputationFact):
        fields["position"] = position
    for name, path in rule.fields.items():
        source, _, argument = path.rpartition(".")
        if source == "call":
            value = None if call_arguments is None else call_arguments.get(argument)
        elif argument not in event.fields:
            raise Uninterpretable(f"{event.pallet}.{event.name} has no field {argument!r}")
        else:
            value = event.fields[argument]
        fields[name] = _value(name, value, ss58_prefix)
    try:
        return msgspec.convert(fields, rule.fact, strict=True)
    except msgspec.ValidationError as error:
        raise Uninterpretable(f"{event.pallet}.{event.name}: {error}") from error


def _value(name: str, value: Any, ss58_prefix: int) -> Any:
    """A decoded value as the field of a fact; what another client put beyond our limits is left out."""
    match name, value:
        case "account_address", bytes():
            return ss58_encode(value, ss58_prefix)
        case "agent_id", bytes():
            return _text(value, IDENTIFIER_BYTES_MAX)
        case "metadata", bytes():
            return _text(value, METADATA_BYTES_MAX)
        case "description", bytes():
            return _text(value, MILESTONE_DESCRIPTION_BYTES_MAX)
        case "verification_level", str():
            return _LEVELS.get(value.replace("_", "").lower())
        case "capabilities", list():
            texts = [_text(item, CAPABILITY_BYTES_MAX) for item in value]
            return tuple(text for text in texts if text)
        case "status", str():
            known = {status.value for status in AgentStatus}
            return AgentStatus(value.lower()) if value.lower() in known else value
        case "error", _:
            return value if isinstance(value, str) else json.dumps(plain(value))
        case (("chain_task_id" | "chain_agent_id" | "chain_agreement_id"), int()) if value > CHAIN_ID_MAX:
            raise Uninterpretable(f"{name} {value} is too large")
        case (("number" | "required_approvals" | "score"), int()) if not 0 <= value <= SMALL_NUMBER_MAX:
            raise Uninterpretable(f"{name} {value} is too large")
        case (("budget" | "cost" | "value" | "amount" | "fee" | "slashed"), int()) if not (
            0 <= value <= AMOUNT_MAX
        ):
            raise Uninterpretable(f"{name} {value} is no unsigned 128-bit integer")
        case (("commitment" | "spec_hash" | "result_hash" | "terms_hash"), bytes()) if (
            len(value) != HASH_BYTES
        ):
            raise Uninterpretable(f"{name} has {len(value)} bytes, not {HASH_BYTES}")
    return value


def _text(raw: bytes, longest: int) -> str | None:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text or len(raw) > longest else text


def outcome(event: EventRecord, runtime: Runtime) -> str | None:
    """What an event says of its extrinsic: empty for success, the error, or None if nothing."""
    if event.pallet != "System" or event.name not in ("ExtrinsicSuccess", "ExtrinsicFailed"):
        return None
    if event.name == "ExtrinsicSuccess":
        return ""
    # Older runtimes have not named this field.
    return _named(runtime, event.fields.get("dispatch_error", event.fields.get("0")))


class FailedItems:
    """What the events of one extrinsic say of calls in it that failed although it succeeded.

    `Utility.batch` stops at the first call that fails, and tells its number; `force_batch` goes on. Both
    succeed.
    """

    def __init__(self) -> None:
        self.first = ""
        self._ended = 0
        self._nested = False  # a batch in the batch has ended, whose calls were counted too

    def note(self, event: EventRecord, runtime: Runtime) -> None:
        """Take the next event of the extrinsic."""
        if event.pallet != "Utility":
            return
        match event.name:
            case "ItemCompleted":
                self._ended += 1
            case "ItemFailed":
                which = "an item" if self._nested else f"item {self._ended}"
                self._fail(which, event.fields.get("error", event.fields.get("0")), runtime)
                self._ended += 1
            case "BatchInterrupted":
                which = f"item {event.fields.get('index', event.fields.get('0'))}"
                self._fail(which, event.fields.get("error", event.fields.get("1")), runtime)
                self._nested = True
            case "BatchCompleted" | "BatchCompletedWithErrors":
                self._nested = True

    def _fail(self, which: str, error: Any, runtime: Runtime) -> None:
        self.first = self.first or f"executed, but {which} failed: {_named(runtime, error)}"


def _named(runtime: Runtime, dispatch_error: Any) -> str:
    error = runtime.dispatch_error(dispatch_error)
    name = f"{error.pallet}.{error.name}" if error.pallet else error.name
    return f"{name}: {error.documentation}" if error.documentation else name


def plain(value: Any) -> Any:
    """A decoded value as JSON: integers as decimal texts, bytes as 0x and hexadecimal digits."""
    kind = type(value)  # by type, and not by instance: this is most of the work of reading a block
    if kind is int:
        return str(value)
    if kind is bytes:
        return f"0x{value.hex()}"
    if kind is dict:
        return {str(key): plain(item) for key, item in value.items()}
    if kind is str or kind is bool or value is None:
        return value
    return [plain(item) for item in value]
