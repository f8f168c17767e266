"""The keys of ``endpoint``, as a catalog file has them.

In: values of the interpreter. Out: plain data, and the cursor of ``incremental``.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from analytics_sync.catalog.files.yaml_config import Path
from analytics_sync.catalog.from_python.bound_formats import START, bound_format
from analytics_sync.catalog.from_python.client_keys import write_auth, write_header, write_paginator
from analytics_sync.catalog.from_python.dlt_objects import named
from analytics_sync.catalog.from_python.draft import TODO, Draft
from analytics_sync.catalog.from_python.incremental_keys import (
    WindowField,
    own_format,
    write_incremental,
)
from analytics_sync.catalog.from_python.values import Function, Known, Value


def write_endpoint(
    draft: Draft, value: Value, path: Path, prefix: str
) -> tuple[Any, WindowField | None]:
    """The plain ``endpoint``, and its cursor."""
    if not isinstance(value.data, dict):
        value = Value({"path": value}, value.line)
    result: dict[str, Any] = {}
    cursor: WindowField | None = None
    for key, item, here in draft.entries(value, path):
        match key:
            case "path":
                result[key] = _path(draft, item, here, prefix, result)
            case "params":
                params = _params(draft, item, here)
                result[key] = (
                    {**result.get(key, {}), **params} if isinstance(params, dict) else params
                )
                found = _window_param(draft, item, path, "incremental" in value.data)
                if found is not None:
                    result["incremental"], cursor, texts = found
                    result[key] |= texts
            case "incremental":
                item, texts = _spread(item)
                result[key], cursor = write_incremental(draft, item, here)
                result["params"] = {**result.get("params", {}), **texts}
            case "paginator":
                result[key] = write_paginator(draft, item, here)
            case "auth":
                result[key] = write_auth(draft, item, here)
            case "headers" if isinstance(item.data, dict):
                result[key] = {
                    str(k): write_header(draft, str(k), v, (*here, str(k)))
                    for k, v in item.data.items()
                    if v.data is not None
                }
            case "response_actions" if isinstance(item.data, list):
                result[key] = [
                    _action(draft, action, (*here, i)) for i, action in enumerate(item.data)
                ]
            case _:
                result[str(key)] = draft.plain(item, here)
    if result.get("params") == {} and "params" not in value.data:
        del result["params"]
    return result, cursor


def _path(draft: Draft, value: Value, here: Path, prefix: str, endpoint: dict[str, Any]) -> Any:
    """The path below ``base_url``. A query in it becomes ``params``."""
    path = draft.plain(value, here)
    if not isinstance(path, str) or path.startswith(f"{TODO} line"):
        return path
    path, mark, query = path.partition("?")
    if mark:
        pairs = parse_qsl(query, keep_blank_values=True)
        names = [name for name, _ in pairs]
        params: dict[str, Any] = endpoint.setdefault("params", {})
        for name, text in pairs:
            if names.count(name) > 1:
                params[name] = [t for n, t in pairs if n == name]
            else:
                params[name] = text
            draft.lines.setdefault((*here[:-1], "params", name), value.line)
    return joined_path(prefix, path)


def joined_path(prefix: str, path: str) -> str:
    """A path below the part of the address that no ``base_url`` holds."""
    return f"{prefix}/{path.lstrip('/')}".strip("/") if prefix else path


def _params(draft: Draft, value: Value, path: Path) -> Any:
    if not isinstance(value.data, dict):
        return draft.plain(value, path)
    result: dict[str, Any] = {}
    for name, item in value.data.items():
        if _is_window(item):
            continue
        result[str(name)] = draft.plain(named(str(name), item), (*path, str(name)))
    return result


def _is_window(value: Value) -> bool:
    kind = value.data.get("type") if isinstance(value.data, dict) else None
    return kind is not None and kind.data == "incremental"


def _window_param(
    draft: Draft, params: Value, path: Path, has_incremental: bool
) -> tuple[Any, WindowField | None, dict[str, str]] | None:
    """dlt's older spelling of ``incremental``: a parameter of that type."""
    if not isinstance(params.data, dict):
        return None
    found = [(name, item) for name, item in params.data.items() if _is_window(item)]
    if not found:
        return None
    name, item = found[0]
    if len(found) > 1 or has_incremental:
        draft.todo(
            "a second incremental; a resource has one",
            found[-1][1].line,
            (*path, "params", str(found[-1][0])),
        )
    parameter = Value(str(name), item.line)
    item, texts = _spread(Value({**item.data, "start_param": parameter}, item.line))
    return *write_incremental(draft, item, (*path, "incremental")), texts


def _spread(value: Value) -> tuple[Value, dict[str, str]]:
    """An ``incremental`` whose ``convert`` writes text around a bound, and that text as a parameter."""
    data = value.data
    convert = data.get("convert") or data.get("transform") if isinstance(data, dict) else None
    start = data.get("start_param") if isinstance(data, dict) else None
    if convert is None or start is None:
        return value, {}
    found = bound_format(convert, own_format(data.get("initial_value")))
    if found is None or found[1] == START:
        return value, {}
    kept = {key: item for key, item in data.items() if key != "start_param"}
    return Value(kept, value.line), {str(start.data): found[1]}


def _action(draft: Draft, value: Value, path: Path) -> Any:
    """A response action. One that calls a function is code."""
    if isinstance(value.data, Function | Known):
        draft.todo(
            "a function for responses is code; write status_code, content and action",
            value.line,
            path,
        )
        return {}
    if isinstance(value.data, dict) and isinstance(
        value.data.get("action", Value(None, 0)).data, Function | list
    ):
        draft.todo(
            "an action that is a function; the actions are ignore, retry, fail and accept",
            value.line,
            (*path, "action"),
        )
        return {}
    plain = draft.plain(value, path)
    if isinstance(plain, dict):
        status = plain.get("status_code")
        if isinstance(status, str) and status.isdecimal():
            plain["status_code"] = int(status)
        plain = {k: v for k, v in plain.items() if v is not None}
    return plain
