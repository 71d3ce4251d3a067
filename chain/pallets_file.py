"""The table of calls and events of a user's own chain, from a TOML file. It begins as the built-in one:

    [pallets]                              # pallets that have another name there
    TaskMarket = "Jobs"

    [calls.create_task]                    # by action; what is not given stays
    call = "post"
    arguments = { spec = "task.spec_hash", reward = "task.max_budget", until = "task.deadline_block" }

    [events.Jobs.Posted]                   # by pallet and event
    from = "TaskMarket.TaskCreated"        # a built-in event that has this name there
    fields = { budget = "reward", spec_hash = "call.spec", deadline_block = "call.until" }

    [events.Jobs.Abandoned]                # an event that the built-in table does not have
    fact = "TaskMoved"
    fields = { chain_task_id = "id" }
    constants = { status = "failed" }

`arguments` takes the place of all built-in ones: argument of the call = field of an entity of the action
(`agent`, `task`, `bid`, `result`); `constants` of a call are arguments that are always the same. `fields` are
joined with the built-in ones: field of the fact = field of the event, or `call.` and an argument of the call
named by `call`; an empty text takes a field out. A call that is renamed is renamed for the events that take
from it, too.
"""

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from chain.pallets import DEFAULT, CallRule, EventRule, PalletTable
from storage import facts
from storage.records import Action, Agent, Bid, Record, Result, Task

FACTS: Mapping[str, type[facts.Fact]] = {
    name: fact
    for name, fact in vars(facts).items()
    if isinstance(fact, type) and issubclass(fact, facts.Fact) and not fact.__subclasses__()
}
"""What an event can report, by name."""

_ROOTS: Mapping[str, type[Record]] = {"agent": Agent, "task": Task, "bid": Bid, "result": Result}
_GIVEN_BY_POSITION = "position"


class BadPallets(Exception):
    """The file cannot be used; the message names the file, the table in it, and the key."""


