"""The memory suite: does the peak grow with the table?

Out: a curve for the limit and for ours. The warehouse is in the process, so its memory counts.
"""

from __future__ import annotations

from functools import partial

from benchmarks.harness.curve import curve
from benchmarks.harness.measure import LIMIT, OURS, Result, Way, measure
from benchmarks.harness.plot import draw_curves
from benchmarks.harness.suite import Case, Options, Suite
from benchmarks.workload.job import TABLE, Job
from benchmarks.workload.records import NESTED
from benchmarks.workload.routes import made_on_demand
from benchmarks.workload.server import Server

_SIZES = (100_000, 300_000, 1_000_000)
_QUICK = (1000, 2000)
_WAYS = (Way(LIMIT, "limit"), Way(OURS, "ours"))
_PAGE = 1000


def run(options: Options) -> list[Case]:
    """All sizes of each way."""
    sizes = _QUICK if options.quick else _SIZES
    measured = {size: _measure(size, options) for size in sizes}
    cases = []
    for number, way in enumerate(_WAYS):
        case = curve(
            f"peak of {way.name}, nested records",
            {size: results[number] for size, results in measured.items()},
            "records",
        )
        first = case.results[0].peak_mb
        for result in case.results:
            if first and result.peak_mb:
                result.figures[f"x peak of {sizes[0]:,}"] = result.peak_mb / first
        cases.append(case)
    return cases


def _measure(size: int, options: Options) -> list[Result]:
    options.say(f"memory: {size:,} records")
    with Server(lambda: {f"/{TABLE}": made_on_demand(NESTED, size, _PAGE)}) as server:
        job = Job(server.url, NESTED.name, size, _PAGE)
        rounds = 1 if options.quick else options.rounds
        return measure(_WAYS, job, rounds, None, options.say, bases=())


SUITE = Suite(
    "memory",
    "does the peak of memory grow with the table?",
    run,
    partial(draw_curves, value="peak_mb", unit="peak, MB"),
)
