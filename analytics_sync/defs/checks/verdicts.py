"""The checks of what was loaded, when other resources of the run failed.

In: the assets that a step has materialized before it fails. Out: the verdict of each of their checks that
the run has planned. The step of the checks does not run after a failed step.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    AssetCheckKey,
    AssetExecutionContext,
    AssetKey,
    DagsterEventType,
    TimeWindowPartitionsDefinition,
)

from analytics_sync.catalog import Source
from analytics_sync.defs.checks.asset_checks import judge_checks
from analytics_sync.defs.partitions.source_partitions import run_partitions


def verdicts(
    context: AssetExecutionContext,
    source: Source,
    partitions: TimeWindowPartitionsDefinition,
    reported: Collection[AssetKey],
) -> Iterator[AssetCheckEvaluation]:
    """The verdicts of the planned checks of some assets.

    Args:
        context: The context of the step.
        source: The declaration.
        partitions: The partitions of its windowed resources.
        reported: The assets that the step has materialized.
    """
    planned = [key for key in planned_checks(context) if key.asset_key in reported]
    days = run_partitions(context, partitions)
    try:
        results = list(judge_checks(context.instance, source, partitions, planned, days))
    except Exception as e:  # the failure of the other resources is the message to show
        said = str(e).partition("\n")[0].rstrip(".")  # below it is a traceback
        context.log.warning(
            f"{source.name}: the checks of what was loaded did not run: {said}. "
            "Run them in the UI, or run again."
        )
        return
    yield from results


def planned_checks(context: AssetExecutionContext) -> Iterator[AssetCheckKey]:
    """The checks that the run has planned."""
    for entry in context.instance.all_logs(
        context.run.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED
    ):
        event: Any = entry.dagster_event
        yield event.event_specific_data.asset_check_key
