"""Declaring a pallet: its calls, events, errors, storage and constants, each in one place.

The metadata is made from the declarations, and the runtime executes them.
"""

import copy
import dataclasses
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, ClassVar, Generic, TypeVar, dataclass_transform, get_type_hints

from chain.devnet.context import BlockContext, DispatchFailure, ReadContext
from chain.devnet.revision import FIRST, Revision
from chain.devnet.typeinfo import Field, TypeInfo, Variant, VariantType, fields_of, path_of, type_info
from chain.scale.metadata import Hasher
from chain.scale.primitives import decode_compact, encode_compact
from chain.scale.runtime import Runtime

CallHandler = Callable[..., None]
BlockHook = Callable[[BlockContext], None]
StorageKey = int | bytes
STORAGE_KEYS_CACHED_MAX = 8192

_Value = TypeVar("_Value")
_Handler = TypeVar("_Handler", bound=CallHandler)


class ModuleFailure(DispatchFailure):
    """An error of a pallet; `Pallet.error` declares one."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Event:
    """Base of all events. A subclass names its pallet: `class Transfer(Event, of=PALLET)`.

    On the chain `from_` is the field `from`, and the fields of an `unnamed` event have only their order.
    """

    pallet_name: ClassVar[str]
    unnamed: ClassVar[bool]

    def __init_subclass__(cls, of: "Pallet", *, unnamed: bool = False) -> None:
        dataclasses.dataclass(frozen=True, kw_only=True)(cls)
        cls.pallet_name = of.name
        cls.unnamed = unnamed
        of.events.append(cls)

    def fields(self) -> dict[str, Any]:
        """Return the values by field name; unnamed fields are called "0", "1" and so on."""
        if self.unnamed:
            return {str(position): value for position, value in enumerate(vars(self).values())}
        return {name.rstrip("_"): value for name, value in vars(self).items()}

    @classmethod
    def described_fields(cls) -> tuple[Field, ...]:
        """Describe the fields as the metadata does."""
        fields = fields_of(cls)
        return tuple(Field(field.type) for field in fields) if cls.unnamed else fields


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """A call. Its handler takes the block, then the signer unless it is an inherent, then the arguments."""

    name: str
    fields: tuple[Field, ...]
    handler: CallHandler
    inherent: bool
    docs: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Constant:
    """A value that the metadata carries."""

    name: str
    type: TypeInfo
    value_of: Callable[[Any], object]
    docs: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class StorageItem:
    """What the metadata says of stored values. Without keys it is one; without default it may be absent."""

    name: str
    value_type: TypeInfo
    key_types: tuple[TypeInfo, ...]
    hasher: Hasher
    default: object | None
    docs: tuple[str, ...]


class StorageMap(Generic[_Value]):
    """Stored values by one or more keys; with no key at all, a single value that may be absent."""

    def __init__(self, pallet_name: str, item: str, load: Callable[[Any], _Value]) -> None:
        self._path = (pallet_name, item)
        self._load = load

    def key(self, at: ReadContext, *keys: StorageKey) -> bytes:
        """Return the whole storage key."""
        return _storage_key(at.codec, *self._path, *keys)

    def raw(self, at: ReadContext, *keys: StorageKey) -> bytes | None:
        """Return the value as it is stored, or None."""
        return at.state.get(self.key(at, *keys))

    def get(self, at: ReadContext, *keys: StorageKey) -> _Value | None:
        """Return the value, or None."""
        raw = self.raw(at, *keys)
        return None if raw is None else self._load(at.codec.decode_storage(*self._path, raw))

    def put(self, block: BlockContext, value: _Value, *keys: StorageKey) -> None:
        """Store the value."""
        block.state.put(self.key(block, *keys), block.codec.encode_storage(*self._path, plain(value)))

    def remove(self, block: BlockContext, *keys: StorageKey) -> None:
        """Forget the value."""
        block.state.put(self.key(block, *keys), None)


class StorageValue(Generic[_Value]):
    """A single stored value that is never absent."""

    def __init__(self, stored: StorageMap[_Value], default: _Value) -> None:
        self._stored = stored
        self._default = default

    def get(self, at: ReadContext) -> _Value:
        """Return the value, or its default."""
        value = self._stored.get(at)
        return self._default if value is None else value

    def put(self, block: BlockContext, value: _Value) -> None:
        """Store the value."""
        self._stored.put(block, value)


class StorageLists(Generic[_Value]):
    """Stored lists by key. Adding an item costs no decoding of those before it."""

    def __init__(self, pallet_name: str, item: str) -> None:
        self._path = (pallet_name, item)

    def get(self, at: ReadContext, key: StorageKey) -> list[_Value]:
        """Return the list, empty if nothing was ever added."""
        raw = at.state.get(at.codec.storage_key(*self._path, key))
        return [] if raw is None else at.codec.decode_storage(*self._path, raw)

    def append(self, block: BlockContext, item: _Value, key: StorageKey) -> int:
        """Add an item and return its index."""
        whole_key = block.codec.storage_key(*self._path, key)
        raw = block.state.get(whole_key) or b"\x00"
        length, start = decode_compact(raw, 0)
        list_of_one = block.codec.encode_storage(*self._path, [item])
        block.state.put(whole_key, encode_compact(length + 1) + raw[start:] + list_of_one[1:])
        return length

    def take(self, block: BlockContext, key: StorageKey) -> list[_Value]:
        """Return the list and forget it."""
        taken = self.get(block, key)
        if taken:
            block.state.put(block.codec.storage_key(*self._path, key), None)
        return taken


class Pallet:
    """The declarations of one pallet. `crate` is the first part of its types' paths."""

    def __init__(self, name: str, index: int, crate: str) -> None:
        self.name = name
        self.index = index
        self._crate = crate
        self.calls: list[Call] = []
        self.events: list[type[Event]] = []
        self.errors: list[Variant] = []
        self.storage: list[StorageItem] = []
        self.constants: list[Constant] = []
        self.initialize_hooks: list[BlockHook] = []
        self._revision = FIRST

    def revised(self, index: int, revision: Revision) -> "Pallet":
        """Return this pallet with the number and the look that it has in another runtime."""
        pallet = copy.copy(self)
        pallet.index, pallet._revision = index, revision
        return pallet

    def call(self, handler: _Handler) -> _Handler:
        """Declare a call that someone signs: `handler(block, signer, **arguments)`."""
        return self._add_call(handler, inherent=False)

    def inherent(self, handler: _Handler) -> _Handler:
        """Declare a call that the author of a block makes: `handler(block, **arguments)`."""
        return self._add_call(handler, inherent=True)

    def on_initialize(self, hook: BlockHook) -> BlockHook:
        """Declare what happens at the beginning of every block."""
        self.initialize_hooks.append(hook)
        return hook

    def error(self, name: str, docs: str) -> type[ModuleFailure]:
        """Declare an error and return the exception to raise."""
        index = len(self.errors)
        self.errors.append(Variant(name, index, (), _lines(docs)))
        value = {"Module": {"index": self.index, "error": bytes((index, 0, 0, 0))}}
        return type(name, (ModuleFailure,), {"__doc__": docs, "value": value})

    def constant(self, name: str, of: Any, value_of: Callable[[Any], object], docs: str) -> None:
        """Declare a constant; `value_of` takes the RuntimeParameters."""
        self.constants.append(Constant(name, type_info(of), value_of, _lines(docs)))

    def value(self, name: str, of: Any, docs: str, *, default: _Value) -> StorageValue[_Value]:
        """Declare a single value of the type that the annotation `of` stands for."""
        stored: StorageMap[_Value] = self.map(name, (), of, docs, default=default)
        return StorageValue(stored, default)

    def map(
        self,
        name: str,
        keys: tuple[Any, ...],
        of: Any,
        docs: str,
        *,
        hasher: Hasher = Hasher.BLAKE2_128_CONCAT,
        default: object | None = None,
    ) -> StorageMap[Any]:
        """Declare values by key. A default is what clients see where nothing is stored; `get` says None."""
        key_types = tuple(type_info(key) for key in keys)
        self.storage.append(StorageItem(name, type_info(of), key_types, hasher, plain(default), _lines(docs)))
        return StorageMap(self.name, name, _loader(of))

    def lists(self, name: str, key: Any, of: Any, docs: str) -> StorageLists[Any]:
        """Declare lists of items by key."""
        self.map(name, (key,), list[of], docs, default=())
        return StorageLists(self.name, name)

    @property
    def call_type(self) -> VariantType | None:
        """Return the enum of the calls."""
        return self._enum(
            "Call",
            [(call.name, self._revision.call_fields(call.fields), call.docs) for call in self.calls],
        )

    @property
    def event_type(self) -> VariantType | None:
        """Return the enum of the events."""
        return self._enum(
            "Event",
            [
                (event.__name__, self._revision.event_fields(event.described_fields()), _lines(event.__doc__))
                for event in self.events
            ],
        )

    @property
    def error_type(self) -> VariantType | None:
        """Return the enum of the errors."""
        return self._enum("Error", [(error.name, error.fields, error.docs) for error in self.errors])

    def error_index(self, declared: int) -> int:
        """Return the number of an error in this runtime, from its place in the declaration."""
        return self._revision.variant_index(declared, len(self.errors))

    def _enum(
        self, name: str, cases: list[tuple[str, tuple[Field, ...], tuple[str, ...]]]
    ) -> VariantType | None:
        variants = [
            Variant(case, self._revision.variant_index(position, len(cases)), fields, docs)
            for position, (case, fields, docs) in enumerate(cases)
        ]
        variants.sort(key=lambda variant: variant.index)  # some clients find a variant by its place
        return VariantType(path_of(f"{self._crate}::pallet::{name}"), tuple(variants)) if variants else None

    def _add_call(self, handler: _Handler, *, inherent: bool) -> _Handler:
        hints = get_type_hints(handler, include_extras=True)
        names = list(hints)[1 if inherent else 2 : -1]
        fields = tuple(Field(type_info(hints[name]), name) for name in names)
        name = handler.__name__.rstrip("_")
        self.calls.append(Call(name, fields, handler, inherent, _lines(handler.__doc__)))
        return handler


