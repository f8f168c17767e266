"""The merge job of MariaDB: how it makes a temporary table and the index of a key.

In: a Parquet file of one table's rows. Out: all of the rows in the table, or none. The index is made before the
transaction, because MariaDB commits before it. A merge without an index is slower, and right.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from dlt.destinations.exceptions import DatabaseException

from analytics_sync.common.shown import shown
from analytics_sync.load.clients.lookup_merge_job import LookupMergeJob
from analytics_sync.load.clients.postgres_ddl import limit_lock_wait, run_ddl
from analytics_sync.load.errors import WarehouseInUse

log = logging.getLogger(__name__)

_MAX_COLUMNS = 16  # of an index
_MAX_CHARACTERS, _ALL_CHARACTERS = 191, 700  # of a text, and of all: 767 bytes, and 3,072
_NAME = 20  # characters: an index has its name within its table
_SECONDS = 10.0
_MAX_REASON_CHARACTERS = 300
_INDEX = """
SELECT 1 FROM information_schema.statistics WHERE table_schema = %s AND table_name = %s AND index_name = %s LIMIT 1
"""
_TEXTS = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = %s AND table_name = %s AND (data_type LIKE %s OR data_type LIKE %s)
"""


class MariaDbMergeJob(LookupMergeJob):
    """Merges one Parquet file into its table, or replaces the table's rows with the file's."""

    def temporary_table(self, client: Any) -> tuple[str, str]:
        """A table that only this session sees."""
        return client.make_qualified_table_name("_new_rows"), "TEMPORARY"

    def make_index(self, client: Any, table: str, name: str, keys: Sequence[str]) -> str | None:
        """Make the index of the key, if it is missing. It has the first characters of long texts."""
        name, place = name[-_NAME:], (client.dataset_name, table)
        index: str = client.escape_column_name(name)
        if client.execute_sql(_INDEX, *place, name):
            return index
        rows = client.execute_sql(_TEXTS, *place, "%text", "%blob") or ()
        keys = keys[:_MAX_COLUMNS]
        texts = {column for (column,) in rows}.intersection(keys)
        length = min(_MAX_CHARACTERS, _ALL_CHARACTERS // max(1, len(texts)))
        columns = [
            client.escape_column_name(key) + (f"({length})" if key in texts else "") for key in keys
        ]

        def make() -> None:
            with client.begin_transaction():
                limit_lock_wait(client)
                client.execute_sql(
                    f"CREATE INDEX {index} "
                    f"ON {client.make_qualified_table_name(table)} ({', '.join(columns)})"
                )

        try:
            run_ddl(client, lambda: [table], make, limit=_SECONDS)
        except (DatabaseException, WarehouseInUse) as e:
            log.warning(
                "%s.%s: the index of its key is not made: %s. The next load tries again",
                client.dataset_name, table, shown(e, _MAX_REASON_CHARACTERS).rstrip("."),
            )  # fmt: skip
            return None
        return index

    def alone(self, client: Any, table: str) -> AbstractContextManager[None]:
        """A block in which no other merge changes the table."""
        block: AbstractContextManager[None] = client.alone(client.make_qualified_table_name(table))
        return block
