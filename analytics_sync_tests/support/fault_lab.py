"""The fault lab: runs with one fault, on resources of every kind, judged by the oracle.

In: a case, which is a fault, and a kind of resource. Out: an assertion on the run with the fault,
the table after it, and the next run without the fault.

All kinds of one source are read in one run, each with the same fault, because a run for each would
take several times as long. Each kind must succeed or fail as if it were read alone.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.catalog import Resource, Source
from analytics_sync.common.errors import ExtractError
from analytics_sync.common.window import Window
from analytics_sync.extract.result import ReadResult
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.errors import LoadError
from analytics_sync.load.pipeline import load
from analytics_sync.sandbox import Options, Sandbox
from analytics_sync.sandbox.faults import Plan, Script
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.day_windows import day_window
from analytics_sync_tests.support.fault_kinds import ALL_KINDS, KINDS, SOURCES, resource_of
from analytics_sync_tests.support.oracle import assert_same

START, END = date(2025, 5, 6), date(2025, 5, 9)
WINDOW = day_window(START, END)
SANDBOX_OPTIONS = {
    "rows": 12, "rows_per_day": 4, "rows_per_parent": 2, "max_page": 4, "max_chain": 12,
    "start": START, "end": END,
}  # fmt: skip

Rows = list[dict[str, Any]]
_RunOutcome = tuple[dict[str, Exception], dict[str, Rows]]


@dataclass(frozen=True)
class Case:
    """One fault, and the outcome that it must have.

    Attributes:
        script: A function of the resource that returns the fault of each of its requests.
        kinds: The kinds that the fault makes sense for.
        error: A text in the first line of the expected error, or a function of the resource that
            returns this text. None, from either, expects success.
        client: Client settings of the source that the case changes.
        check: A further check of the table and the read result, after a success.
        partial: Whether the run succeeds with fewer rows than the ledger holds.
        settings: Settings of the source that the case changes, without ``SOURCES__<NAME>__``.
    """

    script: Callable[[Resource], Script]
    kinds: set[str] = field(default_factory=lambda: ALL_KINDS)
    error: str | Callable[[Resource], str | None] | None = None
    client: Mapping[str, Any] = field(default_factory=dict)
    check: Callable[[Rows, ReadResult, Resource], None] | None = None
    partial: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)

    def expected_error(self, resource: Resource) -> str | None:
        """The text of the expected error; None for success."""
        return self.error(resource) if callable(self.error) else self.error


@dataclass
class CaseOutcome:
    """The outcome of a case for one kind.

    Attributes:
        before: The table before the fault.
        after: The table after the run with the fault.
        recovered: The table after the next run.
        failure: The error of the run with the fault.
        result: The read result of the run with the fault.
        recovery_failure: The error of the next run.
    """

    before: Rows
    after: Rows
    recovered: Rows
    failure: Exception | None
    result: ReadResult | None
    recovery_failure: Exception | None


class Lab:
    """A sandbox, and for each source a warehouse from before the sandbox's last revision."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sandbox = Sandbox(SOURCES, Options(**SANDBOX_OPTIONS))
        self._templates: dict[str, Path] = {}
        self._recoveries: dict[str, _RunOutcome] = {}
        self._outcomes: dict[tuple[int, str], dict[str, CaseOutcome]] = {}

    def outcome(self, case: Case, kind: str) -> CaseOutcome:
        """The outcome of a case for a kind. The kinds of one source run once, together."""
        source = KINDS[kind].partition("/")[0]
        if (id(case), source) not in self._outcomes:
            kinds = [k for k in KINDS if k in case.kinds and KINDS[k].startswith(f"{source}/")]
            self._outcomes[id(case), source] = self._run_case(case, source, kinds)
        return self._outcomes[id(case), source][kind]

    def _run_case(self, case: Case, name: str, kinds: list[str]) -> dict[str, CaseOutcome]:
        file = self.folder / "case.duckdb"
        shutil.copy(self.warehouse_before(name), file)
        resources = {kind: resource_of(kind) for kind in kinds}
        before = {kind: table(file, r) for kind, r in resources.items()}
        source = with_client(SOURCES[name], **case.client)
        changes = {f"SOURCES__{name.upper()}__{k}": v for k, v in case.settings.items()}
        scripts = {str(r): case.script(r) for r in resources.values()}
        with self.environment(file, changes), self.faults(scripts):
            failures, results = run(source, [r.name for r in resources.values()])
        after = {kind: table(file, r) for kind, r in resources.items()}
        recovery_failures, recovered = self._recover(name, file)
        return {
            kind: CaseOutcome(
                before[kind], after[kind], recovered[r.name],
                failures.get(r.name), results.get(r.name), recovery_failures.get(r.name),
            )
            for kind, r in resources.items()
        }  # fmt: skip

    def _recover(self, name: str, file: Path) -> _RunOutcome:
        """Run a source once more, without a fault.

        A run depends on nothing but the warehouse. Where the tables equal those of an earlier case,
        apart from load ids and read times, the outcome of that case's run is returned.
        """
        resources = [r for r in map(resource_of, KINDS) if r.source == name]
        state = repr([without_load(table(file, r)) for r in resources])
        if state not in self._recoveries:
            with self.environment(file):
                failures, _ = run(SOURCES[name], [r.name for r in resources])
            self._recoveries[state] = failures, {r.name: table(file, r) for r in resources}
        return self._recoveries[state]

    def warehouse_before(self, name: str) -> Path:
        """A warehouse from before the source's last revision. Copy the file, do not change it."""
        if name not in self._templates:
            file = self.folder / f"{name}_before.duckdb"
            names = [
                asset.split("/")[1] for asset in KINDS.values() if asset.startswith(f"{name}/")
            ]
            with self.environment(file):
                failures, _ = run(SOURCES[name], names)
            assert not failures
            self._templates[name] = file
            self.sandbox.ledger(name).advance()
        return self._templates[name]

    @contextmanager
    def environment(self, file: Path, changes: Mapping[str, str] | None = None) -> Iterator[None]:
        """Set the environment so that runs read the sandbox and load into a file.

        Args:
            file: The DuckDB file.
            changes: Further settings.
        """
        settings = {
            **self.sandbox.settings(),
            "DESTINATION__DUCKDB__CREDENTIALS": str(file),
            **(changes or {}),
        }
        with pytest.MonkeyPatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            yield

    @contextmanager
    def faults(self, scripts: Mapping[str, Script]) -> Iterator[None]:
        """Let the sandbox follow scripts inside the block, by ``source/resource``."""
        self.sandbox.faults = Plan(scripts)
        try:
            yield
        finally:
            self.sandbox.faults = None

    def expected(self, resource: Resource) -> list[dict[str, Any]]:
        """The records that the ledger expects in a resource's table."""
        return self.sandbox.ledger(resource.source).expected(resource.name, START, END)

    def assert_guarantee(self, case: Case, kind: str) -> None:
        """Assert the right rows, or an error and an unchanged table; then a right next run."""
        resource = resource_of(kind)
        outcome = self.outcome(case, kind)
        expected = self.expected(resource)
        error = case.expected_error(resource)
        if error is None:
            assert outcome.failure is None, outcome.failure
            assert outcome.result is not None
            if not case.partial:
                assert assert_same(resource, outcome.after, expected)
            if case.check:
                case.check(outcome.after, outcome.result, resource)
        else:
            assert outcome.failure is not None, (
                f"no error; {len(outcome.after)} rows of {len(expected)}"
            )
            _assert_helpful(outcome.failure, resource, error)
            assert outcome.after == outcome.before
        assert outcome.recovery_failure is None, outcome.recovery_failure
        assert assert_same(resource, outcome.recovered, expected)


