"""A warehouse to load hostile answers into: things in it that nobody may touch, and a folder.

In: answers and resources. Out: tables, failures, and proof that nothing was written elsewhere.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest

from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support import hostile_payloads as hostile
from analytics_sync_tests.support import postgres_server as pg
from analytics_sync_tests.support.postgres_server import Postgres
from analytics_sync_tests.support.scripted_api import Api, serve, shop

DLTS = {"_dlt_loads", "_dlt_version", "_dlt_pipeline_state"}
SECRETS = [("a", "secret"), ("b", "secret too")]


@dataclass
class Place:
    """A warehouse, with things in it that nobody may touch; and a folder for all that is written.

    Args:
        folder: The folder.
        address: Of a PostgreSQL database; a DuckDB file when None.
    """

    folder: Path
    address: str | None
    failures: dict[str, Exception] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        if self.address:
            return pg.ask(self.address, sql)
        with duckdb.connect(str(self.folder / "warehouse.duckdb")) as file:
            return file.execute(sql).fetchall()

    def rows(self, name: str) -> list[dict[str, Any]]:
        """All rows of a table of the shop."""
        if self.address:
            return pg.table(self.address, f"shop/{name}")
        with duckdb.connect(str(self.folder / "warehouse.duckdb")) as file:
            file.execute("SET TimeZone = 'UTC'")
            found = file.execute(f'SELECT * FROM shop."{name}"')
            return [
                dict(zip([d[0] for d in found.description], row, strict=True))
                for row in found.fetchall()
            ]

    def tables(self) -> dict[tuple[str, str], set[str]]:
        """Columns by schema and table."""
        found: dict[tuple[str, str], set[str]] = {}
        for schema, table, column in self.ask(
            "SELECT table_schema, table_name, column_name FROM information_schema.columns "
            "WHERE table_schema NOT IN ('information_schema', 'pg_catalog')"
        ):
            found.setdefault((schema, table), set()).add(column)
        return found

    def guard(self) -> None:
        """Put there what nobody may touch."""
        statements = [
            "CREATE SCHEMA victim",
            "CREATE TABLE victim.accounts (name varchar, secret varchar)",
            *(f"INSERT INTO victim.accounts VALUES ('{n}', '{s}')" for n, s in SECRETS),
            "CREATE SCHEMA shop",
            "CREATE TABLE shop.accounts AS SELECT * FROM victim.accounts",
        ]
        if self.address:
            with psycopg2.connect(self.address) as server, server.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
            return
        with duckdb.connect(str(self.folder / "warehouse.duckdb")) as file:
            for statement in statements:
                file.execute(statement)

    def load(self, answers: Mapping[str, bytes], *resources: dict[str, Any]) -> None:
        """Serve a body for each resource and load it, in this folder."""
        with pytest.MonkeyPatch.context() as patch, serve() as api:
            for name, body in answers.items():
                api.on(f"/{name}", (200, {}, body))
            self._settings(patch, api)
            with writing() as self.written, ReadRun(shop(*resources), sleep=lambda _: None) as run:
                load(run, "hostile")
                self.failures = run.failures()

    def _settings(self, patch: pytest.MonkeyPatch, api: Api) -> None:
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        patch.chdir(self.folder)
        patch.setattr(tempfile, "tempdir", str(temporary))
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        patch.setenv("SOURCES__SHOP__BASE_URL", api.url)
        patch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(self.folder / "warehouse.duckdb"))
        if self.address:
            patch.setenv("ANALYTICS_SYNC__DESTINATION", "postgres")
            patch.setenv("DESTINATION__POSTGRES__CREDENTIALS", self.address)

    def assert_untouched(self, *expected: str) -> None:
        """Nothing is anywhere but in the expected tables of the shop and in this folder."""
        for schema in ("victim", "shop"):
            assert sorted(self.ask(f"SELECT * FROM {schema}.accounts")) == SECRETS
        names = {"accounts", "_rejected", *DLTS, *expected}
        assert self.tables().keys() <= {("victim", "accounts"), *(("shop", n) for n in names)}
        assert self.tables()["victim", "accounts"] == {"name", "secret"}
        outside = {f for f in self.written if not Path(f).is_relative_to(self.folder)}
        assert outside <= {"/dev/null"}
        left = {p.name for p in self.folder.iterdir()} - {"tmp"}
        assert left <= {"warehouse.duckdb", "warehouse.duckdb.lock"}
        assert not [*(self.folder / "tmp").rglob("*")]
        for parent in (Path("/tmp"), Path.home(), Path.cwd(), *self.folder.parents):
            assert not [*parent.glob(f"*{hostile.OWNED}*")]


def a_place(request: pytest.FixtureRequest, folder: Path, kind: str) -> Place:
    """A guarded warehouse, in DuckDB or in a database of its own."""
    address = None
    if kind == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        address = server.database()
    made = Place(folder, address)
    made.guard()
    return made


_WRITTEN: list[set[str]] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _WRITTEN and event == "open" and isinstance(arguments[0], str | bytes | Path):
        if isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            _WRITTEN[-1].add(str(Path(os.fsdecode(arguments[0])).absolute()))
    elif _WRITTEN and event in {"os.system", "subprocess.Popen", "os.exec", "os.posix_spawn"}:
        _WRITTEN[-1].add(f"/{event} {arguments[0]!r}")


@contextmanager
def writing() -> Iterator[set[str]]:
    """The files that Python opens for writing meanwhile, and the programs that it starts."""
    if not _AUDITED:
        sys.addaudithook(_audit)
        _AUDITED.append(True)
    _WRITTEN.append(set())
    try:
        yield _WRITTEN[-1]
    finally:
        _WRITTEN.pop()


_AUDITED: list[bool] = []
