"""Methods of texts, lists, dictionaries, settings and times.

In: a value, the name of a method and plain arguments. Out: the result, or None for a method that
this reader does not know.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from analytics_sync.catalog.from_python.limits import MAX_ITEMS, MAX_TEXT, check_plain_size
from analytics_sync.catalog.from_python.values import (
    NO_KEY,
    Encoded,
    Moment,
    Setting,
    SettingText,
    Tuple,
    Value,
    certain,
    join_text,
    wrap,
)

_SAFE_TEXT = frozenset({
    "lower", "upper", "strip", "lstrip", "rstrip", "split", "startswith", "endswith", "title",
    "capitalize", "removeprefix", "removesuffix", "replace", "casefold", "isdigit",
})  # fmt: skip
_FIELD = re.compile(r"\{\{|\}\}|\{([A-Za-z_0-9]*)\}|[{}]")
_PATTERN = re.compile(r"(?:[^%]|%[A-Za-z%]){1,40}")
_TO_TIME = frozenset({"date", "replace", "subtract", "add", "start_of", "end_of", "time", "set"})
# All times are read in UTC here, so another zone is the same instant.
_SAME_TIME = frozenset({"astimezone", "in_timezone", "in_tz", "naive"})
_PATTERNS = {
    "to_date_string": "date", "to_iso8601_string": "iso", "isoformat": "iso", "timestamp": "epoch_s",
    "to_datetime_string": "%Y-%m-%d %H:%M:%S", "to_rfc3339_string": "iso",
}  # fmt: skip


def call_method(
    base: Value, name: str, arguments: list[Value], keywords: dict[str, Value], line: int
) -> Value | None:
    """``base.name(*arguments, **keywords)``; None if it is not known."""
    data = base.data
    if isinstance(data, str):
        return _of_text(data, name, arguments, keywords, line)
    if isinstance(data, dict):
        return _of_dictionary(base, name, arguments, keywords, line)
    if isinstance(data, list):
        return _of_list(base, name, arguments, line)
    text = text_of(data)
    if (
        isinstance(text, str)
        and name in _SAFE_TEXT
        and all(isinstance(a.data, str) for a in arguments)
    ):
        return _of_text(text, name, arguments, keywords, line)
    if isinstance(data, Moment):
        return _of_time(data, name, arguments, keywords, line)
    if isinstance(data, Setting | SettingText | Encoded) and name in {
        "encode",
        "decode",
        "strip",
        "rstrip",
        "lstrip",
    }:
        return _trimmed(base, name, arguments, line)
    if (
        isinstance(data, Setting)
        and name == "get"
        and arguments
        and isinstance(arguments[0].data, str)
    ):
        return Value(Setting(data.vault, f"{data.key}.{arguments[0].data}"), line)
    return None


def _trimmed(base: Value, name: str, arguments: list[Value], line: int) -> Value:
    """A text with settings, without characters at its ends. A setting itself stays as it is."""
    if not isinstance(base.data, SettingText) or name in {"encode", "decode"}:
        return base
    parts = list(base.data.parts)
    characters = arguments[0].data if arguments and isinstance(arguments[0].data, str) else None
    if name in {"strip", "rstrip"} and isinstance(parts[-1], str):
        parts[-1] = parts[-1].rstrip(characters)
    if name in {"strip", "lstrip"} and isinstance(parts[0], str):
        parts[0] = parts[0].lstrip(characters)
    return join_text(parts, line)


def _of_text(
    text: str, name: str, arguments: list[Value], keywords: dict[str, Value], line: int
) -> Value | None:
    if name in {"encode", "decode"}:
        return Value(text, line)
    if name == "format":
        return _format(text, arguments, keywords, line)
    if name == "join" and arguments and isinstance(arguments[0].data, list):
        parts: list[Any] = []
        for item in arguments[0].data:
            parts += [text, item.data]
        return join_text(parts[1:], line) if len(parts) <= MAX_ITEMS else None
    plain = [a.data for a in arguments]
    if name not in _SAFE_TEXT or keywords or not all(isinstance(p, str | int) for p in plain):
        return None
    if name == "replace" and len(text) * max(len(str(p)) for p in plain) > MAX_TEXT:
        return None
    try:
        return wrap(getattr(text, name)(*plain), line)
    except (TypeError, ValueError):
        return None


def _format(
    text: str, arguments: list[Value], keywords: dict[str, Value], line: int
) -> Value | None:
    """``text.format(...)`` with plain fields only."""
    parts: list[Any] = []
    end = number = 0
    for match in _FIELD.finditer(text):
        parts.append(text[end : match.start()])
        end = match.end()
        found = match[0]
        if found in {"{{", "}}"}:
            parts.append(found[0])
            continue
        if match[1] is None:
            return None
        name = match[1] or str(number)
        number += match[1] == ""
        value = (
            arguments[int(name)]
            if name.isdigit() and int(name) < len(arguments)
            else keywords.get(name)
        )
        if value is None:
            return None
        parts.append(value.data)
    joined = join_text([*parts, text[end:]], line)
    check_plain_size(joined.data, line)
    return joined


def _of_dictionary(
    base: Value, name: str, arguments: list[Value], keywords: dict[str, Value], line: int
) -> Value | None:
    data: dict[Any, Value] = base.data
    key = arguments[0].data if arguments else None
    if name in {"items", "keys", "values", "popitem"} and not certain(data.values()):
        return None
    match name:
        case "items":
            pairs = [Value(Tuple([Value(k, v.line), v]), v.line) for k, v in data.items()]
            return Value(pairs, line)
        case "keys":
            return Value([Value(k, v.line) for k, v in data.items()], line)
        case "values":
            return Value(list(data.values()), line)
        case "copy":
            return Value(dict(data), line)
        case "update" if not arguments or isinstance(key, dict):
            added = {**(key or {}), **keywords}
            if any(not certain([data[k]]) for k in added if k in data):
                return None
            data.update(added)
            check_plain_size(data, line)
            return Value(None, line)
    if not arguments or isinstance(key, NO_KEY):
        return None
    default = arguments[1] if len(arguments) > 1 else Value(None, line)
    match name:
        case "get":
            return data.get(key, default)
        case "setdefault":
            return data.setdefault(key, default)
        case "pop":
            return data.pop(key, default)
    return None


def _of_list(base: Value, name: str, arguments: list[Value], line: int) -> Value | None:
    data: list[Value] = base.data
    check_plain_size(data, line)
    if isinstance(data, Tuple):
        return None
    first = arguments[0] if arguments else Value(None, line)
    if name in {"insert", "pop"} and not certain(data):
        return None
    match name:
        case "append" if arguments:
            data.append(first)
        case "extend" if isinstance(first.data, list):
            data.extend(first.data)
        case "insert" if len(arguments) == 2 and isinstance(first.data, int):
            data.insert(first.data, arguments[1])
        case "clear":
            data.clear()
        case "copy":
            return Value(list(data), line)
        case "pop" if data and (not arguments or isinstance(first.data, int)):
            try:
                return data.pop(*[a.data for a in arguments])
            except IndexError:
                return None
        case _:
            return None
    return Value(None, line)


def _of_time(
    moment: Moment, name: str, arguments: list[Value], keywords: dict[str, Value], line: int
) -> Value | None:
    pattern = arguments[0].data if arguments else None
    if name in {"strftime", "format"} and isinstance(pattern, str):
        if name == "strftime" and not is_pattern(pattern):
            return None
        return Value(Moment(moment.fixed, pattern if name == "strftime" else None), line)
    if name == "isoformat" and (arguments or keywords):
        return None
    if name == "isoformat" and moment.pattern == "date":
        return Value(moment, line)
    if name == "isoformat" and moment.fixed is not None:
        if moment.fixed.microsecond:
            return Value(moment.fixed.isoformat(), line)
        offset = "" if moment.fixed.tzinfo is None else "+00:00"
        return Value(Moment(moment.fixed, f"%Y-%m-%dT%H:%M:%S{offset}"), line)
    if name in _PATTERNS:
        return Value(Moment(moment.fixed, _PATTERNS[name]), line)
    if name in _SAME_TIME or (name == "replace" and not arguments and set(keywords) == {"tzinfo"}):
        return Value(moment, line)
    if name in _TO_TIME:
        fixed = moment.fixed if name == "date" else None
        return Value(Moment(fixed, "date" if name == "date" else moment.pattern), line)
    return None


def is_pattern(text: str) -> bool:
    """Whether a text is a strftime pattern without widths: a width may ask for any length."""
    return bool(_PATTERN.fullmatch(text)) and "%" in text


def text_of(data: Any) -> Any:
    """A known time in a known format as its text or number; other data as it is."""
    if isinstance(data, Moment) and data.fixed is not None and data.pattern is not None:
        return spelled(data.fixed, data.pattern)
    return data


def spelled(fixed: datetime, pattern: str) -> str | int:
    """A time in one of the formats of ``param_format``."""
    match pattern:
        case "iso":
            return fixed.strftime("%Y-%m-%dT%H:%M:%SZ")
        case "date":
            return fixed.date().isoformat()
        case "epoch_s" | "epoch_ms":
            seconds = (fixed if fixed.tzinfo else fixed.replace(tzinfo=UTC)).timestamp()
            return int(seconds) * (1000 if pattern == "epoch_ms" else 1)
    return fixed.strftime(pattern)
