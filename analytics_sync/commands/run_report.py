"""The report of a run: a table of its resources, and a line for each thing that went wrong.

In: Dagster's event log of the run. Out: a table with its totals on standard output, failures and warnings on
standard error, and whether no resource and no check of severity ERROR failed.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    AssetCheckSeverity,
    AssetMaterialization,
    DagsterEvent,
    DagsterEventType,
    DagsterInstance,
    TextMetadataValue,
)

from analytics_sync.commands.output import show
from analytics_sync.commands.tables import table_lines
from analytics_sync.common.shown import shown
from analytics_sync.defs.history.metadata_names import RUN

_HEAD = ("resource", "rows", "inserted", "existing", "rejected", "reading s", "checks")
_NUMBERS = ("rows_loaded", "rows_inserted", "rows_updated_or_unchanged", "records_rejected")
_MAX_LINE = 2000


@dataclass
class _Row:
    """One resource in a run."""

    metadata: dict[str, Any] = field(default_factory=dict)
    checks: dict[str, bool] = field(default_factory=dict)

    @property
    def loaded(self) -> int:
        """Number of rows that the run has loaded."""
        return int(self._value("rows_loaded") or 0)

    @property
    def passed(self) -> int:
        """Number of checks that passed in each partition."""
        return sum(self.checks.values())

    def cells(self) -> list[str]:
        """The numbers that the run has reported."""
        passed = f"{self.passed}/{len(self.checks)}" if self.checks else "-"
        passed = passed if self.metadata else "not loaded"
        return [*map(self._number, _NUMBERS), self._number("seconds_reading"), passed]

    def document(self) -> dict[str, Any]:
        """The numbers and the verdicts of checks for programs."""
        numbers = {name: self._value(name) for name in (*_NUMBERS, "seconds_reading")}
        return {"loaded": bool(self.metadata), **numbers, "checks": self.checks}

    def _value(self, name: str) -> Any:
        return self.metadata.get(RUN + name, self.metadata.get(name))

    def _number(self, name: str) -> str:
        value = self._value(name)
        if value is None:
            return "-"
        return f"{value:.1f}" if isinstance(value, float) else f"{value:,}"


def report(
    options: argparse.Namespace, instance: DagsterInstance, run_id: str, selected: Iterable[str]
) -> bool:
    """Show the outcome of a run; return whether nothing failed.

    Args:
        options: The parsed arguments.
        instance: Has the event log of the run.
        run_id: The run.
        selected: The names of the resources of the run.
    """
    rows = {name: _Row() for name in selected}
    failures: list[str] = []
    warnings: list[str] = []
    for entry in instance.all_logs(run_id):
        if (event := entry.dagster_event) is not None:
            failures += _note(event, rows)
        elif int(entry.level) == logging.WARNING:
            warnings.append(entry.user_message)
    warned = [_first_line(line) for line in dict.fromkeys(warnings)]
    failed = [_first_line(line) for line in dict.fromkeys(failures)]
    seconds = None
    if (record := instance.get_run_record_by_id(run_id)) is not None:
        seconds = (record.end_time or 0) - (record.start_time or 0)
    document = {
        "run_id": run_id,
        "seconds": seconds and round(seconds, 1),
        "assets": [{"asset": name, **row.document()} for name, row in sorted(rows.items())],
        "warnings": warned,
        "failures": failed,
    }
    show(options, document, _lines(rows, seconds))
    sys.stdout.flush()
    for said, lines in (("warning", warned), ("failed", failed)):
        for line in lines:
            print(f"{said}: {line}", file=sys.stderr)
    return not failures


def _lines(rows: Mapping[str, _Row], seconds: float | None) -> Iterator[str]:
    yield ""
    table = [_HEAD, *([name, *row.cells()] for name, row in sorted(rows.items()))]
    yield from table_lines(table, of_numbers=True)
    if seconds is not None:
        yield f"\n{_totals(rows.values())}; the run took {seconds:.1f} s."


def _note(event: DagsterEvent, rows: dict[str, _Row]) -> Iterator[str]:
    """Enter an event into the table; a line for what it says of a failure."""
    match event.event_type:
        case DagsterEventType.ASSET_MATERIALIZATION:
            done: AssetMaterialization = event.step_materialization_data.materialization
            row = rows.setdefault("/".join(done.asset_key.path), _Row())
            row.metadata |= {name: value.value for name, value in done.metadata.items()}
        case DagsterEventType.ASSET_CHECK_EVALUATION:
            check: AssetCheckEvaluation = event.asset_check_evaluation_data
            name = "/".join(check.asset_key.path)
            row = rows.setdefault(name, _Row())
            row.checks[check.check_name] = row.checks.get(check.check_name, True) and check.passed
            if not check.passed and check.severity == AssetCheckSeverity.ERROR:
                yield f"{name}: check {check.check_name}: {check.description}"
        case DagsterEventType.STEP_FAILURE:
            data = event.step_failure_data
            said = data.user_failure_data
            errors = [
                str(value.value)
                for value in (said.metadata if said is not None else {}).values()
                if isinstance(value, TextMetadataValue)
            ]
            if errors:
                yield from errors
            elif said is not None and said.description:
                yield said.description
            elif data.error is not None:
                yield (data.error.cause or data.error).message
        case DagsterEventType.RUN_CANCELED:
            yield "the run was canceled."


def _totals(rows: Collection[_Row]) -> str:
    loaded = sum(bool(row.metadata) for row in rows)
    passed, checks = sum(row.passed for row in rows), sum(len(row.checks) for row in rows)
    return (
        f"{loaded} of {len(rows)} assets loaded, {sum(row.loaded for row in rows):,} rows, "
        f"{passed} of {checks} checks passed"
    )


def _first_line(text: str) -> str:
    return shown(text.strip().partition("\n")[0], _MAX_LINE)
