"""The build of all definitions of a catalog.

In: sources by name, and the files that do not load. Out: one ``Definitions``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dagster import Definitions

from analytics_sync.catalog import CatalogError, Source
from analytics_sync.catalog.configured import BrokenFile
from analytics_sync.catalog.names import check_lengths
from analytics_sync.catalog.plan import default_automation, default_retries, default_start
from analytics_sync.defs.alerts.sensors import alert_sensors
from analytics_sync.defs.assets import source_assets
from analytics_sync.defs.automation.conditions import conditions_sensor
from analytics_sync.defs.automation.freshness_sensor import freshness_sensor
from analytics_sync.defs.automation.jobs import everything_job, source_job, tables_job
from analytics_sync.defs.automation.schedules import (
    catch_up_limits,
    nightly_schedule,
    tables_schedule,
)
from analytics_sync.defs.automation.sensors import new_records_sensor
from analytics_sync.defs.checks.asset_checks import source_checks
from analytics_sync.defs.executors import backfill_policy, configured_executor
from analytics_sync.defs.partitions.planned import Planned, planned
from analytics_sync.defs.specs.asset_page import api_spec, repository_url
from analytics_sync.defs.specs.broken import broken_asset, broken_job, broken_schedules, warn_of
from analytics_sync.defs.steps.retries import retry_seconds
from analytics_sync.load.clients.destination import check_destination, configured_kind


class Built(NamedTuple):
    """The definitions of one source, or of a file that does not load."""

    name: str
    assets: list[Any]
    checks: list[Any]
    jobs: list[Any]
    schedules: list[Any]
    sensors: list[Any]


def build_definitions(
    sources: Mapping[str, Source], broken: Sequence[BrokenFile] = ()
) -> Definitions:
    """Assets, checks, jobs, schedules and sensors of all sources that are switched on.

    The steps of a run share one process: a run has few steps, and a process for each costs more
    than it saves. Runs are parallel anyway.

    Args:
        sources: The sources. One whose definitions cannot be built counts as broken.
        broken: The files that do not load.

    Raises:
        LoadError: The configured destination is not tested.
        ValueError: ``ANALYTICS_SYNC__START_DATE`` is no day, or another setting of all sources is wrong.
    """
    check_settings()
    executor = configured_executor()
    repository = repository_url()
    is_postgres = configured_kind() == "postgres"
    built: list[Built] = []
    plans: list[Planned] = []
    broken = list(broken)
    for source in sources.values():
        try:
            if (plan := planned(source)) is None:
                continue
            if is_postgres:
                check_lengths([source])
            built.append(definitions_of_source(plan))
            plans.append(plan)
        except Exception as e:  # the other sources are built
            broken.append(BrokenFile(source.name, source.file, _error(source, e)))
    warn_of(broken)
    everything = everything_job(plans, [file.name for file in broken])
    built += map(_of_broken, broken)
    return Definitions(
        assets=[
            *(a for part in built for a in part.assets),
            *(api_spec(p, repository) for p in plans),
        ],
        asset_checks=[check for part in built for check in part.checks],
        jobs=[*(job for part in built for job in part.jobs), everything],
        schedules=[schedule for part in built for schedule in part.schedules],
        sensors=[
            *(sensor for part in built for sensor in part.sensors),
            *([freshness_sensor(plans)] if plans else []),
            *alert_sensors(plans, [file.name for file in broken]),
        ],
        executor=executor,
    )


def check_settings() -> None:
    """Look at the settings of all sources.

    Raises:
        LoadError: The configured destination is not tested.
        ValueError: One of them is wrong.
    """
    check_destination()
    default_start()
    default_automation()
    default_retries()
    retry_seconds()
    catch_up_limits()
    backfill_policy()


def definitions_of_source(planned: Planned) -> Built:
    """The definitions of one source."""
    source = planned.source
    job, of_tables = source_job(planned), tables_job(source)
    sensors: list[Any] = [
        new_records_sensor(source, resource, planned.partitions)
        for resource in source.assets
        if resource.sensor is not None and resource.cursor is not None
    ]
    schedules = [tables_schedule(planned, of_tables)]
    if planned.plan.automation == "schedule":
        schedules.append(nightly_schedule(planned, job))
    else:
        sensors.append(conditions_sensor(planned))
    return Built(
        source.name,
        source_assets(planned),
        source_checks(planned),
        [job, of_tables],
        schedules,
        sensors,
    )


def _of_broken(broken: BrokenFile) -> Built:
    job = broken_job(broken)
    return Built(broken.name, [broken_asset(broken)], [], [job], broken_schedules(broken, job), [])


def _error(source: Source, error: Exception) -> CatalogError:
    if isinstance(error, CatalogError):
        return error
    return CatalogError(
        f"the definitions cannot be built: {type(error).__name__}: {error}",
        file=source.file,
        line=source.line,
    )
