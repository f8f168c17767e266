"""The sensors of alerts: one for failed runs, one for failed checks.

In: the sources. Out: two sensors. They are on if a receiver is set when the definitions load, else off. They
send nothing at import, and load the sending with the first message.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from dagster import (
    DefaultSensorStatus,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    sensor,
)

from analytics_sync.defs.alerts.alert_settings import URLS, is_set
from analytics_sync.defs.partitions.planned import Planned

FAILED_RUNS, FAILED_CHECKS = "alert_failed_runs", "alert_failed_checks"
_SECONDS = 30
_DESCRIPTIONS = {
    FAILED_RUNS: "Tells of resources that a run could not read, and when they are well again.",
    FAILED_CHECKS: "Tells of checks that failed as errors, and when they pass again.",
}


def alert_sensors(sources: Sequence[Planned], broken: Collection[str]) -> list[SensorDefinition]:
    """The sensors.

    Args:
        sources: The sources that are on.
        broken: The names of the files that do not load.
    """
    return [_alert_sensor(name, sources, broken) for name in _DESCRIPTIONS]


def _alert_sensor(
    name: str, sources: Sequence[Planned], broken: Collection[str]
) -> SensorDefinition:
    @sensor(
        name=name,
        minimum_interval_seconds=_SECONDS,
        default_status=DefaultSensorStatus.RUNNING if is_set(URLS) else DefaultSensorStatus.STOPPED,
        description=f"{_DESCRIPTIONS[name]} One message for each incident. Off until {URLS} is set.",
    )
    def alerts(context: SensorEvaluationContext) -> Any:
        return _tick(context, sources, broken, is_check=name == FAILED_CHECKS)

    return alerts


def _tick(
    context: SensorEvaluationContext,
    sources: Sequence[Planned],
    broken: Collection[str],
    *,
    is_check: bool,
) -> SensorResult:
    # Imported by a tick only, so that definitions load without it.
    from analytics_sync.defs.alerts.finished_runs import Location
    from analytics_sync.defs.alerts.tick import Tick

    location = Location({p.source.name: p for p in sources}, frozenset(broken))
    return Tick(context, location, is_check=is_check).result()
