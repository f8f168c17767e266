"""The interpreter's expressions: a syntax node -> its value, without running anything of the file.

In: expressions and the names around them. Out: values. A part that only a run could tell becomes
``Code`` with the reason, and everything that depends on it, too.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from analytics_sync.catalog.from_python.choices import unknown
from analytics_sync.catalog.from_python.containers import Containers
from analytics_sync.catalog.from_python.limits import check_plain_size
from analytics_sync.catalog.from_python.lookup import attribute_of, item_of
from analytics_sync.catalog.from_python.methods import is_pattern, text_of
from analytics_sync.catalog.from_python.operators import Unclear, compare, unary
from analytics_sync.catalog.from_python.states import LEADS_ON, reach, same
from analytics_sync.catalog.from_python.value_operators import operate
from analytics_sync.catalog.from_python.values import (
    Code,
    Function,
    Known,
    Moment,
    NameScope,
    Setting,
    Value,
    is_plain,
    join_text,
    unwrap,
)

_OPEN = "a choice that only a run could make"
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp)
_LITERALS = (ast.List, ast.Tuple, ast.Set)


class Expressions(Containers):
    """Evaluates expressions. A subclass adds calls and statements."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self._operands: list[Value] = []

    def evaluate(self, node: ast.expr, scope: NameScope) -> Value:
        """The value of an expression.

        Raises:
            TooMuchWork: The file asks for more than a configuration needs.
        """
        line = self.line(node)
        self.work.step(line)
        outer, self._operands = self._operands, []
        value = self._value(node, scope, line)
        if isinstance(value.data, Code):  # it may be any of its operands, or lead to them
            held = reach([value, *self._operands])
            if not set(held) <= set(value.data.holds):
                value = Value(replace(value.data, holds=tuple(held)), value.line)
        self._operands = outer
        if isinstance(value.data, LEADS_ON):
            outer.append(value)
        return value

    def _value(self, node: ast.expr, scope: NameScope, line: int) -> Value:
        match node:
            case ast.Constant(value=str() | int() | float() | None):
                return Value(node.value, line)
            case ast.Name():
                return scope.find(node.id) or Value(Known(node.id), line)
            case ast.Attribute():
                return attribute_of(self.evaluate(node.value, scope), node.attr, line)
            case ast.Subscript():
                return item_of(
                    self.evaluate(node.value, scope), self._index(node.slice, scope), line
                )
            case ast.JoinedStr():
                return self._formatted(node, scope)
            case ast.Call():
                return self.call(node, scope)
            case ast.Dict():
                return self._dictionary(node, scope)
            case _ if isinstance(node, _LITERALS):
                return self._literal(node, scope)
            case _:
                return self._operation(node, scope, line)

    def _operation(self, node: ast.expr, scope: NameScope, line: int) -> Value:
        match node:
            case ast.BinOp():
                left, right = self.evaluate(node.left, scope), self.evaluate(node.right, scope)
                return operate(node.op, left, right, line)
            case ast.BoolOp():
                return self._either(node.values, scope, stop=isinstance(node.op, ast.Or))
            case ast.UnaryOp():
                return self._unary(node, scope)
            case ast.Compare():
                return self._comparison(node, scope)
            case ast.IfExp():
                return self._choice(node, scope)
            case ast.DictComp():
                return self._dictionary_comprehension(node, scope)
            case _ if isinstance(node, _COMPREHENSIONS):
                return self._comprehension(node, scope)
            case ast.Lambda():
                inner = scope.outside("class")
                return Value(Function(node, inner, self.defaults(node.args, scope)), line)
            case ast.NamedExpr():
                value = self.evaluate(node.value, scope)
                self.bind(node.target, value, scope.outside("comprehension"))
                return value
            case ast.Yield() | ast.YieldFrom() | ast.Await():
                self._yielded(node, scope, line)
                return self.code("a value that arrives while the program runs", node)
        kind = "".join(f" {c.lower()}" if c.isupper() else c for c in type(node).__name__)
        return self.code(f"this is code ({kind.strip()})", node)

    def _yielded(
        self, node: ast.Yield | ast.YieldFrom | ast.Await, scope: NameScope, line: int
    ) -> None:
        value = self.evaluate(node.value, scope) if node.value else Value(None, line)
        if isinstance(node, ast.Yield):
            self.frame.yielded.append(value)
        elif isinstance(node, ast.YieldFrom):
            items = self.items(value)
            self.frame.yielded += (
                [unknown("items that only a run could tell", line, [value], loose=True)]
                if items is None
                else items
            )

    def defaults(self, arguments: ast.arguments, scope: NameScope) -> dict[str, Value]:
        """The default of each parameter that has one."""
        plain = [*arguments.posonlyargs, *arguments.args]
        pairs = list(zip(reversed(plain), reversed(arguments.defaults), strict=False))
        pairs += [
            (a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d
        ]
        return {a.arg: self.evaluate(d, scope) for a, d in pairs}

    def _index(self, node: ast.expr, scope: NameScope) -> Value | slice:
        if not isinstance(node, ast.Slice):
            return self.evaluate(node, scope)
        bounds = [
            self.evaluate(x, scope).data if x else None for x in (node.lower, node.upper, node.step)
        ]
        if any(not isinstance(b, int | None) for b in bounds):
            return self.code("a slice whose bounds only a run could tell", node)
        return slice(*bounds)

    def _formatted(self, node: ast.JoinedStr, scope: NameScope) -> Value:
        parts: list[Any] = []
        for piece in node.values:
            if isinstance(piece, ast.FormattedValue):
                spelled = piece.conversion not in {-1, ord("s")} or piece.format_spec is not None
                value = (
                    self._spelled(piece, scope) if spelled else self.evaluate(piece.value, scope)
                )
                if isinstance(value.data, Moment) and len(node.values) == 1:
                    return value
                parts.append(text_of(value.data))
            else:
                parts.append(self.evaluate(piece, scope).data)
        joined = join_text(parts, self.line(node))
        check_plain_size(joined.data, self.line(node))
        return joined

    def _spelled(self, piece: ast.FormattedValue, scope: NameScope) -> Value:
        """A text with a formatted value: the pattern of a time is known, others are code."""
        value = self.evaluate(piece.value, scope)
        spec = self.evaluate(piece.format_spec, scope) if piece.format_spec else Value("", 0)
        if isinstance(value.data, Moment) and isinstance(spec.data, str) and is_pattern(spec.data):
            return Value(Moment(value.data.fixed, spec.data), value.line)
        return self.code("a text with a format of its own", piece)

    def _either(self, operands: list[ast.expr], scope: NameScope, *, stop: bool) -> Value:
        for number, operand in enumerate(operands[:-1]):
            value = self.evaluate(operand, scope)
            truth = self.truth(value)
            if truth is None:
                rest = operands[number + 1 :]
                self.perhaps(
                    lambda: self._either(rest, scope, stop=stop),  # noqa: B023
                    scope, self.line(operand),
                )  # fmt: skip
                return (
                    value if isinstance(value.data, Setting) and stop else self.code(_OPEN, operand)
                )
            if truth is stop:
                return value
        return self.evaluate(operands[-1], scope)

    def _unary(self, node: ast.UnaryOp, scope: NameScope) -> Value:
        value = self.evaluate(node.operand, scope)
        if isinstance(node.op, ast.Not):
            truth = self.truth(value)
            return self.code(_OPEN, node) if truth is None else Value(not truth, self.line(node))
        try:
            return Value(unary(node.op, value.data), self.line(node))
        except Unclear:
            return self.code("an operation without a result here", node)

    def _comparison(self, node: ast.Compare, scope: NameScope) -> Value:
        values = [self.evaluate(x, scope) for x in (node.left, node.comparators[0])]
        for later in node.comparators[1:]:  # Python reads it only if all before are true
            self.perhaps(
                lambda later=later: values.append(self.evaluate(later, scope)),  # type: ignore[misc]
                scope, self.line(later),
            )  # fmt: skip
        first, operator = values[0].data, node.ops[0]
        is_setting = len(values) == 2 and values[1].data is None and isinstance(first, Setting)
        if is_setting and first.sure and isinstance(operator, ast.Is | ast.IsNot):
            return Value(isinstance(operator, ast.IsNot), self.line(node))
        if not all(map(is_plain, values)):
            return self.code("a comparison that only a run could make", node)
        plain = [unwrap(v) for v in values]
        self.work.step(
            self.line(node), sum(len(p) for p in plain if isinstance(p, list | dict | str))
        )
        try:
            return Value(
                all(compare(op, plain[i], plain[i + 1]) for i, op in enumerate(node.ops)),
                self.line(node),
            )
        except Unclear:
            return self.code("a comparison without a result here", node)

    def _choice(self, node: ast.IfExp, scope: NameScope) -> Value:
        truth = self.truth(self.evaluate(node.test, scope))
        if truth is None:
            ways = [
                lambda: self.evaluate(node.body, scope),
                lambda: self.evaluate(node.orelse, scope),
            ]
            first, second = self.choose(ways, scope, self.line(node))
            return first if same(first, second) else self.code(_OPEN, node)
        return self.evaluate(node.body if truth else node.orelse, scope)
