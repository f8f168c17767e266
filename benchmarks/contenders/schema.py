"""Declared columns as a JSON schema, for the connectors that want one.

In: a shape. Out: the schema of its records; what is JSON in the table may be anything.
"""

from __future__ import annotations

from typing import Any

from benchmarks.workload.records import Shape

_TYPES: dict[str, dict[str, Any]] = {
    "bigint": {"type": ["integer", "null"]},
    "timestamp": {"type": ["string", "null"], "format": "date-time"},
    "text": {"type": ["string", "null"]},
    "double": {"type": ["number", "null"]},
    "bool": {"type": ["boolean", "null"]},
    "json": {"type": ["object", "array", "null"], "additionalProperties": True},
}


def json_schema(shape: Shape) -> dict[str, Any]:
    """The schema of one record."""
    return {
        "type": "object",
        "properties": {name: _TYPES[kind] for name, kind in shape.fields.items()},
    }
