"""Dagster alone: the assets and checks of ``in_dagster``, but empty.

In: the options of ``in_dagster``. Out: a load that returns the same figures. They show the time
that Dagster itself needs for this number of assets and checks.
"""
# No ``from __future__ import annotations`` here: Dagster needs annotations that are classes.

from collections.abc import Callable, Iterator
from typing import Any

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetSpec,
    BackfillPolicy,
    DailyPartitionsDefinition,
    Definitions,
    MaterializeResult,
    in_process_executor,
    multi_asset,
    multi_asset_check,
)

from benchmarks.contenders.in_dagster import create_instance, partition_range_tags, time_run
from benchmarks.workload.job import DATASET, Job

_CHECKS_PER_ASSET = 3


def prepare(job: Job) -> Callable[[], dict[str, float]]:
    """Create the instance; return the load."""
    home = create_instance(job)
    tags = partition_range_tags(job)
    return lambda: time_run(lambda: _definitions(job), home, tags)


def _definitions(job: Job) -> Definitions:
    first_day = job.options.get("first")
    partitions = (
        DailyPartitionsDefinition(start_date=first_day, timezone="UTC", end_offset=1)
        if first_day
        else None
    )
    assets, checks = [], []
    names = [resource["name"] for resource in job.options["source"]["resources"]]
    for number in range(job.options.get("copies", 1)):
        keys = [AssetKey([f"{DATASET}_{number}", name]) for name in names]
        assets.append(_assets(number, keys, partitions))
        checks.append(_checks(number, keys))
    return Definitions(assets=assets, asset_checks=checks, executor=in_process_executor)


def _assets(number: int, keys: list[AssetKey], partitions: Any) -> Any:
    @multi_asset(
        name=f"assets_{number}",
        specs=[AssetSpec(key, partitions_def=partitions) for key in keys],
        can_subset=True,
        backfill_policy=BackfillPolicy.single_run(),
    )
    def assets(context: AssetExecutionContext) -> Iterator[MaterializeResult[Any]]:
        for key in keys:
            yield MaterializeResult(asset_key=key)

    return assets


def _checks(number: int, keys: list[AssetKey]) -> Any:
    names = [f"check_{n}" for n in range(_CHECKS_PER_ASSET)]
    specs = [AssetCheckSpec(name, asset=key) for key in keys for name in names]

    @multi_asset_check(name=f"checks_{number}", specs=specs, can_subset=True)
    def checks(context: AssetCheckExecutionContext) -> Iterator[AssetCheckResult]:
        for spec in specs:
            yield AssetCheckResult(passed=True, asset_key=spec.asset_key, check_name=spec.name)

    return checks
