"""The scale suite: is twice as much twice the cost?

Out: curves: rows of a table, partitions of one run, resources of a catalog. In each, the cost of a
unit is told; where it is the same from one end to the other, the answer is yes. Runs in Dagster are
compared with a run of as many assets and checks that do nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from benchmarks.harness.curve import curve
from benchmarks.harness.measure import OURS, Result, Way, measure
from benchmarks.harness.plot import draw_curves
from benchmarks.harness.suite import Case, Options, Suite
from benchmarks.workload import declared
from benchmarks.workload.job import TABLE, Job
from benchmarks.workload.records import FLAT, pages
from benchmarks.workload.routes import START, Events
from benchmarks.workload.server import Routes, Server, paged

_ROWS = (10_000, 30_000, 100_000, 300_000, 1_000_000)
_PARTITIONS = (1, 7, 30, 90, 365)
_RESOURCES = (60, 120, 300, 600)
_QUICK = {"rows": (1000, 2000), "partitions": (1, 3), "resources": (10, 20)}
_PAGE = 1000
_A_DAY = 100
_OF_A_SOURCE = 10
_ALONE = "Dagster alone"


def run(options: Options) -> list[Case]:
    """All curves; quick: two points of each."""
    return [*_rows(options), *_partitions(options), *_resources(options)]


def _rows(options: Options) -> list[Case]:
    results = {}
    for size in _QUICK["rows"] if options.quick else _ROWS:
        job = Job("", FLAT.name, size, _PAGE)
        ways = [Way(OURS, "ours")]
        results[size] = _measure(f"{size:,} rows", ways, job, _ready_made(size), options)[0]
    return [curve("rows: read and load", results, "rows")]


def _ready_made(size: int) -> Callable[[], Routes]:
    return lambda: {f"/{TABLE}": paged(pages(FLAT, size, _PAGE))}


def _partitions(options: Options) -> list[Case]:
    sizes = _QUICK["partitions"] if options.quick else _PARTITIONS
    days = Events(max(sizes) * _A_DAY, max(sizes))
    cut = {"cursor_path": "at", "start_param": "from", "end_param": "to"}
    events = declared.events("events", "/events", declared.CURSOR, incremental=cut)
    results = {}
    for size in sizes:
        asked = {
            "source": declared.source([events]),
            "first": str(START.date()),
            "last": str((START + timedelta(days=size - 1)).date()),
            "tables": {"events": size * _A_DAY},
        }
        name = f"{size} partitions"
        results[size] = _in_dagster(name, asked, lambda: {"/events": days.between}, options)
    return [_part("partitions", "one run of all", "s to run", results)]


def _resources(options: Options) -> list[Case]:
    names = [f"resource_{number}" for number in range(_OF_A_SOURCE)]
    page = Events(100, size=100)
    resources = [declared.events(name, f"/of/{name}", declared.SINGLE) for name in names]
    results = {}
    for size in _QUICK["resources"] if options.quick else _RESOURCES:
        asked = {
            "source": declared.source(resources),
            "copies": size // _OF_A_SOURCE,
            "tables": dict.fromkeys(names, page.records),
        }
        name = f"{size} resources"
        results[size] = _in_dagster(name, asked, lambda: {"/of": page.between}, options)
    return [
        _part("resources", "load definitions", "s to load", results),
        _part("resources", "one run of all", "s to run", results),
    ]


def _in_dagster(
    name: str, asked: Mapping[str, Any], routes: Callable[[], Routes], options: Options
) -> list[Result]:
    """Ours, and Dagster alone."""
    nothing = Way(_ALONE, "dagster_alone", {"tables": {}})
    return _measure(name, [Way(OURS, "in_dagster"), nothing], Job(options=asked), routes, options)


def _part(unit: str, title: str, figure: str, results: Mapping[int, list[Result]]) -> Case:
    """The curve of one part of what was timed, beside that part of Dagster alone."""
    points = {}
    for size, (ours, alone) in results.items():
        seconds, least = ours.figures.get(figure), alone.figures.get(figure)
        points[size] = dataclasses.replace(
            ours,
            seconds=seconds,
            figures={n: v for n, v in ours.figures.items() if not n.startswith("s to")},
            ratios={_ALONE: seconds / least} if seconds and least else {},
        )
    return curve(f"{unit}: {title}", points, unit, per=1)


def _measure(
    name: str, ways: Sequence[Way], job: Job, routes: Callable[[], Routes], options: Options
) -> list[Result]:
    options.say(f"scale: {name}")
    with Server(routes) as server:
        return measure(
            ways,
            dataclasses.replace(job, url=server.url),
            1 if options.quick else options.rounds,
            None,
            options.say,
            bases=(),
            requests=lambda: server.requests,
        )


SUITE = Suite("scale", "is twice as much twice the cost?", run, draw_curves)
