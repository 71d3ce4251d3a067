"""What an upgrade changes in the runtime: how things look, not what they do."""

import dataclasses
import enum
import json
from collections.abc import Collection, Sequence
from typing import TypeVar

from chain.devnet.typeinfo import U32, Compact, Field, Primitive, type_info

SPEC_VERSION = 100
TRANSACTION_VERSION = 1

STEADY_PALLETS = frozenset({"System", "Timestamp"})
"""What no upgrade changes: clients know these by heart."""

EXTRA_EVENT_FIELD = "at_block"

_U128 = Primitive("u128")
_Item = TypeVar("_Item")


class Change(enum.StrEnum):
    """What an upgrade can change, apart from the version. What is done twice is done further, or undone."""

    PALLET_INDICES = "pallet_indices"
    """Pallets take each other's numbers, so that old metadata reads new bytes as something else."""
    VARIANT_INDICES = "variant_indices"
    """So do the calls, the events and the errors within each pallet."""
    EVENT_FIELDS = "event_fields"
    """Every event whose fields have names begins with one more, the number of its block; then it is gone."""
    TYPES = "types"
    """Compact arguments of calls become plain, and u128 in events compact; the next time they are back."""
    SIGNED_EXTENSIONS = "signed_extensions"
    """`ChargeAssetTxPayment` takes the place of `ChargeTransactionPayment`, and the next time makes way."""


@dataclasses.dataclass(frozen=True, slots=True)
class Revision:
    """Which runtime it is: how many upgrades came before, and what they changed all together."""

    upgrades: int = 0
    transaction_version: int = TRANSACTION_VERSION
    pallet_rotation: int = 0
    variant_rotation: int = 0
    has_event_field: bool = False
    has_other_types: bool = False
    pays_in_assets: bool = False

    @property
    def spec_version(self) -> int:
        return SPEC_VERSION + self.upgrades

    @property
    def code(self) -> bytes:
        """Return what the state holds under `:code`; real chains have the runtime itself there."""
        return json.dumps({"chamberlain-devnet": dataclasses.asdict(self)}).encode()

    def after(self, changes: Collection[Change]) -> "Revision":
        """Return the runtime that these changes make of this one.

        Whatever a signer has to know raises the transaction version besides the spec version.
        """
        return Revision(
            upgrades=self.upgrades + 1,
            transaction_version=self.transaction_version + bool(set(changes) - {Change.EVENT_FIELDS}),
            pallet_rotation=self.pallet_rotation + (Change.PALLET_INDICES in changes),
            variant_rotation=self.variant_rotation + (Change.VARIANT_INDICES in changes),
            has_event_field=self.has_event_field ^ (Change.EVENT_FIELDS in changes),
            has_other_types=self.has_other_types ^ (Change.TYPES in changes),
            pays_in_assets=self.pays_in_assets ^ (Change.SIGNED_EXTENSIONS in changes),
        )

    def variant_index(self, position: int, count: int) -> int:
        """Return the number of the variant at this position of `count`."""
        return (position + self.variant_rotation) % count

    def call_fields(self, fields: tuple[Field, ...]) -> tuple[Field, ...]:
        """Return the arguments of a call as they are in this runtime."""
        if not self.has_other_types:
            return fields
        return tuple(
            dataclasses.replace(field, type=field.type.item) if isinstance(field.type, Compact) else field
            for field in fields
        )

    def event_fields(self, fields: tuple[Field, ...]) -> tuple[Field, ...]:
        """Return the fields of an event as they are in this runtime."""
        if self.has_other_types:
            fields = tuple(
                dataclasses.replace(field, type=Compact(_U128)) if field.type == _U128 else field
                for field in fields
            )
        unnamed = any(field.name is None for field in fields)
        extra = () if unnamed or not self.has_event_field else (Field(type_info(U32), EXTRA_EVENT_FIELD),)
        return (*extra, *fields)


FIRST = Revision()
"""The runtime that a chain begins with."""


def rotated(items: Sequence[_Item], by: int) -> Sequence[_Item]:
    """Return the items with the first ones moved behind the last."""
    start = by % len(items) if items else 0
    return [*items[start:], *items[:start]]
