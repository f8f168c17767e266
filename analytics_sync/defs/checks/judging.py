"""The verdicts of checks: whether a check passed, its severity, its words and its numbers.

In: what a check looks at: a resource, some of its rows, and the materialization that loaded them. Out: a
verdict. A missing table or column fails a check and never crashes it. A check that cannot be computed fails
by name, and the others give their verdict. A finding of the read fails the check that it concerns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from dagster import AssetCheckSeverity, EventLogRecord

from analytics_sync.catalog import Resource
from analytics_sync.catalog.tables import table_columns
from analytics_sync.common.shown import listed, shown
from analytics_sync.defs.checks.freshness import FRESHNESS, Freshness
from analytics_sync.defs.checks.row_scope import scope_of
from analytics_sync.defs.checks.table_checks import (
    Verdict,
    declared_schema,
    primary_key_unique,
    required_fields,
)
from analytics_sync.defs.checks.volume import VOLUME, Volumes
from analytics_sync.defs.history.dagster_history import DagsterHistory
from analytics_sync.defs.history.materializations import metadata_of
from analytics_sync.defs.history.metadata_names import FINDINGS, RUN
from analytics_sync.defs.partitions.past_partitions import Partition
from analytics_sync.extract.evidence.findings import (
    COMPLETE,
    DECLARED_SCHEMA,
    HISTORY,
    WINDOW_BOUNDS,
)

if TYPE_CHECKING:
    from analytics_sync.load.warehouse import Warehouse

_MAX_ERROR_CHARACTERS = 300
REQUIRED_FIELDS, PRIMARY_KEY_UNIQUE = "required_fields", "primary_key_unique"
_OF_ROWS: dict[str, Callable[..., Verdict]] = {
    REQUIRED_FIELDS: required_fields,
    PRIMARY_KEY_UNIQUE: primary_key_unique,
    DECLARED_SCHEMA: declared_schema,
}
WARNINGS = frozenset({DECLARED_SCHEMA, VOLUME, FRESHNESS})
"""The checks that warn. A finding of the read makes an error of a warning."""


@dataclass(frozen=True)
class CheckSubject:
    """What a check looks at.

    Attributes:
        resource: The resource.
        partitions: The partitions, from old to new; none for the whole table.
        record: The latest materialization of them; None without one.
        volumes: The numbers of rows of the partitions; None where the check does not need them.
    """

    resource: Resource
    partitions: Sequence[Partition] = ()
    record: EventLogRecord | None = None
    volumes: Volumes | None = None


class Judged(NamedTuple):
    """The verdict of a check."""

    passed: bool
    severity: AssetCheckSeverity
    description: str
    metadata: dict[str, Any]


class Judge:
    """Judges the checks of one source.

    Args:
        open_warehouse: Gives the open warehouse. It is called by checks that look at a table.
        history: Of the source.
        freshness: Of the source.
    """

    def __init__(
        self,
        open_warehouse: Callable[[], Warehouse],
        history: DagsterHistory,
        freshness: Freshness,
    ) -> None:
        self._open = open_warehouse
        self._history = history
        self._freshness = freshness

    def judge(self, name: str, subject: CheckSubject) -> Judged:
        """The verdict of a check. An error in its computation fails this check alone."""
        try:
            return self._judge(name, subject)
        except Exception as e:  # the others give their verdict
            warehouse, resource = self._open(), subject.resource
            said = shown(warehouse.redact(f"{type(e).__name__}: {e}"), _MAX_ERROR_CHARACTERS)
            description = (
                f"{resource}: the check {name} cannot be computed: {said}. Look at the table "
                f"{warehouse.dataset}.{resource.table} and at the API's records, then run the check again."
            )
            return Judged(False, AssetCheckSeverity.ERROR, description, {})

    def _judge(self, name: str, subject: CheckSubject) -> Judged:
        resource, record = subject.resource, subject.record
        severity = AssetCheckSeverity.WARN if name in WARNINGS else AssetCheckSeverity.ERROR
        if name == COMPLETE:
            passed, description, metadata = _complete(record)
        elif name == WINDOW_BOUNDS:
            passed, description, metadata = True, "The records fit the bounds.", {}
        elif name == HISTORY:
            entry = record.event_log_entry if record else None
            verdict = self._history.verdict(self._open(), resource, entry)
            passed, severity, description, metadata = verdict
        elif name == FRESHNESS:
            passed, description, metadata = self._freshness.verdict(resource, record)
        elif name == VOLUME:
            passed, description, metadata = _volume(subject)
        else:
            passed, description, metadata = self._of_rows(name, subject)
        found = _findings(record, name)
        if name == DECLARED_SCHEMA:
            found += _wrong_types(self._open(), resource)
        if found:
            severity = AssetCheckSeverity.ERROR
            description = " ".join(found if passed else [description, *found])
        return Judged(passed and not found, severity, description, metadata)

    def _of_rows(self, name: str, subject: CheckSubject) -> Verdict:
        from analytics_sync.load.clients.foreign_objects import ForeignObject  # by a run only

        warehouse, resource = self._open(), subject.resource
        try:
            columns = warehouse.columns(resource.table)
            if not columns:
                return (
                    False,
                    f"There is no table {warehouse.dataset}.{resource.table}: "
                    "materialize the asset first.",
                    {},
                )
            scope = scope_of(warehouse, resource, subject.partitions, subject.record)
            return _OF_ROWS[name](warehouse, resource, columns, scope)
        except ForeignObject as e:
            return False, str(e), {}


def _volume(subject: CheckSubject) -> Verdict:
    if subject.volumes is None or len(subject.partitions) != 1:
        return (
            True,
            "The rows of single partitions are compared: run the check with a partition.",
            {},
        )
    return subject.volumes.verdict(subject.partitions[0], subject.record)


def _findings(record: EventLogRecord | None, check: str) -> list[str]:
    """The findings of the latest read that concern a check."""
    found: Any = metadata_of(record, FINDINGS) or {}
    return list(found.get(check, ()))


def _wrong_types(warehouse: Warehouse, resource: Resource) -> list[str]:
    """The columns of the table that have another type than declared, in one sentence."""
    if not resource.fields:  # the types of the table are the declaration
        return []
    wrong = warehouse.wrong_types(resource.table, table_columns(resource))
    if not wrong:
        return []
    named = listed(wrong, separator="; ")
    return [f"The table has other types: {named}. Load the resource again; its message has more."]


def _complete(record: EventLogRecord | None) -> Verdict:
    """Compare the records read with the API's total, for the latest materialization."""
    if record is None:
        return False, "The asset was never materialized.", {}
    expected, read = (
        metadata_of(record, name, RUN + name) for name in ("records_expected", "records_read")
    )
    if expected is None:
        return True, "The API did not say how many records there are.", {}
    counts = {"expected": expected, "read": read}
    if read < expected:
        of_run = metadata_of(record, "records_expected") is None
        whole = " The total is of all partitions of the run." if of_run else ""
        text = f"The API said {expected} records, and {read} were read: run again.{whole}"
        return False, text, counts
    return True, f"{read} records were read, the API said {expected}.", counts
