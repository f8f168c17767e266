"""The keys of a resource, and of ``resource_defaults``, as a catalog file has them.

In: values of the interpreter. Out: plain data in a ``Draft``. Keys that are plain pass through; the
checks of the catalog judge them.
"""

from __future__ import annotations

from typing import Any

from analytics_sync.catalog.files.yaml_config import Path
from analytics_sync.catalog.from_python.columns import write_columns
from analytics_sync.catalog.from_python.draft import Draft
from analytics_sync.catalog.from_python.endpoint_keys import joined_path, write_endpoint
from analytics_sync.catalog.from_python.incremental_keys import WindowField
from analytics_sync.catalog.from_python.steps import write_steps
from analytics_sync.catalog.from_python.values import Code, Function, Setting, SettingText, Value

_KEEPS_ALL = {"append", "merge"}


def write_defaults(
    draft: Draft, value: Value, prefix: str
) -> tuple[dict[str, Any], WindowField | None]:
    """The plain ``resource_defaults``, and the cursor that they declare."""
    path: Path = ("resource_defaults",)
    draft.mark(path, value)
    if not isinstance(value.data, dict):
        return draft.plain(value, path), None
    result, cursor = _keys(draft, value, path, prefix)
    if result.get("write_disposition") == "append":
        del result["write_disposition"]
    return result, cursor


def write_resource(
    draft: Draft, value: Value, number: int, prefix: str, defaults: dict[str, Any]
) -> tuple[Any, WindowField | None]:
    """One plain resource, and its cursor."""
    path: Path = ("resources", number)
    draft.mark(path, value)
    if isinstance(value.data, str):
        return _named(draft, draft.plain(value, path), path, prefix, defaults), None
    if isinstance(value.data, int | float | Setting | SettingText):
        return draft.plain(value, path), None
    if not isinstance(value.data, dict):
        return _code(draft, value, path), None
    name = value.data.get("name")
    draft.resource = str(name.data) if name and isinstance(name.data, str) else str(number)
    try:
        result, cursor = _keys(draft, value, path, prefix)
        _add_path(draft, result, path, prefix, defaults)
        _choose_key(draft, result, defaults, value.line)
        return result, cursor
    finally:
        draft.resource = ""


def _code(draft: Draft, value: Value, path: Path) -> dict[str, Any]:
    """A resource in Python code has no plain form."""
    data = value.data
    why = (
        f"the resource {data.name} in Python code"
        if isinstance(data, Function)
        else "a resource in Python code"
    )
    if isinstance(data, Code):
        why = data.why
    draft.todo(f"{why}; declare its endpoint, or load it by a program of its own", value.line, path)
    return {"name": f"todo_line_{value.line}"}


def _named(draft: Draft, name: str, path: Path, prefix: str, defaults: dict[str, Any]) -> Any:
    """A resource that is only a name: name and path."""
    result: dict[str, Any] = {"name": name, "endpoint": {"path": joined_path(prefix, name)}}
    _choose_key(draft, result, defaults, draft.lines.get(path, 0))
    return result


def _keys(
    draft: Draft, value: Value, path: Path, prefix: str
) -> tuple[dict[str, Any], WindowField | None]:
    result: dict[str, Any] = {}
    cursor: WindowField | None = None
    for key, item, here in draft.entries(value, path):
        match key:
            case "endpoint":
                result[key], cursor = write_endpoint(draft, item, here, prefix)
            case "columns":
                result |= write_columns(draft, item, here)
            case "processing_steps":
                result[key] = write_steps(draft, item, here)
            case "file_format" | "table_format":
                draft.note(f"{key} is left out: it changes no row", item.line)
            case _:
                result[str(key)] = draft.plain(item, here)
    if cursor is not None:
        _type_cursor(draft, result, cursor, path)
    return result, cursor


def _type_cursor(draft: Draft, result: dict[str, Any], cursor: WindowField, path: Path) -> None:
    """A cursor that counts seconds or milliseconds is a timestamp in that unit."""
    columns = result.get("columns", {})
    if cursor.unit == "epoch_ms" or (cursor.unit and cursor.path in columns):
        column = columns.get(cursor.path)
        described = (
            {k: v for k, v in column.items() if k == "description"}
            if isinstance(column, dict)
            else {}
        )
        result["columns"] = {
            **columns,
            cursor.path: {**described, "data_type": "timestamp", "format": cursor.unit},
        }
        result.setdefault("schema_contract", "evolve")
        draft.lines.setdefault((*path, "columns"), draft.lines.get(path, 0))
    elif cursor.path in columns and _data_type(columns[cursor.path]) == "text":
        del columns[cursor.path]  # windows need a time; its texts are times


def _data_type(column: Any) -> Any:
    return column.get("data_type") if isinstance(column, dict) else column


def _add_path(
    draft: Draft, result: dict[str, Any], path: Path, prefix: str, defaults: dict[str, Any]
) -> None:
    """dlt's path without a declaration is the name, as the file spells it."""
    name = result.get("name")
    endpoint = result.setdefault("endpoint", {})
    inherited = defaults.get("endpoint")
    if isinstance(endpoint, dict) and "path" not in endpoint and isinstance(name, str):
        if isinstance(inherited, dict) and "path" in inherited:
            return
        result["endpoint"] = {"path": joined_path(prefix, name), **endpoint}
        draft.lines.setdefault((*path, "endpoint", "path"), draft.lines.get((*path, "name"), 0))


def _choose_key(draft: Draft, result: dict[str, Any], defaults: dict[str, Any], line: int) -> None:
    """Without a primary key, rows that are added or merged are told apart by all of their fields."""
    own = result.get("write_disposition")
    disposition = own if own is not None else defaults.get("write_disposition")
    name = disposition.get("disposition") if isinstance(disposition, dict) else disposition
    if own == "append":
        del result["write_disposition"]
    has_key = bool(result.get("primary_key") or defaults.get("primary_key"))
    if (
        has_key
        or name == "replace"
        or "merge_key" in {*result, *defaults}
        or result.get("selected") is False
    ):
        return
    if name is None or name in _KEEPS_ALL:
        result["primary_key"] = "row_hash"
        draft.note(
            f"{draft.resource or result.get('name')}: no primary_key; rows are told apart by all of their fields",
            line,
        )
