"""Filters: a function that says whether to keep a record -> conditions as data.

In: a lambda or a function with one ``return``. Out: conditions that must all hold, as in a catalog file.
"""

from __future__ import annotations

import ast
from typing import Any

from analytics_sync.catalog.from_python.operators import Unclear, compare
from analytics_sync.catalog.from_python.record_fields import (
    NotPlain,
    body_of,
    constant,
    field_of,
    parameter,
)
from analytics_sync.catalog.from_python.values import Function

_OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.In: "in", ast.NotIn: "not in", ast.Is: "==", ast.IsNot: "!=",
}  # fmt: skip
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_OPPOSITE = {
    "==": "!=",
    "!=": "==",
    "in": "not in",
    "not in": "in",
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
}
_BY_SIZE = frozenset({"<", "<=", ">", ">="})


class NoFilter(Exception):
    """The function has no form as data; the text says why."""


def conditions_of(function: Function) -> list[dict[str, Any]]:
    """The conditions of a filter.

    Raises:
        NoFilter: It has another form than comparisons of fields with constants.
    """
    node, record = _returned(function), parameter(function)
    if node is None or record is None:
        raise NoFilter("more than one expression of one record")
    return _Reader(record, function).conditions(node)


def _returned(function: Function) -> ast.expr | None:
    """The expression that a lambda, or a function of one statement, returns."""
    body = body_of(function)
    return body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) else None


class _Reader:
    def __init__(self, record: str, function: Function) -> None:
        self.record = record
        self.function = function

    def conditions(self, node: ast.expr) -> list[dict[str, Any]]:
        match node:
            case ast.BoolOp(op=ast.And()):
                return [c for value in node.values for c in self.conditions(value)]
            case ast.BoolOp(op=ast.Or()):
                return [self._one_of(node)]
            case ast.UnaryOp(op=ast.Not()):
                return [self._opposite(self.conditions(node.operand))]
            case ast.Compare():
                sides = [node.left, *node.comparators]
                return [
                    self._comparison(sides[i], op, sides[i + 1]) for i, op in enumerate(node.ops)
                ]
        if field_of(node, self.record, self.function):
            raise NoFilter("the truth of a field; compare it with a value")
        raise NoFilter("an expression that is no comparison of a field with a constant")

    def _comparison(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> dict[str, Any]:
        name = _OPERATORS[type(operator)]
        found = field_of(left, self.record, self.function)
        other = right
        if found is None:
            found, other = field_of(right, self.record, self.function), left
            if found is None:
                raise NoFilter("a comparison of no field of the record")
            if name in {"in", "not in"}:
                if name == "not in":
                    raise NoFilter("a text that must not hold a part")
                return {"field": found[0], "op": "contains", "value": self._constant(other)}
            name = _TURNED[name]
        value = self._constant(other)
        self._check_absent(found[1], operator if other is right else None, value)
        return self._condition(found[0], name, value)

    def _condition(self, field: str, name: str, value: Any) -> dict[str, Any]:
        if value is None and name in {"==", "!="}:
            return {"field": field, "op": "exists"} | ({"value": False} if name == "==" else {})
        if name in {"in", "not in"} and not isinstance(value, list):
            raise NoFilter("a field in a value that is no list")
        if name not in {"in", "not in"} and isinstance(value, list | dict):
            raise NoFilter("a comparison with a list or dictionary")
        return {"field": field, **({} if name == "==" else {"op": name}), "value": value}

    def _check_absent(self, default: Any, operator: ast.cmpop | None, value: Any) -> None:
        """A value in place of an absent field must decide as null does: an absent field is null here."""
        if default is None:
            return
        if operator is None:
            raise NoFilter("a value in place of an absent field")
        by_null = _OPERATORS[type(operator)] in {"!=", "not in"}
        try:
            by_default = compare(operator, default, value)
        except Unclear:
            by_default = not by_null
        if by_default is not by_null:
            raise NoFilter(
                "a value in place of an absent field, which the filter keeps or leaves out by itself"
            )

    def _constant(self, node: ast.expr) -> Any:
        try:
            return constant(node, self.function)
        except NotPlain:
            raise NoFilter("a value that only a run could tell") from None

    def _one_of(self, node: ast.BoolOp) -> dict[str, Any]:
        """``x == a or x == b`` is ``x in [a, b]``."""
        field: str | None = None
        values: list[Any] = []
        for part in node.values:
            conditions = self.conditions(part)
            first = conditions[0]
            if (
                len(conditions) != 1
                or first.get("op", "==") not in {"==", "in"}
                or first["field"] != (field or first["field"])
            ):
                raise NoFilter("one condition or another")
            field = first["field"]
            values += first["value"] if first.get("op") == "in" else [first["value"]]
        return {"field": field, "op": "in", "value": values}

    def _opposite(self, conditions: list[dict[str, Any]]) -> dict[str, Any]:
        first = conditions[0]
        name = first.get("op", "==")
        if len(conditions) != 1 or name == "contains":
            raise NoFilter("the opposite of several conditions")
        if name == "exists":
            return self._condition(first["field"], "==" if first.get("value", True) else "!=", None)
        return self._condition(first["field"], _OPPOSITE[name], first["value"])
