"""The pages as a dlt ``rest_api`` source, and the pipeline into the job's file.

In: a job; of its options ``max_table_nesting``, and ``source``, a configuration without its base
URL, where it is not the usual table, and ``parallelized``. Out: what ``plain_dlt`` and ``plain_dagster`` run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlt
from dlt.sources.rest_api import rest_api_source

from benchmarks.contenders import imports  # noqa: F401
from benchmarks.workload.job import DATASET, TABLE, Job


def rest_source(job: Job) -> Any:
    """The source, with what its documentation begins with."""
    config: Any = {
        **(job.options.get("source") or _customers(job)),
        "client": {"base_url": job.url},
    }
    # None is how dlt says that nothing was asked for
    nesting: Any = job.options.get("max_table_nesting")
    source: Any = rest_api_source(config, name=DATASET, max_table_nesting=nesting)
    if job.options.get("parallelized"):
        for resource in source.resources.values():
            # in a configuration, ``parallelized`` is heeded for children only
            if not resource.is_transformer:
                resource.parallelize()
    return source


def _customers(job: Job) -> dict[str, Any]:
    return {
        "resources": [
            {
                "name": TABLE,
                "primary_key": "id",
                "write_disposition": job.disposition,
                "endpoint": {
                    "path": f"/{TABLE}",
                    "data_selector": "data",
                    "paginator": {"type": "page_number", "base_page": 0, "total_path": None},
                },
            }
        ],
    }


def pipeline(job: Job) -> Any:
    """A pipeline that has never run."""
    return dlt.pipeline(
        DATASET,
        destination=dlt.destinations.duckdb(str(job.database)),
        dataset_name=DATASET,
        pipelines_dir=str(Path(job.folder) / "dlt"),
    )
