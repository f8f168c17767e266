"""The source and the pipeline of ``plain_dlt`` and ``plain_dagster``.

In: a job. Its option ``source`` is a ``rest_api`` configuration without a base URL; without it, the
configuration is that of the usual table. The options ``max_table_nesting`` and ``parallelized`` are
dlt's settings of these names. Out: a dlt ``rest_api`` source, and a pipeline into the job's warehouse.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlt
from dlt.sources.rest_api import rest_api_source

from benchmarks.contenders import imports  # noqa: F401
from benchmarks.contenders.warehouse import dlt_destination
from benchmarks.workload import declared
from benchmarks.workload.job import DATASET, Job


def rest_source(job: Job) -> Any:
    """The source, with the settings of dlt's first examples."""
    config: Any = {
        **(job.options.get("source") or _customers(job)),
        "client": {"base_url": job.url},
    }
    # dlt takes None as "not set".
    nesting: Any = job.options.get("max_table_nesting")
    source: Any = rest_api_source(config, name=DATASET, max_table_nesting=nesting)
    if job.options.get("parallelized"):
        for resource in source.resources.values():
            # dlt heeds ``parallelized`` in a configuration for child resources only.
            if not resource.is_transformer:
                resource.parallelize()
    return source


def _customers(job: Job) -> dict[str, Any]:
    # dlt expects a total of pages unless ``total_path`` is None.
    paginator = {**declared.UNCOUNTED_PAGINATOR, "total_path": None}
    return declared.for_dlt(declared.customers(job, paginator)["resources"])


def new_pipeline(job: Job) -> Any:
    """A pipeline that has never run."""
    return dlt.pipeline(
        DATASET,
        destination=dlt_destination(job),
        dataset_name=DATASET,
        pipelines_dir=str(Path(job.folder) / "dlt"),
    )
