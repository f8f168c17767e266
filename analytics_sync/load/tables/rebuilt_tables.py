"""Rebuilt tables: a table with other columns is made beside the old one, and takes its place.

SQLite changes no type and no NOT NULL of a column. MariaDB commits each change of a table at once.

In: the columns that a table shall have, and the values that go into them. Out: the new table under another name,
and then in the place of the old one. A load that is killed in between leaves the old table as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analytics_sync.load.clients.sqlite_values import is_wider
from analytics_sync.load.clients.working_tables import NEW, OLD, ROW_ID
from analytics_sync.load.tables.real_tables import Columns, RealColumn

_NUMBER = f"{ROW_ID} BIGINT UNSIGNED AUTO_INCREMENT INVISIBLE NOT NULL PRIMARY KEY"


def is_rebuilt(client: Any) -> bool:
    """Whether the tables of a client are rebuilt, and not changed in place."""
    return client.capabilities.sqlglot_dialect in ("sqlite", "mysql")


def conversion(quoted: str, real: str, wanted: str, *, is_inferred: bool) -> tuple[str, str] | None:
    """A widened value of SQLite as SQL, and the old value if the new one is the same; None for no wider type.

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


def make_beside(
    client: Any, table: str, columns: Columns, values: Mapping[str, str] | None = None
) -> str:
    """Make a table with other columns beside the old one; its name.

    Args:
        client: A client of SQLite or MariaDB, in a transaction.
        table: Name of the old table.
        columns: The columns that the new one shall have.
        values: SQL of the value of each column that does not keep its own.
    """
    quote = client.escape_column_name
    old, new = (client.make_qualified_table_name(name) for name in (table, NEW))
    declared = [f"{quote(name)} {_declared(column)}" for name, column in columns.items()]
    if client.capabilities.sqlglot_dialect == "mysql":
        declared.append(_NUMBER)
    names = ", ".join(map(quote, columns))
    selected = ", ".join((values or {}).get(name, quote(name)) for name in columns)
    for statement in (
        f"DROP TABLE IF EXISTS {new}",
        f"CREATE TABLE {new} ({', '.join(declared)})",
        f"INSERT INTO {new} ({names}) SELECT {selected} FROM {old}",
    ):
        client.execute_sql(statement)
    return NEW


def take_place(client: Any, table: str) -> None:
    """Let the table of ``make_beside`` take the place of the old one."""
    old, new, gone = (client.make_qualified_table_name(name) for name in (table, NEW, OLD))
    if client.capabilities.sqlglot_dialect == "mysql":  # both names change in one step
        client.execute_sql(f"RENAME TABLE {old} TO {gone}, {new} TO {old}")
        client.execute_sql(f"DROP TABLE {gone}")
        return
    # Views of the table stay as they are, and prevent nothing.
    client.execute_sql("PRAGMA legacy_alter_table = ON")
    client.execute_sql(f"DROP TABLE {old}")
    client.execute_sql(f"ALTER TABLE {new} RENAME TO {client.escape_column_name(table)}")


def _declared(column: RealColumn) -> str:
    return column.type if column.nullable else f"{column.type} NOT NULL"
