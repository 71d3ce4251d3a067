"""Other names for pallets, calls, events and fields: how the same runtime looks on somebody else's chain.

Only the metadata tells names, so nothing else changes: all bytes stay, and storage keeps its prefixes.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from chain.devnet.pallet import Pallet
from chain.devnet.typeinfo import Variant, VariantType


def renamed(pallets: Sequence[Pallet], names: Mapping[str, str]) -> list[Pallet]:
    """Return the pallets as clients see them, by the present names: `Escrow`, `Escrow.release_payment` (a
    call or an event) or `Escrow.release_payment.task_id`, each to the last part of its new name.

    Raises:
        ValueError: there is nothing of this name.
    """
    unknown = set(names)
    found: list[Pallet] = [_Renamed(pallet, names, unknown) for pallet in pallets]
    if unknown:
        raise ValueError(f"the runtime has no {', '.join(sorted(unknown))}")
    return found


class _Renamed(Pallet):
    def __init__(self, pallet: Pallet, names: Mapping[str, str], unknown: set[str]) -> None:
        vars(self).update(vars(pallet))
        self._declared = pallet
        self._names = names
        self._calls = self._variants(pallet.call_type, unknown)
        self._events = self._variants(pallet.event_type, unknown)
        self.name = self._name(pallet.name, pallet.name, unknown)

    @property
    def storage_prefix(self) -> str:
        return self._declared.storage_prefix

    @property
    def call_type(self) -> VariantType | None:
        return self._calls

    @property
    def event_type(self) -> VariantType | None:
        return self._events

    def _variants(self, described: VariantType | None, unknown: set[str]) -> VariantType | None:
        if described is None:
            return None
        variants = tuple(self._variant(variant, unknown) for variant in described.variants)
        return dataclasses.replace(described, variants=variants)

    def _variant(self, variant: Variant, unknown: set[str]) -> Variant:
        path = f"{self._declared.name}.{variant.name}"
        fields = tuple(
            dataclasses.replace(field, name=self._name(f"{path}.{field.name}", field.name, unknown))
            if field.name is not None
            else field
            for field in variant.fields
        )
        return dataclasses.replace(variant, name=self._name(path, variant.name, unknown), fields=fields)

    def _name(self, path: str, present: str, unknown: set[str]) -> str:
        unknown.discard(path)
        return self._names.get(path, present)
