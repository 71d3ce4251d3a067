"""Comparing the table of calls and events with a runtime: what it names and the runtime does not have."""

from collections.abc import Collection, Iterator, Mapping

from chain.pallets import CallRule, EventRule, PalletTable
from chain.scale.metadata import Pallet
from chain.scale.registry import Variant, field_names
from chain.scale.runtime import Runtime


def missing_in(table: PalletTable, runtime: Runtime) -> tuple[str, ...]:
    """One line for each thing that is missing, each once, in the order of the table."""
    pallets = runtime.metadata.pallets
    lines: dict[str, None] = {}
    for action, call_rule in table.calls.items():
        for line in _call(call_rule, pallets.get(call_rule.pallet)):
            lines.setdefault(f"{action}: {line}")
    for (pallet, event), event_rule in table.events.items():
        for line in _event(pallet, event, event_rule, pallets.get(pallet)):
            lines.setdefault(line)
    return tuple(lines)


def _call(rule: CallRule, pallet: Pallet | None) -> Iterator[str]:
    if pallet is None:
        yield f"no pallet {rule.pallet}"
    elif rule.call not in pallet.calls:
        yield f"pallet {rule.pallet} has no call {rule.call}"
    else:
        name, arguments = f"call {rule.pallet}.{rule.call}", _names(pallet.calls, rule.call)
        given = {**rule.arguments, **rule.constants}
        yield from _without(name, "argument", given, arguments)
        for argument in arguments:
            if argument not in given:
                yield f"{name} wants an argument {argument}, which the table does not give"


def _event(pallet_name: str, event: str, rule: EventRule, pallet: Pallet | None) -> Iterator[str]:
    if pallet is None:
        yield f"no pallet {pallet_name}"
        return
    if event not in pallet.events:
        yield f"pallet {pallet_name} has no event {event}"
        return
    fields = [path for path in rule.fields.values() if not path.startswith("call.")]
    yield from _without(f"event {pallet_name}.{event}", "field", fields, _names(pallet.events, event))
    if rule.call and rule.call not in pallet.calls:
        yield f"pallet {pallet_name} has no call {rule.call}"
    elif rule.call:
        wanted = [path.removeprefix("call.") for path in rule.fields.values() if path.startswith("call.")]
        yield from _without(
            f"call {pallet_name}.{rule.call}", "argument", wanted, _names(pallet.calls, rule.call)
        )


def _names(members: Mapping[str, Variant], name: str) -> list[str]:
    return field_names(members[name].fields)


def _without(name: str, kind: str, wanted: Collection[str], there: Collection[str]) -> Iterator[str]:
    for each in wanted:
        if each not in there:
            yield f"{name} has no {kind} {each}"
