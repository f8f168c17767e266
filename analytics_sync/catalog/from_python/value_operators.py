"""Operators on the interpreter's values: texts with settings, times, lists and dictionaries.

In: two values. Out: the result, or ``Code``. Plain data is left to ``operators``.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from analytics_sync.catalog.from_python.containers import reorders
from analytics_sync.catalog.from_python.limits import MAX_ITEMS, check_plain_size
from analytics_sync.catalog.from_python.methods import text_of
from analytics_sync.catalog.from_python.operators import Unclear, binary
from analytics_sync.catalog.from_python.values import (
    Code,
    Encoded,
    Moment,
    Setting,
    SettingText,
    Tuple,
    Value,
    is_plain,
    join_text,
    unwrap,
    wrap,
)

_PLACE = re.compile("%[sd]")


def operate(operator: ast.operator, left: Value, right: Value, line: int) -> Value:
    """``left <operator> right``."""
    a, b = left.data, right.data
    if (
        isinstance(operator, ast.Add)
        and isinstance(text_of(a), str)
        and isinstance(text_of(b), str)
    ):
        a, b = text_of(a), text_of(b)
    for side in (a, b):
        if isinstance(side, Code):
            return Value(side, line)
    if isinstance(a, Moment) or isinstance(b, Moment):
        return Value(_moved(operator, a, b), line)
    if isinstance(operator, ast.BitOr) and isinstance(a, dict) and isinstance(b, dict):
        if reorders(a, b):
            return Value(Code("keys that only a run could tell", line), line)
        return Value({**a, **b}, line)
    if isinstance(operator, ast.Add) and isinstance(a, list) and isinstance(b, list):
        check_plain_size(joined := [*a, *b], line)
        return Value(Tuple(joined) if isinstance(a, Tuple) else joined, line)
    if isinstance(operator, ast.Mult) and (repeated := _repeated(a, b) or _repeated(b, a)):
        return Value(repeated, line)
    texts = str | SettingText | Setting | Encoded
    if isinstance(operator, ast.Add) and isinstance(a, texts) and isinstance(b, texts):
        return join_text((a, b), line)
    if isinstance(operator, ast.Mod) and isinstance(a, str):
        return _percent(a, right, line)
    if not (is_plain(left) and is_plain(right)):
        return Value(Code("an operation on a value that only a run could tell", line), line)
    try:
        return wrap(binary(operator, unwrap(left), unwrap(right)), line)
    except Unclear:
        return Value(Code("an operation without a result here", line), line)


def _repeated(items: Any, count: Any) -> list[Value] | None:
    """A list with the same items several times: a change of one is a change of all."""
    if not isinstance(items, list) or not isinstance(count, int):
        return None
    if len(items) * count > MAX_ITEMS:
        return None
    return type(items)(items * count)


def _moved(operator: ast.operator, a: Any, b: Any) -> Moment | Code:
    """A time and a length, added; or the seconds of a time as milliseconds."""
    moment = a if isinstance(a, Moment) else b
    if isinstance(operator, ast.Mult) and moment.pattern == "epoch_s" and 1000 in (a, b):
        return Moment(moment.fixed, "epoch_ms")
    return Moment(None, moment.pattern)


def _percent(text: str, right: Value, line: int) -> Value:
    """``"..." % value`` with %s and %d only."""
    values = right.data if isinstance(right.data, Tuple) else [right]
    pieces, kinds = _PLACE.split(text), _PLACE.findall(text)
    if (
        isinstance(right.data, dict)
        or len(kinds) != len(values)
        or any(
            k == "%d" and isinstance(v.data, bool | float)
            for k, v in zip(kinds, values, strict=True)
        )
        or any("%" in p.replace("%%", "") for p in pieces)
    ):
        return Value(Code("a text with a format of its own", line), line)
    parts: list[Any] = [pieces[0].replace("%%", "%")]
    for value, piece in zip(values, pieces[1:], strict=True):
        parts += [value.data, piece.replace("%%", "%")]
    return join_text(parts, line)
