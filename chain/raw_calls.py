"""Raw calls: named by whoever enqueues them, and encoded as they are given."""

import json
from typing import NamedTuple

from chain.scale.errors import EncodeError, MetadataError
from chain.scale.runtime import Runtime


class Misfit(NamedTuple):
    """What of a raw call does not fit a runtime: its `pallet`, its `call`, or a path that begins with
    `payload`; and why, in words."""

    field: str
    reason: str


def encode_raw(pallet: str, call: str, payload: str, runtime: Runtime) -> bytes:
    """Encode a call whose arguments are a JSON object. Raises `EncodeError` or `MetadataError`."""
    return runtime.encode_call(pallet, call, json.loads(payload))


def misfit(pallet: str, call: str, payload: str, runtime: Runtime) -> Misfit | None:
    """Why a call cannot be encoded for a runtime; None if it can."""
    try:
        encode_raw(pallet, call, payload, runtime)
    except EncodeError as error:
        path = error.path.removeprefix("arguments")
        return Misfit(f"payload{path}", f"{pallet}.{call} expects {error.expected}")
    except MetadataError as error:
        known = runtime.metadata.pallets.get(pallet)
        field = "pallet" if known is None else "payload" if call in known.calls else "call"
        return Misfit(field, str(error))
    return None
