"""The second suite: what does it cost to sync again what has not changed?

Out: a case for each kind of resource: the first sync and the second, each in a process of its own,
into the same warehouse. The table has to be the same after both.
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

from benchmarks.harness.measure import Result, Round, Way, run_in, summarize
from benchmarks.harness.plot import draw_cases
from benchmarks.harness.suite import Case, Options, Suite
from benchmarks.workload import declared
from benchmarks.workload.job import FIRST, Job
from benchmarks.workload.routes import START, Events, family
from benchmarks.workload.server import Routes, Server

_DAYS = 30
_SYNCS = ("first sync", "second sync")


@dataclass(frozen=True)
class _Kind:
    """A kind of resource.

    Attributes:
        name: As printed.
        resources: Declared.
        tables: Rows that each must have.
        window: What to read, where resources are windowed.
    """

    name: str
    resources: Sequence[declared.Resource]
    tables: Mapping[str, int]
    window: Mapping[str, Any] = field(default_factory=dict)


def run(options: Options) -> list[Case]:
    """All kinds; quick: a tenth of each."""
    records, children = (3000, 10) if options.quick else (30_000, 100)
    events = Events(records, _DAYS)
    routes: Routes = {
        "/listing": events.between,
        "/numbered": events.numbered,
        "/newest": events.newest_first,
        "/parents": family(children),
    }
    with Server(lambda: routes) as server:
        return [_case(kind, server, options) for kind in _kinds(events, children)]


def _kinds(events: Events, children: int) -> list[_Kind]:
    listing, numbered, newest = (
        declared.events("listing", "/listing", declared.CURSOR),
        declared.events("numbered", "/numbered", declared.NUMBERED),
        declared.events(
            "newest",
            "/newest",
            declared.CURSOR,
            incremental={"cursor_path": "at", "row_order": "desc"},
        ),
    )
    cut = declared.events(
        "listing",
        "/listing",
        declared.CURSOR,
        incremental={"cursor_path": "at", "start_param": "from", "end_param": "to"},
    )
    last, a_day = START + timedelta(days=_DAYS - 1), events.records // _DAYS
    day = {"window": [last.isoformat(), (last + timedelta(days=1)).isoformat()]}
    everything = events.records
    return [
        _Kind("snapshot, by cursor", [listing], {"listing": everything}),
        _Kind("snapshot, by page number with a total", [numbered], {"numbered": everything}),
        _Kind("a day of a listing that begins with the newest", [newest], {"newest": a_day}, day),
        _Kind("a day that the API cuts", [cut], {"listing": a_day}, day),
        _Kind(
            f"children of {children} parents",
            declared.family(),
            {"parents": children, "children": children},
        ),
        _Kind(
            "snapshot, replaced",
            [listing | {"write_disposition": "replace"}],
            {"listing": everything},
        ),
    ]


def _case(kind: _Kind, server: Server, options: Options) -> Case:
    options.say(f"second: {kind.name}")
    asked = {"source": declared.source(kind.resources), "tables": kind.tables, **kind.window}
    job = Job(server.url, options=asked)
    results = [Result(sync) for sync in _SYNCS]
    for _ in range(1 if options.quick else options.rounds):
        with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
            try:
                for result in results:
                    result.rounds.append(_sync(folder, job, server))
                run_in(folder, Way("same", "same"), job, None)
            except RuntimeError as e:
                result.failed = str(e)
                options.say(f"  {result.way}: failed: {e}")
                break
    for result in results:
        summarize(result, {_SYNCS[0]: results[0]}, _SYNCS[:1])
    return Case(kind.name, {"records": sum(kind.tables.values())}, results)


def _sync(folder: str, job: Job, server: Server) -> Round:
    before = server.requests
    done = run_in(folder, Way("ours", "ours"), job, None)
    first = Path(folder) / FIRST
    if not first.exists():
        shutil.copyfile(dataclasses.replace(job, folder=folder).database, first)
    return dataclasses.replace(
        done,
        requests=server.requests - before,
        figures={**done.figures, "in the table": done.rows},
    )


SUITE = Suite("second", "what does it cost to sync again what has not changed?", run, draw_cases)
