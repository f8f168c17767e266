"""A warehouse for hostile payloads: it holds tables that no load may touch, in a guarded folder.

In: response bodies and resources. Out: tables, failures, and the assertion that nothing was written
anywhere else.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.catalog.tables import REJECTED
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync.load.tables.system_tables import SYSTEM_TABLES
from analytics_sync_tests.support.each_warehouse import Warehouse
from analytics_sync_tests.support.hostile_payloads import OWNED
from analytics_sync_tests.support.postgres_server import Postgres
from analytics_sync_tests.support.scripted_api import Api, serve, shop

DLT_TABLES = {"_dlt_loads", "_dlt_version", "_dlt_pipeline_state"}
SECRETS = [("a", "secret"), ("b", "secret too")]


class GuardedWarehouse(Warehouse):
    """A warehouse with tables that no load may touch, and a folder for all files of the loads.

    Args:
        folder: The folder.
        address: The address of a PostgreSQL database; None for a DuckDB file in the folder.

    Attributes:
        failures: The errors of the last load, by resource.
        written: The files that the last load opened for writing, and the programs it started.
    """

    def __init__(self, folder: Path, address: str | None) -> None:
        super().__init__(address or folder / "warehouse.duckdb")
        self.folder = folder
        self.failures: dict[str, Exception] = {}
        self.written: set[str] = set()

    def tables(self) -> dict[tuple[str, str], set[str]]:
        """Column names by schema and table."""
        found: dict[tuple[str, str], set[str]] = {}
        for schema, table, column in self.query(
            "SELECT table_schema, table_name, column_name FROM information_schema.columns "
            "WHERE table_schema NOT IN ('information_schema', 'pg_catalog')"
        ):
            found.setdefault((schema, table), set()).add(column)
        return found

    def add_victims(self) -> None:
        """Make the tables that no load may touch: one beside the loaded ones, one elsewhere."""
        self.run(
            "CREATE SCHEMA victim",
            "CREATE TABLE victim.accounts (name varchar, secret varchar)",
            *(f"INSERT INTO victim.accounts VALUES ('{n}', '{s}')" for n, s in SECRETS),
            "CREATE SCHEMA shop",
            "CREATE TABLE shop.accounts AS SELECT * FROM victim.accounts",
        )

    def load(self, bodies: Mapping[str, bytes], *resources: dict[str, Any]) -> None:
        """Serve a body for each resource, and load the resources.

        Args:
            bodies: Response bodies by resource.
            resources: The declarations of the resources.
        """
        with pytest.MonkeyPatch.context() as patch, serve() as api:
            for name, body in bodies.items():
                api.on(f"/{name}", (200, {}, body))
            self._set_environment(patch, api)
            with (
                record_writes() as self.written,
                ReadRun(shop(*resources), sleep=lambda _: None) as run,
            ):
                load(run, "hostile")
                self.failures = run.failures()

    def _set_environment(self, patch: pytest.MonkeyPatch, api: Api) -> None:
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        patch.chdir(self.folder)
        patch.setattr(tempfile, "tempdir", str(temporary))
        settings = {
            "NO_PROXY": "127.0.0.1,localhost",
            "SOURCES__SHOP__BASE_URL": api.url,
            "SOURCES__SHOP__ACCEPT_ORIGIN": api.url,  # each load has a server of its own
            **self.settings,
        }
        for name, value in settings.items():
            patch.setenv(name, value)

    def assert_untouched(self, *expected: str) -> None:
        """Assert that the loads wrote nothing but the expected tables of ``shop`` and their files.

        Args:
            expected: Names of tables.
        """
        for schema in ("victim", "shop"):
            assert sorted(self.query(f"SELECT * FROM {schema}.accounts")) == SECRETS
        names = {"accounts", REJECTED, *SYSTEM_TABLES, *DLT_TABLES, *expected}
        assert self.tables().keys() <= {("victim", "accounts"), *(("shop", n) for n in names)}
        assert self.tables()["victim", "accounts"] == {"name", "secret"}
        outside = {Path(f) for f in self.written if not Path(f).is_relative_to(self.folder)}
        # Python caches the bytecode of a module when a fresh checkout imports it for the first time.
        outside = {f for f in outside if f.parent.name != "__pycache__"}
        assert outside <= {Path("/dev/null")}
        left = {p.name for p in self.folder.iterdir()} - {"tmp"}
        assert left <= {"warehouse.duckdb", "warehouse.duckdb.lock"}
        assert not [*(self.folder / "tmp").rglob("*")]
        for parent in (Path("/tmp"), Path.home(), Path.cwd(), *self.folder.parents):
            assert not [*parent.glob(f"*{OWNED}*")]


def guarded_warehouse(
    request: pytest.FixtureRequest, folder: Path, destination: str
) -> GuardedWarehouse:
    """A new guarded warehouse: a DuckDB file, or a new database of the fixture ``postgres``."""
    address = None
    if destination == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        address = server.database()
    made = GuardedWarehouse(folder, address)
    made.add_victims()
    return made


_WRITTEN: list[set[str]] = []
_HOOKS: list[bool] = []


def _record_write(event: str, arguments: tuple[Any, ...]) -> None:
    if _WRITTEN and event == "open" and isinstance(arguments[0], str | bytes | Path):
        if isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            _WRITTEN[-1].add(str(Path(os.fsdecode(arguments[0])).absolute()))
    elif _WRITTEN and event in {"os.system", "subprocess.Popen", "os.exec", "os.posix_spawn"}:
        _WRITTEN[-1].add(f"/{event} {arguments[0]!r}")


@contextmanager
def record_writes() -> Iterator[set[str]]:
    """The files that Python opens for writing inside the block, and the programs that it starts."""
    if not _HOOKS:  # an audit hook cannot be removed
        sys.addaudithook(_record_write)
        _HOOKS.append(True)
    _WRITTEN.append(set())
    try:
        yield _WRITTEN[-1]
    finally:
        _WRITTEN.pop()
