"""Tables of a source, as dlt and the warehouse see them.

In: a declared resource. Out: columns with dlt's data types, for the table of the resource and for
the ``_rejected`` table of each dataset.
"""

from __future__ import annotations

from collections.abc import Sequence

from dlt.common.schema.typing import TColumnSchema

from analytics_sync.catalog.naming import DELETED_AT, EXTRA, PARENT_KEY, READ_AT
from analytics_sync.catalog.source import Field, Resource

REJECTED = "_rejected"
REJECTED_COLUMNS: dict[str, TColumnSchema] = {
    "record_hash": {"name": "record_hash", "data_type": "text"},
    "resource": {"name": "resource", "data_type": "text"},
    "reason": {"name": "reason", "data_type": "text"},
    "record": {"name": "record", "data_type": "json"},
    "parent": {"name": "parent", "data_type": "text"},
    "window_start": {"name": "window_start", "data_type": "timestamp"},
    "window_end": {"name": "window_end", "data_type": "timestamp"},
}
REJECTED_KEY = ["resource", "record_hash"]
OWN_DESCRIPTIONS = {
    EXTRA: "What was not declared",
    READ_AT: "When the API answered with this row",
    PARENT_KEY: "The parent that listed this row",
    DELETED_AT: "Not listed any more since",
}
"""Texts for the columns of our own."""
INFERRED = "x-inferred"
"""Hint of a column whose type follows the data."""


def table_columns(
    resource: Resource, fields: Sequence[Field] | None = None
) -> dict[str, TColumnSchema]:
    """The columns of fields in their order, then the columns of our own.

    Args:
        resource: The declaration.
        fields: The fields; None takes the declared ones.
    """
    columns: dict[str, TColumnSchema] = {}
    for field in resource.fields if fields is None else fields:
        column: TColumnSchema = {
            "name": field.column,
            "data_type": field.data_type,
            "nullable": field.column not in resource.key,
        }
        if field.description:
            column["description"] = field.description
        if field.is_inferred:
            column[INFERRED] = True  # type: ignore[literal-required]  # a hint of our own
        if field.data_type == "decimal":
            column |= {"precision": 38, "scale": 9}
        columns[field.column] = column
    columns[EXTRA] = {"name": EXTRA, "data_type": "json", "nullable": True}
    columns[READ_AT] = {"name": READ_AT, "data_type": "timestamp", "nullable": True}
    if resource.keeps_parent_key:
        columns[PARENT_KEY] = {"name": PARENT_KEY, "data_type": "text", "nullable": True}
    if resource.soft_deletes:
        columns[DELETED_AT] = {"name": DELETED_AT, "data_type": "timestamp", "nullable": True}
    return columns
