"""Queries and statements in a DuckDB file.

In: a file and a query, statements, or the name of an asset. Out: rows, with instants in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb


def query(file: Path, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with duckdb.connect(str(file), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(sql).fetchall()


def run(file: Path, *statements: str) -> None:
    """Execute statements."""
    with duckdb.connect(str(file)) as connection:
        for statement in statements:
            connection.execute(statement)


def table(file: Path, asset: str, order_by: Iterable[str] = ()) -> list[dict[str, Any]]:
    """All rows of a table.

    Args:
        file: The DuckDB file.
        asset: ``source/resource``, which is the schema and the name of the table.
        order_by: Columns to sort the rows by. Without any, the rows come in the file's order.
    """
    schema, name = asset.split("/")
    columns = ", ".join(f'"{column}"' for column in order_by)
    order = f" ORDER BY {columns}" if columns else ""
    with duckdb.connect(str(file), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        result = connection.execute(f'SELECT * FROM "{schema}"."{name}"{order}')
        names = [description[0] for description in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