def _assert_helpful(failure: Exception, resource: Resource, text: str) -> None:
    """Assert that an error is one line with the resource, the window, a text and an advice."""
    assert isinstance(failure, ExtractError), repr(failure)
    first_line = str(failure).splitlines()[0]
    assert first_line == str(failure)
    assert first_line.startswith(f"{resource} [2025-05-06 .. 2025-05-09): ")
    assert text in first_line
    assert failure.advice
    assert first_line.endswith(failure.advice)
    assert "bug in analytics_sync" not in first_line
    assert "sandbox" not in first_line.replace("(not a real API)", ""), "the key is secret"


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
    """Read and load resources as a run does, but without waiting.

    Returns:
        Errors and read results, by the name of the resource. A failed load is an error of each.
    """
    try:
        with ReadRun(source, window, names, sleep=lambda _: None) as read:
            load(read, "fault")
            failures = read.failures()
            return failures, {n: read.result(n) for n in names if n not in failures}
    except LoadError as e:
        return dict.fromkeys(names, e), {}


def table(file: Path, resource: Resource) -> Rows:
    """All rows of a resource, ordered by their keys."""
    return duckdb_file.table(file, f"{resource.source}/{resource.table}", order_by=resource.key)


def without_load(rows: Rows) -> Rows:
    """The rows without the columns in which each load differs."""
    return [{**row, "_dlt_load_id": None, "_read_at": None} for row in rows]


def extras(rows: Rows) -> list[dict[str, Any]]:
    """The decoded ``_extra`` of each row that has one."""
    return [json.loads(row["_extra"]) for row in rows if row["_extra"] is not None]


def parametrize_cases(cases: Mapping[str, Case], fast: Mapping[str, set[str]]) -> Any:
    """Parametrize a test with ``name`` and ``kind`` of each case.

    Args:
        cases: The cases by name.
        fast: By the name of a case, the kinds that run by default. All others are marked slow.
    """
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
