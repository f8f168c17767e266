"""A warehouse in SQLite files: each dataset is a file beside the main one.

In: the address of the main file. Out: statements as somebody else may execute them, and the rows and types of tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

_NAMES = {"TEXT": "varchar", "JSON_TEXT": "json", "BOOL": "boolean", "DATE_TEXT": "date"}
_NAMES |= {"DECIMAL_TEXT": "decimal", "TIMESTAMPTZ_TEXT": "timestamp with time zone"}
_READ = {
    "BOOL": bool,
    "DECIMAL_TEXT": Decimal,
    "DATE_TEXT": date.fromisoformat,
    "TIMESTAMPTZ_TEXT": lambda text: datetime.fromisoformat(text).astimezone(UTC),
}


def settings(address: str) -> dict[str, str]:
    """Settings that make the file at an address the destination."""
    return {
        "ANALYTICS_SYNC__DESTINATION": "sqlalchemy",
        "DESTINATION__SQLALCHEMY__CREDENTIALS": address,
    }


@contextmanager
def _connected(address: str) -> Iterator[sqlite3.Connection]:
    main = Path(address.removeprefix("sqlite:///"))
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for file in main.parent.glob(f"{main.stem}__*{main.suffix}"):
            connection.execute("ATTACH ? AS ?", (str(file), file.stem.partition("__")[2]))
        yield connection
    finally:
        connection.close()


def run(address: str, *statements: str) -> None:
    """Execute statements."""
    with _connected(address) as connection:
        for statement in statements:
            connection.execute(statement)


def query(address: str, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query, as SQLite stores them."""
    with _connected(address) as connection:
        return connection.execute(sql).fetchall()


def table(address: str, asset: str) -> list[dict[str, Any]]:
    """All rows of an asset's table."""
    dataset, name = asset.split("/")
    with _connected(address) as connection:
        declared = _columns(connection, dataset, name)
        rows = connection.execute(f'SELECT * FROM "{dataset}"."{name}"').fetchall()
    return [
        {
            column: value if value is None else _READ.get(type_, lambda v: v)(value)
            for (column, type_), value in zip(declared.items(), row, strict=True)
        }
        for row in rows
    ]


def types(address: str, name: str) -> dict[str, str]:
    """The types of the columns of data of a table of ``shop``, in DuckDB's names."""
    with _connected(address) as connection:
        found = _columns(connection, "shop", name)
    return {n: _NAMES.get(t, t.lower()) for n, t in found.items() if not n.startswith("_")}


def _columns(connection: sqlite3.Connection, dataset: str, name: str) -> dict[str, str]:
    sql = "SELECT name, type FROM pragma_table_xinfo(?, ?)"
    return {n: t.partition("(")[0] for n, t in connection.execute(sql, (name, dataset))}
