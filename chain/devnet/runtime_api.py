"""The runtime APIs that clients call through `state_call`: their types, and what they answer."""

from collections.abc import Callable
from typing import Any

from chain.devnet.block import Block
from chain.devnet.context import Snapshot
from chain.devnet.execution import next_block
from chain.devnet.frame import DISPATCH_CLASS, H256, UNCHECKED_EXTRINSIC, WEIGHT, AccountId, RuntimeVersion
from chain.devnet.metadata import RuntimeApi, RuntimeMethod
from chain.devnet.pallet import plain
from chain.devnet.pallets import system, transaction_payment
from chain.devnet.refusal import InvalidTransaction, UndecodableTransaction, UnknownValidity
from chain.devnet.runtime import DevRuntime
from chain.devnet.transaction import decode_transaction, validate
from chain.devnet.typeinfo import (
    U32,
    U64,
    U128,
    Bytes,
    Composite,
    Field,
    Sequence,
    TypeInfo,
    Variant,
    VariantType,
    fieldless,
    option,
    path_of,
    type_info,
)
from chain.scale.primitives import encode_compact
from chain.scale.values import Value

Handler = Callable[..., Value]

_OPAQUE_METADATA = Composite(path_of("sp_core::OpaqueMetadata"), (Field(type_info(Bytes)),))
_SOURCE = fieldless("sp_runtime::transaction_validity::TransactionSource", "InBlock", "Local", "External")
_TAGS = Sequence(type_info(Bytes))
_VALID = Composite(
    path_of("sp_runtime::transaction_validity::ValidTransaction"),
    (
        Field(type_info(U64), "priority"),
        Field(_TAGS, "requires"),
        Field(_TAGS, "provides"),
        Field(type_info(U64), "longevity"),
        Field(type_info(bool), "propagate"),
    ),
)
_INVALID = fieldless(
    "sp_runtime::transaction_validity::InvalidTransaction",
    "Call",
    "Payment",
    "Future",
    "Stale",
    "BadProof",
    "AncientBirthBlock",
    "ExhaustsResources",
)
_UNKNOWN = fieldless(
    "sp_runtime::transaction_validity::UnknownTransaction", "CannotLookup", "NoUnsignedValidator"
)
_VALIDITY_ERROR = VariantType(
    path_of("sp_runtime::transaction_validity::TransactionValidityError"),
    (Variant("Invalid", 0, (Field(_INVALID),)), Variant("Unknown", 1, (Field(_UNKNOWN),))),
)
_VALIDITY = VariantType(
    ("Result",),
    (Variant("Ok", 0, (Field(_VALID),)), Variant("Err", 1, (Field(_VALIDITY_ERROR),))),
    (("T", _VALID), ("E", _VALIDITY_ERROR)),
)
_FEE_QUERY = Composite(
    path_of("pallet_transaction_payment::types::RuntimeDispatchInfo"),
    (
        Field(WEIGHT, "weight"),
        Field(DISPATCH_CLASS, "class"),
        Field(type_info(U128), "partial_fee"),
    ),
    (("Balance", type_info(U128)), ("Weight", WEIGHT)),
)


class UnknownRuntimeMethod(LookupError):
    """The runtime has no method of this name."""


def call(runtime: DevRuntime, block: Block, name: str, raw_arguments: bytes) -> bytes:
    """Answer `state_call`: the method of this name (`Core_version`), on top of a block, as bytes from bytes.

    Raises:
        UnknownRuntimeMethod: there is no such method.
        DecodeError: the arguments are not of its types.
    """
    try:
        method, handler = _METHODS[name]
    except KeyError:
        raise UnknownRuntimeMethod(name) from None
    arguments = runtime.decode(method.input_type, raw_arguments)
    if len(method.inputs) == 1:
        arguments = (arguments,)
    return runtime.encode(method.output, plain(handler(runtime, block, *arguments)))


def _version(runtime: DevRuntime, _block: Block) -> Value:
    """Return the version of the runtime."""
    return runtime.version


def _metadata(runtime: DevRuntime, _block: Block) -> Value:
    """Return the metadata in version 14."""
    return runtime.metadata[14]


def _metadata_at_version(runtime: DevRuntime, _block: Block, version: int) -> Value:
    """Return the metadata in a version, if there is such a one."""
    return runtime.metadata.get(version)


def _metadata_versions(runtime: DevRuntime, _block: Block) -> Value:
    """Return the versions in which the metadata can be had."""
    return sorted(runtime.metadata)


def _account_nonce(runtime: DevRuntime, block: Block, account: bytes) -> Value:
    """Return how many transactions of an account are on the chain."""
    return system.account_at(Snapshot(runtime.codec, block.state), account).nonce


def _query_info(runtime: DevRuntime, _block: Block, _extrinsic: bytes, length: int) -> Value:
    """Return what an extrinsic of this length in bytes weighs and costs, without a tip."""
    fee = transaction_payment.fee_of(runtime.parameters, length)
    return {"weight": system.NORMAL_DISPATCH["weight"], "class": "Normal", "partial_fee": fee}


def _validate_transaction(
    runtime: DevRuntime, block: Block, _source: Value, extrinsic: bytes, _block_hash: bytes
) -> Value:
    """Return whether the block after this one could include a transaction, and what it depends on."""
    try:
        transaction = decode_transaction(runtime, encode_compact(len(extrinsic)) + extrinsic)
        validity = validate(next_block(runtime, block), transaction)
    except InvalidTransaction as refusal:
        return {"Err": {"Invalid": refusal.reason.case}}
    except UnknownValidity:
        return {"Err": {"Unknown": "NoUnsignedValidator"}}
    except UndecodableTransaction:
        return {"Err": {"Invalid": "Call"}}
    tags = {"requires": list(validity.requires), "provides": list(validity.provides)}
    return {"Ok": {"priority": validity.priority, **tags, "longevity": validity.longevity, "propagate": True}}


def _method(name: str, handler: Handler, output: TypeInfo, **inputs: Any) -> tuple[RuntimeMethod, Handler]:
    named = tuple((argument, type_info(annotation)) for argument, annotation in inputs.items())
    return RuntimeMethod(name, named, output, (handler.__doc__ or "",)), handler


_DECLARED: dict[tuple[str, int], list[tuple[RuntimeMethod, Handler]]] = {
    ("Core", 5): [_method("version", _version, type_info(RuntimeVersion))],
    ("Metadata", 2): [
        _method("metadata", _metadata, _OPAQUE_METADATA),
        _method("metadata_at_version", _metadata_at_version, option(_OPAQUE_METADATA), version=U32),
        _method("metadata_versions", _metadata_versions, type_info(list[U32])),
    ],
    ("AccountNonceApi", 1): [_method("account_nonce", _account_nonce, type_info(U32), account=AccountId)],
    ("TransactionPaymentApi", 4): [
        _method("query_info", _query_info, _FEE_QUERY, uxt=UNCHECKED_EXTRINSIC, len=U32),
    ],
    ("TaggedTransactionQueue", 3): [
        _method(
            "validate_transaction",
            _validate_transaction,
            _VALIDITY,
            source=_SOURCE,
            tx=UNCHECKED_EXTRINSIC,
            block_hash=H256,
        ),
    ],
}

APIS = tuple(
    RuntimeApi(name, version, tuple(method for method, _ in methods))
    for (name, version), methods in _DECLARED.items()
)
_METHODS = {
    f"{name}_{method.name}": (method, handler)
    for (name, _), methods in _DECLARED.items()
    for method, handler in methods
}
