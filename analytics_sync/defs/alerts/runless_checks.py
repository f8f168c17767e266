"""Results of checks that belong to no run: those of the sensor ``judge_freshness``.

In: a Dagster instance and the sources of this code location. Out: what the latest results say, in the form of
finished runs without an id. To take in a result twice changes nothing, so that nobody has to remember which of
them were seen.
"""

from __future__ import annotations

from typing import Any

from dagster import AssetCheckKey, AssetCheckSeverity, DagsterInstance

from analytics_sync.defs.alerts.finished_runs import Location, first_line
from analytics_sync.defs.alerts.incidents import Failed, FinishedRun, Worked
from analytics_sync.defs.checks.freshness import FRESHNESS
from analytics_sync.defs.specs.translator import asset_key


def runless_checks(instance: DagsterInstance, location: Location) -> list[FinishedRun]:
    """What the latest results without a run say, from old to new."""
    names = {
        AssetCheckKey(asset_key(resource), FRESHNESS): (plan.source.name, resource.name)
        for plan in location.sources.values()
        for resource in plan.source.assets
    }
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(names))
    found = []
    for key, record in latest.items():
        event: Any = record.event.dagster_event if record.event else None
        if record.run_id or event is None:
            continue
        said, place = event.event_specific_data, (*names[key], FRESHNESS)
        is_error = not said.passed and said.severity == AssetCheckSeverity.ERROR
        failed = (Failed(*place, first_line(said.description)),) if is_error else ()
        worked = (Worked(*place),) if said.passed else ()
        found.append(FinishedRun("", record.create_timestamp, failed, worked))
    return sorted(found, key=lambda one: one.ended_at)
