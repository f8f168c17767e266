"""The keys of ``client``: address, authentication, headers and paginators, as a catalog file has them.

In: values of the interpreter. Out: plain data in a ``Draft``.
"""

from __future__ import annotations

from typing import Any

from analytics_sync.catalog.files.yaml_config import Path
from analytics_sync.catalog.from_python.dlt_objects import injected, make_object, named
from analytics_sync.catalog.from_python.draft import Draft
from analytics_sync.catalog.from_python.setting_texts import setting_key
from analytics_sync.catalog.from_python.values import (
    Code,
    Encoded,
    Known,
    Setting,
    SettingText,
    Value,
)

BASE_URL = "base_url"
_CLIENT = ("client",)
_SIMPLE_AUTH = {
    "bearer": ("token",),
    "api_key": ("api_key",),
    "http_basic": ("username", "password"),
    "oauth2_client_credentials": ("client_id", "client_secret"),
}


def write_client(draft: Draft, value: Value) -> tuple[dict[str, Any], str]:
    """The plain ``client``.

    Returns:
        The mapping, and what stands in front of the path of each resource: the part of the address
        that follows a setting named ``base_url``, which is the whole address here.
    """
    path: Path = _CLIENT
    if not isinstance(value.data, dict):
        return draft.plain(value, path), ""
    client: dict[str, Any] = {}
    prefix = ""
    for key, item, here in draft.entries(value, path):
        match key:
            case "base_url":
                address, prefix = _base_url(draft, item, here)
                if address is not None:
                    client[key] = address
            case "auth":
                client[key] = write_auth(draft, item, here)
            case "headers":
                _headers(draft, item, here, client, has_auth="auth" in value.data)
            case "paginator":
                client[key] = write_paginator(draft, item, here)
            case "session":
                _session(draft, item, here)
            case _:
                client[str(key)] = draft.plain(item, here)
    return client, prefix


def _session(draft: Draft, value: Value, path: Path) -> None:
    if isinstance(value.data, Known) and value.data.name.startswith("session"):
        draft.note(
            "client.session is left out: timeouts and retries are keys of a catalog file",
            value.line,
        )
    else:
        draft.todo(
            "a session of its own; what it sends goes into client.headers or client.auth",
            value.line,
            path,
        )


def _base_url(draft: Draft, value: Value, path: Path) -> tuple[Any, str]:
    """The address, None if the setting ``base_url`` is all of it, and the prefix of all paths."""
    data = value.data
    parts = data.parts if isinstance(data, SettingText) else (injected(BASE_URL, value) or data,)
    first, rest = parts[0], parts[1:]
    if isinstance(first, Setting):
        if first.default is not None and not rest:
            draft.note(
                f"base_url is the default of {setting_key(first.key)!r}; the setting base_url wins",
                value.line,
            )
            return str(first.default), ""
        if setting_key(first.key).lower() == BASE_URL:
            tail = draft.plain(Value(SettingText(rest) if rest else "", value.line), path)
            return None, str(tail).strip("/")
    return draft.plain(Value(first, value.line) if len(parts) == 1 else value, path), ""


def _headers(
    draft: Draft, value: Value, path: Path, client: dict[str, Any], *, has_auth: bool
) -> None:
    """The headers. A bearer or basic credential becomes ``auth``, if the client has none."""
    if not isinstance(value.data, dict):
        client["headers"] = draft.plain(value, path)
        return
    headers: dict[str, Any] = {}
    for name, item in value.data.items():
        here = (*path, str(name))
        auth = (
            None
            if has_auth or str(name).lower() != "authorization"
            else _auth_of_header(draft, item, here)
        )
        if auth is not None:
            client["auth"] = auth
            draft.lines.setdefault(("client", "auth"), item.line)
        elif item.data is not None:
            headers[str(name)] = write_header(draft, str(name), item, here)
    if headers:
        client["headers"] = headers


