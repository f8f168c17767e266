"""The latency suite: what does it cost that every answer takes a while?

In: the options of the command line. Out: a case for each reason why a source needs many requests:
many children, a long window, many pages, many resources. In each case, this package is compared
with itself over one connection, which waits for one answer after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from benchmarks.harness.measure import OURS, Contender, measure
from benchmarks.harness.plot import draw_cases
from benchmarks.harness.suite import Case, Options, Suite
from benchmarks.workload import declared
from benchmarks.workload.job import Job
from benchmarks.workload.routes import START, Events, parents_and_children
from benchmarks.workload.server import Routes, Server

_SEQUENTIAL = "one connection"
_DAYS = 30
_PAGES_PER_RESOURCE = 10


@dataclass(frozen=True)
class _LongSource:
    """A source that needs many requests.

    Attributes:
        name: Printed name of the case.
        routes: Routes of the server.
        resources: Declarations for this package.
        tables: Table -> number of rows it must have.
        dlt_resources: Declarations for plain dlt; empty if they are the same.
        window: Option ``window`` of the job; empty if the resources have no window.
        parallelized: Whether plain dlt can read several of the resources concurrently.
    """

    name: str
    routes: Routes
    resources: Sequence[declared.Resource]
    tables: Mapping[str, int]
    dlt_resources: Sequence[declared.Resource] = ()
    window: Mapping[str, Any] = field(default_factory=dict)
    parallelized: bool = False


def run(options: Options) -> list[Case]:
    """Measure all cases; quick: a tenth of each size, with a tenth of the latency."""
    latency, divisor = (0.01, 10) if options.quick else (0.1, 1)
    sources = (
        _many_children(1000 // divisor),
        _long_window(30_000 // divisor),
        _many_pages(200 // divisor),
        _many_resources(),
    )
    return [_measure_source(source, latency, options) for source in sources]


def _many_children(children: int) -> _LongSource:
    return _LongSource(
        f"{children:,} children",
        {"/parents": parents_and_children(children)},
        declared.parents_and_children(),
        {"parents": children, "children": children},
        parallelized=True,
    )


def _long_window(records: int) -> _LongSource:
    events = Events(records, _DAYS)
    start, end = START.isoformat(), (START + timedelta(days=_DAYS)).isoformat()
    windowed = declared.events(
        "events", "/events", declared.CURSOR_PAGINATOR, incremental=declared.FILTERED_BY_TIME
    )
    fixed = declared.events(
        "events", "/events", declared.CURSOR_PAGINATOR, params={"from": start, "to": end}
    )
    return _LongSource(
        f"{_DAYS} days of {records:,} records, {events.page_size} a page, the API cuts",
        {"/events": events.filtered_by_time},
        [windowed],
        {"events": records},
        dlt_resources=[fixed],
        window={"window": (start, end)},
    )


def _many_pages(pages: int) -> _LongSource:
    events = Events(100 * pages)
    return _LongSource(
        f"{pages} numbered pages, the total is told",
        {"/listing": events.numbered},
        [declared.events("listing", "/listing", declared.NUMBERED_PAGINATOR)],
        {"listing": events.records},
    )


def _many_resources() -> _LongSource:
    events = Events(100 * _PAGES_PER_RESOURCE)
    names = [f"resource_{number}" for number in range(12)]
    return _LongSource(
        f"{len(names)} resources of {_PAGES_PER_RESOURCE} pages, one leads to the next",
        {"/of": events.filtered_by_time},
        [declared.events(name, f"/of/{name}", declared.CURSOR_PAGINATOR) for name in names],
        dict.fromkeys(names, events.records),
        parallelized=True,
    )


def _measure_source(source: _LongSource, latency: float, options: Options) -> Case:
    options.log(f"latency: {source.name}")
    with Server(lambda: source.routes, latency) as server:
        job = Job(server.url, options={"tables": source.tables, **source.window})
        results = measure(
            _contenders(source),
            job,
            options.rounds_to_run,
            options.venvs,
            options.log,
            baselines=(_SEQUENTIAL,),
            count_requests=lambda: server.requests,
        )
    return Case(source.name, {"latency_s": latency}, results)


def _contenders(source: _LongSource) -> list[Contender]:
    ours = {"source": declared.source(source.resources)}
    sequential = {"source": declared.source(source.resources, max_connections=1)}
    dlt_resources = source.dlt_resources or source.resources
    plain_dlt = {"source": declared.for_dlt(dlt_resources)}
    contenders = [
        Contender(OURS, "ours", ours),
        Contender(_SEQUENTIAL, "ours", sequential, rounds=1),
        Contender("plain dlt", "plain_dlt", plain_dlt, rounds=1),
    ]
    if source.parallelized:
        parallelized = {
            "source": declared.for_dlt(dlt_resources, parallelized=True),
            "parallelized": True,
        }
        contenders.append(Contender("plain dlt, parallelized", "plain_dlt", parallelized, rounds=1))
    return contenders


SUITE = Suite("latency", "what does it cost that every answer takes a while?", run, draw_cases)
