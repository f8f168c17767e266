"""The lab of manners: runs against servers that answer otherwise than declared, and their verdicts.

In: a source, manners of its resources, and the steps: what changes at the server, and how it answers.
Out: every run that is green although its table is wrong, in words.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import pytest

from analytics_sync.catalog import Resource, Source
from analytics_sync.extract.rest_client.session import Session
from analytics_sync.extract.result import ReadResult
from analytics_sync.sandbox import Options, Sandbox
from analytics_sync.sandbox.manners import MANNERS
from analytics_sync.sandbox.manners.manner import Subject
from analytics_sync_tests.support import duckdb_file, fault_lab
from analytics_sync_tests.support.fault_lab import END, START, WINDOW
from analytics_sync_tests.support.manner_oracle import differences

# There are records on the day before the window and on the day after it: they show bounds that are
# read in another zone.
OPTIONS = Options(
    rows=12, rows_per_day=8, rows_per_parent=2, max_page=5, max_chain=60,
    start=START - timedelta(days=1), end=END + timedelta(days=1),
)  # fmt: skip
Choice = Mapping[str, Sequence[str]]  # name of a resource -> its manners


@dataclass(frozen=True)
class Step:
    """One run.

    Attributes:
        lies: Whether the server uses its manners.
        changes: Whether the data changes before the run.
    """

    lies: bool
    changes: bool


@dataclass(frozen=True)
class Verdict:
    """A resource after a run.

    Attributes:
        resource: The resource.
        failures: Why the run is not green for it: errors and failed checks of severity ERROR.
        wrong: What is wrong with its table.
    """

    resource: Resource
    failures: list[str]
    wrong: list[str]


def fitting(source: Source, resource: Resource) -> list[str]:
    """The manners that fit a resource."""
    subject = Subject(source, resource, OPTIONS)
    return [name for name, manner in MANNERS.items() if manner.fits(subject)]


def names(source: Source, choice: Choice) -> list[str]:
    """A choice, as a sandbox takes it."""
    return [f"{m}={source.name}/{resource}" for resource, ms in choice.items() for m in ms]


def promise(source: Source, resource: Resource, choice: Choice) -> str:
    """What the manners of a resource and of its ancestors promise together."""
    used = [m for r in (resource, *source.ancestors(resource)) for m in choice.get(r.name, ())]
    return "provable" if any(MANNERS[m].promise == "provable" for m in used) else "harmless"


class MannerLab:
    """A folder for warehouses, each filled once by an honest server before its data changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._count = 0

    def run(
        self, source: Source, choice: Choice, steps: Sequence[Step], only: Collection[str] = ()
    ) -> Iterator[list[Verdict]]:
        """The verdicts on resources after each step.

        Args:
            source: The source.
            choice: The manners of its resources.
            steps: The runs.
            only: The names of the resources to read; none reads all.
        """
        resources = [r for r in source.assets if not only or r.name in only]
        self._count += 1
        file = self.folder / f"{self._count}.duckdb"
        with Sandbox([source], OPTIONS) as sandbox, pytest.MonkeyPatch.context() as patch:
            for name, value in sandbox.settings().items():
                patch.setenv(name, value)
            patch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(file))
            patch.setenv("ANALYTICS_SYNC__JOURNAL_DIR", str(self.folder / f"{self._count}.journal"))
            _do_not_wait(patch)
            for step in steps:
                if step.changes:
                    sandbox.advance()
                sandbox.use_manners(names(source, choice) if step.lies else ())
                failures, results = fault_lab.run(source, [r.name for r in resources], WINDOW)
                yield [
                    _verdict(
                        sandbox, file, r, failures.get(r.name), results.get(r.name),
                        choice.get(r.name, ()),
                    )
                    for r in resources
                ]  # fmt: skip
        file.unlink(missing_ok=True)
        shutil.rmtree(self.folder / f"{self._count}.journal", ignore_errors=True)


def _do_not_wait(patch: pytest.MonkeyPatch) -> None:
    init = Session.__init__

    def without_sleep(self: Session, settings: Any, **keywords: Any) -> None:
        init(self, settings, **{**keywords, "sleep": lambda _: None})

    patch.setattr(Session, "__init__", without_sleep)


def _verdict(
    sandbox: Sandbox,
    file: Path,
    resource: Resource,
    failure: Exception | None,
    result: ReadResult | None,
    manners: Sequence[str],
) -> Verdict:
    try:
        rows = duckdb_file.table(file, f"{resource.source}/{resource.table}")
    except duckdb.Error:
        rows = []
    failures = [str(failure)] if failure is not None else []
    if result is not None:
        failures += list(_failed_checks(resource, result, rows))
    ledger = sandbox.ledger(resource.source).expected(resource.name, START, END)
    records = [(r, _served(sandbox, resource, r)) for r in ledger]
    missing, changed, surplus = differences(resource, records, rows)
    if result is not None and len(missing) + len(changed) <= len(result.rejected):
        # A rejected record is in the table of rejected ones, and a warning.
        missing, changed = [text for text in missing if "deleted" in text], []
    if result is not None and _has_refused(result) and resource.write_disposition == "merge":
        # A child that the API refuses is a warning. Its rows of earlier runs stay as they are.
        missing = [text for text in missing if "deleted" in text]
        changed = differences(resource, records, list(_read_by(result, rows)))[1]
    has_other_keys = any(MANNERS[name].group == "keys" for name in manners)
    # A record that moves out of the window leaves its row: another window updates it.
    is_windowed = sandbox.sources[resource.source].windowed(resource)
    if result is None or result.rejected or has_other_keys or is_windowed:
        surplus = []
    return Verdict(resource, failures, [*missing, *chain(*changed), *surplus])


def _has_refused(result: ReadResult) -> bool:
    """Whether the API refused children of the resource or of an ancestor."""
    return bool(result.skipped) or result.refused_above > 0


def _read_by(result: ReadResult, rows: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The rows that a read has loaded, without those of earlier reads."""
    for row in rows:
        read_at = (row["_read_at"] - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)
        if result.started_at is not None and read_at >= result.started_at:
            yield row


def _served(sandbox: Sandbox, resource: Resource, record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as the client gets it; inherited fields come from the parent, unchanged."""
    served = dict(sandbox.manners.expected(str(resource), dict(record)))
    return served | {name: record[name] for name in resource.inherited if name in record}


def _failed_checks(
    resource: Resource, result: ReadResult, rows: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """The checks of severity ERROR that fail, as ``defs/checks/asset_checks.py`` has them."""
    for check, messages in result.findings.by_check().items():
        yield f"{check}: {' '.join(messages)}"
    total = result.reported_total
    if total is not None and resource.count_path and result.records < total:
        yield f"complete: {result.records} of {total}"
    for field in resource.required:
        if any(row.get(field.column) is None for row in rows):
            yield f"required_fields: {field.name}"
    keys = [tuple(row[column] for column in resource.key) for row in rows]
    if len(set(keys)) < len(keys):
        yield "primary_key_unique: repeated keys"
