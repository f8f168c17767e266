"""The table ``_rejected``: it exists in each dataset, also if no record was ever rejected.

In: the connection of a load. Out: the table, empty. dlt creates a table only for a load job, and a
job without rows costs a small load an eighth of its time.
"""

from __future__ import annotations

from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog.tables import REJECTED, REJECTED_COLUMNS, REJECTED_KEY

_LOAD_ID = "_dlt_load_id"


def ensure_rejected(client: SqlClientBase[Any], file_format: str) -> None:
    """Create ``_rejected`` as dlt would, if the dataset has no such table.

    Args:
        client: Of the destination.
        file_format: Of the files to load. PostgreSQL's type of JSON columns depends on it.
    """
    types = client.capabilities.get_type_mapper()
    table: Any = {"name": REJECTED, "file_format": file_format}
    columns: dict[str, Any] = {
        **REJECTED_COLUMNS,
        _LOAD_ID: {"name": _LOAD_ID, "data_type": "text"},
    }
    declared = ", ".join(
        f"{client.escape_column_name(name)} {types.to_destination_type(column, table)}"
        + (" NOT NULL" if name in (*REJECTED_KEY, _LOAD_ID) else "")
        for name, column in columns.items()
    )
    name = client.make_qualified_table_name(REJECTED)
    client.execute_sql(f"CREATE TABLE IF NOT EXISTS {name} ({declared})")
