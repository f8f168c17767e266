"""The memory suite: does the peak of memory grow with the table?

In: the options of the command line. Out: a curve for the limit and a curve for this package. The
warehouse runs inside the measured process, so its memory counts.
"""

from __future__ import annotations

from functools import partial

from benchmarks.harness.curve import curve_case
from benchmarks.harness.measure import LIMIT, OURS, Contender, Result, measure
from benchmarks.harness.plot import draw_curves
from benchmarks.harness.suite import Case, Options, Suite
from benchmarks.workload.job import TABLE, Job
from benchmarks.workload.records import NESTED
from benchmarks.workload.routes import generated_pages
from benchmarks.workload.server import Server

_SIZES = (100_000, 300_000, 1_000_000)
_QUICK_SIZES = (1000, 2000)
_CONTENDERS = (Contender(LIMIT, "limit"), Contender(OURS, "ours"))
_PAGE_SIZE = 1000


def run(options: Options) -> list[Case]:
    """Measure all sizes of each contender."""
    sizes = _QUICK_SIZES if options.quick else _SIZES
    measured = {size: _measure_size(size, options) for size in sizes}
    cases = []
    for number, contender in enumerate(_CONTENDERS):
        case = curve_case(
            f"peak of {contender.name}, nested records",
            {size: results[number] for size, results in measured.items()},
            "records",
        )
        first_peak = case.results[0].peak_mb
        for result in case.results:
            if first_peak and result.peak_mb:
                result.figures[f"x peak of {sizes[0]:,}"] = result.peak_mb / first_peak
        cases.append(case)
    return cases


def _measure_size(size: int, options: Options) -> list[Result]:
    options.log(f"memory: {size:,} records")
    with Server(lambda: {f"/{TABLE}": generated_pages(NESTED, size, _PAGE_SIZE)}) as server:
        job = Job(server.url, NESTED.name, size, _PAGE_SIZE)
        return measure(_CONTENDERS, job, options.rounds_to_run, None, options.log, baselines=())


SUITE = Suite(
    "memory",
    "does the peak of memory grow with the table?",
    run,
    partial(draw_curves, value="peak_mb", unit="peak, MB"),
)
