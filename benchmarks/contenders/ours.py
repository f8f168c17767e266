"""This package: a declaration is read and loaded as an asset does it, without Dagster around it.

In: options ``source``, a declaration without its base URL, where it is not the usual table;
``window``, two instants; ``only``, names of resources. Out: of such a declaration the figure
``read``, records that came.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import datetime
from typing import Any

from analytics_sync.catalog import load_text
from analytics_sync.common.window import Window
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from benchmarks.contenders import imports  # noqa: F401
from benchmarks.workload.job import DATASET, TABLE, Job


def prepare(job: Job) -> Callable[[], dict[str, float]]:
    """See the package."""
    os.environ["DESTINATION__DUCKDB__CREDENTIALS"] = str(job.database)
    options = job.options
    declaration = options.get("source") or _customers(job)
    client = {**declaration.get("client", {}), "base_url": job.url}
    # JSON is YAML
    text = json.dumps({**declaration, "source": DATASET, "client": client})
    source = load_text(text, name=DATASET, file="bench.yaml")
    window = (
        Window(*map(datetime.fromisoformat, options["window"])) if "window" in options else None
    )

    def go() -> dict[str, float]:
        with ReadRun(source, window, options.get("only")) as run:
            load(run, "bench")
            assert not run.failures(), run.failures()
            read = sum(run.result(r.name).records for r in run.resources)
            return {"read": read} if "source" in options else {}

    return go


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
                    "paginator": {"type": "page_number", "base_page": 0},
                },
                "columns": dict(job.kind.columns),
            }
        ],
    }
