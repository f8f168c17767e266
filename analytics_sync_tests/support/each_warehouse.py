"""A new warehouse of each kind, which is the destination of the test.

In: DuckDB or PostgreSQL. Out: statements as somebody else may send them, and the rows of tables. A test module
takes the fixture by ``warehouse = each_warehouse``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest

from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support import postgres_server as pg


class EachWarehouse:
    """A new warehouse.

    Args:
        place: The DuckDB file, or the address of the PostgreSQL database.
    """

    def __init__(self, place: Path | str) -> None:
        self.place = place
        self.is_duckdb = isinstance(place, Path)

    def run(self, *statements: str) -> None:
        """Execute statements."""
        if isinstance(self.place, Path):
            with duckdb.connect(str(self.place)) as connection:
                for sql in statements:
                    connection.execute(sql)
            return
        with psycopg2.connect(self.place) as server, server.cursor() as cursor:
            for sql in statements:
                cursor.execute(sql)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        if isinstance(self.place, Path):
            return duckdb_file.query(self.place, sql)
        return pg.query(self.place, sql)

    def rows(self, resource: str = "items") -> list[dict[str, Any]]:
        """All rows of a table of ``shop``: instants in UTC, JSON as text."""
        asset = f"shop/{resource}"
        if isinstance(self.place, Path):
            return duckdb_file.table(self.place, asset)
        return pg.table(self.place, asset)

    def values(self, resource: str = "items", column: str = "v") -> dict[Any, Any]:
        """The values of a column by the id of the row."""
        return {row["id"]: row.get(column) for row in self.rows(resource)}


@pytest.fixture(params=["duckdb", "postgres"])
def each_warehouse(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> EachWarehouse:
    """Each of the two kinds."""
    if request.param == "duckdb":
        monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "w.duckdb"))
        return EachWarehouse(tmp_path / "w.duckdb")
    database = request.getfixturevalue("postgres").database()
    for name, value in pg.settings(database).items():
        monkeypatch.setenv(name, value)
    return EachWarehouse(database)
