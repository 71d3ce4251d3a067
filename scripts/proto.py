"""Generate the Python stubs that lie beside the .proto files, or check that they are fresh.

    python scripts/proto.py            write proto/**/*_pb2.py, *_pb2.pyi, *_pb2_grpc.py, *_pb2_grpc.pyi
    python scripts/proto.py --check    write nothing; list what is stale and leave with status 1

The same versions of the generators, which requirements.lock pins, always write the same bytes.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROTO = ROOT / "proto"
STUBS = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "*_pb2_grpc.pyi")


def generate(target: Path) -> None:
    """Write the stubs of every .proto file below `target`, laid out as their imports demand."""
    google = importlib.util.find_spec("google.rpc")
    if google is None or google.submodule_search_locations is None:
        raise SystemExit("googleapis-common-protos is not installed: run `make install`")
    includes = [PROTO, Path(next(iter(google.submodule_search_locations))).parents[1]]
    sources = sorted(PROTO.rglob("*.proto"))
    # Without a service, a file's `_pb2_grpc` would be empty.
    services = [source for source in sources if "\nservice " in source.read_text()]
    plugin = Path(sysconfig.get_path("scripts")) / "protoc-gen-mypy_grpc"
    _protoc(includes, sources, f"--python_out={target}", f"--pyi_out={target}")
    _protoc(
        includes, services,
        f"--grpc_python_out={target}",
        f"--plugin=protoc-gen-mypy_grpc={plugin}", f"--mypy_grpc_out=quiet:{target}",
    )  # fmt: skip


def _protoc(includes: list[Path], sources: list[Path], *outputs: str) -> None:
    if not sources:
        return
    paths = [f"--proto_path={include}" for include in includes]
    command = [sys.executable, "-m", "grpc_tools.protoc", *paths, *outputs, *map(str, sources)]
    if subprocess.run(command, check=False).returncode != 0:
        raise SystemExit("protoc failed")


def stubs_below(folder: Path) -> dict[Path, bytes]:
    return {
        path.relative_to(folder): path.read_bytes() for pattern in STUBS for path in folder.rglob(pattern)
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="only tell what is stale")
    check: bool = parser.parse_args().check

    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        fresh = stubs_below(Path(folder))
    present = stubs_below(PROTO)
    stale = sorted(path for path in fresh.keys() | present.keys() if fresh.get(path) != present.get(path))
    if check:
        for path in stale:
            print(f"stale: {(PROTO / path).relative_to(ROOT)}")
        if stale:
            raise SystemExit("Run `make proto` and commit what it writes.")
        print(f"{len(fresh)} stubs are fresh")
        return
    for path in stale:
        if path in fresh:
            (PROTO / path).write_bytes(fresh[path])
        else:
            (PROTO / path).unlink()
    print(f"{len(fresh)} stubs, {len(stale)} of them changed")


if __name__ == "__main__":
    main()
