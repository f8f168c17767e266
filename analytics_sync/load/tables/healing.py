"""Healing: columns take the values that ``_extra`` holds for them.

In: a connected client, a table, and fields of it. Out: the number of values that each column took. A value
that did not fit its column is in ``_extra``, and so is the value of a field that was not declared. When the
column is widened or added, old rows get these values without a new read.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog import Field
from analytics_sync.catalog.naming import EXTRA
from analytics_sync.common.exact_json import dumps, loads
from analytics_sync.extract.convert.extra_values import ExtraValues
from analytics_sync.load.clients.working_tables import ROW_ID

_ROWS = 20_000  # of one statement
_PAGES = 500  # of 8 kB, of one statement
_ROW_IDS = {"duckdb": "rowid", "sqlite": "_rowid_", "mysql": ROW_ID}
_PLAIN = re.compile(r'"[\w .@$:/-]+')


@dataclass(frozen=True)
class HealedTable:
    """A table, and the columns that take values.

    Attributes:
        name: Name of the table.
        fields: The fields by the names of their columns in the warehouse.
        types: The types of these columns, in the warehouse's words.
        keys: Columns of the primary key.
        columns: All columns that the table has.
    """

    name: str
    fields: Mapping[str, Field]
    types: Mapping[str, str]
    keys: Collection[str]
    columns: Collection[str]


def heal(
    client: SqlClientBase[Any],
    table: HealedTable,
    *,
    dry_run: bool = False,
) -> Counter[str]:
    """Move values from ``_extra`` to the columns that hold them exactly. Must run in one transaction.

    Args:
        client: A client that is connected to DuckDB or PostgreSQL.
        table: The table, and the columns that take values.
        dry_run: Whether the values are only counted. Then columns may be missing.

    Returns:
        Number of values by column; columns without any are left out.
    """
    found: Counter[str] = Counter()
    rows = _RowIds(client, table.name)
    # a column of the name of DuckDB's own would be taken for it
    if EXTRA not in table.columns or not table.fields or rows.column in table.columns:
        return found
    names = list(table.fields)
    values = ExtraValues([*table.fields.values()], table.keys, table.columns)
    for block in rows.blocks():
        changes = []
        for row_id, text, *old in _rows(
            client, table, f"{rows.name}, {_extra_text(client)}", block
        ):
            extra = loads(text.encode())
            if type(extra) is not dict:
                continue
            new, rest = values.move(extra, old)
            if not new and rest == extra:
                continue
            changes.append((str(row_id), new, rest))
            found.update(names[i] for i in new if rest != extra)
        if changes and not dry_run:
            _write(client, table, rows, block, changes)
    return found


class _RowIds:
    """The identity of rows within a transaction, and conditions that cut a table into blocks of rows."""

    def __init__(self, client: SqlClientBase[Any], table: str) -> None:
        self._client = client
        self._table = client.make_qualified_table_name(table)
        dialect = str(client.capabilities.sqlglot_dialect)
        self.one_by_one = dialect in ("sqlite", "mysql")
        self._is_duckdb = dialect == "duckdb"
        self.column = _ROW_IDS.get(dialect, "ctid")
        self.name = f"old.{self.column}"
        self.type = "BIGINT" if self._is_duckdb else "pg_catalog.tid"

    def blocks(self) -> Iterator[str]:
        """A condition for each block of the table, as it is now."""
        if self._is_duckdb or self.one_by_one:
            sql = f"SELECT min({self.column}), max({self.column}) FROM {self._table}"
            ((first, last),) = self._client.execute_sql(sql) or ()
            for start in range(first or 0, -1 if last is None else last + 1, _ROWS):
                yield f"{self.name} >= {start} AND {self.name} < {start + _ROWS}"
            return
        ((pages,),) = (
            self._client.execute_sql(
                "SELECT pg_catalog.pg_relation_size(CAST(%s AS pg_catalog.regclass)) "
                "/ CAST(pg_catalog.current_setting('block_size') AS bigint) + 1",
                self._table,
            )
            or ()
        )
        for start in range(0, pages, _PAGES):
            ends = f"{self.name} >= '({start},0)'", f"{self.name} < '({start + _PAGES},0)'"
            yield " AND ".join(f"{end}::pg_catalog.tid" for end in ends)

    def values(self, columns: Mapping[str, tuple[str, list[Any]]]) -> tuple[str, list[Any]]:
        """A query of values, and its parameters.

        Args:
            columns: The type and the values of each column, by its name.
        """
        if not self._is_duckdb:
            unnested = [f"unnest(CAST(%s AS {t}[])) AS {n}" for n, (t, _) in columns.items()]
            return f"SELECT {', '.join(unnested)}", [values for _, values in columns.values()]
        # a list as a parameter takes DuckDB a hundred times as long
        types = json.dumps([{name: type_ for name, (type_, _) in columns.items()}])
        lists = (values for _, values in columns.values())
        listed = [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]
        query = f"SELECT unnest(from_json(CAST(%s AS JSON), '{types}'), recursive := true)"
        return query, [json.dumps(listed)]


def _extra_text(client: SqlClientBase[Any]) -> str:
    return f"CAST(old.{client.escape_column_name(EXTRA)} AS VARCHAR)"


def _rows(
    client: SqlClientBase[Any], table: HealedTable, first: str, block: str
) -> list[tuple[Any, ...]]:
    """The rows of a block whose ``_extra`` may hold a value of the fields."""
    quote = client.escape_column_name
    old = "".join(
        f", CAST(old.{quote(column)} AS VARCHAR)" if column in table.columns else ", NULL"
        for column in table.fields
    )
    names = sorted({f'"{path[0]}' for f in table.fields.values() for path in (f.path, *f.aliases)})
    may_hold = "true"  # JSON writes some characters of a name in another way
    if all(_PLAIN.fullmatch(name) for name in names):
        may_hold = " OR ".join([f"strpos({_extra_text(client)}, %s) > 0"] * len(names))
    else:
        names = []
    sql = (
        f"SELECT {first}{old} FROM {client.make_qualified_table_name(table.name)} AS old "
        f"WHERE {block} AND old.{quote(EXTRA)} IS NOT NULL AND ({may_hold})"
    )
    return [tuple(row) for row in client.execute_sql(sql, *names) or ()]


def _write(
    client: SqlClientBase[Any],
    table: HealedTable,
    rows: _RowIds,
    block: str,
    changes: list[tuple[str, dict[int, Any], dict[str, Any]]],
) -> None:
    """Change the rows of a block by one statement."""
    if rows.one_by_one:
        _write_each(client, table, rows, changes)
        return
    quote = client.escape_column_name
    extras = [dumps(rest).decode() if rest else None for _, _, rest in changes]
    new: dict[str, tuple[str, list[Any]]] = {
        "id": ("VARCHAR", [row_id for row_id, _, _ in changes]),
        "extra": ("VARCHAR", extras),
    }
    sets = [f"{quote(EXTRA)} = CAST(new.extra AS JSON)"]
    for i, column in enumerate(table.fields):
        if any(i in values for _, values, _ in changes):
            new[f"is_{i}"] = "BOOLEAN", [i in values for _, values, _ in changes]
            new[f"value_{i}"] = "VARCHAR", [_text(values.get(i)) for _, values, _ in changes]
            sets.append(
                f"{quote(column)} = CASE WHEN new.is_{i} THEN "
                f"CAST(new.value_{i} AS {table.types[column]}) ELSE old.{quote(column)} END"
            )
    source, parameters = rows.values(new)
    client.execute_sql(
        f"UPDATE {client.make_qualified_table_name(table.name)} AS old SET {', '.join(sets)} "
        f"FROM ({source}) AS new WHERE {rows.name} = CAST(new.id AS {rows.type}) AND {block}",
        *parameters,
    )


def _write_each(
    client: SqlClientBase[Any],
    table: HealedTable,
    rows: _RowIds,
    changes: list[tuple[str, dict[int, Any], dict[str, Any]]],
) -> None:
    """Change the rows of a block one by one: SQLite and MariaDB have no casts that keep decimals and times."""
    quote, columns = client.escape_column_name, list(table.fields)
    name = client.make_qualified_table_name(table.name)
    for row_id, new, rest in changes:
        values = {columns[i]: v.decode() if type(v) is bytes else v for i, v in new.items()}
        values[EXTRA] = dumps(rest).decode() if rest else None
        sets = ", ".join(f"{quote(column)} = %s" for column in values)
        sql = f"UPDATE {name} SET {sets} WHERE {rows.column} = %s"
        client.execute_sql(sql, *values.values(), int(row_id))


def _text(value: Any) -> str | None:
    """A value as text that a cast turns into the same value."""
    match value:
        case None:
            return None
        case bool():
            return json.dumps(value)
        case bytes():
            return value.decode()
        case date():  # an instant, too
            return value.isoformat()
    return (
        value
        if isinstance(value, str)
        else format(value, "f")
        if hasattr(value, "as_tuple")
        else repr(value)
    )
