"""The checks: five for each asset, and a sixth where the API filters by time. One step per source.

In: the declaration, the warehouse and Dagster's history. Out: ``required_fields``, ``primary_key_unique``,
``complete``, ``history`` and ``window_bounds`` (errors), ``declared_schema`` (a warning; an error for a
column of another type). A missing table or column fails a check and never crashes it. A
check that cannot be computed fails by name, and the others give their verdict. A finding of the read
fails the check that it concerns, as an error.
"""
# No ``from __future__ import annotations`` here: Dagster inspects the class that annotates the
# context.

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckKey,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    DagsterInstance,
    EventLogEntry,
    TimeWindowPartitionsDefinition,
    multi_asset_check,
)

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.tables import table_columns
from analytics_sync.common.shown import listed, shown, without_markup
from analytics_sync.defs.history import DagsterHistory, latest_materializations
from analytics_sync.defs.table_checks import (
    Verdict,
    declared_schema,
    primary_key_unique,
    required_fields,
)
from analytics_sync.defs.translator import asset_key
from analytics_sync.extract.evidence.findings import (
    COMPLETE,
    DECLARED_SCHEMA,
    HISTORY,
    WINDOW_BOUNDS,
)

if TYPE_CHECKING:
    from analytics_sync.load.warehouse import Warehouse

_MAX_ERROR_CHARACTERS = 300

_COMPLETE = (
    "All records were read: no total, flag, cursor or link of the API says that there are more."
)
_HISTORY = (
    "The warehouse has all that Dagster shows as materialized. No change of its account was seen."
)
_WINDOW_BOUNDS = "The API filters by the bounds of the window as they are declared."


def source_checks(
    source: Source, partitions: TimeWindowPartitionsDefinition
) -> AssetChecksDefinition:
    """The checks of one source.

    Args:
        source: The declaration.
        partitions: The partitions of its windowed resources.
    """
    specs = [
        AssetCheckSpec(name, asset=asset_key(resource), description=description)
        for resource in source.assets
        for name, description in _descriptions(resource)
    ]

    @multi_asset_check(name=f"{source.name}_checks", specs=specs, can_subset=True)
    def checks(context: AssetCheckExecutionContext) -> Iterator[AssetCheckResult]:
        yield from judge_checks(
            context.instance, source, partitions, context.selected_asset_check_keys
        )

    return checks


def judge_checks(
    instance: DagsterInstance,
    source: Source,
    partitions: TimeWindowPartitionsDefinition,
    keys: Iterable[AssetCheckKey],
) -> Iterator[AssetCheckResult]:
    """The results of some checks of a source.

    Args:
        instance: Of the latest materializations.
        source: The declaration.
        partitions: The partitions of its windowed resources.
        keys: The checks.

    Raises:
        LoadError: The warehouse cannot be opened.
    """
    # Imported by a run only, so that definitions load without it.
    from analytics_sync.load.warehouse import open_warehouse

    by_key = {asset_key(resource): resource for resource in source.assets}
    history = DagsterHistory(instance, source, partitions)
    keys = sorted(keys)
    latest = latest_materializations(instance, {key.asset_key for key in keys})
    with open_warehouse(source.name) as warehouse:
        for key in keys:
            event = latest.get(key.asset_key)
            yield _result(key, by_key[key.asset_key], warehouse, event, history)


def _result(
    key: AssetCheckKey,
    resource: Resource,
    warehouse: "Warehouse",
    event: EventLogEntry | None,
    history: DagsterHistory,
) -> AssetCheckResult:
    """The result of one check. An error in its computation fails this check alone."""
    try:
        passed, severity, description, metadata = _judged(
            key.name, resource, warehouse, event, history
        )
    except Exception as e:  # the others give their verdict
        passed, severity, metadata = False, AssetCheckSeverity.ERROR, {}
        said = shown(warehouse.redact(f"{type(e).__name__}: {e}"), _MAX_ERROR_CHARACTERS)
        description = (
            f"{resource}: the check {key.name} cannot be computed: {said}. Look at the table "
            f"{warehouse.dataset}.{resource.table} and at the API's records, then run the check again."
        )
    return AssetCheckResult(
        passed=passed,
        asset_key=key.asset_key,
        check_name=key.name,
        severity=severity,
        description=without_markup(description),
        metadata=metadata,
    )


