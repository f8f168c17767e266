"""A warehouse of each kind: a DuckDB file, a PostgreSQL database, SQLite files, or a MariaDB server.

In: a place. Out: statements as somebody else may execute them, and the rows and types of the tables as they
really are. A test module takes the fixture by ``warehouse = each_warehouse``. Two marks choose the kinds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analytics_sync_tests.support import duckdb_file, mariadb_server, sqlite_file
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
        place: The DuckDB file, or the address of a database.
    """

    def __init__(self, place: Path | str) -> None:
        self.place = place
        self.is_duckdb = isinstance(place, Path)
        self.is_sqlite = isinstance(place, str) and place.startswith("sqlite")
        self.is_mariadb = isinstance(place, str) and place.startswith("mariadb")
        of_server = mariadb_server if self.is_mariadb else pg
        self._functions: Any = (
            duckdb_file if self.is_duckdb else sqlite_file if self.is_sqlite else of_server
        )

    @property
    def settings(self) -> dict[str, str]:
        """Settings that make the warehouse the destination."""
        if isinstance(self.place, Path):
            return {"DESTINATION__DUCKDB__CREDENTIALS": str(self.place)}
        made: dict[str, str] = self._functions.settings(self.place)
        return made

    def configure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make the warehouse the destination of later runs."""
        for name, value in self.settings.items():
            monkeypatch.setenv(name, value)

    def run(self, *statements: str) -> None:
        """Execute statements."""
        self._functions.run(self.place, *statements)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        found: list[tuple[Any, ...]] = self._functions.query(self.place, sql)
        return found

    def table(self, asset: str) -> list[dict[str, Any]]:
        """All rows of an asset's table: instants in UTC, JSON as text."""
        found: list[dict[str, Any]] = self._functions.table(self.place, asset)
        return found

    def rows(self, resource: str = "items") -> list[dict[str, Any]]:
        """All rows of a table of ``shop``; see ``table``."""
        return self.table(f"shop/{resource}")

    def values(self, resource: str = "items", column: str = "v") -> dict[Any, Any]:
        """The values of a column by the id of the row."""
        return {row["id"]: row.get(column) for row in self.rows(resource)}

    def types(self, resource: str = "items") -> dict[str, str]:
        """The types of a table's columns of data, in DuckDB's names, without precision."""
        if self.is_sqlite or self.is_mariadb:
            named: dict[str, str] = self._functions.types(self.place, resource)
            return named
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


@pytest.fixture(
    params=[
        "duckdb",
        "postgres",
        pytest.param("sqlite", marks=pytest.mark.slow),
        pytest.param("mariadb", marks=pytest.mark.slow),
    ]
)
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
    elif request.param == "mariadb":
        place = request.getfixturevalue("mariadb").empty()
    elif request.param == "postgres":
        place = request.getfixturevalue("postgres").database()
    made = Warehouse(place)
    made.configure(monkeypatch)
    return made
