"""A warehouse of each kind: a DuckDB file, a PostgreSQL database, or SQLite files.

In: a place. Out: statements as somebody else may execute them, and the rows and types of the tables as they
really are. A test module takes the fixture by ``warehouse = each_warehouse``. Two marks choose the kinds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analytics_sync_tests.support import duckdb_file, sqlite_file
from analytics_sync_tests.support import postgres_server as pg

# What PostgreSQL calls otherwise than DuckDB does.
_NAMES = {
    "character varying": "varchar",
    "text": "varchar",
    "double precision": "double",
    "jsonb": "json",
    "numeric": "decimal",
}

# PostgreSQL is tried by the longer suite, where DuckDB shows the same in little time.
mainly_duckdb = pytest.mark.parametrize(
    "warehouse", ["duckdb", pytest.param("postgres", marks=pytest.mark.slow)], indirect=True
)
only_duckdb = pytest.mark.parametrize("warehouse", ["duckdb"], indirect=True)


class Warehouse:
    """A warehouse in a file or in a database.

    Args:
        place: The DuckDB file, or the address of the PostgreSQL database or of the SQLite file.
    """

    def __init__(self, place: Path | str) -> None:
        self.place = place
        self.is_duckdb = isinstance(place, Path)
        self.is_sqlite = isinstance(place, str) and place.startswith("sqlite")

    @property
    def settings(self) -> dict[str, str]:
        """Settings that make the warehouse the destination."""
        if isinstance(self.place, Path):
            return {"DESTINATION__DUCKDB__CREDENTIALS": str(self.place)}
        if self.is_sqlite:
            return sqlite_file.settings(self.place)
        return pg.settings(self.place)

    def configure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make the warehouse the destination of later runs."""
        for name, value in self.settings.items():
            monkeypatch.setenv(name, value)

    def run(self, *statements: str) -> None:
        """Execute statements."""
        if isinstance(self.place, Path):
            duckdb_file.run(self.place, *statements)
        elif self.is_sqlite:
            sqlite_file.run(self.place, *statements)
        else:
            pg.run(self.place, *statements)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        if isinstance(self.place, Path):
            return duckdb_file.query(self.place, sql)
        if self.is_sqlite:
            return sqlite_file.query(self.place, sql)
        return pg.query(self.place, sql)

    def table(self, asset: str) -> list[dict[str, Any]]:
        """All rows of an asset's table: instants in UTC, JSON as text."""
        if isinstance(self.place, Path):
            return duckdb_file.table(self.place, asset)
        if self.is_sqlite:
            return sqlite_file.table(self.place, asset)
        return pg.table(self.place, asset)

    def rows(self, resource: str = "items") -> list[dict[str, Any]]:
        """All rows of a table of ``shop``; see ``table``."""
        return self.table(f"shop/{resource}")

    def values(self, resource: str = "items", column: str = "v") -> dict[Any, Any]:
        """The values of a column by the id of the row."""
        return {row["id"]: row.get(column) for row in self.rows(resource)}

    def types(self, resource: str = "items") -> dict[str, str]:
        """The types of a table's columns of data, in DuckDB's names, without precision."""
        if self.is_sqlite:
            return sqlite_file.types(self.place, resource)
        found = self.query(
            "SELECT column_name, data_type FROM information_schema.columns "
            f"WHERE table_schema = 'shop' AND table_name = '{resource}'"
        )
        plain = {name: type_.lower().partition("(")[0] for name, type_ in found}
        return {n: _NAMES.get(t, t) for n, t in plain.items() if not n.startswith("_")}


@pytest.fixture(params=["duckdb", "postgres"])
def each_warehouse(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Warehouse:
    """A new warehouse of each kind that can change its columns in place; it is the destination."""
    return _new_warehouse(request, tmp_path, monkeypatch)


@pytest.fixture(params=["duckdb", "postgres", pytest.param("sqlite", marks=pytest.mark.slow)])
def every_warehouse(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Warehouse:
    """A new warehouse of each kind; it is the destination."""
    return _new_warehouse(request, tmp_path, monkeypatch)


def _new_warehouse(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Warehouse:
    place: Path | str = tmp_path / "w.duckdb"
    if request.param == "sqlite":
        place = f"sqlite:///{tmp_path / 'w.sqlite'}"
    elif request.param == "postgres":
        place = request.getfixturevalue("postgres").database()
    made = Warehouse(place)
    made.configure(monkeypatch)
    return made
