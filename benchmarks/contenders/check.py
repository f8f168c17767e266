"""Is the table what was served?

In: a job whose load is done. Out: the number of rows; an ``AssertionError`` if a record is
missing, twice or not what it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

from benchmarks.workload.job import DATASET, TABLE, Job

_TABLE = f"{DATASET}.{TABLE}"


def check(job: Job) -> int:
    """What was asked for is there, in the tables the job names or in the one it is about."""
    tables = job.options.get("tables")
    return _customers(job) if tables is None else _tables(job, tables)


def _tables(job: Job, tables: Mapping[str, int]) -> int:
    if not tables:
        return 0
    with duckdb.connect(str(job.database), read_only=True) as connection:
        for table, expected in tables.items():
            sql = f"SELECT count(*), count(DISTINCT id) FROM {DATASET}.{table}"
            rows, different = connection.execute(sql).fetchall()[0]
            assert rows == different == expected, f"{table}: {rows} rows, {different} ids"
    return sum(tables.values())


def _customers(job: Job) -> int:
    """Count the rows, and look at one record's deepest values."""
    number = job.records // 2
    record: Any = job.kind.make(number)
    with duckdb.connect(str(job.database), read_only=True) as connection:

        def one(sql: str, *values: object) -> tuple[Any, ...]:
            return connection.execute(sql, list(values)).fetchall()[0]

        rows, different = one(f"SELECT count(*), count(DISTINCT id) FROM {_TABLE}")
        assert rows == different == job.records, f"{rows} rows, {different} ids"
        assert one(f"SELECT email FROM {_TABLE} WHERE id = ?", number) == (record["email"],)
        if "address" not in record:
            return int(rows)
        columns = {row[0] for row in connection.execute(f"DESCRIBE {_TABLE}").fetchall()}
        city = "address__city" if "address__city" in columns else "address ->> '$.city'"
        found = one(f"SELECT {city} FROM {_TABLE} WHERE id = ?", number)
        assert found == (record["address"]["city"],), found
        if "orders" in columns:
            found = one(f"SELECT orders ->> '$[3].sku' FROM {_TABLE} WHERE id = ?", number)
        else:
            found = one(
                f"SELECT o.sku FROM {_TABLE} c JOIN {_TABLE}__orders o ON o._dlt_parent_id = "
                "c._dlt_id WHERE c.id = ? AND o._dlt_list_idx = 3",
                number,
            )
        assert found == (record["orders"][3]["sku"],), found
        return int(rows)
