"""A real MariaDB server, if its program is installed: Debian's package is ``mariadb-server-core``.

In: nothing. Out: the settings that make it the destination, and statements as somebody else may execute them. The
defaults of the server are the worst ones: no strict mode, another zone, another character set, tables without
transactions, and sessions that end after a second without a statement.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pymysql
import pytest
from sqlalchemy import make_url

from analytics_sync.load.clients.mariadb_values import CONVERTERS

_PROGRAMS = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/bin")
_SCRIPTS = ("/usr/share/mysql", "/usr/share/mariadb")
_SCRIPT_FILES = (
    "mysql_system_tables.sql",
    "mysql_performance_tables.sql",
    "mysql_system_tables_data.sql",
)
_SMALL = ("--innodb-log-file-size=8M", "--innodb-buffer-pool-size=32M")
_DEFAULTS = (
    "--sql-mode=",
    "--default-time-zone=+05:00",
    "--default-storage-engine=Aria",
    "--character-set-server=latin1",
    "--wait-timeout=1",
)
# What a loader needs. It is nobody's administrator.
_RIGHTS = "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, CREATE TEMPORARY TABLES, CREATE VIEW"
_WORD = "p%40ss%2Fw"
_SECONDS = 30
_NAMES = {"longtext": "varchar", "tinyint": "boolean", "datetime": "timestamp with time zone"}


class MariaDb:
    """A server; a context manager. Logs are not synced, because no test cuts the power."""

    def __enter__(self) -> MariaDb:
        program = shutil.which("mariadbd", path=os.pathsep.join((*_PROGRAMS, os.environ["PATH"])))
        scripts = next((Path(f) for f in _SCRIPTS if (Path(f) / _SCRIPT_FILES[0]).exists()), None)
        if program is None or scripts is None:
            pytest.skip("MariaDB is not installed: the Debian package is mariadb-server-core")
        self._folder = Path(tempfile.mkdtemp(prefix="my"))
        data, self._socket = self._folder / "data", self._folder / "socket"
        data.mkdir()
        made_by = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n"
        made_by += "".join((scripts / name).read_text() for name in _SCRIPT_FILES)
        common = [program, "--no-defaults", f"--datadir={data}", *_SMALL]
        common += ["--user=root"] if os.geteuid() == 0 else []
        with (self._folder / "log").open("w") as log:
            subprocess.run(
                [*common, "--bootstrap"],
                input=made_by,
                text=True,
                check=True,
                stdout=log,
                stderr=log,
            )
            self._process = subprocess.Popen(
                [
                    *common, *_DEFAULTS, f"--socket={self._socket}", "--skip-networking",
                    "--innodb-flush-log-at-trx-commit=0", f"--pid-file={self._folder / 'pid'}",
                ],
                stdout=log, stderr=log,
            )  # fmt: skip
        self._wait()
        self.run("CREATE USER loader IDENTIFIED BY 'p@ss/w'", f"GRANT {_RIGHTS} ON *.* TO loader")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait(self) -> None:
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                self.run("SELECT 1")
            except pymysql.Error:
                assert time.monotonic() < deadline, (self._folder / "log").read_text()[-3000:]
                time.sleep(0.05)
            else:
                return

    @property
    def address(self) -> str:
        """The address of the server, for a user with few rights."""
        socket = quote(str(self._socket), safe="")
        return f"mariadb+pymysql://loader:{_WORD}@localhost/information_schema?unix_socket={socket}"

    def empty(self, dataset: str = "shop") -> str:
        """Drop a dataset; the address."""
        self.run(f"DROP DATABASE IF EXISTS {dataset}")
        return self.address

    def connect(self) -> Any:
        """A connection of the administrator, with the defaults of the server."""
        return pymysql.connect(unix_socket=str(self._socket), user="root", autocommit=True)

    def run(self, *statements: str) -> None:
        """Execute statements, each in a transaction of its own."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def settings(address: str) -> dict[str, str]:
    """Settings that make the server at an address the destination."""
    return {
        "ANALYTICS_SYNC__DESTINATION": "sqlalchemy",
        "DESTINATION__SQLALCHEMY__CREDENTIALS": address,
    }


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A cursor of the loader. Its session takes names in double quotes, and is in UTC."""
    url = make_url(address)
    connection = pymysql.connect(
        unix_socket=url.query["unix_socket"],
        user=url.username,
        password=url.password or "",
        charset="utf8mb4",
        autocommit=True,
        conv=CONVERTERS,
        init_command="SET SESSION sql_mode = 'ANSI,STRICT_ALL_TABLES', time_zone = '+00:00', wait_timeout = 600",
    )
    with closing(connection), connection.cursor() as cursor:
        yield cursor


def run(address: str, *statements: str) -> None:
    """Execute statements, each in a transaction of its own."""
    with connected(address) as cursor:
        for statement in statements:
            cursor.execute(statement)


def query(address: str, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with connected(address) as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def table(address: str, asset: str) -> list[dict[str, Any]]:
    """All rows of an asset's table: instants in UTC, JSON as text."""
    dataset, name = asset.split("/")
    with connected(address) as cursor:
        cursor.execute(f'SELECT * FROM "{dataset}"."{name}"')
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def types(address: str, name: str) -> dict[str, str]:
    """The types of the columns of data of a table of ``shop``, in DuckDB's names."""
    found = query(
        address,
        "SELECT column_name, data_type, collation_name FROM information_schema.columns "
        f"WHERE table_schema = 'shop' AND table_name = '{name}'",
    )
    return {
        column: "json" if collation == "utf8mb4_bin" else _NAMES.get(type_, type_)
        for column, type_, collation in found
        if not column.startswith("_")
    }
