"""The jobs of a load that are ours and not dlt's, because rows must arrive exactly.

In: a destination, and a folder that is this load's own. Out: the same destination, whose clients make
these jobs. Other destinations than DuckDB and PostgreSQL keep dlt's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlt.common.destination import Destination

from analytics_sync.load.copy import ExactCsvCopyJob
from analytics_sync.load.destination import destination_kind
from analytics_sync.load.merge import merge_job


def own_jobs(destination: Destination[Any, Any], folder: Path) -> None:
    """Have the clients of ``destination`` merge and copy our way.

    dlt has no setting for either; its clients override these methods of each other.
    """
    kind = destination_kind(destination)
    if kind not in {"duckdb", "postgres"}:
        return
    make = destination.client

    def client(*args: Any, **kwargs: Any) -> Any:
        made = make(*args, **kwargs)
        made._create_merge_followup_jobs = lambda chain: [merge_job(chain, made.sql_client, folder)]
        if kind == "postgres":
            load_job = made.create_load_job

            def create_load_job(table: Any, file_path: str, *more: Any, **named: Any) -> Any:
                if ".csv" in Path(file_path).suffixes:
                    return ExactCsvCopyJob(file_path)
                return load_job(table, file_path, *more, **named)

            made.create_load_job = create_load_job
        return made

    destination.client = client  # type: ignore[method-assign]
