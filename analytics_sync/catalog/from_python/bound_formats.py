"""The format of a bound from a ``convert`` function: the strftime pattern or the method that it ends in.

In: a function of the file. Out: a ``param_format``, or None for code of another form.
"""

from __future__ import annotations

import ast

from analytics_sync.catalog.from_python.values import Function

START = "{incremental.start_value}"
_METHODS = {
    "to_date_string": "date",
    "isoformat": "iso",
    "to_iso8601_string": "iso",
    "to_datetime_string": "%Y-%m-%d %H:%M:%S",
    "int_timestamp": "epoch_s",
    "timestamp": "epoch_s",
}


def format_of_code(function: Function) -> str | None:
    """The ``param_format`` of what a function returns."""
    node = returned(function)
    if node is None:
        return None
    factor = 1
    while True:
        match node:
            case ast.Call(func=ast.Name(id="int" | "str" | "round"), args=[inner, *_]):
                node = inner
            case ast.Subscript(
                slice=ast.Slice(lower=None, upper=ast.Constant(value=10), step=None)
            ):
                return "date"
            case ast.Subscript(
                value=ast.Call(
                    func=ast.Attribute(attr="split"), args=[ast.Constant(value="T" | " ")]
                ),
                slice=ast.Constant(value=0),
            ):
                return "date"
            case ast.Call(func=ast.Attribute(attr="mktime" | "timegm")):
                return "epoch_ms" if factor == 1000 else "epoch_s"
            case ast.BinOp(op=ast.Mult(), left=inner, right=ast.Constant(value=1000)):
                node, factor = inner, 1000
            case ast.Call(
                func=ast.Attribute(attr="strftime"), args=[ast.Constant(value=str(pattern))]
            ):
                return "date" if pattern == "%Y-%m-%d" else pattern
            case ast.Call(func=ast.Attribute(attr=name)) | ast.Attribute(attr=name) if (
                name in _METHODS
            ):
                found = _METHODS[name]
                return "epoch_ms" if factor == 1000 and found == "epoch_s" else found
            case _:
                return None


def text_around(function: Function) -> str | None:
    """The text that a function writes around its one value, with ``{incremental.start_value}`` in it."""
    node, names = returned(function), [a.arg for a in function.node.args.args]
    if node is None or len(names) != 1:
        return None
    written = _written(node, names[0])
    return written if written is not None and written.count(START) == 1 else None


def _written(node: ast.expr, name: str) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=found) if found == name:
            return START
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            parts = [_written(left, name), _written(right, name)]
        case ast.JoinedStr(values=values):
            parts = [_written(value, name) for value in values]
        case ast.FormattedValue(value=value, format_spec=None):
            return _written(value, name)
        case ast.Call(func=ast.Name(id="str"), args=[inner]):
            return _written(inner, name)
        case _:
            return None
    return None if None in parts else "".join(str(part) for part in parts)


def returned(function: Function) -> ast.expr | None:
    """The expression that a lambda, or a function of one statement, returns."""
    node = function.node
    if isinstance(node, ast.Lambda):
        return node.body
    body = [s for s in node.body if not _is_comment(s) and not _is_guard(s, node.args.args)]
    return body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) else None


def _is_comment(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_guard(node: ast.stmt, parameters: list[ast.arg]) -> bool:
    """``if x is None: return x``: dlt calls no function for null, and no record is null."""
    match node:
        case ast.If(test=test, body=[ast.Return()], orelse=[]):
            names = {a.arg for a in parameters}
            match test:
                case ast.Compare(
                    left=ast.Name(id=name), ops=[ast.Is()], comparators=[ast.Constant(value=None)]
                ):
                    return name in names
                case ast.UnaryOp(op=ast.Not(), operand=ast.Name(id=name)):
                    return name in names
    return False
