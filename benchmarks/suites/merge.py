"""The merge suite: does the cost of a load follow the change, or the table?

In: the options of the command line. Out: for DuckDB and PostgreSQL a curve of the cost of one day of 10,000
rows, and of its checks, over the size of the table; the peak of memory for many rows in one run; and a load of
the same rows by plain dlt into PostgreSQL. Each round fills the tables anew. The server is a PostgreSQL of these tests, without a wait for the disk.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from typing import Any

from benchmarks.harness.measure import OURS, Contender, Result, measure
from benchmarks.harness.plot import draw_curves
from benchmarks.harness.suite import Case, Options, Suite
from benchmarks.workload.job import TABLE, Job
from benchmarks.workload.records import FLAT
from benchmarks.workload.routes import START, Events, generated_pages
from benchmarks.workload.server import Routes, Server

_PER_DAY, _PAGE_SIZE = 10_000, 1000
_SIZES = (10_000, 100_000, 1_000_000, 5_000_000)
_MANY_ROWS = (1_000_000, 5_000_000)
_QUICK_PER_DAY, _QUICK_SIZES = 1000, (1000, 3000)
_FIGURES = ("s in the warehouse", "s of checks")
_PLAIN_DLT = "plain dlt"


def run(options: Options) -> list[Case]:
    """Measure both warehouses, and the load of many rows; quick: tiny tables."""
    from analytics_sync_tests.support.postgres_server import Postgres  # a wheel of the extra dev

    with Postgres() as server:
        into_postgres = {"postgres": server.database()}
        return [
            _curve("DuckDB", {}, options),
            _curve("PostgreSQL", into_postgres, options),
            _many_rows("DuckDB", {}, options),
            _many_rows("PostgreSQL", into_postgres, options),
            _beside_dlt(into_postgres, options),
        ]


def _curve(warehouse: str, warehouse_options: Mapping[str, str], options: Options) -> Case:
    """The cost of one day, by the size of the table before."""
    per_day = _QUICK_PER_DAY if options.quick else _PER_DAY
    sizes = _QUICK_SIZES if options.quick else _SIZES
    days = max(sizes) // per_day + 1
    events = Events(days * per_day, days, _PAGE_SIZE, has_text_keys=True)
    results = {}
    with Server(lambda: {"/events": events.filtered_by_time}) as server:
        for size in sizes:
            options.log(f"merge: {per_day:,} rows into {size:,} of {warehouse}")
            chosen = {"table_rows": size, "first": START.isoformat(), "tables": {}}
            job = Job(server.url, "", per_day, options={**chosen, **warehouse_options})
            contender = Contender(warehouse, "merge_into")
            (results[size],) = measure(
                [contender], job, options.rounds_to_run, None, options.log, baselines=()
            )
    first = results[sizes[0]]
    points = [_point(size, result, first) for size, result in results.items()]
    return Case(f"{warehouse}: one day of {per_day:,} rows", {"unit": "rows"}, points)


def _point(size: int, result: Result, smallest: Result) -> Result:
    """The result of one size, with its ratios to the smallest table."""
    ratios = {
        f"x {name.removeprefix('s ')}": result.figures[name] / smallest.figures[name]
        for name in _FIGURES
        if result.rounds and smallest.rounds
    }
    return dataclasses.replace(
        result,
        way=f"into {size:,} rows",
        size=size,
        seconds=result.figures.get(_FIGURES[0]),
        figures=result.figures | ratios,
    )


def _many_rows(warehouse: str, warehouse_options: Mapping[str, str], options: Options) -> Case:
    """Many rows in one run, once each: does the peak of memory grow with them?"""
    results = []
    for records in _QUICK_SIZES if options.quick else _MANY_ROWS:
        options.log(f"merge: {records:,} rows in one run into {warehouse}")
        with Server(partial(_flat_pages, records)) as server:
            job = Job(server.url, FLAT.name, records, _PAGE_SIZE, options=warehouse_options)
            contender = Contender(f"{records:,} rows", "ours")
            results += measure([contender], job, 1, None, options.log, baselines=())
    return Case(f"{warehouse}: rows in one run", {}, results)


def _beside_dlt(warehouse_options: Mapping[str, str], options: Options) -> Case:
    """A first load of many rows into PostgreSQL, beside plain dlt."""
    records = _QUICK_PER_DAY if options.quick else options.records
    contenders = [
        Contender(OURS, "ours"),
        Contender(_PLAIN_DLT, "plain_dlt", {"format": "insert_values"}),
        Contender(f"{_PLAIN_DLT}, CSV", "plain_dlt", {"format": "csv"}),
    ]
    options.log(f"merge: {records:,} rows into an empty PostgreSQL")
    with Server(partial(_flat_pages, records)) as server:
        job = Job(server.url, FLAT.name, records, _PAGE_SIZE, options=warehouse_options)
        results = measure(
            contenders, job, options.rounds_to_run, None, options.log, baselines=(OURS,)
        )
    return Case(f"PostgreSQL: {records:,} flat rows", {}, results)


def _flat_pages(records: int) -> Routes:
    return {f"/{TABLE}": generated_pages(FLAT, records, _PAGE_SIZE)}


def _draw(document: Mapping[str, Any], path: Any) -> None:
    """Draw the curves of one day."""
    draw_curves(
        {**document, "cases": [c for c in document["cases"] if "unit" in c["parameters"]]}, path
    )


SUITE = Suite("merge", "does the cost of a load follow the change, or the table?", run, _draw)
