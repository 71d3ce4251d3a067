"""Why the chain refused a call: `sp_runtime::DispatchError`, resolved with the metadata."""

from dataclasses import dataclass

from chain.scale.metadata import Metadata
from chain.scale.registry import Enum, Registry
from chain.scale.values import Value


@dataclass(frozen=True, slots=True)
class DispatchError:
    """An error of a pallet (`Balances`, `InsufficientBalance`), or of the runtime itself, which has no
    pallet: `BadOrigin`, `Token.FundsUnavailable`. The documentation is the comment at its source."""

    pallet: str | None
    name: str
    documentation: str


def resolve_dispatch_error(value: Value, metadata: Metadata) -> DispatchError:
    """What a decoded `DispatchError` says.

    Numbers that the metadata does not know become a name (`Module.7.3`): why a call failed is
    reported, never a reason to fail.
    """
    match value:
        case {"Module": {"index": int(index), "error": bytes() | int() as error}}:
            return _module_error(index, error if isinstance(error, int) else error[0], metadata)
        case {**outer} if len(outer) == 1:
            [(kind, detail)] = outer.items()
            name = f"{kind}.{detail}" if isinstance(detail, str) else str(kind)
        case _:
            name = str(value)
    return DispatchError(None, name, _documentation(name, metadata.registry))


def _module_error(pallet_index: int, error_index: int, metadata: Metadata) -> DispatchError:
    for pallet in metadata.pallets.values():
        for error in pallet.errors.values():
            if (pallet.index, error.index) == (pallet_index, error_index):
                return DispatchError(pallet.name, error.name, error.documentation)
    return DispatchError(None, f"Module.{pallet_index}.{error_index}", "")


def _documentation(name: str, registry: Registry) -> str:
    """The comment at the variant that a path of variant names leads to, from `DispatchError` inwards."""
    definition = registry.find("sp_runtime", "DispatchError")
    documentation = ""
    for step in name.split("."):
        if definition is None or not isinstance(definition.shape, Enum):
            return ""
        variant = next((each for each in definition.shape.variants if each.name == step), None)
        if variant is None:
            return ""
        documentation = variant.documentation
        definition = registry[variant.fields[0].type_id] if variant.fields else None
    return documentation
