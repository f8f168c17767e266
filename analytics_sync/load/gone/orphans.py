"""Orphans: children in the warehouse whose parent is gone.

In: the tables of parents and children. Out: ``_deleted_at`` in the children of a parent that is marked as
deleted or removed; children that replace rows are removed. No read finds them missing, because nobody lists
the children of a parent that is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.building.deletes import unknown_orphans
from analytics_sync.catalog.naming import DELETED_AT, PARENT_KEY, READ_AT, column_name
from analytics_sync.extract.parents import KEY_SEPARATOR
from analytics_sync.extract.result import ReadResult
from analytics_sync.load.clients.duckdb_merge_job import with_more_memory
from analytics_sync.load.clients.foreign_objects import own_tables
from analytics_sync.load.gone.scope import Scope, among_texts, column_names


def mark_orphans(
    source: Source, child: Resource, client: SqlClientBase[Any], since: datetime
) -> int:
    """Mark the children of parents that are marked as deleted; the number of these rows.

    A parent that has the same values in its requests as a living one is not gone.

    Args:
        source: The declaration.
        child: The resource. The tables of its parents are up to date.
        client: A client that is connected to the source's dataset.
        since: The time of the mark.
    """
    if child.parent is None or not source.resources[child.parent].soft_deletes:
        return 0
    tables = _Tables(source, child, client)
    if not tables.exist(parent_has={DELETED_AT}):
        return 0
    deleted_at, read_at, parent_key = map(
        client.escape_column_name, (DELETED_AT, READ_AT, PARENT_KEY)
    )
    found, same_key = tables.parents(f"old.{parent_key}", deleted_at)
    parents = f"SELECT 1 FROM {found} AS p WHERE {same_key}"
    where = (
        f"EXISTS ({parents} AND p.{deleted_at} IS NOT NULL "
        f"AND (old.{read_at} IS NULL OR old.{read_at} < p.{deleted_at})) "
        f"AND NOT EXISTS ({parents} AND p.{deleted_at} IS NULL)"
    )
    return tables.remove(where, [], since)


def remove_orphans(
    source: Source, result: ReadResult, scope: Scope, client: SqlClientBase[Any]
) -> None:
    """Mark or remove the children of parents that a load is about to remove.

    This comes before the load: a run that is killed in between does the same again.

    Args:
        source: The declaration.
        result: The read of the parents.
        scope: The parents in the table that are replaced. A snapshot has none: its children are read
            as a whole.
        client: A client that is connected to the source's dataset.
    """
    if scope.is_everything:
        return
    parent = result.resource
    where, values = scope.rows(client)
    for child in source.assets:
        if child.parent != parent.name or unknown_orphans(source, child):
            continue
        tables = _Tables(source, child, client)
        if not tables.exist(parent_has=set(parent.key)):
            continue
        sql = f"SELECT DISTINCT {tables.key('p')} FROM {tables.parent} AS p WHERE {where}"
        with client.execute_query(sql, *values) as found:
            keys = {key for (key,) in found.fetchall()}
        if gone := keys - set(_new_keys(result, tables.key_columns)):
            condition = f"old.{client.escape_column_name(PARENT_KEY)} IN ({among_texts(client)})"
            tables.remove(condition, [sorted(gone)], scope.started)


class _Tables:
    """The tables of a child and of its parent."""

    def __init__(self, source: Source, child: Resource, client: SqlClientBase[Any]) -> None:
        self._client = client
        self._child = child
        self._quote: Callable[[str], str] = client.escape_column_name
        parent = source.resources[child.parent or ""]
        self._names = child.table, parent.table
        self.child, self.parent = map(client.make_qualified_table_name, self._names)
        self._is_known = child.keeps_parent_key and unknown_orphans(source, child) is None
        fields = [param.field for _, param in sorted(child.resolved.items())]
        self.key_columns = [column_name(field) for field in fields] if self._is_known else []

    def exist(self, parent_has: set[str]) -> bool:
        """Whether both tables have the columns that tell which parent a row has."""
        if not self._is_known:
            return False
        needed = {PARENT_KEY, READ_AT, *({DELETED_AT} if self._child.soft_deletes else ())}
        of_parent = parent_has.union(self.key_columns)
        return needed.issubset(column_names(self._client, self.child)) and of_parent.issubset(
            column_names(self._client, self.parent)
        )

    def key(self, alias: str) -> str:
        """The key of a parent's row, as ``_parent_key`` of its children has it, in SQL."""
        columns = (f"CAST({alias}.{self._quote(column)} AS VARCHAR)" for column in self.key_columns)
        return f" || chr({ord(KEY_SEPARATOR)}) || ".join(columns)

    def parents(self, key: str, deleted_at: str) -> tuple[str, str]:
        """The parents as SQL, and the condition that a parent ``p`` has a key.

        Args:
            key: The key, as SQL.
            deleted_at: The column with the mark of a parent, as SQL.
        """
        if self._client.capabilities.sqlglot_dialect != "mysql":
            return self.parent, f"{self.key('p')} = {key}"
        # MariaDB would compare each child with each parent: it has no index of texts that it has made
        found = self._client.make_qualified_table_name("_parent_keys")
        self._client.execute_sql(
            f"CREATE OR REPLACE TEMPORARY TABLE {found} (hash BINARY(16), INDEX (hash)) AS "
            f"SELECT unhex(md5({self.key('p')})) AS hash, {self.key('p')} AS parent_key, p.{deleted_at} "
            f"FROM {self.parent} AS p"
        )
        return found, f"p.hash = unhex(md5({key})) AND p.parent_key = {key}"

    def remove(self, where: str, values: list[Any], since: datetime) -> int:
        """Mark or remove rows of the child that were read before an instant; their number.

        Args:
            where: A condition on the rows of ``old``.
            values: Its parameters.
            since: The instant, and the time of the mark.
        """
        client, read_at = self._client, self._quote(READ_AT)
        where += f" AND (old.{read_at} IS NULL OR old.{read_at} < %s)"
        values = [*values, since]
        deleted_at = self._quote(DELETED_AT)
        is_mariadb = client.capabilities.sqlglot_dialect == "mysql"
        delete = "DELETE old FROM" if is_mariadb else "DELETE FROM"
        statement, first = f"{delete} {self.child} AS old WHERE {where}", []
        if self._child.soft_deletes:
            where += f" AND old.{deleted_at} IS NULL"
            statement = f"UPDATE {self.child} AS old SET {deleted_at} = %s WHERE {where}"
            first = [since]

        def run() -> int:
            with own_tables(client, *self._names):
                sql = f"SELECT count(*) FROM {self.child} AS old WHERE {where}"
                with client.execute_query(sql, *values) as found:
                    count: int = found.fetchall()[0][0]
                if count:
                    client.execute_sql(statement, *first, *values)
            return count

        return with_more_memory(client, run)  # it compares the keys of two tables


def _new_keys(result: ReadResult, columns: Iterable[str]) -> Iterator[str]:
    """The keys of the parents that were read, as ``_parent_key`` of their children has them."""
    assert result.buffer is not None, "every finished read has a buffer"
    for table in result.buffer.tables():
        values = (table.column(name).to_pylist() for name in columns)
        for row in zip(*values, strict=True):
            yield KEY_SEPARATOR.join(map(str, row))
