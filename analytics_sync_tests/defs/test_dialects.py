"""The statements of the checks, in the dialect of each warehouse that was never run here.

sqlglot reads them: names are quoted, parameters are kept, and words that the dialect lacks are gone. No server has
read them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import sqlglot
from dlt.common.destination import Destination
from dlt.common.schema import Schema
from dlt.destinations.sql_client import SqlClientBase
from sqlglot import exp

from analytics_sync.common.redaction import Redactor
from analytics_sync.common.window import Window
from analytics_sync.defs.checks.key_spellings import spelled_in_two_ways
from analytics_sync.defs.checks.row_scope import RowScope, _between
from analytics_sync.defs.checks.table_checks import (
    declared_schema,
    primary_key_unique,
    required_fields,
)
from analytics_sync.load.clients.destination_kinds import KINDS, Support
from analytics_sync.load.dialects import in_dialect
from analytics_sync.load.warehouse import Warehouse
from analytics_sync_tests.support.scripted_api import item, shop

KIND_NAMES = [k.name for k in KINDS.values() if k.support is Support.NOT_RUN]
COLUMNS = ("id", "order", "at", "_extra", "_read_at", "_deleted_at", "record", "resource",
           "window_start", "window_end")  # fmt: skip
UUID = "0190f5fe-7c00-7a00-8000-00000000000a"
DAY = Window(datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 5, 2, tzinfo=UTC))


class Recorder(SqlClientBase[Any]):
    """A client with the names and quotes of a warehouse. It keeps statements, and answers with ones and UUIDs."""

    def __init__(self, capabilities: Any) -> None:
        super().__init__(None, "shop", "shop_staging", capabilities)
        self.sent: list[tuple[str, int]] = []

    @contextmanager
    def execute_query(self, query: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        self.sent.append((query, len(args)))
        tree: Any = sqlglot.parse_one(
            query.replace("%s", "x"), read=self.capabilities.sqlglot_dialect
        )
        answers = {exp.Cast: "{}", exp.Column: UUID}
        rows = [tuple(answers.get(type(selected.unalias()), 1) for selected in tree.selects)]
        description = [(name,) for name in COLUMNS]
        native = SimpleNamespace(description=description)
        yield SimpleNamespace(native_cursor=native, fetchall=lambda: rows)

    def execute_sql(self, sql: Any, *args: Any, **kwargs: Any) -> Any:
        return []  # the look for views in DuckDB: there are none

    def _unused(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("a check only reads")

    open_connection = close_connection = begin_transaction = commit_transaction = _unused
    rollback_transaction = native_connection = _unused
    _make_database_exception = staticmethod(lambda e: e)


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_checks_speak_the_dialect(kind: str) -> None:
    destination = Destination.from_reference(kind)
    assert destination is not None
    capabilities = destination.capabilities()
    client, dialect = Recorder(capabilities), str(capabilities.sqlglot_dialect)
    warehouse = Warehouse(
        SimpleNamespace(sql_client=client, schema=Schema("shop")), "shop", Redactor(())
    )
    source = shop(
        item(columns={"id": "text", "order": "text", "at": "timestamp"}, required=["order"])
    )
    resource = source.resources["items"]
    columns = warehouse.columns("items")
    between = _between(warehouse, warehouse.column("at"), DAY)
    for scope in (RowScope(), RowScope(between, DAY)):
        for check in (required_fields, primary_key_unique):
            check(warehouse, resource, columns, scope)
        spelled_in_two_ways(warehouse, resource, columns, scope)
        declared_schema(warehouse, resource, columns, scope)
    # those that ask for the names of columns only are plain in each dialect
    statements = [(sql, number) for sql, number in client.sent if "WHERE 1 = 0" not in sql]
    assert len(statements) > 16
    for sql, arguments in statements:
        assert sql.count("%s") == arguments
        tree = sqlglot.parse_one(sql.replace("%s", "parameter_"), read=dialect)
        assert in_dialect(sql, dialect) == sql, "it is as sqlglot writes it"
        for name in tree.find_all(exp.Identifier):
            known = {*COLUMNS, "shop", "items", "_rejected"}
            assert not name.quoted or name.name.lower() in known
            assert name.quoted or name.name.lower() not in {"order", "items"}
        if dialect in {"tsql", "fabric"}:
            assert "LIMIT" not in sql
        if dialect in {"bigquery", "databricks"}:
            assert "VARCHAR" not in sql


def test_a_statement_of_another_dialect_is_an_error() -> None:
    with pytest.raises(ValueError, match="is no statement in the dialect 'bigquery'"):
        in_dialect("SELECT FROM WHERE", "bigquery")
