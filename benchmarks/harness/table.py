"""Results as lines of text.

In: a case. Out: a line for each way: median seconds, ratios, requests, the suite's own figures,
highest peak of memory, rounds. What no way of the case has, no line has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.harness.measure import Result
from benchmarks.harness.suite import Case


def table(case: Case) -> Iterator[str]:
    """Its name, then its ways."""
    yield case.name
    bases = list(dict.fromkeys(base for result in case.results for base in result.ratios))
    for result in case.results:
        yield f"  {result.way:<32} {_measured(result, bases)}"


def _measured(result: Result, bases: Sequence[str]) -> str:
    if result.seconds is None:
        return result.missing or f"failed: {result.failed}"
    columns = [f"{result.seconds:8.2f} s"]
    columns += [f"{_ratio(result.ratios.get(base))} x {base}" for base in bases]
    if result.requests is not None:
        columns.append(f"{result.requests:7,} requests")
    columns += [f"{_number(value)} {name}" for name, value in result.figures.items()]
    if result.peak_mb is not None:
        columns.append(f"peak {result.peak_mb:5.0f} MB")
    columns.append(f"rounds {len(result.rounds)}")
    if result.failed:
        columns.append(f"then failed: {result.failed}")
    return "  ".join(columns)


def _ratio(value: float | None) -> str:
    return "     -" if value is None else f"{value:6.2f}"


def _number(value: float) -> str:
    return f"{value:8,.0f}" if value == int(value) else f"{value:8.2f}"
