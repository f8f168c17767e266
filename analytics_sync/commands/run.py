"""The subcommand ``analytics-sync run``: materialize assets through Dagster, and see it happen.

In: an asset selection and days. Out: a run in Dagster's history, a display while it runs, a table at the
end, and an exit status. It does what ``dagster asset materialize`` does, with other output, and the UI knows
the code location of the run.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from dagster import AssetKey, DagsterRunStatus, TimeWindowPartitionsDefinition
from dagster._cli.utils import get_possibly_temporary_instance_for_cli
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph
from dagster._core.storage.tags import PARTITION_NAME_TAG
from dagster._utils.interrupts import capture_interrupts

from analytics_sync.commands.days import Days, keys_of
from analytics_sync.commands.located_run import code_location, run_in_location
from analytics_sync.commands.run_display import display
from analytics_sync.commands.run_report import report
from analytics_sync.commands.selection import WrongSelection, selected
from analytics_sync.definitions import defs
from analytics_sync.defs.automation.night_runs import RANGE_TAGS

_FAILED = 1
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def run(options: argparse.Namespace) -> int:
    """Materialize what is selected; return the exit status.

    Args:
        options: ``selection``, and ``days`` and ``workspace`` or None.

    Returns:
        0 if all is loaded and no check of severity ERROR failed; 1 if not.

    Raises:
        WrongUsage: The selection, the days or the workspace cannot be used.
    """
    days = Days.parse(options.days) if options.days else None
    graph = defs.resolve_asset_graph()
    keys = selected(options.selection, graph)
    job_name = _job_name(keys)
    tags = _tags(_partitions(keys, graph), days)
    location = code_location(options.workspace)
    with get_possibly_temporary_instance_for_cli("analytics-sync run") as instance:
        with capture_interrupts(), display(_title(keys, tags)):
            done = run_in_location(
                location, keys, job_name=job_name, instance=instance, tags=tags, run_config=_QUIET
            )
        names = ["/".join(key.path) for key in keys]
        outcome = report(options, instance, done.run_id, names)
    return 0 if done.status == DagsterRunStatus.SUCCESS and outcome else _FAILED


def _job_name(keys: set[AssetKey]) -> str:
    """The implicit job of Dagster that has all the assets.

    Raises:
        WrongSelection: There is none.
    """
    job = defs.resolve_implicit_job_def_def_for_assets(keys)
    if job is None:
        raise WrongSelection(
            "one run has one kind of partitions, and the selected sources have different ones "
            "(analytics-sync sources shows them). Run them one after the other."
        )
    return str(job.name)


def _partitions(
    keys: Iterable[AssetKey], graph: BaseAssetGraph[Any]
) -> TimeWindowPartitionsDefinition | None:
    found = (graph.get(key).partitions_def for key in keys)
    return next((d for d in found if isinstance(d, TimeWindowPartitionsDefinition)), None)


def _tags(partitions: TimeWindowPartitionsDefinition | None, days: Days | None) -> dict[str, str]:
    """The tags that give a run its partition, or its range of partitions.

    Raises:
        WrongSelection: There are days, and no partitions.
        WrongDays: No partition is in the days.
    """
    if partitions is None:
        if days is not None:
            raise WrongSelection("what is selected has no partitions: leave out --days.")
        return {}
    first, last = keys_of(partitions, days)
    return (
        {PARTITION_NAME_TAG: first}
        if first == last
        else dict(zip(RANGE_TAGS, (first, last), strict=True))
    )


def _title(keys: set[AssetKey], tags: dict[str, str]) -> str:
    span = " to ".join(dict.fromkeys(tags.values()))
    return f"{_named(keys)}, {span}" if span else _named(keys)


def _named(keys: set[AssetKey]) -> str:
    if len(keys) == 1:
        return "/".join(next(iter(keys)).path)
    sources = sorted({key.path[0] for key in keys})
    return f"{len(keys)} assets of {', '.join(sources)}"
