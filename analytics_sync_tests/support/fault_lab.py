"""Where faults are tried: one resource of every kind, a warehouse with yesterday's data, an oracle.

In: a fault's name, a kind. Out: what became of the run, the table, and the run after it. The kinds of
one source are read in one run, each with the same fault; a run that goes wrong must go wrong for
each of them by itself.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from analytics_sync.catalog import Resource, Source, load_catalog
from analytics_sync.catalog import paginators as p
from analytics_sync.common.errors import ExtractError
from analytics_sync.common.window import Window
from analytics_sync.extract.result import ReadResult
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.errors import LoadError
from analytics_sync.load.pipeline import load
from analytics_sync.sandbox import Options, Sandbox
from analytics_sync.sandbox.faults import Plan, Script
from analytics_sync_tests.support.oracle import assert_same

KINDS = {
    "page_number": "observability/users",
    "page_number_without_base": "delivery/builds",
    "offset": "observability/dashboards",
    "offset_with_total": "delivery/pipelines",
    "offset_over_a_map": "delivery/step_types",
    "offset_that_hands_out_a_cursor": "product_guidance/tours",
    "cursor": "customer_data/users",
    "counting_cursor": "observability/incident_teams",
    "json_link": "observability/logs",
    "root_list": "observability/monitors",
    "enveloped": "observability/metrics",
    "single_object": "ci_pipelines/me",
    "child": "product_guidance/survey_responses",
    "grandchild": "ci_pipelines/workflow_jobs",
    "windowed_child": "delivery/analytics_reports",
    "windowed_by_server": "observability/audit_logs",
    "windowed_by_us": "observability/incidents",
    "month_stepped": "customer_data/usage_mtu_daily",
    "snapshot": "customer_data/labels",
}
CHILDREN = {"child", "grandchild", "windowed_child"}
# pages and their faults: what a child's pages do is what its paginator does
NUMBERED = {"page_number", "page_number_without_base"}
OFFSETS = {"offset", "offset_with_total", "offset_over_a_map"}
HANDED_OUT = {
    "offset_that_hands_out_a_cursor", "cursor", "counting_cursor", "windowed_by_server",
    "windowed_by_us", "snapshot", "month_stepped",
}  # fmt: skip
LINKED = {"json_link"}
PAGED = NUMBERED | OFFSETS | HANDED_OUT | LINKED
ALL = set(KINDS)
START, END = date(2025, 5, 6), date(2025, 5, 9)
WINDOW = Window(*(datetime(d.year, d.month, d.day, tzinfo=UTC) for d in (START, END)))
TINY = {
    "rows": 12, "rows_per_day": 4, "rows_per_parent": 2, "max_page": 4, "max_chain": 12,
    "start": START, "end": END,
}  # fmt: skip
PATIENCE = 0.3
SOURCES = load_catalog()

Rows = list[dict[str, Any]]
_Run = tuple[dict[str, Exception], dict[str, Rows]]


def resource_of(kind: str) -> Resource:
    """The resource that stands for a kind."""
    source, name = KINDS[kind].split("/")
    return SOURCES[source].resources[name]


@dataclass(frozen=True)
class Case:
    """One fault.

    Attributes:
        script: For each resource, what goes wrong with its requests.
        kinds: The kinds it makes sense for.
        says: None: the run succeeds. Otherwise what the first line of the error says; a function of
            the resource where that is not the same for all.
        client: Settings of the client that differ.
        check: More to see to when it went well: the table, the reading, the resource.
        partial: The run succeeds with less than the ledger holds, and says so.
    """

    script: Callable[[Resource], Script]
    kinds: set[str] = field(default_factory=lambda: ALL)
    says: str | Callable[[Resource], str | None] | None = None
    client: Mapping[str, Any] = field(default_factory=dict)
    check: Callable[[Rows, ReadResult, Resource], None] | None = None
    partial: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)

    def error(self, resource: Resource) -> str | None:
        """What the error says, None for success."""
        return self.says(resource) if callable(self.says) else self.says


@dataclass
class Outcome:
    """Of one kind: before, with the fault, and in the run after it."""

    before: Rows
    after: Rows
    recovered: Rows
    failure: Exception | None
    reading: ReadResult | None
    recovery: Exception | None


class Lab:
    """A sandbox, and warehouses that hold what it served before its last revision."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sandbox = Sandbox(SOURCES, Options(**TINY))
        self._templates: dict[str, Path] = {}
        self._runs: dict[str, _Run] = {}
        self._outcomes: dict[tuple[int, str], dict[str, Outcome]] = {}

    def outcome(self, case: Case, kind: str) -> Outcome:
        """What became of a kind; all of its source run together, once."""
        source = KINDS[kind].partition("/")[0]
        if (id(case), source) not in self._outcomes:
            kinds = [k for k in KINDS if k in case.kinds and KINDS[k].startswith(f"{source}/")]
            self._outcomes[id(case), source] = self._run(case, source, kinds)
        return self._outcomes[id(case), source][kind]

    def _run(self, case: Case, name: str, kinds: list[str]) -> dict[str, Outcome]:
        file = self.folder / "case.duckdb"
        shutil.copy(self.before(name), file)
        resources = {kind: resource_of(kind) for kind in kinds}
        before = {kind: table(file, r) for kind, r in resources.items()}
        source = with_client(SOURCES[name], **case.client)
        self.sandbox.faults = Plan({str(r): case.script(r) for r in resources.values()})
        changed = {f"SOURCES__{name.upper()}__{k}": v for k, v in case.settings.items()}
        with self.environment(file, changed):
            failures, readings = run(source, [r.name for r in resources.values()])
        self.sandbox.faults = None
        after = {kind: table(file, r) for kind, r in resources.items()}
        again, recovered = self._again(name, file)
        return {
            kind: Outcome(
                before[kind], after[kind], recovered[r.name],
                failures.get(r.name), readings.get(r.name), again.get(r.name),
            )
            for kind, r in resources.items()
        }  # fmt: skip

    def _again(self, name: str, file: Path) -> _Run:
        """One more run, without a fault. A run keeps nothing but what is in the warehouse, so that
        after the same tables, apart from ids of loads, it need not be made again."""
        every = [r for r in map(resource_of, KINDS) if r.source == name]
        state = repr(
            [
                {**row, "_dlt_load_id": None, "_read_at": None}
                for r in every
                for row in table(file, r)
            ]
        )
        if state not in self._runs:
            with self.environment(file):
                failures, _ = run(SOURCES[name], [r.name for r in every])
            self._runs[state] = failures, {r.name: table(file, r) for r in every}
        return self._runs[state]

    def before(self, name: str) -> Path:
        """A warehouse that holds what the source served before its last revision; do not change."""
        if name not in self._templates:
            file = self.folder / f"{name}_before.duckdb"
            names = [k.split("/")[1] for k in KINDS.values() if k.startswith(f"{name}/")]
            with self.environment(file):
                failures, _ = run(SOURCES[name], names)
            assert not failures
            self._templates[name] = file
            self.sandbox.ledger(name).advance()
        return self._templates[name]

    @contextmanager
    def environment(self, file: Path, changes: Mapping[str, str] | None = None) -> Iterator[None]:
        """Settings that point everything at the sandbox and at a file."""
        destination = {"DESTINATION__DUCKDB__CREDENTIALS": str(file)}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {
                **self.sandbox.settings(),
                **destination,
                **(changes or {}),
            }.items():
                patch.setenv(name, value)
            yield

    def expected(self, resource: Resource) -> list[dict[str, Any]]:
        """What the table must hold now."""
        return self.sandbox.ledger(resource.source).expected(resource.name, START, END)

    def judge(self, case: Case, kind: str) -> None:
        """The oracle: right, or an error and the table as before; and right afterwards."""
        resource, says = resource_of(kind), case.error(resource_of(kind))
        o = self.outcome(case, kind)
        expected = self.expected(resource)
        if says is None:
            assert o.failure is None, o.failure
            assert o.reading is not None
            if not case.partial:
                assert assert_same(resource, o.after, expected)
            if case.check:
                case.check(o.after, o.reading, resource)
        else:
            assert o.failure is not None, f"no error; {len(o.after)} rows of {len(expected)}"
            assert isinstance(o.failure, ExtractError), repr(o.failure)
            first_line = str(o.failure).splitlines()[0]
            assert first_line == str(o.failure)
            assert first_line.startswith(f"{resource} [2025-05-06 .. 2025-05-09): ")
            assert says in first_line
            assert o.failure.advice
            assert first_line.endswith(o.failure.advice)
            assert "bug in analytics_sync" not in first_line
            assert "sandbox" not in first_line.replace("(not a real API)", ""), "the key is secret"
            assert o.after == o.before
        assert o.recovery is None, o.recovery
        assert assert_same(resource, o.recovered, expected)


