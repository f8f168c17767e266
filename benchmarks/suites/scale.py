"""The scale suite: is twice as much twice the cost?

In: the options of the command line. Out: curves over the rows of a table, the partitions of a run
and the resources of a catalog. Each curve has the cost of one unit: the answer is yes if that cost
is the same at both ends. Runs in Dagster are compared with runs of the same number of assets and
checks that do nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from benchmarks.harness.curve import curve_case
from benchmarks.harness.measure import OURS, Contender, Result, measure
from benchmarks.harness.plot import draw_curves
from benchmarks.harness.suite import Case, Options, Suite
from benchmarks.workload import declared
from benchmarks.workload.job import TABLE, Job
from benchmarks.workload.records import FLAT, page_bodies
from benchmarks.workload.routes import START, Events
from benchmarks.workload.server import Routes, Server, stored_pages

_ROWS = (10_000, 30_000, 100_000, 300_000, 1_000_000)
_PARTITIONS = (1, 7, 30, 90, 365)
_RESOURCES = (60, 120, 300, 600)
_QUICK_SIZES = {"rows": (1000, 2000), "partitions": (1, 3), "resources": (10, 20)}
_PAGE_SIZE = 1000
_RECORDS_PER_DAY = 100
_RESOURCES_PER_SOURCE = 10
_DAGSTER_ALONE = "Dagster alone"


def run(options: Options) -> list[Case]:
    """Measure all curves; quick: two points of each."""
    return [*_rows(options), *_partitions(options), *_resources(options)]


def _rows(options: Options) -> list[Case]:
    results = {}
    for size in _QUICK_SIZES["rows"] if options.quick else _ROWS:
        job = Job("", FLAT.name, size, _PAGE_SIZE)
        contenders = [Contender(OURS, "ours")]
        results[size] = _measure(f"{size:,} rows", contenders, job, _table(size), options)[0]
    return [curve_case("rows: read and load", results, "rows")]


def _table(size: int) -> Callable[[], Routes]:
    return lambda: {f"/{TABLE}": stored_pages(page_bodies(FLAT, size, _PAGE_SIZE))}


def _partitions(options: Options) -> list[Case]:
    sizes = _QUICK_SIZES["partitions"] if options.quick else _PARTITIONS
    events = Events(max(sizes) * _RECORDS_PER_DAY, max(sizes))
    resource = declared.events(
        "events", "/events", declared.CURSOR_PAGINATOR, incremental=declared.FILTERED_BY_TIME
    )
    results = {}
    for size in sizes:
        job_options = {
            "source": declared.source([resource]),
            "first": str(START.date()),
            "last": str((START + timedelta(days=size - 1)).date()),
            "tables": {"events": size * _RECORDS_PER_DAY},
        }
        results[size] = _measure_in_dagster(
            f"{size} partitions", job_options, lambda: {"/events": events.filtered_by_time}, options
        )
    return [_figure_curve("partitions", "one run of all", "s to run", results)]


def _resources(options: Options) -> list[Case]:
    names = [f"resource_{number}" for number in range(_RESOURCES_PER_SOURCE)]
    events = Events(100, page_size=100)
    resources = [declared.events(name, f"/of/{name}", declared.SINGLE_PAGINATOR) for name in names]
    results = {}
    for size in _QUICK_SIZES["resources"] if options.quick else _RESOURCES:
        job_options = {
            "source": declared.source(resources),
            "copies": size // _RESOURCES_PER_SOURCE,
            "tables": dict.fromkeys(names, events.records),
        }
        results[size] = _measure_in_dagster(
            f"{size} resources", job_options, lambda: {"/of": events.filtered_by_time}, options
        )
    return [
        _figure_curve("resources", "load definitions", "s to load", results),
        _figure_curve("resources", "one run of all", "s to run", results),
    ]


def _measure_in_dagster(
    name: str, job_options: Mapping[str, Any], routes: Callable[[], Routes], options: Options
) -> list[Result]:
    """Measure this package in Dagster, and Dagster alone."""
    contenders = [
        Contender(OURS, "in_dagster"),
        Contender(_DAGSTER_ALONE, "dagster_alone", {"tables": {}}),
    ]
    return _measure(name, contenders, Job(options=job_options), routes, options)


def _figure_curve(unit: str, title: str, figure: str, results: Mapping[int, list[Result]]) -> Case:
    """The curve of one timed figure, with its ratio to that figure of Dagster alone."""
    points = {}
    for size, (ours, alone) in results.items():
        seconds, seconds_alone = ours.figures.get(figure), alone.figures.get(figure)
        points[size] = dataclasses.replace(
            ours,
            seconds=seconds,
            figures={n: v for n, v in ours.figures.items() if not n.startswith("s to")},
            ratios={_DAGSTER_ALONE: seconds / seconds_alone} if seconds and seconds_alone else {},
        )
    return curve_case(f"{unit}: {title}", points, unit, per=1)


def _measure(
    name: str,
    contenders: Sequence[Contender],
    job: Job,
    routes: Callable[[], Routes],
    options: Options,
) -> list[Result]:
    options.log(f"scale: {name}")
    with Server(routes) as server:
        return measure(
            contenders,
            dataclasses.replace(job, url=server.url),
            options.rounds_to_run,
            None,
            options.log,
            baselines=(),
            count_requests=lambda: server.requests,
        )


SUITE = Suite("scale", "is twice as much twice the cost?", run, draw_curves)
