"""The jobs of a load that are ours and not dlt's, because rows must arrive exactly.

In: a destination, and a folder that is this load's own. Out: the same destination, whose clients make
these jobs. Other destinations than DuckDB and PostgreSQL keep dlt's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlt.common.destination import Destination

from analytics_sync.load.destination import destination_kind
from analytics_sync.load.duckdb_merge_job import DuckDbMergeJob
from analytics_sync.load.merge_sql import staged_merge
from analytics_sync.load.postgres_copy_job import PostgresCopyJob

_OURS = frozenset({"merge", "replace"})


def use_custom_jobs(destination: Destination[Any, Any], folder: Path) -> None:
    """Have the clients of ``destination`` merge and copy our way.

    dlt has no setting for any of it; its clients override these methods of each other.
    """
    kind = destination_kind(destination)
    if kind not in {"duckdb", "postgres"}:
        return
    make = destination.client

    def client(*args: Any, **kwargs: Any) -> Any:
        made = make(*args, **kwargs)
        # emptying a table is the merge's matter: a load that ends in between must leave it as it was
        made.should_truncate_table_before_load = lambda _: False
        if kind == "duckdb":
            _own_file_job(made, ".parquet", DuckDbMergeJob)
            made.should_load_data_to_staging_dataset = lambda _: False
        else:
            _own_file_job(made, ".csv", PostgresCopyJob)
            made.should_load_data_to_staging_dataset = lambda name: (
                made.prepare_load_table(name)["write_disposition"] in _OURS
            )

            def followup(chain: Any) -> list[Any]:
                return [staged_merge(chain, made.sql_client, folder)]

            made._create_merge_followup_jobs = made._create_replace_followup_jobs = followup
        return made

    destination.client = client  # type: ignore[method-assign]


def _own_file_job(client: Any, suffix: str, job: type) -> None:
    dlts = client.create_load_job

    def create_load_job(table: Any, file_path: str, *more: Any, **named: Any) -> Any:
        ours = suffix in Path(file_path).suffixes and table["write_disposition"] in _OURS
        return job(file_path) if ours else dlts(table, file_path, *more, **named)

    client.create_load_job = create_load_job
