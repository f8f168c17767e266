"""The schedules of a source: its loads, daily unless its team has set another time, and its weekly checks.

In: a source with its plan, and its jobs. Out: schedule definitions. Each is off until somebody
switches it on. A tick reads the newest partition that is over and the snapshots, and the partitions of the
last days that Dagster's history shows as missed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import dlt
from dagster import (
    DefaultScheduleStatus,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SkipReason,
    partition_loading_context,
    schedule,
)

from analytics_sync.catalog import Source
from analytics_sync.catalog.errors import WrongSetting
from analytics_sync.common.shown import listed
from analytics_sync.defs.automation.missed_partitions import MissedPartitions, Needs, Reason
from analytics_sync.defs.automation.night_runs import night_runs
from analytics_sync.defs.partitions.past_partitions import Partition, spans
from analytics_sync.defs.partitions.planned import Planned
from analytics_sync.defs.specs.broken import TABLES_SCHEDULE

DEFAULT_CATCH_UP_DAYS = 7
DEFAULT_CATCH_UP_RUNS = 7
MAX_CATCH_UP = 1000


def nightly_schedule(planned: Planned, job: Any) -> ScheduleDefinition:
    """The schedule ``daily_<source>``: what its assets need, and the snapshots.

    Its name begins with the kind of the partitions, ``hourly_`` for instance.

    Raises:
        ValueError: A setting of the schedules is no number that it can be.
    """
    source, plan = planned.source, planned.plan
    days, max_runs = catch_up_limits()

    @schedule(
        name=f"{plan.partitions}_{source.name}",
        job=job,
        cron_schedule=plan.schedule,
        execution_timezone=plan.time_zone,
        default_status=DefaultScheduleStatus.STOPPED,
        description=(
            f"At {plan.schedule!r} in {plan.time_zone}: the newest partition that is over, what the last "
            f"{days} days lack, and the snapshots of {source.name}."
        ),
    )
    def nightly(context: ScheduleEvaluationContext) -> list[RunRequest] | SkipReason:
        at = context.scheduled_execution_time
        instance = context.instance if context.instance_ref else None  # None in a test only
        with partition_loading_context(at, instance):
            needs = MissedPartitions(instance, planned.partitions, at, days).of(source)
        for line in _report(source, needs, days):
            context.log.info(line)
        requests = night_runs(source, needs, at, max_runs)
        return requests or SkipReason(f"{source.name}: all partitions of the last days are read.")

    return nightly


def tables_schedule(planned: Planned, job: Any) -> ScheduleDefinition:
    """The schedule ``check_tables_<source>``: the checks of its whole tables, each week as a rule."""
    name, plan = planned.source.name, planned.plan
    return ScheduleDefinition(
        name=f"{TABLES_SCHEDULE}_{name}",
        job=job,
        cron_schedule=plan.check_schedule,
        execution_timezone=plan.time_zone,
        default_status=DefaultScheduleStatus.STOPPED,
        description=f"At {plan.check_schedule!r} in {plan.time_zone}: the checks of whole tables of {name}.",
    )


def _report(source: Source, needs: Needs, days: int) -> Iterable[str]:
    """What the tick found, for its log."""
    alike: dict[tuple[Reason, str], list[Partition]] = {}
    for partition in needs.partitions:
        by_reason: dict[Reason, list[str]] = {}
        for asset, reason in needs.by_key.get(partition.key, {}).items():
            by_reason.setdefault(reason, []).append(asset.path[-1])
        for reason, names in by_reason.items():
            alike.setdefault((reason, listed(names)), []).append(partition)
    for (why, assets), found in alike.items():
        yield f"{source.name}: requested ({why}): {listed(spans(found))} of {assets}."
    if needs.in_progress:
        yield (
            f"{source.name}: runs in progress read {listed(spans(needs.in_progress))}: not requested again."
        )
    if needs.older:
        yield (
            f"{source.name}: older than {days} days and never read, or failed: "
            f"{listed(spans(needs.older))}. The schedule does not request them: start a backfill, or raise "
            "ANALYTICS_SYNC__CATCH_UP_DAYS."
        )


def catch_up_limits() -> tuple[int, int]:
    """How many days back a schedule looks, and how many runs missed partitions take at most.

    Raises:
        WrongSetting: A setting is no number that it can be.
    """
    days = _number("catch_up_days", DEFAULT_CATCH_UP_DAYS)
    return days, _number("catch_up_runs", DEFAULT_CATCH_UP_RUNS)


def _number(setting: str, default: int) -> int:
    """The number of a setting, at least 1.

    Raises:
        WrongSetting: The setting is no such number.
    """
    value = dlt.config.get(f"analytics_sync.{setting}", str)
    try:
        number = int(value) if value is not None else default
    except ValueError:
        number = 0
    if not 1 <= number <= MAX_CATCH_UP:
        raise WrongSetting(
            f"ANALYTICS_SYNC__{setting.upper()} is {value!r}; expected a whole number from 1 to "
            f"{MAX_CATCH_UP}, such as {default}"
        )
    return number
