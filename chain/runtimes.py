"""The runtimes of a chain, by specification version: a process reads and compiles each of them once."""

import asyncio
from pathlib import Path

from chain.rpc import Json, RpcClient
from chain.scale.errors import ScaleError
from chain.scale.metadata import parse_metadata
from chain.scale.runtime import Runtime

RUNTIMES_KEPT = 8
METADATA_TIMEOUT_SECONDS = 120.0
"""Right after an upgrade, nodes compile the new runtime before they answer."""


class Runtimes:
    """Runtimes that were read from a node, or from a file with the metadata of one of them."""

    def __init__(self, metadata_file: Path | None = None) -> None:
        """Raises OSError or ValueError for a file that cannot be read."""
        self._by_version: dict[int, Runtime] = {}
        self._loading = asyncio.Lock()
        if metadata_file is not None:
            self._keep(_from_file(metadata_file))

    async def at(self, client: RpcClient, block_hash: str) -> Runtime:
        """The runtime of the state after a block. Raises `RpcFailure` or `ScaleError`."""
        version = await client.call("state_getRuntimeVersion", block_hash)
        return await self.of(version, client, block_hash)

    async def of(self, version: Json, client: RpcClient, block_hash: str) -> Runtime:
        """The runtime that `state_getRuntimeVersion` says a block has. Raises as `at`."""
        spec_version = int(version["specVersion"])
        async with self._loading:
            if spec_version not in self._by_version:
                answer = await client.call(
                    "state_getMetadata", block_hash, timeout_seconds=METADATA_TIMEOUT_SECONDS
                )
                raw = bytes.fromhex(answer.removeprefix("0x"))
                metadata = parse_metadata(raw)
                self._keep(Runtime(metadata, spec_version, int(version["transactionVersion"])))
            return self._by_version[spec_version]

    def _keep(self, runtime: Runtime) -> None:
        while len(self._by_version) >= RUNTIMES_KEPT:
            self._by_version.pop(next(iter(self._by_version)))
        self._by_version[runtime.spec_version] = runtime


def _from_file(path: Path) -> Runtime:
    """The runtime whose metadata a file holds; the metadata itself says which one it is of."""
    metadata = parse_metadata(path.read_bytes())
    try:
        version = Runtime(metadata, 0, 0).constant("System", "Version")
        return Runtime(metadata, int(version["spec_version"]), int(version["transaction_version"]))
    except (ScaleError, KeyError, TypeError) as error:
        raise ValueError(f"{path} does not say which runtime it is of") from error
