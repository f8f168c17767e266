"""The subcommand ``analytics-sync test``: a catalog file, read from a sandbox of its own.

In: catalog files. Out: for each resource how many rows the sandbox holds and how many were read, and an exit
status. The sandbox makes data up and answers as the file declares, so that it tests the declaration against itself:
that all pages, windows, parents and keys lead to all rows. It says nothing of the real API: ``check --live`` does.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.naming import ROW_HASH
from analytics_sync.commands.output import show
from analytics_sync.commands.places import chosen
from analytics_sync.commands.tables import table_lines
from analytics_sync.common.json_path import lookup
from analytics_sync.common.window import Window
from analytics_sync.extract.result import ReadResult
from analytics_sync.extract.run import ReadRun
from analytics_sync.sandbox import Options, Sandbox

_FAILED = 1
_DAYS = 2
_SMALL = Options(rows=60, rows_per_day=25, rows_per_parent=3, max_page=10, max_chain=120)
_MAX_EXAMPLES = 5
_SPELLED_ALIKE = frozenset({"text", "bigint"})
_HEAD = ("asset", "requests", "pages", "rows", "expected", "")


def test_files(options: argparse.Namespace) -> int:
    """Read all resources of some files from a sandbox; return 1 if rows are missing or too many."""
    found = chosen(options.files)
    entries: list[dict[str, Any]] = []
    for source, resources in found.parts:
        entries += _tested(_without_limit(source), resources)
    failed = sum(entry["result"] != "ok" for entry in entries)
    show(options, {"assets": entries, "failed": failed}, _lines(entries, failed))
    for entry in entries:
        if entry["error"]:
            print(entry["error"], file=sys.stderr)
    return _FAILED if failed else 0


def _without_limit(source: Source) -> Source:
    """The source without its rate limit: the sandbox has none."""
    return replace(source, client=source.client.model_copy(update={"rate_limit": None}))


def _tested(source: Source, resources: Sequence[Resource]) -> Iterator[dict[str, Any]]:
    today = datetime.now(UTC).date()
    made = replace(_SMALL, start=today - timedelta(days=_DAYS), end=today)
    with Sandbox([source], made) as sandbox, _environment(sandbox.settings()):
        read: dict[str, set[tuple[Any, ...]]] = {}
        costs: dict[str, list[int]] = {}
        errors: dict[str, str] = {}
        for window, names in _reads(source, resources, made):
            with ReadRun(source, window, names, resume=False) as run:
                errors |= {n: str(e).partition("\n")[0] for n, e in run.failures().items()}
                for resource in (r for r in run.resources if r.name not in errors):
                    result = run.result(resource.name)
                    read.setdefault(resource.name, set()).update(_keys(result))
                    cost = costs.setdefault(resource.name, [0, 0])
                    cost[0] += result.counters.requests
                    cost[1] += result.pages
        ledger = sandbox.ledger(source.name)
        for resource in resources:
            is_windowed = source.windowed(resource)
            days = (made.start, made.end) if is_windowed else (None, None)
            expected = ledger.expected(resource.name, *days)
            yield _entry(resource, read, costs, errors, expected)


def _reads(
    source: Source, resources: Iterable[Resource], made: Options
) -> Iterator[tuple[Window | None, list[str]]]:
    """The reads: each day of the windowed resources, and all snapshots at once."""
    windowed = [r.name for r in resources if source.windowed(r)]
    snapshots = [r.name for r in resources if not source.windowed(r)]
    if windowed:
        for day in made.days:
            start = datetime.combine(day, time.min, UTC)
            yield Window(start, start + timedelta(days=1)), windowed
    if snapshots:
        yield None, snapshots


def _keys(result: ReadResult) -> Iterator[tuple[Any, ...]]:
    """The keys of the rows. A row that two days hold is one row in a table."""
    for table in result.buffer.tables() if result.buffer else ():
        rows = table.select(list(result.resource.key)).to_pylist()
        yield from (tuple(row.values()) for row in rows)


def _entry(
    resource: Resource,
    read: Mapping[str, Set[tuple[Any, ...]]],
    costs: Mapping[str, list[int]],
    errors: Mapping[str, str],
    expected: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    rows = read.get(resource.name, set())
    missing, unexpected = _differences(resource, rows, expected)
    requests, pages = costs.get(resource.name, [0, 0])
    error = errors.get(resource.name)
    fewest, most = _counts(resource, expected)
    is_ok = error is None and fewest <= len(rows) <= most and not missing and not unexpected
    return {
        "asset": str(resource),
        "requests": requests,
        "pages": pages,
        "rows": len(rows),
        "expected": max(fewest, min(len(rows), most)),
        "missing": missing[:_MAX_EXAMPLES],
        "unexpected": unexpected[:_MAX_EXAMPLES],
        "error": error,
        "result": "ok" if is_ok else "failed",
    }


def _counts(resource: Resource, expected: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """The fewest and the most rows that the records become.

    Without a key, equal records are one row, and those of two parents are two.
    """
    if not resource.has_row_hash:
        return len(expected), len(expected)
    sent = [{n: v for n, v in record.items() if n != ROW_HASH} for record in expected]
    different = len({json.dumps(record, sort_keys=True, default=str) for record in sent})
    return different, different if resource.parent is None else len(expected)


def _differences(
    resource: Resource, rows: Iterable[tuple[Any, ...]], expected: Iterable[Mapping[str, Any]]
) -> tuple[list[str], list[str]]:
    """The keys that were not read, and those that the sandbox does not hold; none without plain keys."""
    fields = {field.name: field for field in resource.fields}
    kinds = {fields[name].data_type for name in resource.primary_key if name in fields}
    if resource.has_row_hash or not kinds or not kinds <= _SPELLED_ALIKE:
        return [], []
    there = {
        " ".join(str(lookup(record, name)) for name in resource.primary_key) for record in expected
    }
    here = {" ".join(map(str, row)) for row in rows}
    return sorted(there - here), sorted(here - there)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Point the settings of this process at the sandbox: no request goes to the real API."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _lines(entries: Sequence[Mapping[str, Any]], failed: int) -> Iterator[str]:
    rows: list[Sequence[str]] = [_HEAD]
    for entry in entries:
        shown = "ok" if entry["result"] == "ok" else "FAILED"
        rows.append([entry["asset"], *(f"{entry[name]:,}" for name in _HEAD[1:5]), shown])
    yield from table_lines(rows, of_numbers=True)
    for entry in entries:
        for said in ("missing", "unexpected"):
            if entry[said]:
                yield f"{entry['asset']}: {said}, for example {', '.join(entry[said])}"
    yield f"{len(entries) - failed} of {len(entries)} resources hold against a sandbox of the declaration."
