"""Copying a file into a PostgreSQL table, so that every value arrives as it is.

In: a CSV file that dlt's Arrow writer made: texts are quoted, null is nothing at all. Out: the rows in
the table. dlt's own job takes ``""`` for null in every column that may be null.
"""

from __future__ import annotations

import csv
import io
from typing import Any

from dlt.common.destination.client import HasFollowupJobs, RunnableLoadJob
from dlt.common.storages.file_storage import FileStorage


class PostgresCopyJob(RunnableLoadJob, HasFollowupJobs):
    """Copies one CSV file with a header."""

    def run(self) -> None:
        """Do so, in one transaction."""
        job_client: Any = self._job_client
        client = job_client.sql_client
        with FileStorage.open_zipsafe_ro(self._file_path, "rb") as file:
            header = next(csv.reader(io.StringIO(file.readline().decode())))
            columns = ", ".join(client.escape_column_name(name) for name in header)
            table = client.make_qualified_table_name(self.load_table_name)
            with client.begin_transaction(), client.native_connection.cursor() as cursor:
                cursor.copy_expert(
                    f"COPY {table} ({columns}) FROM STDIN WITH (FORMAT CSV, ENCODING 'UTF8')", file
                )
