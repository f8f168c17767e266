"""The merge job of PostgreSQL: from the staging dataset into a table, in one transaction.

In: a file with one SQL statement in each line, and the table. Out: all of the rows in the table, or
none. The table is locked and looked at first: see ``foreign_objects``.
"""

from __future__ import annotations

from typing import Any

from dlt.common.destination.client import RunnableLoadJob
from dlt.common.storages.file_storage import FileStorage

from analytics_sync.load.clients.foreign_objects import own_tables
from analytics_sync.load.clients.merge_counts import run_counted


class PostgresMergeJob(RunnableLoadJob):
    """Runs the statements of one file.

    Args:
        file_path: The file.
        dataset: The dataset of the table. When the job runs, dlt's client is set to the staging dataset.
    """

    def __init__(self, file_path: str, dataset: str) -> None:
        super().__init__(file_path)
        self._dataset = dataset

    def run(self) -> None:
        """Run the statements in one transaction."""
        job_client: Any = self._job_client
        client = job_client.sql_client
        with FileStorage.open_zipsafe_ro(self._file_path, "r", encoding="utf-8") as file:
            statements = file.read().split("\n")
        with (
            client.with_alternative_dataset_name(self._dataset),
            own_tables(client, self.load_table_name),
        ):
            counts = run_counted(client, statements)
        job_client.merges.add(self.load_table_name, counts)
