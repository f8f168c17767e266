"""The parameters of a function: each gets its argument, its default, or the setting of its name.

In: a function of the file, and the arguments of a call. Out: the value of each parameter.
"""

from __future__ import annotations

import ast
from typing import Any

from analytics_sync.catalog.from_python.dlt_objects import injected
from analytics_sync.catalog.from_python.values import Code, Function, Setting, Tuple, Value


def bound(
    function: Function, arguments: list[Value], keywords: dict[str, Value], line: int
) -> dict[str, Value] | None:
    """The value of each parameter; None if the arguments do not fit."""
    spec = function.node.args
    plain = [*spec.posonlyargs, *spec.args]
    if len(arguments) > len(plain) and spec.vararg is None:
        return None
    given = dict(zip([a.arg for a in plain], arguments, strict=False))
    known = {a.arg for a in (*plain, *spec.kwonlyargs)}
    extra = {k: v for k, v in keywords.items() if k not in known}
    if extra and spec.kwarg is None:
        return None
    given |= {k: v for k, v in keywords.items() if k in known}
    names: dict[str, Value] = {}
    for parameter in (*plain, *spec.kwonlyargs):
        names[parameter.arg] = _parameter(
            parameter, line, given.get(parameter.arg), function.defaults.get(parameter.arg)
        )
    if spec.vararg is not None:
        names[spec.vararg.arg] = Value(Tuple(arguments[len(plain) :]), line)
    if spec.kwarg is not None:
        names[spec.kwarg.arg] = Value(extra, line)
    return names


def _parameter(node: ast.arg, line: int, given: Value | None, default: Value | None) -> Value:
    """The value of a parameter. A secret is the setting of its name, whatever the call passes."""
    setting = injected(node.arg, default) if default else None
    if setting is not None and (
        given is None or setting.vault == "secrets" or isinstance(given.data, Code)
    ):
        return Value(setting, default.line if default else line)
    if given is not None:
        return given
    if default is not None:
        return default
    vault: Any = "secrets" if "Secret" in ast.dump(node.annotation or ast.Constant(None)) else "any"
    return Value(Setting(vault, node.arg), line)
