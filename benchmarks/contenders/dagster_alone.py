"""As many assets and checks as ``in_dagster`` has, that do nothing: what Dagster takes for them.

In: the options of ``in_dagster``. Out: the same figures.
"""
# no ``from __future__ import annotations`` here: Dagster looks at the class that annotates context

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

from benchmarks.contenders.in_dagster import new_instance, tags_of, timed_run
from benchmarks.workload.job import DATASET, Job

_CHECKS = 3


def prepare(job: Job) -> Callable[[], dict[str, float]]:
    """See the package."""
    home = new_instance(job)
    return lambda: timed_run(lambda: _definitions(job), home, tags_of(job))


def _definitions(job: Job) -> Definitions:
    first = job.options.get("first")
    partitions = (
        DailyPartitionsDefinition(start_date=first, timezone="UTC", end_offset=1) if first else None
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
    names = [f"check_{n}" for n in range(_CHECKS)]
    specs = [AssetCheckSpec(name, asset=key) for key in keys for name in names]

    @multi_asset_check(name=f"checks_{number}", specs=specs, can_subset=True)
    def checks(context: AssetCheckExecutionContext) -> Iterator[AssetCheckResult]:
        for spec in specs:
            yield AssetCheckResult(passed=True, asset_key=spec.asset_key, check_name=spec.name)

    return checks