def _judged(
    name: str,
    resource: Resource,
    warehouse: "Warehouse",
    event: EventLogEntry | None,
    history: DagsterHistory,
) -> tuple[bool, AssetCheckSeverity, str, dict[str, Any]]:
    """Whether a check passed, its severity, description and metadata."""
    severity = AssetCheckSeverity.ERROR
    if name == COMPLETE:
        passed, description, metadata = _complete(event)
    elif name == WINDOW_BOUNDS:
        passed, description, metadata = True, "The records fit the bounds.", {}
    elif name == HISTORY:
        passed, severity, description, metadata = history.verdict(warehouse, resource, event)
    else:
        _, severity, check = _CHECKS[name]
        passed, description, metadata = _verdict(check, warehouse, resource)
    found = _findings(event, name)
    if name == DECLARED_SCHEMA:
        found += _wrong_types(warehouse, resource)
    if found:
        severity = AssetCheckSeverity.ERROR
        description = " ".join(found if passed else [description, *found])
    return passed and not found, severity, description, metadata


def _descriptions(resource: Resource) -> Iterator[tuple[str, str]]:
    """The names of the checks of a resource, each with its description."""
    for name, (description, _, _) in _CHECKS.items():
        yield name, description
    yield COMPLETE, _COMPLETE
    yield HISTORY, _HISTORY
    if resource.incremental and (
        resource.incremental.start_param or resource.incremental.end_param
    ):
        yield WINDOW_BOUNDS, _WINDOW_BOUNDS


def _findings(event: EventLogEntry | None, check: str) -> list[str]:
    """The findings of the latest read that concern a check."""
    materialization = event.asset_materialization if event else None
    found: Any = materialization.metadata.get("findings") if materialization else None
    return list(found.value.get(check, ())) if found else []


def _wrong_types(warehouse: "Warehouse", resource: Resource) -> list[str]:
    """The columns of the table that have another type than declared, in one sentence."""
    if not resource.fields:  # the types of the table are the declaration
        return []
    wrong = warehouse.wrong_types(resource.table, table_columns(resource))
    if not wrong:
        return []
    named = listed(wrong, separator="; ")
    return [f"The table has other types: {named}. Load the resource again; its message has more."]


def _verdict(
    check: Callable[["Warehouse", Resource, tuple[str, ...]], Verdict],
    warehouse: "Warehouse",
    resource: Resource,
) -> Verdict:
    from analytics_sync.load.clients.foreign_objects import ForeignObject  # imported by a run only

    try:
        columns = warehouse.columns(resource.table)
        if not columns:
            return (
                False,
                f"There is no table {warehouse.dataset}.{resource.table}: "
                "materialize the asset first.",
                {},
            )
        return check(warehouse, resource, columns)
    except ForeignObject as e:
        return False, str(e), {}


def _complete(event: EventLogEntry | None) -> Verdict:
    """Compare the records read with the API's total, for the latest materialization."""
    materialization = event.asset_materialization if event else None
    if materialization is None:
        return False, "The asset was never materialized.", {}
    metadata = materialization.metadata
    if "records_expected" not in metadata:
        return True, "The API did not say how many records there are.", {}
    expected, read = (metadata[k].value for k in ("records_expected", "records_read"))
    assert isinstance(expected, int)
    assert isinstance(read, int)
    counts = {"expected": expected, "read": read}
    if read < expected:
        return False, f"The API said {expected} records, and {read} were read: run again.", counts
    return True, f"{read} records were read, the API said {expected}.", counts


_CHECKS: dict[
    str,
    tuple[str, AssetCheckSeverity, Callable[["Warehouse", Resource, tuple[str, ...]], Verdict]],
] = {
    "required_fields": (
        "The fields declared as required are never null.",
        AssetCheckSeverity.ERROR,
        required_fields,
    ),
    "primary_key_unique": (
        "There is one row per primary key.",
        AssetCheckSeverity.ERROR,
        primary_key_unique,
    ),
    "declared_schema": (
        "Records hold what is declared: nothing in _extra, nothing in _rejected.",
        AssetCheckSeverity.WARN,
        declared_schema,
    ),
}
