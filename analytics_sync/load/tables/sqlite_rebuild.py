"""Rebuilt tables: SQLite changes no type and no NOT NULL of a column, so a table is made anew.

In: the columns that a table shall have, and the values that go into them. Out: the table with these columns, in
the transaction of the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analytics_sync.load.clients.sqlite_values import is_wider
from analytics_sync.load.tables.real_tables import Columns, RealColumn

_NEW = "_analytics_sync_new"


def conversion(quoted: str, real: str, wanted: str, *, is_inferred: bool) -> tuple[str, str] | None:
    """A widened value as SQL, and the old value if the new one is the same; None for no wider type.

    Args:
        quoted: The column as SQL.
        real: The type that it has.
        wanted: The type that it shall have.
        is_inferred: Whether the type follows the data.
    """
    if not is_wider(real, wanted, is_inferred=is_inferred):
        return None
    value = f"widened({quoted}, '{real}', '{wanted}')"
    return value, f"CASE WHEN {value} IS NOT NULL THEN {quoted} END"


def rebuild(
    client: Any, table: str, columns: Columns, values: Mapping[str, str] | None = None
) -> None:
    """Make a table anew with other columns.

    Args:
        client: A client that is connected to SQLite, in a transaction.
        table: Name of the table.
        columns: The columns that it shall have.
        values: SQL of the value of each column that does not keep its own.
    """
    quote = client.escape_column_name
    old, new = (client.make_qualified_table_name(name) for name in (table, _NEW))
    declared = ", ".join(f"{quote(name)} {_declared(column)}" for name, column in columns.items())
    names = ", ".join(map(quote, columns))
    selected = ", ".join((values or {}).get(name, quote(name)) for name in columns)
    for statement in (
        "PRAGMA legacy_alter_table = ON",  # views of the table stay as they are, and prevent nothing
        f"CREATE TABLE {new} ({declared})",
        f"INSERT INTO {new} ({names}) SELECT {selected} FROM {old}",
        f"DROP TABLE {old}",
        f"ALTER TABLE {new} RENAME TO {quote(table)}",
    ):
        client.execute_sql(statement)


def _declared(column: RealColumn) -> str:
    return column.type if column.nullable else f"{column.type} NOT NULL"
