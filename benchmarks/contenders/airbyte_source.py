"""The connector of ``airbyte``: the CDK's command ``read`` with the manifest ``airbyte.yaml``.

In: a job, as JSON. Out: Airbyte messages on standard output.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml
from airbyte_cdk.entrypoint import launch
from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer
from airbyte_cdk.sources.declarative.concurrent_declarative_source import (
    ConcurrentDeclarativeSource,
)

from benchmarks.contenders.schema import json_schema
from benchmarks.contenders.start import wait_for_release
from benchmarks.workload.job import TABLE, Job

_MANIFEST = Path(__file__).with_name("airbyte.yaml")


def main(job: Job) -> None:
    """Build the source, wait for the release, then read."""
    config = {"url": job.url, "page_size": job.page_size}
    schema = json_schema(job.record_shape)
    manifest = yaml.safe_load(_MANIFEST.read_text(encoding="utf-8"))
    manifest["streams"][0]["schema_loader"]["schema"] = schema
    catalog = {
        "streams": [
            {
                "stream": {
                    "name": TABLE,
                    "json_schema": schema,
                    "supported_sync_modes": ["full_refresh"],
                },
                "sync_mode": "full_refresh",
                "destination_sync_mode": "overwrite",
            }
        ]
    }
    files = []
    for name, content in (("config", config), ("catalog", catalog)):
        file = Path(job.folder) / f"{name}.json"
        file.write_text(json.dumps(content), encoding="utf-8")
        files += [f"--{name}", str(file)]
    source = ConcurrentDeclarativeSource(
        catalog=ConfiguredAirbyteCatalogSerializer.load(catalog),
        config=config,
        source_config=manifest,
    )
    wait_for_release()
    launch(source, ["read", *files])


if __name__ == "__main__":
    main(Job.from_json(sys.argv[1]))
