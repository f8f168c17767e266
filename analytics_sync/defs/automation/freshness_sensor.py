"""The sensor ``judge_freshness``: whether data is late, also when no run starts.

In: Dagster's history. Out: a result of the check ``freshness`` for each asset whose verdict has changed. A check of
a run says nothing when the schedule is off, or when no run can start. No run is started here, and no table is
read. A late asset is an error here, so that the alerts tell of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import dlt
from dagster import (
    AssetCheckEvaluation,
    AssetCheckKey,
    AssetCheckSeverity,
    DagsterInstance,
    DefaultSensorStatus,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    sensor,
)
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)
from dagster_shared.record import replace

from analytics_sync.catalog.errors import WrongSetting
from analytics_sync.common.shown import counted
from analytics_sync.defs.checks.asset_checks import judge_checks
from analytics_sync.defs.checks.freshness import FRESHNESS, NEWEST_DUE
from analytics_sync.defs.partitions.planned import Planned
from analytics_sync.defs.specs.translator import asset_key

JUDGE_FRESHNESS = "judge_freshness"
"""The name of the sensor, and of the setting that switches it on."""
_SECONDS = 600


def is_judged() -> bool:
    """Whether the sensor is on as long as nobody switches it in the UI.

    Raises:
        WrongSetting: The setting is neither true nor false.
    """
    text = str(dlt.config.get(f"analytics_sync.{JUDGE_FRESHNESS}", str) or "false").strip().lower()
    if text not in {"true", "false"}:
        raise WrongSetting(
            f"ANALYTICS_SYNC__{JUDGE_FRESHNESS.upper()} is {text!r}; expected true or false"
        )
    return text == "true"


def freshness_sensor(plans: Sequence[Planned]) -> SensorDefinition:
    """The sensor of all sources.

    Args:
        plans: The sources that are on.

    Raises:
        WrongSetting: The setting of the sensor is neither true nor false.
    """

    @sensor(
        name=JUDGE_FRESHNESS,
        minimum_interval_seconds=_SECONDS,
        default_status=DefaultSensorStatus.RUNNING if is_judged() else DefaultSensorStatus.STOPPED,
        description=(
            "Fails the check freshness of an asset that is late, also when no run starts. Off until "
            f"ANALYTICS_SYNC__{JUDGE_FRESHNESS.upper()} is true."
        ),
    )
    def judge(context: SensorEvaluationContext) -> Any:
        changed = [e for plan in plans for e in _changed(context.instance, plan)]
        if not changed:
            return SensorResult(skip_reason="No verdict has changed.")
        late = sum(not evaluation.passed for evaluation in changed)
        context.log.info(f"{counted(late, 'asset')} late, {len(changed) - late} fresh again")
        return SensorResult(asset_events=changed)

    return judge


def _changed(instance: DagsterInstance, planned: Planned) -> Iterator[AssetCheckEvaluation]:
    """The new verdicts of the assets of a source."""
    keys = [AssetCheckKey(asset_key(r), FRESHNESS) for r in planned.source.assets]
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    for found in judge_checks(instance, planned.source, planned.partitions, keys, ()):
        record = latest.get(found.asset_check_key)
        if found.passed:
            if record is not None and _is_to_be_cleared(instance, record):
                yield found
            continue
        error = replace(found, severity=AssetCheckSeverity.ERROR)
        if record is None or _said(record) != _verdict(error):
            yield error


def _verdict(evaluation: AssetCheckEvaluation) -> tuple[Any, ...]:
    """What tells one verdict from another. The age in its text changes with each tick."""
    due = evaluation.metadata.get(NEWEST_DUE)
    return evaluation.passed, evaluation.severity, due.value if due else None


def _said(record: AssetCheckExecutionRecord) -> tuple[Any, ...] | None:
    """The verdict of the latest result; None if it is none, because its run has ended before it."""
    event: Any = record.event.dagster_event if record.event else None
    if record.status == AssetCheckExecutionRecordStatus.PLANNED or event is None:
        return None
    return _verdict(event.event_specific_data)


def _is_to_be_cleared(instance: DagsterInstance, record: AssetCheckExecutionRecord) -> bool:
    """Whether the latest result says that a fresh asset is late, or says nothing any more."""
    if record.status != AssetCheckExecutionRecordStatus.PLANNED:
        return record.status == AssetCheckExecutionRecordStatus.FAILED
    run = instance.get_run_by_id(record.run_id)
    return run is None or run.is_finished
