"""Working tables: a table with other columns is made beside the old one, and takes its place in one step.

In: a client of a database that changes no table within a transaction, or not at all. Out: names of its working
tables, and of the column that numbers the rows. Whatever kills a load, the table is the old one or the new one.
"""

from __future__ import annotations

from typing import Any

NEW = "_analytics_sync_new"
OLD = "_analytics_sync_old"
ROW_ID = "_row_id"
"""The column of MariaDB's tables that numbers their rows. SQLite has one in each table."""


def working_tables(client: Any) -> list[str]:
    """The working tables of the client's dataset, as SQL."""
    return [client.make_qualified_table_name(name) for name in (NEW, OLD)]
