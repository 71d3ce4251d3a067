"""How blocks and transactions look in JSON."""

from chain.devnet.block import Block, Header
from chain.devnet.frame import RuntimeVersion
from chain.devnet.pool import Status
from chain.devnet.rpc.errors import Json


def hex_text(raw: bytes) -> str:
    """Return bytes as nodes write them."""
    return f"0x{raw.hex()}"


def hex_or_none(raw: bytes | None) -> str | None:
    """Return bytes as nodes write them, if there are any."""
    return None if raw is None else hex_text(raw)


def render_header(header: Header) -> Json:
    """Return a header; its number is hexadecimal."""
    return {
        "parentHash": hex_text(header.parent_hash),
        "number": hex(header.number),
        "stateRoot": hex_text(header.state_root),
        "extrinsicsRoot": hex_text(header.extrinsics_root),
        "digest": {"logs": [hex_text(log) for log in header.logs]},
    }


def render_block(block: Block) -> Json:
    """Return a block with its extrinsics."""
    extrinsics = [hex_text(extrinsic) for extrinsic in block.extrinsics]
    return {
        "block": {"header": render_header(block.header), "extrinsics": extrinsics},
        "justifications": None,
    }


def render_version(version: RuntimeVersion) -> Json:
    """Return the version of a runtime."""
    return {
        "specName": version.spec_name,
        "implName": version.impl_name,
        "authoringVersion": version.authoring_version,
        "specVersion": version.spec_version,
        "implVersion": version.impl_version,
        "apis": [[hex_text(api), number] for api, number in version.apis],
        "transactionVersion": version.transaction_version,
        "systemVersion": version.state_version,
        "stateVersion": version.state_version,
    }


def render_status(status: Status) -> Json:
    """Return a transaction's status."""
    return status.kind.value if status.hash is None else {status.kind.value: hex_text(status.hash)}
