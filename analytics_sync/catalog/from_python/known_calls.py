"""Calls of functions from outside of the file: Python's own, dlt's, and those for times and addresses.

In: the name of a function and its arguments. Out: the result, or ``Code`` for a function that this
reader does not know.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

from analytics_sync.catalog.from_python.containers import distinct
from analytics_sync.catalog.from_python.dlt_objects import incremental, make_object
from analytics_sync.catalog.from_python.known_times import LONGEST, known_time
from analytics_sync.catalog.from_python.limits import MAX_ITEMS, check_plain_size
from analytics_sync.catalog.from_python.lookup import ENVIRONMENT, variable_setting, vault_of
from analytics_sync.catalog.from_python.values import (
    NO_KEY,
    Code,
    Encoded,
    Known,
    Moment,
    Setting,
    SettingText,
    Tuple,
    Value,
    certain,
    deep_copy,
    is_plain,
    join_text,
    unwrap,
    wrap,
)

_SESSIONS = frozenset({"Session", "Client", "session"})

SESSION = Known("session")
"""A session of HTTP requests without settings of its own for rows."""


def call_known(name: str, arguments: list[Value], keywords: dict[str, Value], line: int) -> Value:
    """``name(*arguments, **keywords)`` for a function from outside of the file."""
    last = name.rsplit(".", 1)[-1]
    made = make_object(name, arguments, keywords, line)
    if made is not None:
        return made
    if name.endswith("sources.incremental") or name == "incremental":
        return incremental(arguments, keywords, line)
    setting = _setting(name, arguments, keywords, line)
    if setting is not None:
        return setting
    moment = known_time(name, arguments, keywords, line)
    if moment is not None:
        return moment
    function = _FUNCTIONS.get(name) or _FUNCTIONS.get(
        last if "." in name and last in _DOTTED else ""
    )
    result = function(arguments, keywords, line) if function else None
    if result is not None:
        return result
    if last in _SESSIONS:
        return Value(SESSION, line)
    return Value(Code("this is code (a call of a function from outside of this file)", line), line)


def _setting(
    name: str, arguments: list[Value], keywords: dict[str, Value], line: int
) -> Value | None:
    """``os.getenv("X")``, ``dlt.secrets.get("x")`` and their like."""
    if not arguments or not isinstance(arguments[0].data, str):
        return None
    key = arguments[0].data
    owner, _, last = name.rpartition(".")
    fallback = arguments[1] if len(arguments) > 1 else keywords.get("default")
    default = (
        fallback.data if fallback and isinstance(fallback.data, str | int | float | bool) else None
    )
    if name in {"os.getenv", "getenv"} or (owner in ENVIRONMENT and last in {"get", "pop"}):
        return Value(variable_setting(key, default), line)
    if last == "get" and (vault := vault_of(owner)):
        return Value(Setting("secrets" if vault == "secrets" else "config", key), line)
    return None


def _number(kind: type[int] | type[float]) -> Callable[..., Value | None]:
    def convert(arguments: list[Value], keywords: dict[str, Value], line: int) -> Value | None:
        data = arguments[0].data if len(arguments) == 1 and not keywords else None
        if isinstance(data, Moment) and data.pattern in {"epoch_s", "epoch_ms"}:
            return arguments[0]
        if isinstance(data, Setting) and data.default is not None:
            data = data.default
        if not isinstance(data, str | int | float) or (
            isinstance(data, str) and len(data) > LONGEST
        ):
            return None
        try:
            return Value(kind(data), line)
        except (ValueError, OverflowError):
            return None

    return convert


def _str(arguments: list[Value], keywords: dict[str, Value], line: int) -> Value | None:
    if len(arguments) == 1 and isinstance(arguments[0].data, Setting | SettingText | Moment):
        return arguments[0]
    return join_text([a.data for a in arguments], line) if len(arguments) <= 1 else None


def _list(arguments: list[Value], keywords: dict[str, Value], line: int) -> Value | None:
    if not arguments:
        return Value([], line)
    data = arguments[0].data
    if isinstance(data, list):
        return Value(list(data), line)
    if isinstance(data, dict) and certain(data.values()):
        return Value([Value(k, v.line) for k, v in data.items()], line)
    if isinstance(data, str):
        check_plain_size(letters := [Value(letter, line) for letter in data], line)
        return Value(letters, line)
    return None


def _tuple(arguments: list[Value], keywords: dict[str, Value], line: int) -> Value | None:
    items = _list(arguments, keywords, line)
    return Value(Tuple(items.data), line) if items else None


def _set(arguments: list[Value], keywords: dict[str, Value], line: int) -> Value | None:
    items = _list(arguments, keywords, line)
    found = distinct(items.data) if items else None
    return None if found is None else Value(found, line)


def _dict(arguments: list[Value], keywords: dict[str, Value], line: int) -> Value | None:
    first = arguments[0].data if arguments else {}
    if isinstance(first, list) and all(
        isinstance(p.data, list) and len(p.data) == 2 for p in first
    ):
        pairs = [(p.data[0].data, p.data[1]) for p in first]
        if any(isinstance(k, NO_KEY) for k, _ in pairs):
            return None
        first = dict(pairs)
    if not isinstance(first, dict) or not certain(first[k] for k in keywords if k in first):
        return None
    return Value({**first, **keywords}, line)


def _range(arguments: list[Value], keywords: dict[str, Value], line: int) -> Value | None:
    plain = [a.data for a in arguments]
    if (
        not plain
        or not all(isinstance(p, int) for p in plain)
        or (len(plain) == 3 and plain[2] == 0)
    ):
        return None
    numbers = range(*plain)
    return wrap(list(numbers), line) if len(numbers) <= MAX_ITEMS else None


def _zip(arguments: list[Value], keywords: dict[str, Value], line: int) -> Value | None:
    if not all(isinstance(a.data, list) and certain(a.data) for a in arguments):
        return None
    rows = zip(*[a.data for a in arguments], strict=False)
    return Value([Value(Tuple(row), line) for row in rows], line)


def _enumerate(arguments: list[Value], keywords: dict[str, Value], line: int) -> Value | None:
    start = keywords.get("start", arguments[1] if len(arguments) > 1 else Value(0, line)).data
    items = arguments[0].data if arguments else None
    if not isinstance(items, list) or not certain(items) or not isinstance(start, int):
        return None
    pairs = [Tuple([Value(i, v.line), v]) for i, v in enumerate(items, start)]
    return Value([Value(pair, pair[1].line) for pair in pairs], line)


def _on_plain(function: Callable[[Any], Any]) -> Callable[..., Value | None]:
    """A function of one plain value."""

    def call(arguments: list[Value], keywords: dict[str, Value], line: int) -> Value | None:
        if len(arguments) != 1 or keywords or not is_plain(arguments[0]):
            return None
        try:
            result = function(unwrap(arguments[0]))
        except (TypeError, ValueError, RecursionError):
            return None
        check_plain_size(result, line)
        return wrap(result, line)

    return call


def _of_items(function: Callable[[list[Value]], Any]) -> Callable[..., Value | None]:
    """A function that chooses or orders plain items. The result has the items themselves, no copies."""

    def call(arguments: list[Value], keywords: dict[str, Value], line: int) -> Value | None:
        if len(arguments) != 1 or keywords or not is_plain(arguments[0]):
            return None
        items = _list(arguments, keywords, line)
        try:
            result = function(items.data) if items else None
        except (TypeError, ValueError, RecursionError):
            return None
        return Value(result, line) if isinstance(result, list) else result

    return call


def _same(arguments: list[Value], keywords: dict[str, Value], line: int) -> Value | None:
    """``cast(type, value)`` gives its last argument."""
    return arguments[-1] if arguments else None


def _deep_copied(arguments: list[Value], keywords: dict[str, Value], line: int) -> Value | None:
    return deep_copy(arguments[0]) if len(arguments) == 1 else None


def _copied(arguments: list[Value], keywords: dict[str, Value], line: int) -> Value | None:
    if len(arguments) != 1:
        return None
    data = arguments[0].data
    return Value(type(data)(data) if isinstance(data, dict | list) else data, line)


def _encoded(arguments: list[Value], keywords: dict[str, Value], line: int) -> Value | None:
    data = arguments[0].data if len(arguments) == 1 else None
    return Value(Encoded(data), line) if isinstance(data, str | Setting | SettingText) else None


def _joined_url(arguments: list[Value], keywords: dict[str, Value], line: int) -> Value | None:
    plain = [a.data for a in arguments]
    if len(plain) != 2 or not all(isinstance(p, str) for p in plain):
        return None
    return Value(urljoin(str(plain[0]), str(plain[1])), line)


def _dumped(arguments: list[Value], keywords: dict[str, Value], line: int) -> Value | None:
    if len(arguments) != 1 or keywords or not is_plain(arguments[0]):
        return None
    return Value(json.dumps(unwrap(arguments[0])), line)


_FUNCTIONS: dict[str, Callable[[list[Value], dict[str, Value], int], Value | None]] = {
    "int": _number(int), "float": _number(float), "str": _str, "list": _list, "tuple": _tuple, "set": _set,
    "dict": _dict, "range": _range, "zip": _zip, "enumerate": _enumerate, "len": _on_plain(len),
    "bool": _on_plain(bool), "sorted": _of_items(lambda items: sorted(items, key=unwrap)), "min": _of_items(lambda items: min(items, key=unwrap)), "max": _of_items(lambda items: max(items, key=unwrap)),
    "sum": _on_plain(sum), "any": _on_plain(any), "all": _on_plain(all),
    "reversed": _of_items(lambda items: items[::-1]), "cast": _same, "deepcopy": _deep_copied, "copy": _copied,
    "b64encode": _encoded, "urljoin": _joined_url, "dumps": _dumped,
}  # fmt: skip
_DOTTED = frozenset({"cast", "deepcopy", "copy", "b64encode", "urljoin", "dumps"})