def write_header(draft: Draft, name: str, value: Value, path: Path) -> Any:
    """One header."""
    plain = draft.plain(named(name, value), path)
    return str(plain) if isinstance(plain, int | float) and not isinstance(plain, bool) else plain


def _auth_of_header(draft: Draft, value: Value, path: Path) -> dict[str, Any] | None:
    """``Authorization: Bearer <secret>`` as ``auth``; None for another header."""
    parts = value.data.parts if isinstance(value.data, SettingText) else ()
    if len(parts) != 2 or not isinstance(parts[0], str):
        return None
    scheme = parts[0].strip().lower()
    if scheme == "bearer" and isinstance(parts[1], Setting):
        token = Value(_secret(parts[1]), value.line)
        return {"type": "bearer", "token": draft.plain(token, ("client", "auth", "token"))}
    if (
        scheme == "basic"
        and isinstance(parts[1], Encoded)
        and isinstance(parts[1].text, SettingText)
    ):
        pair = parts[1].text.parts
        if len(pair) == 3 and pair[1] == ":":
            return _basic(draft, pair[0], pair[2], value.line)
        if len(pair) == 2 and isinstance(pair[1], str) and pair[1] == ":":
            return _basic(draft, pair[0], "", value.line)
        if len(pair) == 2 and isinstance(pair[0], str) and pair[0].endswith(":"):
            return _basic(draft, pair[0][:-1], pair[1], value.line)
    return None


def _secret(setting: Setting) -> Setting:
    return Setting("secrets", setting.key) if setting.vault == "any" else setting


def _basic(draft: Draft, user: Any, password: Any, line: int) -> dict[str, Any]:
    place = ("client", "auth")
    return {
        "type": "http_basic",
        "username": draft.plain(Value(user, line), (*place, "username")),
        "password": draft.plain(Value(password, line), (*place, "password")),
    }


def write_auth(draft: Draft, value: Value, path: Path) -> Any:
    """``auth`` as a mapping."""
    data = value.data
    if isinstance(data, Known) and (made := make_object(data.name, [], {}, value.line)):
        data = made.data["type"].data
    if isinstance(data, str) and data in _SIMPLE_AUTH:
        keys = {key: Value(Setting("secrets", key), value.line) for key in _SIMPLE_AUTH[data]}
        value = Value({"type": Value(data, value.line), **keys}, value.line)
    if not isinstance(value.data, dict):
        if isinstance(value.data, Code):
            return draft.todo(
                f"auth: {value.data.why}; write auth as type api_key, bearer, http_basic or oauth2_client_credentials",
                value.data.line,
                path,
            )
        return draft.plain(value, path)
    result: dict[str, Any] = {}
    draft.mark(path, value)
    for key, item in value.data.items():
        item = named(str(key), item)
        if item.data is None or key == "session":
            continue
        result[str(key)] = (
            "query"
            if (key, item.data) == ("location", "param")
            else draft.plain(item, (*path, str(key)))
        )
    if "type" not in value.data:  # dlt's default
        result = {"type": "bearer", **result}
    return result


def write_paginator(draft: Draft, value: Value, path: Path) -> Any:
    """A paginator as a name or a mapping."""
    data = value.data
    if isinstance(data, Known) and (made := make_object(data.name, [], {}, value.line)):
        value = made
    if value.data == "json_response":
        return "json_link"
    if not isinstance(value.data, dict):
        if isinstance(value.data, Code):
            return draft.todo(
                f"paginator: {value.data.why}; write a paginator by its type", value.data.line, path
            )
        return draft.plain(value, path)
    result = draft.mapping(value, path)
    if result.get("type") == "json_response":
        result["type"] = "json_link"
    if (
        result.get("type") == "page_number"
        and "page" in result
        and result.get("base_page") in (None, result["page"])
    ):
        result["base_page"] = result.pop("page")
    numbered = result.get("type") in ("page_number", "offset")
    if numbered and result.get("stop_after_empty_page") is False and "total_path" not in value.data:
        result["total_path"] = "total"  # dlt's default, which is the end of the listing then
    return result