def load(path: Path) -> PalletTable:
    """The table of a file. Raises `BadPallets`."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadPallets(f"cannot read {path}: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadPallets(f"{path} is not TOML: {error}") from None
    try:
        return _extended(DEFAULT, document)
    except BadPallets as error:
        raise BadPallets(f"{path}: {error}") from None


def _extended(base: PalletTable, document: dict[str, Any]) -> PalletTable:
    top = _Keys("", document, ("pallets", "calls", "events"))
    names = _pallets(base, _Keys("[pallets]", top.table("pallets"), None))
    table = _renamed(base, names)
    table = _with_calls(table, top.table("calls"))
    return _with_events(table, top.table("events"), names)


class _Keys:
    """A table of the document: its values by key, of the kind that is expected."""

    def __init__(self, place: str, table: dict[str, Any], allowed: tuple[str, ...] | None) -> None:
        self._place = place
        self.given = table
        for key in table:
            if allowed is not None and key not in allowed:
                raise self.wrong(key, f"is unknown; expected one of {', '.join(allowed)}")

    def wrong(self, key: str, why: str) -> BadPallets:
        return BadPallets(f"{self._place} {key} {why}".strip())

    def table(self, key: str) -> dict[str, Any]:
        value = self.given.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, "must be a table")
        return value

    def text(self, key: str) -> str:
        """A text, empty only if the key is not given."""
        value = self.given.get(key, "")
        if not isinstance(value, str) or (key in self.given and not value):
            raise self.wrong(key, "must be a non-empty string")
        return value

    def texts(self, key: str) -> dict[str, str]:
        values = self.table(key)
        for name, value in values.items():
            if not isinstance(value, str):
                raise self.wrong(f"{key}.{name}", "must be a string")
        return values


def _pallets(base: PalletTable, keys: _Keys) -> dict[str, str]:
    known = {rule.pallet for rule in base.calls.values()} | {pallet for pallet, _ in base.events}
    for name in keys.given:
        if name not in known:
            raise keys.wrong(
                name, f"is not a pallet of the built-in table; expected one of {', '.join(sorted(known))}"
            )
    return {name: keys.text(name) for name in keys.given}


def _renamed(base: PalletTable, names: Mapping[str, str]) -> PalletTable:
    return PalletTable(
        {
            action: dataclasses.replace(rule, pallet=names.get(rule.pallet, rule.pallet))
            for action, rule in base.calls.items()
        },
        {(names.get(pallet, pallet), event): rule for (pallet, event), rule in base.events.items()},
    )


def _with_calls(table: PalletTable, given: dict[str, Any]) -> PalletTable:
    calls, events = dict(table.calls), dict(table.events)
    section = _Keys("[calls]", given, tuple(table.calls))
    for name in given:
        action = Action(name)
        keys = _Keys(f"[calls.{name}]", section.table(name), ("pallet", "call", "arguments", "constants"))
        built_in = calls[action]
        rule = CallRule(
            pallet=keys.text("pallet") or built_in.pallet,
            call=keys.text("call") or built_in.call,
            arguments=keys.texts("arguments") if "arguments" in keys.given else built_in.arguments,
            constants=keys.table("constants"),
        )
        _check_sources(keys, rule, built_in)
        calls[action] = rule
        for place, event_rule in events.items():
            if (place[0], event_rule.call) == (built_in.pallet, built_in.call):
                events[place] = dataclasses.replace(event_rule, call=rule.call)
    return PalletTable(calls, events)


def _check_sources(keys: _Keys, rule: CallRule, built_in: CallRule) -> None:
    """An action has the entities that its built-in call takes from."""
    roots = sorted({path.partition(".")[0] for path in built_in.arguments.values()})
    for argument, path in rule.arguments.items():
        root, *fields = path.split(".")
        kind: Any = _ROOTS.get(root) if root in roots else None
        for field in fields:
            kind = _plain(get_type_hints(kind).get(field)) if _is_record(kind) else None
        if kind is None or not fields:
            entities = " or ".join(f"{root}.<field>" for root in roots)
            raise keys.wrong(
                f"arguments.{argument}", f"refers to {path!r}, which is not of the form {entities}"
            )

    for argument in rule.constants:
        if argument in rule.arguments:
            raise keys.wrong(f"constants.{argument}", "is among the arguments, too")


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _plain(hint: Any) -> Any:
    """The type itself, of a type that may also be None."""
    if get_origin(hint) in (Union, UnionType):
        return next(part for part in get_args(hint) if part is not type(None))
    return hint


def _with_events(table: PalletTable, given: dict[str, Any], names: Mapping[str, str]) -> PalletTable:
    events = dict(table.events)
    pallets = _Keys("[events]", given, None)
    for pallet in given:
        section = _Keys(f"[events.{pallet}]", pallets.table(pallet), None)
        for event in section.given:
            allowed = ("from", "fact", "call", "fields", "constants")
            keys = _Keys(f"[events.{pallet}.{event}]", section.table(event), allowed)
            base = events.get((pallet, event))
            if "from" in keys.given:
                source, _, name = keys.text("from").partition(".")
                base = events.pop((names.get(source, source), name), None)
                if base is None:
                    raise keys.wrong(
                        "from", f"names {keys.text('from')!r}, which is not an event of the built-in table"
                    )
            events[pallet, event] = _event(keys, base)
    return PalletTable(table.calls, events)


def _event(keys: _Keys, base: EventRule | None) -> EventRule:
    fact = base.fact if base is not None else None
    if "fact" in keys.given:
        fact = FACTS.get(keys.text("fact"))
        if fact is None:
            raise keys.wrong(
                "fact", f"{keys.text('fact')!r} is unknown; expected one of {', '.join(sorted(FACTS))}"
            )
    if fact is None:
        raise keys.wrong("fact", "is required, since the built-in table has no such event")
    same = base is not None and base.fact is fact
    fields = dict(base.fields) if base is not None and same else {}
    constants = dict(base.constants) if base is not None and same else {}
    kinds = {name: kind for name, kind in get_type_hints(fact).items() if name != _GIVEN_BY_POSITION}
    for name, path in keys.texts("fields").items():
        _check_known(keys, f"fields.{name}", name, kinds)
        source, dot, field = path.rpartition(".")
        if dot and (source != "call" or not field):
            raise keys.wrong(
                f"fields.{name}",
                f"refers to {path!r}, which is neither a field of an event nor call.<argument>",
            )
        constants.pop(name, None)
        fields[name] = path
    for name, value in keys.table("constants").items():
        _check_known(keys, f"constants.{name}", name, kinds)
        fields.pop(name, None)
        constants[name] = _constant(keys, name, value, kinds[name])
    fields = {name: path for name, path in fields.items() if path}
    call = keys.text("call") or (base.call if base is not None else "")
    for name, path in fields.items():
        if path.startswith("call.") and not call:
            raise keys.wrong(f"fields.{name}", f"refers to {path!r}, but the key call names no call")
    required = {field.name for field in msgspec.structs.fields(fact) if field.required} - {_GIVEN_BY_POSITION}
    lacking = sorted(required - fields.keys() - constants.keys())
    if lacking:
        raise keys.wrong("fields", f"must give {', '.join(lacking)}, which {fact.__name__} needs")
    return EventRule(fact=fact, fields=fields, constants=constants, call=call)


def _check_known(keys: _Keys, key: str, name: str, kinds: Mapping[str, Any]) -> None:
    if name not in kinds:
        raise keys.wrong(key, f"is not a field of the fact; expected one of {', '.join(kinds)}")


def _constant(keys: _Keys, name: str, value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        raise keys.wrong(f"constants.{name}", f"does not fit: {error}") from None
