"""A new warehouse of either kind, which is the destination of a test.

In: the fixture's parameter. Out: an ``EitherWarehouse``: statements as somebody else may execute them, and the
rows and types of the tables as they really are. A test module takes the fixture by
``warehouse = either_warehouse``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest

from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support import postgres_server as pg

# What PostgreSQL calls otherwise than DuckDB does.
_NAMES = {
    "character varying": "varchar",
    "text": "varchar",
    "double precision": "double",
    "jsonb": "json",
    "numeric": "decimal",
}


class EitherWarehouse:
    """A warehouse in a file or in a database.

    Args:
        place: The file, or the address of the database.
    """

    def __init__(self, place: Path | str) -> None:
        self.place = place
        self.is_duckdb = isinstance(place, Path)

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Execute a statement, and return its rows."""
        if isinstance(self.place, Path):
            with duckdb.connect(str(self.place)) as connection:
                return connection.execute(sql).fetchall()
        with psycopg2.connect(self.place) as server, server.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def rows(self, asset: str) -> list[dict[str, Any]]:
        """All rows of a table; JSON columns as text."""
        if isinstance(self.place, Path):
            return duckdb_file.table(self.place, asset)
        return pg.table(self.place, asset)

    def types(self, asset: str) -> dict[str, str]:
        """The types of the columns of data, in DuckDB's names, without precision."""
        schema, table = asset.split("/")
        found = self.run(
            "SELECT column_name, data_type FROM information_schema.columns "
            f"WHERE table_schema = '{schema}' AND table_name = '{table}'"
        )
        plain = {name: type_.lower().partition("(")[0] for name, type_ in found}
        return {n: _NAMES.get(t, t) for n, t in plain.items() if not n.startswith("_")}


@pytest.fixture(params=["duckdb", "postgres"])
def either_warehouse(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> EitherWarehouse:
    """Each of the two kinds."""
    if request.param == "duckdb":
        monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "w.duckdb"))
        return EitherWarehouse(tmp_path / "w.duckdb")
    database = request.getfixturevalue("postgres").database()
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "postgres")
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", database)
    return EitherWarehouse(database)
