"""Operators of expressions on plain data, bounded: no result is larger than a configuration needs.

In: plain Python data. Out: the result, or ``Unclear`` if only a run of the program could tell.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from analytics_sync.catalog.from_python.limits import MAX_BITS, MAX_ITEMS, MAX_TEXT


class Unclear(Exception):
    """The operation has no result here: an error of Python's, or more work than a configuration needs."""


def _times(a: Any, b: Any) -> Any:
    for sequence, count in ((a, b), (b, a)):
        if isinstance(sequence, str | list | tuple):
            if not isinstance(count, int) or len(sequence) * count > MAX_ITEMS:
                raise Unclear
            return sequence * count
    return a * b


def _modulo(a: Any, b: Any) -> Any:
    if isinstance(a, str):
        raise Unclear
    return a % b


def _is(a: Any, b: Any) -> bool:
    if any(x is None or isinstance(x, bool) for x in (a, b)):
        return a is b
    if isinstance(a, list | tuple | dict) and type(a) is type(b):  # equal ones may be two
        raise Unclear
    return type(a) is type(b) and bool(a == b)


_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: _times,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: _modulo,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: lambda a, b: bool(a == b),
    ast.NotEq: lambda a, b: bool(a != b),
    ast.Lt: lambda a, b: bool(a < b),
    ast.LtE: lambda a, b: bool(a <= b),
    ast.Gt: lambda a, b: bool(a > b),
    ast.GtE: lambda a, b: bool(a >= b),
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Is: _is,
    ast.IsNot: lambda a, b: not _is(a, b),
}
_NUMBER = int | float | bool


def binary(operator: ast.operator, left: Any, right: Any) -> Any:
    """The result of ``left <operator> right``.

    Raises:
        Unclear: There is none.
    """
    function = _BINARY.get(type(operator))
    if function is None:
        raise Unclear
    try:
        result = function(left, right)
    except (TypeError, ValueError, ArithmeticError):
        raise Unclear from None
    if isinstance(result, int) and result.bit_length() > MAX_BITS:
        raise Unclear
    if isinstance(result, str) and len(result) > MAX_TEXT:
        raise Unclear
    if isinstance(result, list | tuple) and len(result) > MAX_ITEMS:
        raise Unclear
    return result


def unary(operator: ast.unaryop, operand: Any) -> Any:
    """The result of ``<operator> operand``.

    Raises:
        Unclear: There is none.
    """
    if isinstance(operator, ast.Not):
        return not operand
    if isinstance(operand, _NUMBER) and isinstance(operator, ast.USub):
        return -operand
    if isinstance(operand, _NUMBER) and isinstance(operator, ast.UAdd):
        return +operand
    raise Unclear


def compare(operator: ast.cmpop, left: Any, right: Any) -> bool:
    """The result of one comparison.

    Raises:
        Unclear: The two cannot be compared.
    """
    try:
        return _COMPARISONS[type(operator)](left, right)
    except TypeError:
        raise Unclear from None
