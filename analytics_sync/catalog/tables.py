"""Tables of a source, as dlt and the warehouse see them.

In: a declared resource. Out: columns with dlt's data types, for the table of the resource and for
the ``_rejected`` table of each dataset.
"""

from __future__ import annotations

from dlt.common.schema.typing import TColumnSchema

from analytics_sync.catalog.naming import DELETED_AT, EXTRA, READ_AT
from analytics_sync.catalog.source import Resource

REJECTED = "_rejected"
REJECTED_COLUMNS: dict[str, TColumnSchema] = {
    "record_hash": {"name": "record_hash", "data_type": "text"},
    "resource": {"name": "resource", "data_type": "text"},
    "reason": {"name": "reason", "data_type": "text"},
    "record": {"name": "record", "data_type": "json"},
}
REJECTED_KEY = ["resource", "record_hash"]


def table_columns(resource: Resource) -> dict[str, TColumnSchema]:
    """The declared columns in their order, then the columns of our own."""
    columns: dict[str, TColumnSchema] = {}
    for field in resource.fields:
        column: TColumnSchema = {
            "name": field.column,
            "data_type": field.data_type,
            "nullable": field.column not in resource.key,
        }
        if field.description:
            column["description"] = field.description
        if field.data_type == "decimal":
            column |= {"precision": 38, "scale": 9}
        columns[field.column] = column
    columns[EXTRA] = {"name": EXTRA, "data_type": "json", "nullable": True}
    columns[READ_AT] = {"name": READ_AT, "data_type": "timestamp", "nullable": True}
    if resource.soft_deletes:
        columns[DELETED_AT] = {"name": DELETED_AT, "data_type": "timestamp", "nullable": True}
    return columns
