"""The latency suite: what does it cost that every answer takes a while?

Out: a case for each way a source can be long: many children, a long window, many pages, many
resources. Each is compared with ours over one connection: the sum of all waits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from benchmarks.harness.measure import OURS, Way, measure
from benchmarks.harness.plot import draw_cases
from benchmarks.harness.suite import Case, Options, Suite
from benchmarks.workload import declared
from benchmarks.workload.job import Job
from benchmarks.workload.routes import START, Events, family
from benchmarks.workload.server import Routes, Server

_SEQUENTIAL = "one connection"
_DAYS = 30


@dataclass(frozen=True)
class _Long:
    """One case.

    Attributes:
        name: As printed.
        routes: Of the server.
        resources: As we declare them.
        tables: Rows that each must have.
        plain: As plain dlt declares them, where that differs.
        window: What to read, where resources are windowed.
        parallelized: Whether plain dlt has something to do side by side.
    """

    name: str
    routes: Routes
    resources: Sequence[declared.Resource]
    tables: Mapping[str, int]
    plain: Sequence[declared.Resource] = ()
    window: Mapping[str, Any] = field(default_factory=dict)
    parallelized: bool = False


def run(options: Options) -> list[Case]:
    """All cases; quick: a tenth of each, with a tenth of the latency."""
    latency, scale = (0.01, 10) if options.quick else (0.1, 1)
    return [_case(case, latency, options) for case in _cases(scale)]


def _cases(scale: int) -> list[_Long]:
    children, records, pages, each = 1000 // scale, 30_000 // scale, 200 // scale, 10
    month = Events(records, _DAYS)
    bounds = START.isoformat(), (START + timedelta(days=_DAYS)).isoformat()
    cut = declared.events(
        "events",
        "/events",
        declared.CURSOR,
        incremental={"cursor_path": "at", "start_param": "from", "end_param": "to"},
    )
    listing = Events(100 * pages)
    some = Events(100 * each)
    names = [f"resource_{number}" for number in range(12)]
    return [
        _Long(
            f"{children:,} children",
            {"/parents": family(children)},
            declared.family(),
            {"parents": children, "children": children},
            parallelized=True,
        ),
        _Long(
            f"{_DAYS} days of {records:,} records, {month.size} a page, the API cuts",
            {"/events": month.between},
            [cut],
            {"events": records},
            plain=[
                declared.events(
                    "events",
                    "/events",
                    declared.CURSOR,
                    params=dict(zip(("from", "to"), bounds, strict=True)),
                )
            ],
            window={"window": bounds},
        ),
        _Long(
            f"{pages} numbered pages, the total is told",
            {"/listing": listing.numbered},
            [declared.events("listing", "/listing", declared.NUMBERED)],
            {"listing": listing.records},
        ),
        _Long(
            f"{len(names)} resources of {each} pages, one leads to the next",
            {"/of": some.between},
            [declared.events(name, f"/of/{name}", declared.CURSOR) for name in names],
            dict.fromkeys(names, some.records),
            parallelized=True,
        ),
    ]


def _case(case: _Long, latency: float, options: Options) -> Case:
    options.say(f"latency: {case.name}")
    plain = case.plain or case.resources
    ways = [
        Way(OURS, "ours", {"source": declared.source(case.resources)}),
        Way(
            _SEQUENTIAL,
            "ours",
            {"source": declared.source(case.resources, max_connections=1)},
            rounds=1,
        ),
        Way("plain dlt", "plain_dlt", {"source": declared.plain(plain)}, rounds=1),
    ]
    if case.parallelized:
        spread = {"source": declared.plain(plain, parallelized=True), "parallelized": True}
        ways.append(Way("plain dlt, parallelized", "plain_dlt", spread, rounds=1))
    with Server(lambda: case.routes, latency) as server:
        job = Job(server.url, options={"tables": case.tables, **case.window})
        results = measure(
            ways,
            job,
            1 if options.quick else options.rounds,
            options.venvs,
            options.say,
            bases=(_SEQUENTIAL,),
            requests=lambda: server.requests,
        )
    return Case(case.name, {"latency_s": latency}, results)


SUITE = Suite("latency", "what does it cost that every answer takes a while?", run, draw_cases)
