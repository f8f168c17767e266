"""Check of the loaded tables against the served records.

In: a job whose load is done. Out: the number of rows, or an ``AssertionError`` if a record is
missing, is there twice or has other values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

from benchmarks.contenders.warehouse import rows_and_ids
from benchmarks.workload.job import DATASET, TABLE, Job

_CUSTOMERS = f"{DATASET}.{TABLE}"


def check_tables(job: Job) -> int:
    """Check the tables that the options name, or else the usual table; return their rows.

    Raises:
        AssertionError: A table does not hold the served records.
    """
    tables = job.options.get("tables")
    if tables is None and "postgres" in job.options:
        rows, ids = rows_and_ids(job.options["postgres"], TABLE)
        assert rows == ids == job.records, f"{rows} rows, {ids} ids"
        return rows
    return _check_customers(job) if tables is None else _count_rows(job, tables)


def _count_rows(job: Job, tables: Mapping[str, int]) -> int:
    if not tables:
        return 0
    with duckdb.connect(str(job.database), read_only=True) as connection:
        for table, expected in tables.items():
            sql = f"SELECT count(*), count(DISTINCT id) FROM {DATASET}.{table}"
            rows, ids = connection.execute(sql).fetchall()[0]
            assert rows == ids == expected, f"{table}: {rows} rows, {ids} ids"
    return sum(tables.values())


def _check_customers(job: Job) -> int:
    """Count the rows, and compare the deepest values of one record."""
    number = job.records // 2
    record: Any = job.record_shape.make_record(number)
    with duckdb.connect(str(job.database), read_only=True) as connection:

        def first_row(sql: str, *values: object) -> tuple[Any, ...]:
            return connection.execute(sql, list(values)).fetchall()[0]

        rows, ids = first_row(f"SELECT count(*), count(DISTINCT id) FROM {_CUSTOMERS}")
        assert rows == ids == job.records, f"{rows} rows, {ids} ids"
        email = first_row(f"SELECT email FROM {_CUSTOMERS} WHERE id = ?", number)
        assert email == (record["email"],)
        if "address" not in record:
            return int(rows)
        columns = {row[0] for row in connection.execute(f"DESCRIBE {_CUSTOMERS}").fetchall()}
        city = "address__city" if "address__city" in columns else "address ->> '$.city'"
        found = first_row(f"SELECT {city} FROM {_CUSTOMERS} WHERE id = ?", number)
        assert found == (record["address"]["city"],), found
        if "orders" in columns:
            sql = f"SELECT orders ->> '$[3].sku' FROM {_CUSTOMERS} WHERE id = ?"
        else:
            # Plain dlt loads nested lists into a table of their own.
            sql = (
                f"SELECT o.sku FROM {_CUSTOMERS} c JOIN {_CUSTOMERS}__orders o "
                "ON o._dlt_parent_id = c._dlt_id WHERE c.id = ? AND o._dlt_list_idx = 3"
            )
        found = first_row(sql, number)
        assert found == (record["orders"][3]["sku"],), found
        return int(rows)
