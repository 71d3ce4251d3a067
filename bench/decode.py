"""`decode`: our codec against scalecodec, on the events of one real block of Kusama.

Each decodes the bytes of `System.Events` to the last event, in a process of its own, and both give accounts
in the same form. Ours are 32 bytes and become SS58 addresses where somebody looks at them, so here they are
formatted in a second pass, which is measured too. A block names the same accounts again and again, and so do
the blocks after it: addresses are cached. The warm figure finds all of them in the cache, the cold one begins
with an empty cache for every block; on a chain the truth lies between.
"""

import gc
import gzip
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scalecodec.base import RuntimeConfigurationObject, ScaleBytes
from scalecodec.type_registry import load_type_registry_preset

from bench.peers import AtLeast, PeerRow, Round, peer_row
from bench.processes import Line, Process
from chain.scale.events import EventRecord
from chain.scale.metadata import Metadata, parse_metadata
from chain.scale.runtime import Runtime
from chain.scale.ss58 import ss58_encode

BLOCK = Path(__file__).parents[1] / "tests" / "chain" / "fixtures" / "kusama-block"
KUSAMA_PREFIX = 2
ACCOUNT_PATH = ("sp_core", "crypto", "AccountId32")
PROMISE = AtLeast(150)

Decode = Callable[[], Sequence[Any]]
AccountFields = Mapping[tuple[str, str], Sequence[str]]


@dataclass(frozen=True)
class Size:
    """How often, and how long at least, each decoder decodes the block."""

    rounds: int = 5
    seconds: float = 0.5


def measure(size: Size, tell: Callable[[str], None]) -> list[PeerRow]:
    """Run the benchmark; `tell` is told of each step."""
    rates: dict[str, list[float]] = {name: [] for name in DECODERS}
    with ExitStack() as stack:
        tell("decode: starting")
        decoders = {name: stack.enter_context(Process(serve_decoder, name)) for name in DECODERS}
        for number in range(size.rounds):
            tell(f"decode: round {number + 1}")
            for name, decoder in decoders.items():
                rates[name].append(decoder.ask(size.seconds))

    def row(figure: str, ours: str, theirs: str, promise: AtLeast | None = None) -> PeerRow:
        rounds = [Round(*pair) for pair in zip(rates[ours], rates[theirs], strict=True)]
        return peer_row("decode", f"events/s, {figure}", "scalecodec", rounds, promise)

    return [
        row("SS58 accounts", "ours_ss58", "scalecodec_ss58", PROMISE),
        row("SS58, cold cache", "ours_ss58_cold", "scalecodec_ss58"),
        row("raw accounts", "ours_raw", "scalecodec_raw"),
    ]


async def serve_decoder(line: Line, name: str) -> None:
    """Decode the block for the seconds that are asked for; the answer is a rate in events per second."""
    decode = DECODERS[name]()
    events = len(decode())
    gc.freeze()  # a registry of either kind is large, and lives as long as the process
    line.answer(events)
    async for seconds in line.questions():
        blocks = 0
        started = time.perf_counter()
        while (elapsed := time.perf_counter() - started) < seconds or not blocks:
            decode()
            blocks += 1
        line.answer(blocks * events / elapsed)


def ours_raw() -> Decode:
    runtime, raw = kusama(), _unpack("system_events.scale")
    return lambda: runtime.decode_events(raw)


def ours_ss58() -> Decode:
    runtime, raw = kusama(), _unpack("system_events.scale")
    fields = account_fields(runtime.metadata)

    def decode() -> list[EventRecord]:
        records = runtime.decode_events(raw)
        show_addresses(records, fields, KUSAMA_PREFIX)
        return records

    return decode


def ours_ss58_cold() -> Decode:
    warm = ours_ss58()

    def decode() -> Sequence[Any]:
        ss58_encode.cache_clear()
        return warm()

    return decode


def scalecodec_raw() -> Decode:
    return _scalecodec(None)


def scalecodec_ss58() -> Decode:
    return _scalecodec(KUSAMA_PREFIX)


def _scalecodec(ss58_prefix: int | None) -> Decode:
    """As py-substrate-interface uses it: an object of the type of `System.Events`, for each block anew."""
    configuration = RuntimeConfigurationObject(ss58_format=ss58_prefix, implements_scale_info=True)
    configuration.update_type_registry(load_type_registry_preset("core"))
    metadata = configuration.create_scale_object(
        "MetadataVersioned", data=ScaleBytes(_unpack("metadata_v14.scale"))
    )
    metadata.decode()
    configuration.add_portable_registry(metadata)
    storage = metadata.get_metadata_pallet("System").get_storage_function("Events")
    kind = storage.get_value_type_string()
    raw = _unpack("system_events.scale")

    def decode() -> Sequence[Any]:
        events: Any = configuration.create_scale_object(kind, data=ScaleBytes(raw), metadata=metadata)
        decoded: Sequence[Any] = events.decode()
        return decoded

    return decode


DECODERS: Mapping[str, Callable[[], Decode]] = {
    made.__name__: made for made in (ours_ss58, scalecodec_ss58, ours_ss58_cold, ours_raw, scalecodec_raw)
}


def kusama() -> Runtime:
    """The runtime of the block."""
    return Runtime(
        parse_metadata(_unpack("metadata_v14.scale")), spec_version=1_000_000, transaction_version=26
    )


def account_fields(metadata: Metadata) -> AccountFields:
    """By pallet and event, the fields that are accounts."""
    registry = metadata.registry
    return {
        (pallet.name, event.name): [
            str(field.name if field.name is not None else place)
            for place, field in enumerate(event.fields)
            if registry[field.type_id].path == ACCOUNT_PATH
        ]
        for pallet in metadata.pallets.values()
        for event in pallet.events.values()
    }


def show_addresses(records: Sequence[EventRecord], fields: AccountFields, prefix: int) -> None:
    """Put the addresses of accounts in their places."""
    for record in records:
        shown = record.fields
        for name in fields[record.pallet, record.name]:
            shown[name] = ss58_encode(shown[name], prefix)


def _unpack(name: str) -> bytes:
    return gzip.decompress((BLOCK / f"{name}.gz").read_bytes())