@lru_cache(STORAGE_KEYS_CACHED_MAX)
def _storage_key(codec: Runtime, pallet_name: str, item: str, *keys: StorageKey) -> bytes:
    """Return a whole storage key; the same few accounts' are wanted again and again in a block."""
    return codec.storage_key(pallet_name, item, *keys)


def _lines(text: str | None) -> tuple[str, ...]:
    return tuple(line.strip() for line in (text or "").strip().splitlines())


def _loader(of: Any) -> Callable[[Any], Any]:
    """Return what turns a decoded value into the dataclass that `of` may be."""
    if not (isinstance(of, type) and dataclasses.is_dataclass(of)):
        return lambda value: value
    hints = get_type_hints(of)
    nested = {name: _loader(hint) for name, hint in hints.items() if dataclasses.is_dataclass(hint)}

    def load(value: dict[str, Any]) -> Any:
        for name, load_field in nested.items():
            value[name] = load_field(value[name])
        return of(**value)

    return load


def plain(value: Any) -> Any:
    """Return a dataclass as the dict that the codec encodes, and anything else as it is."""
    names = _field_names(value.__class__)
    return value if names is None else {name: plain(getattr(value, name)) for name in names}


@cache
def _field_names(kind: type) -> tuple[str, ...] | None:
    if not dataclasses.is_dataclass(kind):
        return None
    return tuple(field.name for field in dataclasses.fields(kind))
