"""JSON schema of the declared columns, for connectors that need one.

In: a shape. Out: the schema of its records. A field of type ``json`` may be an object or an array.
"""

from __future__ import annotations

from typing import Any

from benchmarks.workload.records import Shape

_JSON_TYPES: dict[str, dict[str, Any]] = {
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
        "properties": {name: _JSON_TYPES[type_] for name, type_ in shape.fields.items()},
    }