@contextmanager
def laboratory(folder: Path) -> Iterator[Lab]:
    """A lab whose sandbox runs."""
    lab = Lab(folder)
    with lab.sandbox:
        yield lab


def with_client(source: Source, **changes: Any) -> Source:
    """The source with other settings of its client."""
    return dataclasses.replace(source, client=source.client.model_copy(update=changes))


def run(
    source: Source, names: list[str], window: Window | None = WINDOW
) -> tuple[dict[str, Exception], dict[str, ReadResult]]:
    """Read and load as a run does, but without waiting: failures and readings by resource."""
    with ReadRun(source, window, names, sleep=lambda _: None) as read:
        try:
            load(read, "fault")
        except LoadError as e:
            return dict.fromkeys(names, e), {}
        failures = read.failures()
        return failures, {n: read.result(n) for n in names if n not in failures}


def table(file: Path, resource: Resource, where: str = "true") -> Rows:
    """All rows of a resource, in the order of their keys."""
    with duckdb.connect(str(file), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        by = ", ".join(f'"{k}"' for k in resource.key)
        found = connection.execute(
            f'SELECT * FROM "{resource.source}"."{resource.table}" WHERE {where} ORDER BY {by}'
        )
        names = [d[0] for d in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def extras(rows: Rows) -> list[dict[str, Any]]:
    """What is in ``_extra``, where something is."""
    return [json.loads(row["_extra"]) for row in rows if row["_extra"] is not None]


def pick(cases: Mapping[str, Case], fast: Mapping[str, set[str]]) -> Any:
    """``(fault, kind)`` for ``parametrize``: all but the named ones are slow."""
    return pytest.mark.parametrize(
        ("name", "kind"),
        [
            pytest.param(
                name, kind, id=f"{name}-on-{kind}",
                marks=() if kind in fast.get(name, ()) else pytest.mark.slow,
            )
            for name, case in cases.items()
            for kind in KINDS
            if kind in case.kinds
        ],
    )  # fmt: skip


@functools.cache
def of_source(*sources: str) -> frozenset[str]:
    """The kinds whose resource is of one of these sources."""
    return frozenset(k for k, asset in KINDS.items() if asset.split("/")[0] in sources)


def has_pages(resource: Resource) -> bool:
    """Whether its paginator has pages."""
    return not isinstance(resource.paginator, p.SinglePage | p.Auto)
