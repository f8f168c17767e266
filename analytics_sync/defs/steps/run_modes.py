"""The ways to run: as usual, as a full refresh, as a trial, or dry.

In: the run config. Out: the read of a full refresh or of a trial; the log of a dry run; and the events of a
trial. A trial has no materialization, because Dagster would show its partitions as read: neither a schedule,
nor a condition, nor a backfill of missing partitions would read them then. It has an observation, and the
check ``complete`` warns. A run imports this module. Definitions load without it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    AssetCheckSeverity,
    AssetExecutionContext,
    AssetObservation,
    Failure,
)

from analytics_sync.catalog import Resource
from analytics_sync.common.errors import ExtractError
from analytics_sync.common.window import Window
from analytics_sync.defs.checks.asset_checks import has_verdict_by_partition
from analytics_sync.defs.checks.verdicts import planned_checks
from analytics_sync.defs.partitions.past_partitions import Partition
from analytics_sync.defs.partitions.planned import Planned
from analytics_sync.defs.specs.translator import asset_key
from analytics_sync.defs.steps.run_config import SyncConfig, window_of_run
from analytics_sync.extract.dry_run import first_requests
from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync.extract.run import ReadRun
from analytics_sync.extract.trial import trial_text
from analytics_sync.load.gone.full_refresh import full_refresh


def read_run(
    context: AssetExecutionContext,
    planned: Planned,
    config: SyncConfig,
    window: Window | None,
    wanted: Collection[str],
) -> ReadRun:
    """The read of a run, as its config wants it.

    Args:
        context: The context of the step. Its log says what a full refresh leaves in the tables.
        planned: The source.
        config: The run config, checked.
        window: The window of the run's partitions.
        wanted: Names of the selected resources.

    Raises:
        MissingSetting: The base URL or a credential is not set.
    """
    source = planned.source
    if config.full_refresh:
        source, kept = full_refresh(source)
        for name in sorted(kept.keys() & set(wanted)):
            context.log.info(
                f"{source.name}/{name}: all is read again, no row is removed: {kept[name]}"
            )
    return ReadRun(
        source,
        window_of_run(config, window, planned.partitions),
        wanted,
        resume=not config.full_refresh,
        page_limit=config.page_limit,
    )


def log_requests(
    context: AssetExecutionContext,
    planned: Planned,
    config: SyncConfig,
    window: Window | None,
    wanted: Collection[str],
) -> None:
    """Write the first request of each resource into the log. Nothing is sent.

    Args:
        context: The context of the step.
        planned: The source.
        config: The run config, checked.
        window: The window of the run's partitions.
        wanted: Names of the selected resources.

    Raises:
        Failure: The base URL or a credential is not set.
    """
    source = planned.source
    read = window_of_run(config, window, planned.partitions)
    try:
        for resource, said in first_requests(source, read, wanted):
            of = f" {read}" if read and source.windowed(resource) else ""
            only = "" if resource.name in wanted else " (read for its children only)"
            context.log.info(f"dry run: {resource}{of}{only}: {said}")
    except ExtractError as e:
        raise Failure(str(e)) from e
    context.log.info(f"dry run of {source.name}: nothing was sent, loaded or materialized.")


def trial_events(
    context: AssetExecutionContext,
    planned: Planned,
    resource: Resource,
    pages: int,
    metadata: Mapping[str, Any],
    days: Collection[Partition],
) -> Iterator[AssetObservation | AssetCheckEvaluation]:
    """The events of a resource that was read for a trial.

    Args:
        context: The context of the step.
        planned: The source.
        resource: The resource, whose rows are loaded.
        pages: The page limit.
        metadata: What a materialization would have.
        days: The partitions of the run.
    """
    key, said = asset_key(resource), trial_text(pages)
    is_windowed = planned.source.windowed(resource)
    yield AssetObservation(
        key,
        description=said,
        metadata={**metadata, "page_limit": pages},
        partition=context.partition_key if is_windowed and len(days) == 1 else None,
    )
    by_partition = has_verdict_by_partition(planned.source, resource, planned.partitions, COMPLETE)
    if not any(c.asset_key == key and c.name == COMPLETE for c in planned_checks(context)):
        return
    for partition in [day.key for day in days] if by_partition and days else [None]:
        yield AssetCheckEvaluation(
            asset_key=key,
            check_name=COMPLETE,
            passed=False,
            severity=AssetCheckSeverity.WARN,
            description=said,
            partition=partition,
        )
