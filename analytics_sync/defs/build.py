"""The build of all definitions of a catalog.

In: sources by name. Out: one ``Definitions``.
"""

from __future__ import annotations

from collections.abc import Mapping

from dagster import Definitions, in_process_executor

from analytics_sync.catalog import Source
from analytics_sync.catalog.names import check_lengths
from analytics_sync.defs.assets import source_assets
from analytics_sync.defs.checks import source_checks
from analytics_sync.defs.jobs import everything_job, source_job
from analytics_sync.defs.partitions import daily_partitions
from analytics_sync.defs.schedules import daily_schedule
from analytics_sync.defs.sensors import new_records_sensor
from analytics_sync.load.destination import check_destination, configured_kind


def build_definitions(sources: Mapping[str, Source]) -> Definitions:
    """Assets, checks, jobs, schedules and sensors of all sources.

    The steps of a run share one process: a run has few steps, and a process for each costs more
    than it saves. Runs are parallel anyway.

    Raises:
        LoadError: The configured destination is not tested.
        CatalogError: The destination is PostgreSQL, and a name is too long for it.
    """
    check_destination()
    if configured_kind() == "postgres":
        check_lengths(sources.values())
    partitions = daily_partitions()
    jobs = {name: source_job(source) for name, source in sources.items()}
    return Definitions(
        assets=[source_assets(source, partitions) for source in sources.values()],
        asset_checks=[source_checks(source) for source in sources.values()],
        jobs=[*jobs.values(), everything_job(sources.values())],
        schedules=[daily_schedule(source, jobs[name]) for name, source in sources.items()],
        sensors=[
            new_records_sensor(source, resource)
            for source in sources.values()
            for resource in source.assets
            if resource.sensor is not None and resource.cursor is not None
        ],
        executor=in_process_executor,
    )
