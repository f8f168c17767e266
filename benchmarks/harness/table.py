"""A table: the results of a case as lines of text.

In: a case. Out: a line for each contender: median seconds, ratios, requests, the suite's own
figures, highest peak of memory, and rounds. A column is left out if no contender of the case has a
value for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.harness.measure import Result
from benchmarks.harness.suite import Case


def table_lines(case: Case) -> Iterator[str]:
    """The name of the case, then a line for each contender."""
    yield case.name
    baselines = list(dict.fromkeys(base for result in case.results for base in result.ratios))
    for result in case.results:
        yield f"  {result.way:<32} {_columns(result, baselines)}"


def _columns(result: Result, baselines: Sequence[str]) -> str:
    if result.seconds is None:
        return result.missing or f"failed: {result.failed}"
    columns = [f"{result.seconds:8.2f} s"]
    columns += [f"{_format_ratio(result.ratios.get(base))} x {base}" for base in baselines]
    if result.requests is not None:
        columns.append(f"{result.requests:7,} requests")
    columns += [f"{_format_number(value)} {name}" for name, value in result.figures.items()]
    if result.peak_mb is not None:
        columns.append(f"peak {result.peak_mb:5.0f} MB")
    columns.append(f"rounds {len(result.rounds)}")
    if result.failed:
        columns.append(f"then failed: {result.failed}")
    return "  ".join(columns)


def _format_ratio(value: float | None) -> str:
    return "     -" if value is None else f"{value:6.2f}"


def _format_number(value: float) -> str:
    return f"{value:8,.0f}" if value == int(value) else f"{value:8.2f}"
