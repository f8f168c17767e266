"""Fields of a record in code: ``x["a"]["b"]`` and ``x.get("a")`` -> the path ``a.b``.

In: an expression, and the name of the record. Out: the path, and the value for a record without it.
"""

from __future__ import annotations

import ast
import re

from analytics_sync.catalog.from_python.expressions import Expressions
from analytics_sync.catalog.from_python.values import Function, NameScope, is_plain, unwrap

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_@$-]+")


class NotPlain(Exception):
    """The expression is no constant."""


class _Constants(Expressions):
    """Evaluates expressions without calls: constants, names and literals."""


def constant(node: ast.expr, function: Function) -> object:
    """The value of an expression that does not depend on the record.

    Raises:
        NotPlain: It is no constant.
    """
    if any(isinstance(child, ast.Call | ast.NamedExpr) for child in ast.walk(node)):
        raise NotPlain
    value = _Constants(0).evaluate(node, NameScope(function.defaults, function.scope))
    if not is_plain(value):
        raise NotPlain
    found = unwrap(value)
    return list(found) if isinstance(found, tuple) else found


def parameter(function: Function) -> str | None:
    """The name of the record, for a function of one record."""
    spec = function.node.args
    plain = [*spec.posonlyargs, *spec.args]
    if not plain or spec.vararg or len(plain) - len(spec.defaults) > 1:
        return None
    return plain[0].arg


def body_of(function: Function) -> list[ast.stmt]:
    """The statements of a function without its docstring; of a lambda, the return of its result."""
    node = function.node
    if isinstance(node, ast.Lambda):
        return [ast.Return(value=node.body)]
    return [
        s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
    ]


def field_of(node: ast.expr, record: str, function: Function) -> tuple[str, object] | None:
    """The path of a field, and the value in place of an absent one; None for another expression."""
    keys: list[str] = []
    default: object = None
    while not (isinstance(node, ast.Name) and node.id == record):
        match node:
            case ast.Subscript(value=inner, slice=ast.Constant(value=str(key))):
                pass
            case ast.Call(
                func=ast.Attribute(value=inner, attr="get"),
                args=[ast.Constant(value=str(key)), *rest],
                keywords=[],
            ):
                if rest and not keys:
                    try:
                        default = constant(rest[0], function)
                    except NotPlain:
                        return None
            case ast.BoolOp(op=ast.Or(), values=[inner, ast.Dict(keys=[])]) if keys:
                node = inner
                continue
            case _:
                return None
        keys.append(key if _PLAIN_KEY.fullmatch(key) else f"['{key}']")
        if "'" in key or "\\" in key:
            return None
        node = inner
    return (".".join(reversed(keys)).replace(".[", "["), default) if keys else None
