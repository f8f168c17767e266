"""The times of a run: whether it has a window, and when it began to read.

In: the context of a run and the declaration. Out: a failure for a run that needs a partition and has none,
and the moment that the materializations report.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from dagster import AssetExecutionContext, Failure

from analytics_sync.catalog import Source
from analytics_sync.common.shown import listed
from analytics_sync.common.window import Window
from analytics_sync.extract.result import ReadResult


def check_window(
    context: AssetExecutionContext, source: Source, wanted: Collection[str], window: Window | None
) -> None:
    """Refuse to read windowed resources without a window: nothing says which records are meant.

    Args:
        context: The context of the run.
        source: The source.
        wanted: Names of the selected resources.
        window: The window of the run's partitions; None for a run without a partition.

    Raises:
        Failure: A windowed resource is selected, and there is no window.
    """
    windowed = [r.name for r in source.assets if r.name in wanted and source.windowed(r)]
    if window is None and windowed:
        raise Failure(
            f"{source.name}: the run of {context.run.job_name} has no partition, and {listed(windowed)} "
            "are read by partition. No request was sent. Start the run with a partition: in the UI, "
            "Materialize asks for partitions; on the command line, use dagster asset materialize with "
            "--partition KEY or --partition-range FIRST...LAST."
        )


def reading_began(source: Source, result: ReadResult, began: datetime) -> str:
    """Before this moment no record was requested. Pages of an earlier run are older than the run.

    Args:
        source: The source.
        result: What the run has read.
        began: The moment before the run's first request.
    """
    kept_for = source.client.resume_within if result.pages_kept else 0.0
    return (began - timedelta(seconds=kept_for)).isoformat()
