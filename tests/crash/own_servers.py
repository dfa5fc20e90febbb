"""Servers of a test's own, made to be stopped: a PostgreSQL cluster and a MariaDB data folder. No tests in here.

The programs are looked for in the usual places. Without them the tests are skipped, except where `CI` is `true`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest
from tests import servers

_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/sbin",
    "/usr/bin",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/local/pgsql/bin",
)
_SECONDS = 60.0


def _program(name: str) -> str:
    """Return the path of a program; skip, or fail in CI, where there is none."""
    found = shutil.which(name)
    for place in _PLACES:
        folders = sorted(Path("/").glob(f"{place[1:]}/{name}"), reverse=True)
        found = found or next((str(path) for path in folders), None)
    if found is None:
        reason = f"{name} is not installed here: a server cannot be made to be stopped"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _user(name: str) -> str | None:
    """Return whose the server must be: root may run none."""
    if os.geteuid() != 0:
        return None
    pwd.getpwnam(name)
    return name


@contextmanager
def _folder(user: str | None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="supportkit-server-", dir="/tmp"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: Sequence[str], user: str | None, cwd: Path) -> None:
    identity: dict[str, Any] = {}
    if user is not None:
        entry = pwd.getpwnam(user)
        identity = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, check=False, **identity)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


def until(works: Callable[[], object], *errors: type[Exception]) -> None:
    """Try until it works."""
    end = time.monotonic() + _SECONDS
    while True:
        try:
            works()
        except errors:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


class Cluster:
    """A PostgreSQL cluster that flushes as it does by default."""

    kind = servers.POSTGRESQL

    def __init__(self, folder: Path, user: str | None, data: str = "data") -> None:
        self.folder = folder
        self.user = user
        self.data = folder / data
        self.port = _free_port()

    def make(self) -> None:
        options = ["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"]
        _run([_program("initdb"), *options, "-D", str(self.data)], self.user, self.folder)

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        options += " -c max_connections=20 -c shared_buffers=16MB"
        self._control("start", "-w", "-l", str(self.folder / f"{self.data.name}.log"), "-o", options)

    def crash(self) -> None:
        """Stop as if the machine had gone: no checkpoint, nobody is told."""
        self._control("stop", "-m", "immediate")

    def promote(self) -> None:
        self._control("promote", "-w")

    def _control(self, *arguments: str) -> None:
        _run([_program("pg_ctl"), "-s", "-D", str(self.data), *arguments], self.user, self.folder)

    def copy(self) -> Cluster:
        """Return a hot standby of this cluster, not started."""
        other = Cluster(self.folder, self.user, "standby")
        source = f"host=127.0.0.1 port={self.port} user=postgres"
        command = [_program("pg_basebackup"), "-d", source, "-D", str(other.data), "-R", "-X", "stream", "-c", "fast"]
        _run(command, self.user, self.folder)
        return other

    def run(self, *statements: str, database: str = "postgres") -> None:
        with psycopg.connect(self.address(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def address(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def connection(self, database: str) -> Any:
        return psycopg.connect(self.address(database))

    def url(self, database: str) -> str:
        return self.address(database).replace("postgresql:", "postgresql+psycopg:")


class Daemon:
    """A MariaDB server that flushes as it does by default."""

    kind = servers.MARIADB

    def __init__(self, folder: Path, user: str | None) -> None:
        self.folder = folder
        self.user = user
        self.data = folder / "data"
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        (self.folder / "users.sql").write_text(
            "CREATE USER IF NOT EXISTS 'desk'@'127.0.0.1';\nGRANT ALL ON *.* TO 'desk'@'127.0.0.1';\n"
            "CREATE USER IF NOT EXISTS 'plain'@'127.0.0.1';\nGRANT ALL ON support.* TO 'plain'@'127.0.0.1';\n",
            encoding="utf-8",
        )
        user = [] if self.user is None else [f"--user={self.user}"]
        options = ["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
        command = [_program("mariadb-install-db"), *options, *user, f"--datadir={self.data}"]
        _run(command, None, self.folder)

    def start(self) -> None:
        user = [] if self.user is None else [f"--user={self.user}"]
        places = {"datadir": self.data, "socket": self.folder / "socket", "pid-file": self.folder / "pid"}
        options = [f"--{name}={value}" for name, value in {**places, "init-file": self.folder / "users.sql"}.items()]
        sizes = ["--innodb-log-file-size=16M", "--innodb-buffer-pool-size=32M", "--skip-name-resolve"]
        address = ["--bind-address=127.0.0.1", f"--port={self.port}"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_program("mariadbd"), "--no-defaults", *user, *options, *sizes, *address],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(lambda: self.run("SELECT 1"), pymysql.Error)

    def crash(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def run(self, *statements: str, database: str | None = None) -> None:
        connection = self.connection(database)
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def connection(self, database: str | None) -> Any:
        return pymysql.connect(host="127.0.0.1", port=self.port, user="desk", database=database, autocommit=True)

    def url(self, database: str, *, user: str = "desk") -> str:
        return f"mariadb+pymysql://{user}@127.0.0.1:{self.port}/{database}"


@contextmanager
def own_server(kind: str) -> Iterator[Cluster | Daemon]:
    """Make a server with an empty database `support` and start it; afterwards nothing of it is left."""
    _program("initdb" if kind == servers.POSTGRESQL else "mariadb-install-db")
    user = _user("postgres" if kind == servers.POSTGRESQL else "mysql")
    with _folder(user) as folder:
        server: Cluster | Daemon = Cluster(folder, user) if kind == servers.POSTGRESQL else Daemon(folder, user)
        server.make()
        server.start()
        try:
            server.run("CREATE DATABASE support")
            yield server
        finally:
            server.crash()


@contextmanager
def small_disk(folder: Path, megabytes: int, user: str | None) -> Iterator[Callable[[int], None]]:
    """Mount a small disk in a new *folder*; give a function that makes it larger. Skip where that is not allowed."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    try:
        if user is not None:
            shutil.chown(folder, user, user)
        yield lambda size: subprocess.run(["mount", "-o", f"remount,size={size}m", str(folder)], check=True) and None
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
