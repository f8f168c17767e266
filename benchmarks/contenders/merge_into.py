"""This package: one day of rows into a table that holds many days, and the checks of this day.

In: a job. Its option ``table_rows`` is the number of rows that the table has before, and ``first`` the day of
its first rows. ``choose_warehouse`` reads where the table is. Out: a load of the last day. Half of its rows are in the table already. The figures are the
seconds of the load in the warehouse, without the read, and those of the checks of the day.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import dlt
from dagster import AssetCheckKey, DagsterInstance, DailyPartitionsDefinition

from analytics_sync.catalog import Source, load_text
from analytics_sync.common.window import Window
from analytics_sync.defs.checks.asset_checks import judge_checks
from analytics_sync.defs.partitions.past_partitions import past_partitions
from analytics_sync.defs.specs.translator import asset_key
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.clients.destination import make_destination
from analytics_sync.load.pipeline import load
from analytics_sync.load.stages import Stage
from benchmarks.contenders import imports  # noqa: F401
from benchmarks.contenders.warehouse import choose_warehouse
from benchmarks.workload import declared
from benchmarks.workload.job import DATASET, Job

_TABLE_CHECKS = ("required_fields", "primary_key_unique", "declared_schema")
_DAY = timedelta(days=1)


def prepare(job: Job) -> Callable[[], dict[str, float]]:
    """Fill the table up to the middle of the last day, and load twice as a warm-up; return the load."""
    choose_warehouse(job)
    resource = declared.keyed_events("events", "/events")
    text = declared.catalog_text(declared.source([resource]), DATASET, job.url)
    source = load_text(text, name=DATASET, file="bench.yaml")
    first = datetime.fromisoformat(job.options["first"])
    _load(source, Window(first, first + _DAY))
    _fill(job, first)
    _load(
        source, Window(first, first + _DAY)
    )  # the load makes indexes of a table that has become large
    _check(source, first, Window(first, first + _DAY))
    days = job.options["table_rows"] // job.records
    last = Window(first + days * _DAY, first + (days + 1) * _DAY)

    def run_load() -> dict[str, float]:
        seconds = _load(source, last)
        began = time.perf_counter()
        _check(source, first, last)
        return {"s in the warehouse": seconds, "s of checks": time.perf_counter() - began}

    return run_load


def _load(source: Source, window: Window) -> float:
    """Load a window; the seconds that the warehouse took."""
    with ReadRun(source, window) as run:
        loaded = load(run, "bench")
        assert not run.failures(), run.failures()
        return loaded.seconds[Stage.LOADING]


def _check(source: Source, first: datetime, window: Window) -> None:
    """Judge the checks of the window that look at the table."""
    daily = DailyPartitionsDefinition(start_date=first, timezone="UTC", end_offset=1)
    days = past_partitions(daily, window.start, window.end)
    keys = [AssetCheckKey(asset_key(source.assets[0]), name) for name in _TABLE_CHECKS]
    with DagsterInstance.ephemeral() as instance:
        judged = list(judge_checks(instance, source, daily, keys, days))
    assert len(judged) == len(_TABLE_CHECKS), judged
    assert all(evaluation.passed for evaluation in judged), judged


def _fill(job: Job, first: datetime) -> None:
    """Copy rows of the first day into all days before the middle of the last one, with keys of their own."""
    rows, per_day = job.options["table_rows"], job.records
    client: Any
    pipeline = dlt.pipeline(DATASET, destination=make_destination(), dataset_name=DATASET)
    with pipeline.sql_client() as client:
        is_duckdb = client.capabilities.sqlglot_dialect == "duckdb"
        numbers = "range" if is_duckdb else "pg_catalog.generate_series"
        last = rows + per_day // 2 - (0 if is_duckdb else 1)
        at = f"CAST('{first.isoformat()}' AS TIMESTAMP WITH TIME ZONE) + n * INTERVAL '{_DAY.total_seconds() / per_day} seconds'"
        table = client.make_qualified_table_name("events")
        client.execute_sql(
            f'INSERT INTO {table} (id, "at", value, _read_at, _dlt_load_id) '
            f"SELECT md5(CAST(n AS VARCHAR)), {at}, repeat('y', 100), "
            f"CAST('{first.isoformat()}' AS TIMESTAMP WITH TIME ZONE), '1.0' FROM {numbers}({per_day}, {last}) AS r (n)"
        )
        if not is_duckdb:
            client.execute_sql(
                "CHECKPOINT"
            )  # the timed load does not wait for these rows to be written
