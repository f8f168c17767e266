"""The build of all definitions of a catalog.

In: sources by name. Out: one ``Definitions``.
"""

from __future__ import annotations

from collections.abc import Mapping

from dagster import Definitions, in_process_executor

from analytics_sync.catalog import Source
from analytics_sync.catalog.names import check_lengths
from analytics_sync.catalog.plan import default_start
from analytics_sync.defs.assets import source_assets
from analytics_sync.defs.checks import source_checks
from analytics_sync.defs.jobs import everything_job, source_job
from analytics_sync.defs.planned import planned
from analytics_sync.defs.schedules import nightly_schedule
from analytics_sync.defs.sensors import new_records_sensor
from analytics_sync.load.destination import check_destination, configured_kind


def build_definitions(sources: Mapping[str, Source]) -> Definitions:
    """Assets, checks, jobs, schedules and sensors of all sources that are switched on.

    The steps of a run share one process: a run has few steps, and a process for each costs more
    than it saves. Runs are parallel anyway.

    Raises:
        LoadError: The configured destination is not tested.
        ValueError: ``ANALYTICS_SYNC__START_DATE`` is no day.
        CatalogError: The destination is PostgreSQL, and a name is too long for it.
    """
    check_destination()
    default_start()
    plans = [plan for source in sources.values() if (plan := planned(source)) is not None]
    if configured_kind() == "postgres":
        check_lengths(plan.source for plan in plans)
    jobs = {plan.source.name: source_job(plan.source) for plan in plans}
    return Definitions(
        assets=[source_assets(plan) for plan in plans],
        asset_checks=[source_checks(plan.source) for plan in plans],
        jobs=[*jobs.values(), everything_job(plans)],
        schedules=[nightly_schedule(plan, jobs[plan.source.name]) for plan in plans],
        sensors=[
            new_records_sensor(plan.source, resource)
            for plan in plans
            for resource in plan.source.assets
            if resource.sensor is not None and resource.cursor is not None
        ],
        executor=in_process_executor,
    )
