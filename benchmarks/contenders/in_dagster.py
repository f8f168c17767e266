"""This package in Dagster: it loads a catalog and materializes its assets in this process.

In: the option ``source``, a declaration without a base URL, and ``copies``, the number of sources
it is declared as. ``first`` and ``last`` are the days of a range of partitions. Out: a load that
returns figures: the seconds to load the definitions, the seconds of the run, and the numbers of
materializations and checks. Dagster's instance is on disk, as in production.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from dagster import DagsterEventType, DagsterInstance, Definitions
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from analytics_sync.catalog import load_catalog
from analytics_sync.defs.build import build_definitions
from benchmarks.contenders import imports  # noqa: F401
from benchmarks.workload import declared
from benchmarks.workload.job import DATASET, Job

_INSTANCE_SETTINGS = "telemetry:\n  enabled: false\n"


def prepare(job: Job) -> Callable[[], dict[str, float]]:
    """Write the catalog and create the instance; return the load."""
    options = job.options
    os.environ["DESTINATION__DUCKDB__CREDENTIALS"] = str(job.database)
    if "first" in options:
        os.environ["ANALYTICS_SYNC__START_DATE"] = options["first"]
    files = []
    for number in range(options.get("copies", 1)):
        name = f"{DATASET}_{number}" if number else DATASET
        file = Path(job.folder) / f"{name}.yaml"
        file.write_text(declared.catalog_text(options["source"], name, job.url))
        files.append(file)
    home = create_instance(job)
    tags = partition_range_tags(job)
    return lambda: time_run(lambda: build_definitions(load_catalog(files)), home, tags)


def create_instance(job: Job) -> Path:
    """Create an instance on disk together with its tables; return its folder."""
    home = Path(job.folder) / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text(_INSTANCE_SETTINGS)
    with DagsterInstance.from_config(str(home)) as instance:
        instance.get_run_records(limit=1)
    return home


def partition_range_tags(job: Job) -> dict[str, str]:
    """Tags that give a run its range of partitions; empty without ``first``."""
    if "first" not in job.options:
        return {}
    return {
        ASSET_PARTITION_RANGE_START_TAG: job.options["first"],
        ASSET_PARTITION_RANGE_END_TAG: job.options["last"],
    }


def time_run(
    make_definitions: Callable[[], Definitions], home: Path, tags: Mapping[str, str]
) -> dict[str, float]:
    """Load definitions as a code location does, materialize all assets, and return the figures."""
    started_at = time.perf_counter()
    definitions = make_definitions()
    definitions.get_repository_def().load_all_definitions()
    loaded_at = time.perf_counter()
    with DagsterInstance.from_config(str(home)) as instance:
        result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance, tags=dict(tags)
        )
    ended_at = time.perf_counter()
    assert result.success
    event_types = [event.event_type for event in result.all_events]
    return {
        "s to load": loaded_at - started_at,
        "s to run": ended_at - loaded_at,
        "materializations": event_types.count(DagsterEventType.ASSET_MATERIALIZATION),
        "checks": event_types.count(DagsterEventType.ASSET_CHECK_EVALUATION),
    }
