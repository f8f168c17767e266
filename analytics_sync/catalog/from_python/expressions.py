"""The interpreter's expressions: a syntax node -> its value, without running anything of the file.

In: expressions and the names around them. Out: values. A part that only a run could tell becomes
``Code`` with the reason, and everything that depends on it, too.
"""

from __future__ import annotations

import ast
from typing import Any

from analytics_sync.catalog.from_python.containers import Containers
from analytics_sync.catalog.from_python.limits import check_plain_size
from analytics_sync.catalog.from_python.lookup import attribute_of, item_of
from analytics_sync.catalog.from_python.methods import is_pattern, text_of
from analytics_sync.catalog.from_python.operators import Unclear, binary, compare, unary
from analytics_sync.catalog.from_python.values import (
    Code,
    Encoded,
    Function,
    Known,
    Moment,
    NameScope,
    Setting,
    SettingText,
    Value,
    is_plain,
    join_text,
    unwrap,
    wrap,
)

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp)
_LITERALS = (ast.List, ast.Tuple, ast.Set)


class Expressions(Containers):
    """Evaluates expressions. A subclass adds calls and statements."""

    def evaluate(self, node: ast.expr, scope: NameScope) -> Value:
        """The value of an expression.

        Raises:
            TooMuchWork: The file asks for more than a configuration needs.
        """
        line = self.line(node)
        self.work.step(line)
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
                return self._literal(node.elts, scope, line)
            case _:
                return self._operation(node, scope, line)

    def _operation(self, node: ast.expr, scope: NameScope, line: int) -> Value:
        match node:
            case ast.BinOp():
                return self.operate(
                    node.op, self.evaluate(node.left, scope), self.evaluate(node.right, scope), line
                )
            case ast.BoolOp():
                return self._either(node, scope)
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
                return Value(Function(node, scope, self.defaults(node.args, scope)), line)
            case ast.NamedExpr():
                value = self.evaluate(node.value, scope)
                self.bind(node.target, value, scope)
                return value
            case ast.Yield() | ast.YieldFrom() | ast.Await():
                return self.code("a value that arrives while the program runs", node)
        kind = "".join(f" {c.lower()}" if c.isupper() else c for c in type(node).__name__)
        return self.code(f"this is code ({kind.strip()})", node)

    def defaults(self, arguments: ast.arguments, scope: NameScope) -> dict[str, Value]:
        """The default of each parameter that has one."""
        plain = [*arguments.posonlyargs, *arguments.args]
        pairs = list(zip(reversed(plain), reversed(arguments.defaults), strict=False))
        pairs += [
            (a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d
        ]
        return {a.arg: self.evaluate(d, scope) for a, d in pairs}

    def operate(self, operator: ast.operator, left: Value, right: Value, line: int) -> Value:
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
            return Value({**a, **b}, line)
        if isinstance(operator, ast.Add) and isinstance(a, list) and isinstance(b, list):
            check_plain_size(joined := [*a, *b], line)
            return Value(joined, line)
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

    def _either(self, node: ast.BoolOp, scope: NameScope) -> Value:
        stop = isinstance(node.op, ast.Or)
        for operand in node.values[:-1]:
            value = self.evaluate(operand, scope)
            truth = self.truth(value)
            if truth is None:
                return (
                    value
                    if isinstance(value.data, Setting) and stop
                    else self.code("a choice that only a run could make", operand)
                )
            if truth is stop:
                return value
        return self.evaluate(node.values[-1], scope)

    def _unary(self, node: ast.UnaryOp, scope: NameScope) -> Value:
        value = self.evaluate(node.operand, scope)
        if isinstance(node.op, ast.Not):
            truth = self.truth(value)
            return (
                self.code("a choice that only a run could make", node)
                if truth is None
                else Value(not truth, self.line(node))
            )
        try:
            return Value(unary(node.op, value.data), self.line(node))
        except Unclear:
            return self.code("an operation without a result here", node)

    def _comparison(self, node: ast.Compare, scope: NameScope) -> Value:
        values = [self.evaluate(x, scope) for x in (node.left, *node.comparators)]
        if (
            (
                len(values) == 2
                and isinstance(node.ops[0], ast.Is | ast.IsNot)
                and values[1].data is None
            )
            and isinstance(values[0].data, Setting)
            and self.truth(values[0])
        ):
            return Value(isinstance(node.ops[0], ast.IsNot), self.line(node))
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
            for branch in (node.body, node.orelse):  # for the sources that they make
                self.evaluate(branch, scope)
            return self.code("a choice that only a run could make", node)
        return self.evaluate(node.body if truth else node.orelse, scope)


def _moved(operator: ast.operator, a: Any, b: Any) -> Moment | Code:
    """A time and a length, added; or the seconds of a time as milliseconds."""
    moment = a if isinstance(a, Moment) else b
    if isinstance(operator, ast.Mult) and moment.pattern == "epoch_s" and 1000 in (a, b):
        return Moment(moment.fixed, "epoch_ms")
    return Moment(None, moment.pattern)


def _percent(text: str, right: Value, line: int) -> Value:
    """``"..." % value`` with %s and %d only."""
    values = right.data if isinstance(right.data, list) else [right]
    pieces = text.replace("%d", "%s").split("%s")
    if (
        isinstance(right.data, dict)
        or len(pieces) != len(values) + 1
        or any("%" in p.replace("%%", "") for p in pieces)
    ):
        return Value(Code("a text with a format of its own", line), line)
    parts: list[Any] = [pieces[0].replace("%%", "%")]
    for value, piece in zip(values, pieces[1:], strict=True):
        parts += [value.data, piece.replace("%%", "%")]
    return join_text(parts, line)
