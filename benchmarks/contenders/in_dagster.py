"""This package in Dagster, in this process: a catalog is loaded, and its assets materialized.

In: the option ``source``, a declaration without its base URL; ``copies``, under how many names it is
in the catalog; ``first`` and ``last``, days of a range of partitions. Out: figures: what loading the
definitions took, what the run took, how many assets and checks there were. The instance is on disk,
as it is in use.
"""

from __future__ import annotations

import json
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
from benchmarks.workload.job import DATASET, Job

_INSTANCE = "telemetry:\n  enabled: false\n"


def prepare(job: Job) -> Callable[[], dict[str, float]]:
    """See the package."""
    options = job.options
    os.environ["DESTINATION__DUCKDB__CREDENTIALS"] = str(job.database)
    if "first" in options:
        os.environ["ANALYTICS_SYNC__START_DATE"] = options["first"]
    files = []
    for number in range(options.get("copies", 1)):
        name = f"{DATASET}_{number}" if number else DATASET
        client = {**options["source"]["client"], "base_url": job.url}
        file = Path(job.folder) / f"{name}.yaml"
        # JSON is YAML
        file.write_text(json.dumps({**options["source"], "source": name, "client": client}))
        files.append(file)
    home = new_instance(job)
    return lambda: timed_run(lambda: build_definitions(load_catalog(files)), home, tags_of(job))


def new_instance(job: Job) -> Path:
    """The home of an instance that has its tables."""
    home = Path(job.folder) / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text(_INSTANCE)
    with DagsterInstance.from_config(str(home)) as instance:
        instance.get_run_records(limit=1)
    return home


def tags_of(job: Job) -> dict[str, str]:
    """What tells a run its range of partitions."""
    if "first" not in job.options:
        return {}
    return {
        ASSET_PARTITION_RANGE_START_TAG: job.options["first"],
        ASSET_PARTITION_RANGE_END_TAG: job.options["last"],
    }


def timed_run(
    make: Callable[[], Definitions], home: Path, tags: Mapping[str, str]
) -> dict[str, float]:
    """Load definitions as a code location does, then materialize everything."""
    begun = time.perf_counter()
    definitions = make()
    definitions.get_repository_def().load_all_definitions()
    loaded = time.perf_counter()
    with DagsterInstance.from_config(str(home)) as instance:
        result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance, tags=dict(tags)
        )
    done = time.perf_counter()
    assert result.success
    kinds = [event.event_type for event in result.all_events]
    return {
        "s to load": loaded - begun,
        "s to run": done - loaded,
        "materializations": kinds.count(DagsterEventType.ASSET_MATERIALIZATION),
        "checks": kinds.count(DagsterEventType.ASSET_CHECK_EVALUATION),
    }
