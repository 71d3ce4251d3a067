"""A real runtime and a real block to decode; see fixtures/kusama-block/README.md."""

import gzip
from pathlib import Path

import pytest

from chain.scale.metadata import parse_metadata
from chain.scale.runtime import Runtime

KUSAMA_BLOCK = Path(__file__).parents[1] / "fixtures" / "kusama-block"


def _unpack(name: str) -> bytes:
    return gzip.decompress((KUSAMA_BLOCK / f"{name}.gz").read_bytes())


def _runtime(metadata: bytes) -> Runtime:
    return Runtime(parse_metadata(metadata), spec_version=1_000_000, transaction_version=26)


@pytest.fixture(scope="session")
def kusama_metadata_v14() -> bytes:
    return _unpack("metadata_v14.scale")


@pytest.fixture(scope="session")
def kusama_metadata_v15() -> bytes:
    return _unpack("metadata_v15.scale")


@pytest.fixture(scope="session")
def kusama_events() -> bytes:
    return _unpack("system_events.scale")


@pytest.fixture(scope="session")
def kusama_expected_events() -> bytes:
    return _unpack("system_events.expected.json")


@pytest.fixture(scope="session")
def kusama(kusama_metadata_v14: bytes) -> Runtime:
    return _runtime(kusama_metadata_v14)


@pytest.fixture(scope="session")
def kusama_v15(kusama_metadata_v15: bytes) -> Runtime:
    return _runtime(kusama_metadata_v15)


@pytest.fixture(scope="session", params=["v14", "v15"])
def either_kusama(request: pytest.FixtureRequest, kusama: Runtime, kusama_v15: Runtime) -> Runtime:
    return kusama if request.param == "v14" else kusama_v15
