"""The checks: six for each asset, and up to two more for one that is read by partition. A step for each step that loads.

In: the declaration, the warehouse and Dagster's history. Out: ``required_fields``, ``primary_key_unique``,
``complete``, ``history`` and ``window_bounds`` (errors); ``declared_schema``, ``volume`` and ``freshness``
(warnings). A run gives one result for each of its partitions, which is about the rows of this partition.
"""
# No ``from __future__ import annotations`` here: Dagster inspects the class that annotates the
# context.

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import cache, cached_property
from itertools import groupby

from dagster import (
    AssetCheckEvaluation,
    AssetCheckExecutionContext,
    AssetCheckKey,
    AssetChecksDefinition,
    AssetCheckSpec,
    DagsterInstance,
    EventLogRecord,
    HourlyPartitionsDefinition,
    Output,
    PreviewWarning,
    TimeWindowPartitionsDefinition,
    multi_asset_check,
)
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)

from analytics_sync.catalog import Resource, Source
from analytics_sync.common.shown import without_markup
from analytics_sync.common.stopping import Stop
from analytics_sync.defs.checks import freshness, volume
from analytics_sync.defs.checks.judging import (
    PRIMARY_KEY_UNIQUE,
    REQUIRED_FIELDS,
    CheckSubject,
    Judge,
)
from analytics_sync.defs.history.dagster_history import DagsterHistory
from analytics_sync.defs.history.materializations import latest_of_assets, latest_of_partitions
from analytics_sync.defs.partitions.past_partitions import Partition
from analytics_sync.defs.partitions.planned import Planned
from analytics_sync.defs.partitions.source_partitions import run_partitions
from analytics_sync.defs.specs.translator import asset_key
from analytics_sync.extract.evidence.findings import (
    COMPLETE,
    DECLARED_SCHEMA,
    HISTORY,
    WINDOW_BOUNDS,
)

DESCRIPTIONS = {
    REQUIRED_FIELDS: "The fields declared as required are never null.",
    PRIMARY_KEY_UNIQUE: "There is one row per primary key.",
    DECLARED_SCHEMA: "Records hold what is declared: nothing in _extra, nothing in _rejected.",
    COMPLETE: (
        "All records were read: no total, flag, cursor or link of the API says that there are more."
    ),
    HISTORY: (
        "The warehouse has all that Dagster shows as materialized. No change of its account was seen."
    ),
    freshness.FRESHNESS: freshness.DESCRIPTION,
    WINDOW_BOUNDS: "The API filters by the bounds of the window as they are declared.",
    volume.VOLUME: volume.DESCRIPTION,
}
_OF_THE_ASSET = frozenset({HISTORY, freshness.FRESHNESS})
"""The checks that say nothing of a single partition."""
OF_TABLES = frozenset({REQUIRED_FIELDS, PRIMARY_KEY_UNIQUE, DECLARED_SCHEMA, HISTORY})
"""The checks that look at whole tables in a run without a partition."""
BLOCKING = frozenset({PRIMARY_KEY_UNIQUE})
"""The checks after whose failure Dagster starts no asset downstream."""


def source_checks(planned: Planned) -> list[AssetChecksDefinition]:
    """The checks of one source: a step for each step that loads, so that each has its verdict."""
    return [_checks(planned, name, resources) for name, resources in planned.steps.items()]


def _checks(planned: Planned, name: str, resources: Sequence[Resource]) -> AssetChecksDefinition:
    source, partitions = planned.source, planned.partitions
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=PreviewWarning)  # of partitions_def
        specs = [
            AssetCheckSpec(
                check,
                asset=asset_key(resource),
                description=DESCRIPTIONS[check],
                blocking=check in BLOCKING,
                partitions_def=partitions
                if has_verdict_by_partition(source, resource, partitions, check)
                else None,
            )
            for resource in resources
            for check in check_names(source, resource)
        ]
    outputs = {spec.key: spec.get_python_identifier() for spec in specs}

    @multi_asset_check(name=f"{name}_checks", specs=specs, can_subset=True)
    def checks(
        context: AssetCheckExecutionContext,
    ) -> Iterator[AssetCheckEvaluation | Output[None]]:
        # Imported by a run only, so that definitions load without it.
        from analytics_sync.defs.supervision import supervised_checks

        days = run_partitions(context, partitions)
        keys = context.selected_asset_check_keys
        evaluations = supervised_checks(
            context,
            source.name,
            lambda stop: judge_checks(context.instance, source, partitions, keys, days, stop),
        )
        for key, found in groupby(evaluations, key=lambda evaluation: evaluation.asset_check_key):
            yield Output(None, output_name=outputs[key])
            yield from found

    return checks


