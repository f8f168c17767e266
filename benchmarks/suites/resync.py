"""The second suite: what does it cost to sync unchanged data again?

In: the options of the command line. Out: a case for each kind of resource, with two results: the
first sync and the second. Each sync runs in a process of its own, into the same warehouse. The
table must be the same after both.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.harness.measure import Contender, Result, Round, run_in_folder, summarize
from benchmarks.harness.plot import draw_cases
from benchmarks.harness.suite import Case, Options, Suite
from benchmarks.workload import declared
from benchmarks.workload.job import FIRST_SYNC_COPY, Job
from benchmarks.workload.routes import START, Events, parents_and_children
from benchmarks.workload.server import Routes, Server

_DAYS = 30
_SYNCS = ("first sync", "second sync")


@dataclass(frozen=True)
class _ResourceKind:
    """A kind of resource.

    Attributes:
        name: Printed name of the case.
        resources: Declarations of the resources.
        tables: Table -> number of rows it must have.
        window: Option ``window`` of the job; empty if the resources have no window.
    """

    name: str
    resources: Sequence[declared.Resource]
    tables: Mapping[str, int]
    window: Mapping[str, Any] = field(default_factory=dict)


def run(options: Options) -> list[Case]:
    """Measure all kinds; quick: a tenth of each size."""
    records, children = (3000, 10) if options.quick else (30_000, 100)
    events = Events(records, _DAYS)
    routes: Routes = {
        "/listing": events.filtered_by_time,
        "/numbered": events.numbered,
        "/newest": events.newest_first,
        "/parents": parents_and_children(children),
    }
    with Server(lambda: routes) as server:
        return [_measure_kind(kind, server, options) for kind in _kinds(events, children)]


def _kinds(events: Events, children: int) -> list[_ResourceKind]:
    cursor = declared.CURSOR_PAGINATOR
    listing = declared.events("listing", "/listing", cursor)
    numbered = declared.events("numbered", "/numbered", declared.NUMBERED_PAGINATOR)
    newest_first = {"cursor_path": "at", "row_order": "desc"}
    newest = declared.events("newest", "/newest", cursor, incremental=newest_first)
    filtered = declared.events("listing", "/listing", cursor, incremental=declared.FILTERED_BY_TIME)
    records, records_per_day = events.records, events.records // _DAYS
    last_day = START + timedelta(days=_DAYS - 1)
    window = {"window": [last_day.isoformat(), (last_day + timedelta(days=1)).isoformat()]}
    return [
        _ResourceKind("snapshot, by cursor", [listing], {"listing": records}),
        _ResourceKind("snapshot, by page number with a total", [numbered], {"numbered": records}),
        _ResourceKind(
            "a day of a listing that begins with the newest",
            [newest],
            {"newest": records_per_day},
            window,
        ),
        _ResourceKind("a day that the API cuts", [filtered], {"listing": records_per_day}, window),
        _ResourceKind(
            f"children of {children} parents",
            declared.parents_and_children(),
            {"parents": children, "children": children},
        ),
        _ResourceKind(
            "snapshot, replaced",
            [listing | {"write_disposition": "replace"}],
            {"listing": records},
        ),
    ]


def _measure_kind(kind: _ResourceKind, server: Server, options: Options) -> Case:
    options.log(f"second: {kind.name}")
    source = declared.source(kind.resources)
    job = Job(server.url, options={"source": source, "tables": kind.tables, **kind.window})
    results = [Result(sync) for sync in _SYNCS]
    for _ in range(options.rounds_to_run):
        with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
            try:
                for result in results:
                    result.rounds.append(_sync(folder, job, server))
                run_in_folder(folder, Contender("same", "same"), job, None)
            except RuntimeError as e:
                result.failed = str(e)
                options.log(f"  {result.way}: failed: {e}")
                break
    for result in results:
        summarize(result, {_SYNCS[0]: results[0]}, _SYNCS[:1])
    return Case(kind.name, {"records": sum(kind.tables.values())}, results)


def _sync(folder: str, job: Job, server: Server) -> Round:
    """Run one sync; copy the warehouse if it is the first one of the folder."""
    before = server.requests
    done = run_in_folder(folder, Contender("ours", "ours"), job, None)
    first_copy = Path(folder) / FIRST_SYNC_COPY
    if not first_copy.exists():
        shutil.copyfile(dataclasses.replace(job, folder=folder).database, first_copy)
    return dataclasses.replace(
        done,
        requests=server.requests - before,
        figures={**done.figures, "in the table": done.rows},
    )


SUITE = Suite("second", "what does it cost to sync again what has not changed?", run, draw_cases)
