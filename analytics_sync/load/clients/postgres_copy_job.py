"""The copy job of PostgreSQL: a CSV file into a table, every value unchanged.

In: a CSV file that dlt's Arrow writer wrote: texts are quoted, and null is an empty field without
quotes. Out: the rows in the table. dlt's own job reads ``""`` as null in every nullable column.
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
        """Copy the file in one transaction."""
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