def judge_checks(
    instance: DagsterInstance,
    source: Source,
    partitions: TimeWindowPartitionsDefinition,
    keys: Iterable[AssetCheckKey],
    days: Sequence[Partition],
    stop: Stop | None = None,
) -> Iterator[AssetCheckEvaluation]:
    """The results of some checks of a source, one check after the other.

    Args:
        instance: Of the latest materializations.
        source: The declaration.
        partitions: The partitions of its windowed resources.
        keys: The checks.
        days: The partitions of the run. None for a run without: the checks look at whole tables.
        stop: Ends waits and statements; None if nothing does.

    Raises:
        LoadError: The warehouse cannot be opened.
    """
    # Imported by a run only, so that definitions load without it.
    from analytics_sync.load.warehouse import open_warehouse

    by_key = {asset_key(resource): resource for resource in source.assets}
    keys = sorted(keys)
    latest = latest_of_assets(instance, {key.asset_key for key in keys})
    with ExitStack() as stack:
        judge = Judge(
            cache(lambda: stack.enter_context(open_warehouse(source.name, stop))),
            DagsterHistory(instance, source, partitions),
            freshness.Freshness(instance, source, partitions),
        )
        for asset, checks in groupby(keys, key=lambda key: key.asset_key):
            subjects = _Subjects(
                instance, source, partitions, by_key[asset], days, latest.get(asset)
            )
            for key in checks:
                for partition, subject in subjects.of(key.name):
                    if stop is not None:
                        stop.check()
                    yield _evaluation(key, partition, judge, subject)


class _Subjects:
    """What the checks of one resource look at in a run."""

    def __init__(
        self,
        instance: DagsterInstance,
        source: Source,
        definition: TimeWindowPartitionsDefinition,
        resource: Resource,
        days: Sequence[Partition],
        latest: EventLogRecord | None,
    ) -> None:
        self._instance, self._source, self._definition = instance, source, definition
        self._resource, self._latest = resource, latest
        self._days = days if source.windowed(resource) else ()

    def of(self, name: str) -> Iterator[tuple[str | None, CheckSubject]]:
        """The subjects of a check, each with its partition."""
        resource, days = self._resource, self._days
        by_partition = has_verdict_by_partition(self._source, resource, self._definition, name)
        if not days or not by_partition:
            yield None, CheckSubject(resource, () if name in _OF_THE_ASSET else days, self._latest)
            return
        volumes = self._volumes if name == volume.VOLUME else None
        for day in days:
            yield day.key, CheckSubject(resource, (day,), self._records.get(day.key), volumes)

    @cached_property
    def _records(self) -> dict[str, EventLogRecord]:
        keys = [day.key for day in self._days]
        return latest_of_partitions(self._instance, asset_key(self._resource), keys)

    @cached_property
    def _volumes(self) -> volume.Volumes:
        asset = asset_key(self._resource)
        return volume.Volumes(self._instance, asset, self._definition, self._days)


def _evaluation(
    key: AssetCheckKey, partition: str | None, judge: Judge, subject: CheckSubject
) -> AssetCheckEvaluation:
    judged, record = judge.judge(key.name, subject), subject.record
    target = None
    if record is not None:
        target = AssetCheckEvaluationTargetMaterializationData(
            storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
        )
    return AssetCheckEvaluation(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=judged.passed,
        metadata=judged.metadata,
        target_materialization_data=target,
        severity=judged.severity,
        description=without_markup(judged.description),
        blocking=key.name in BLOCKING,
        partition=partition,
    )


def check_names(source: Source, resource: Resource) -> Iterator[str]:
    """The names of the checks of a resource."""
    yield from (REQUIRED_FIELDS, PRIMARY_KEY_UNIQUE, DECLARED_SCHEMA, COMPLETE, HISTORY)
    yield freshness.FRESHNESS
    if resource.incremental and (
        resource.incremental.start_param or resource.incremental.end_param
    ):
        yield WINDOW_BOUNDS
    if resource.cursor is not None and source.windowed(resource):
        yield volume.VOLUME


def has_verdict_by_partition(
    source: Source, resource: Resource, partitions: TimeWindowPartitionsDefinition, name: str
) -> bool:
    """Whether a check has a result for each partition.

    Hours have one for a run: Dagster stores a row for each check and partition when a run starts, and SQLite
    may refuse more than 4,000 of them.
    """
    return (
        source.windowed(resource)
        and name not in _OF_THE_ASSET
        and not isinstance(partitions, HourlyPartitionsDefinition)
    )
