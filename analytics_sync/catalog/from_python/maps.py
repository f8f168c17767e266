"""Maps: a function that changes a record, or gives several -> renames, drops and constants as data.

In: a lambda, or a function of simple statements. Out: the steps ``map`` and ``yield_map`` of a catalog file.
"""

from __future__ import annotations

import ast
from typing import Any

from analytics_sync.catalog.from_python.record_fields import (
    NotPlain,
    body_of,
    constant,
    field_of,
    parameter,
)
from analytics_sync.catalog.from_python.values import Function


class NoMap(Exception):
    """The function has no form as data; the text says why."""


def _record(function: Function) -> str:
    name = parameter(function)
    if name is None:
        raise NoMap("a function of more than one record")
    return name


def maps_of(function: Function) -> list[dict[str, Any]]:
    """The steps of a map, one for each statement.

    Raises:
        NoMap: It does more than rename, drop and set fields.
    """
    record = _record(function)
    *changes, last = body_of(function) or [ast.Pass()]
    steps = [_change(node, record, function) for node in changes]
    if not isinstance(last, ast.Return) or last.value is None:
        raise NoMap("a function that does not return the record")
    steps += _result(last.value, record, function)
    if not steps:
        raise NoMap("a function that changes nothing")
    return steps


def _change(node: ast.stmt, record: str, function: Function) -> dict[str, Any]:
    """One statement: a field is set, dropped or renamed."""
    match node:
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="pop"),
                args=[ast.Constant(value=str(key)), *_],
            )
        ) if name == record:
            return {"drop": [_path(key)]}
        case ast.Delete(
            targets=[ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(key)))]
        ) if name == record:
            return {"drop": [_path(key)]}
        case ast.Assign(
            targets=[ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(key)))]
        ) if name == record:
            return _assigned(key, node.value, record, function)
    raise NoMap("statements of another form")


def _assigned(key: str, value: ast.expr, record: str, function: Function) -> dict[str, Any]:
    match value:
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id=name), attr="pop"),
            args=[ast.Constant(value=str(old)), *rest],
        ) if name == record:
            if rest and not (isinstance(rest[0], ast.Constant) and rest[0].value is None):
                raise NoMap("a value in place of an absent field")
            return {"rename": {_path(old): _path(key)}}
    return {"set": {_path(key): _constant(value, function)}}


def _result(node: ast.expr, record: str, function: Function) -> list[dict[str, Any]]:
    """What the function returns: the record itself, or a new one with other keys."""
    match node:
        case ast.Name(id=name) if name == record:
            return []
        case ast.Dict(keys=[None, *keys], values=[ast.Name(id=name), *values]) if name == record:
            return [_set(keys, values, function)] if keys else []
        case ast.BinOp(op=ast.BitOr(), left=ast.Name(id=name), right=ast.Dict() as new) if (
            name == record
        ):
            return [_set(new.keys, new.values, function)]
        case ast.DictComp(key=ast.Name(id=k), value=ast.Name(id=v), generators=[loop]):
            return [_without(loop, k, v, record, function)]
    raise NoMap("a result of another form")


def _set(keys: list[ast.expr | None], values: list[ast.expr], function: Function) -> dict[str, Any]:
    names = [k.value if isinstance(k, ast.Constant) else None for k in keys]
    if not all(isinstance(name, str) for name in names):
        raise NoMap("keys that only a run could tell")
    return {
        "set": {_path(str(n)): _constant(v, function) for n, v in zip(names, values, strict=True)}
    }


def _without(
    loop: ast.comprehension, key: str, value: str, record: str, function: Function
) -> dict[str, Any]:
    """``{k: v for k, v in record.items() if k not in (...)}`` drops fields."""
    match loop:
        case ast.comprehension(
            target=ast.Tuple(elts=[ast.Name(id=k), ast.Name(id=v)]),
            iter=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="items"), args=[]),
            ifs=[
                ast.Compare(
                    left=ast.Name(id=tested),
                    ops=[ast.NotIn() | ast.NotEq() as operator],
                    comparators=[fields],
                )
            ],
        ) if (k, v, name, tested) == (key, value, record, key):
            found = _constant(fields, function)
            names = found if isinstance(operator, ast.NotIn) else [found]
            if isinstance(names, list) and all(isinstance(n, str) for n in names):
                return {"drop": [_path(n) for n in names]}
    raise NoMap("a dictionary of another form")


def fan_out_of(function: Function) -> Any:
    """The field whose objects a ``yield_map`` gives as records.

    Raises:
        NoMap: It does more than that.
    """
    record = _record(function)
    match body_of(function):
        case [ast.Return(value=ast.expr() as value)] | [ast.Expr(value=ast.YieldFrom(value=value))]:
            return _list_field(value, record, function)
        case [ast.For(target=ast.Name(id=item), iter=values, body=body, orelse=[])]:
            field = _list_field(values, record, function)
            include = _included(body, item, record, function)
            return {"field": field, "include": include} if include else field
    raise NoMap("statements of another form")


def _list_field(node: ast.expr, record: str, function: Function) -> str:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        node = (
            node.values[0]
            if isinstance(node.values[-1], ast.List) and not node.values[-1].elts
            else node
        )
    found = field_of(node, record, function)
    if found is None or found[1] not in (None, []):
        raise NoMap("no list in a field of the record")
    return found[0]


def _included(body: list[ast.stmt], item: str, record: str, function: Function) -> dict[str, str]:
    """Fields of the record that each object of its list gets."""
    include: dict[str, str] = {}
    *changes, last = body
    for change in changes:
        match change:
            case ast.Assign(
                targets=[ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str(key)))]
            ) if name == item:
                include[_path(key)] = _copied(change.value, record, function)
            case _:
                raise NoMap("statements of another form")
    match last:
        case ast.Expr(value=ast.Yield(value=ast.Name(id=name))) if name == item:
            return include
        case ast.Expr(
            value=ast.Yield(value=ast.Dict(keys=[None, *keys], values=[ast.Name(id=name), *values]))
        ) if name == item:
            for node, value in zip(keys, values, strict=True):
                if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                    raise NoMap("keys that only a run could tell")
                include[_path(node.value)] = _copied(value, record, function)
            return include
    raise NoMap("statements of another form")


def _copied(node: ast.expr, record: str, function: Function) -> str:
    found = field_of(node, record, function)
    if found is None or found[1] is not None:
        raise NoMap("a value that is no field of the record")
    return found[0]


def _path(key: str) -> str:
    if "'" in key or "\\" in key:
        raise NoMap("a field with a quote in its name")
    return f"['{key}']" if any(c in key for c in '.[]|,`"') else key


def _constant(node: ast.expr, function: Function) -> Any:
    try:
        return constant(node, function)
    except NotPlain:
        raise NoMap("a value that only a run could tell") from None
