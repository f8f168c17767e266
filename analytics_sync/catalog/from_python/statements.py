"""The interpreter's statements: assignments, branches, loops and definitions.

In: statements and the names around them. Out: changed names, and how a block ended. A branch that
only a run could choose is read on both sides, and all that it may change is ``Code`` from then on.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from analytics_sync.catalog.from_python.assignments import MUTATORS, Assignments
from analytics_sync.catalog.from_python.values import (
    Class,
    Code,
    FoundSource,
    Function,
    Known,
    NameScope,
    Value,
)

End = Literal["return", "raise", "break", "continue"] | None
_EXITS = frozenset({"exit", "_exit", "quit"})
_CHOICE = "a result that depends on a choice only a run could make"


@dataclass(slots=True)
class Frame:
    """One call of a function: its result, what it yields, and whether a run decides on the result.

    ``skips`` tells that only a run could tell which rounds of a loop end early.
    """

    result: Value | None = None
    yielded: list[Value] = field(default_factory=list)
    maybe: Code | None = None
    skips: bool = False


def is_generator(node: ast.AST) -> bool:
    """Whether a function has a ``yield`` of its own."""
    return any(isinstance(child, ast.Yield | ast.YieldFrom) for child in _own_nodes(node))


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(
            child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
        ):
            yield child
            yield from _own_nodes(child)


class Statements(Assignments):
    """Executes statements on values."""

    def block(self, nodes: Sequence[ast.stmt], scope: NameScope, frame: Frame) -> End:
        """Execute statements one after the other."""
        for node in nodes:
            self.work.step(self.line(node))
            end = self._statement(node, scope, frame)
            if end is not None:
                return end
        return None

    def _statement(self, node: ast.stmt, scope: NameScope, frame: Frame) -> End:
        match node:
            case ast.Expr():
                return self._expression(node.value, scope, frame)
            case ast.Assign():
                value = self.evaluate(node.value, scope)
                for target in node.targets:
                    self.bind(target, value, scope)
            case ast.AnnAssign() if node.value is not None:
                value = self.evaluate(node.value, scope)
                self.annotated.append((ast.unparse(node.annotation)[:80], value))
                self.bind(node.target, value, scope)
            case ast.AugAssign():
                self.augment(node, scope)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._define(node, scope)
            case ast.ClassDef():
                inner = NameScope(outer=scope)
                self.block(node.body, inner, Frame())
                bases = tuple(ast.unparse(b)[:80] for b in node.bases)
                scope.names[node.name] = Value(Class(node.name, inner, bases), self.line(node))
            case ast.Import() | ast.ImportFrom():
                self._import(node, scope)
            case _:
                return self._control(node, scope, frame)
        return None

    def _control(self, node: ast.stmt, scope: NameScope, frame: Frame) -> End:
        match node:
            case ast.Return():
                frame.result = (
                    self.evaluate(node.value, scope) if node.value else Value(None, self.line(node))
                )
                return "return"
            case ast.Raise():
                return "raise"
            case ast.Break():
                return "break"
            case ast.Continue():
                return "continue"
            case ast.If():
                return self._if(node, scope, frame)
            case ast.For():
                return self._for(node, scope, frame)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    value = self.evaluate(item.context_expr, scope)
                    if item.optional_vars is not None:
                        self.bind(item.optional_vars, value, scope)
                return self.block(node.body, scope, frame)
            case ast.Try() | ast.TryStar():
                end = self.block([*node.body, *node.orelse], scope, frame)
                last = self.block(node.finalbody, scope, frame)
                return last or end
            case ast.Delete():
                self.delete(node, scope)
            case ast.While() | ast.AsyncFor() | ast.Match():
                self._leave_open(node, scope, frame)
            case ast.Global() | ast.Nonlocal():
                for name in node.names:
                    scope.declare(name, of_module=isinstance(node, ast.Global))
        return None

    def _leave_open(self, node: ast.stmt, scope: NameScope, frame: Frame) -> None:
        """All that a statement may change, return or yield is code from now on."""
        self.doubt([node], scope)
        inner = list(_own_nodes(node))
        if any(isinstance(child, ast.Return) for child in inner):
            frame.maybe = Code(_CHOICE, self.line(node))
        if any(isinstance(child, ast.Yield | ast.YieldFrom) for child in inner):
            frame.yielded.append(self.code(_CHOICE, node))

    def _expression(self, node: ast.expr, scope: NameScope, frame: Frame) -> End:
        match node:
            case ast.Yield(value=ast.expr() as inner):
                frame.yielded.append(self.evaluate(inner, scope))
            case ast.YieldFrom():
                value = self.evaluate(node.value, scope)
                frame.yielded += self.items(value) or [value]
            case ast.Call():
                value = self.evaluate(node, scope)
                name = (
                    node.func.attr
                    if isinstance(node.func, ast.Attribute)
                    else getattr(node.func, "id", "")
                )
                if name in _EXITS:
                    return "raise"
                if (
                    isinstance(node.func, ast.Attribute)
                    and isinstance(value.data, Code)
                    and name in MUTATORS
                ):
                    self.poison(node.func.value, scope, self.line(node))
            case _:
                self.evaluate(node, scope)
        return None

    def _define(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: NameScope) -> None:
        decorators: list[tuple[str, dict[str, Value]]] = []
        for decorator in node.decorator_list:
            call = decorator if isinstance(decorator, ast.Call) else None
            named = self.evaluate(call.func if call else decorator, scope).data
            arguments = (
                {k.arg: self.evaluate(k.value, scope) for k in call.keywords if k.arg}
                if call
                else {}
            )
            decorators.append(
                (named.name if isinstance(named, Known | Function) else "", arguments)
            )
        made = Function(node, scope, self.defaults(node.args, scope), tuple(decorators))
        scope.names[node.name] = Value(made, self.line(node))

    def _import(self, node: ast.Import | ast.ImportFrom, scope: NameScope) -> None:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                name = f"{node.module}.{alias.name}" if node.module else alias.name
                scope.names[alias.asname or alias.name] = Value(Known(name), self.line(node))
            else:
                name = alias.name if alias.asname else alias.name.split(".")[0]
                scope.names[alias.asname or name] = Value(Known(name), self.line(node))

    def _if(self, node: ast.If, scope: NameScope, frame: Frame) -> End:
        if _is_main(node.test):
            return self.block(node.body, scope, frame)
        truth = self.truth(self.evaluate(node.test, scope))
        if truth is None and _fails(node.body):
            truth = False
        elif truth is None and node.orelse and _fails(node.orelse):
            truth = True
        if truth is not None:
            return self.block(node.body if truth else node.orelse, scope, frame)
        before, known = frame.result, len(frame.yielded)
        ends = [self.block(branch, scope, frame) for branch in (node.body, node.orelse)]
        frame.result = before
        self.doubt([*node.body, *node.orelse], scope)
        if any(not isinstance(value.data, FoundSource) for value in frame.yielded[known:]):
            frame.yielded.append(self.code(_CHOICE, node))
        frame.skips = frame.skips or "break" in ends or "continue" in ends
        if "return" in ends:
            frame.maybe = Code(_CHOICE, self.line(node))
            return "return" if ends == ["return", "return"] else None
        return None

    def _for(self, node: ast.For, scope: NameScope, frame: Frame) -> End:
        value = self.evaluate(node.iter, scope)
        items = self.items(value)
        if items is None:
            self.bind(node.target, self.code("an item that only a run could tell", node), scope)
            self.block(node.body, scope, Frame())
            self._leave_open(node, scope, frame)
            return None
        outer, frame.skips = frame.skips, False
        end = self._loop(node, items, scope, frame)
        if frame.skips:
            self._leave_open(node, scope, frame)
        frame.skips = outer
        return end

    def _loop(self, node: ast.For, items: list[Value], scope: NameScope, frame: Frame) -> End:
        for item in items:
            self.work.step(self.line(node))
            self.bind(node.target, item, scope)
            end = self.block(node.body, scope, frame)
            if end == "break":
                return None
            if end in {"return", "raise"}:
                return end
        return self.block(node.orelse, scope, frame)


def _is_main(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
    )


def _fails(branch: Sequence[ast.stmt]) -> bool:
    """Whether a branch ends with an error, so that a right run does not take it."""
    last = branch[-1] if branch else None
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        function = last.value.func
        return getattr(function, "attr", getattr(function, "id", "")) in _EXITS
    return isinstance(last, ast.Raise)
