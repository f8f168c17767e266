"""Hints of columns, as a catalog file has them: types and descriptions; the rest follows the data.

In: values of the interpreter. Out: ``columns``, ``schema_contract``, and a ``primary_key`` that hints give.
"""

from __future__ import annotations

from typing import Any

from analytics_sync.catalog.files.yaml_config import Path
from analytics_sync.catalog.from_python.draft import Draft
from analytics_sync.catalog.from_python.values import Class, Known, Value

_KEPT = ("data_type", "description", "format", "aliases", "null_as")
_INFERRED = ("binary", "time", "wei", None)


def write_columns(draft: Draft, value: Value, path: Path) -> dict[str, Any]:
    """The keys of a resource that its ``columns`` become."""
    data = value.data
    if isinstance(data, Class | Known):
        draft.todo(
            "columns are a class; write them as a mapping from field to data type, or leave them out: then they follow the data",
            value.line, path,
        )  # fmt: skip
        return {}
    if isinstance(data, list):
        named = {
            item.data["name"].data: item
            for item in data
            if isinstance(item.data, dict)
            and "name" in item.data
            and isinstance(item.data["name"].data, str)
        }
        value = Value(named, value.line) if len(named) == len(data) else value
    if not isinstance(value.data, dict):
        return {"columns": draft.plain(value, path)}
    columns: dict[str, Any] = {}
    keys: list[str] = []
    draft.mark(path, value)
    for field, item in value.data.items():
        here = (*path, str(field))
        plain = draft.plain(item, here)
        if not isinstance(plain, dict):
            columns[str(field)] = plain
            continue
        if plain.get("primary_key") is True:
            keys.append(str(field))
        column = {k: plain[k] for k in _KEPT if plain.get(k) is not None}
        if plain.get("nullable") is False:
            column["nullable"] = False
        kind = column.get("data_type")
        column["data_type"] = "json" if kind == "complex" else kind
        if kind in _INFERRED:
            draft.note(
                f"the hint of column {field} is left out: its type follows the data", item.line
            )
            continue
        columns[str(field)] = column["data_type"] if len(column) == 1 else column
    result: dict[str, Any] = {"columns": columns, "schema_contract": "evolve"} if columns else {}
    if keys:
        result["primary_key"] = keys
    return result
