"""The interpreter's statements: assignments, definitions, imports, and the ends of blocks.

In: statements and the names around them. Out: changed names, and how a block ended.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from analytics_sync.catalog.from_python.branches import Branches, ends_program
from analytics_sync.catalog.from_python.choices import unknown
from analytics_sync.catalog.from_python.states import CHOICE, End, reach
from analytics_sync.catalog.from_python.values import (
    Class,
    Code,
    Function,
    Known,
    NameScope,
    Value,
)

# Modules whose names are no other names of a program.
_STARRED = ("dlt", "typing", "datetime")
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def is_generator(node: ast.AST) -> bool:
    """Whether a function has a ``yield`` of its own."""
    return any(isinstance(child, ast.Yield | ast.YieldFrom) for child in own_nodes(node))


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _DEFINITIONS):
            yield child
            yield from own_nodes(child)


class Statements(Branches):
    """Executes statements on values."""

    def statement(self, node: ast.stmt, scope: NameScope) -> End:
        match node:
            case ast.Expr():
                return self._expression(node.value, scope)
            case ast.Assign():
                value = self._assigned(node.value, scope)
                for target in node.targets:
                    self.bind(target, value, scope)
            case ast.AnnAssign() if node.value is not None:
                value = self._assigned(node.value, scope)
                self.annotated.append((ast.unparse(node.annotation)[:80], value))
                self.bind(node.target, value, scope)
            case ast.AugAssign():
                self.augment(node, scope)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._define(node, scope)
            case ast.ClassDef():
                self._define_class(node, scope)
            case ast.Import() | ast.ImportFrom():
                self._import(node, scope)
            case ast.Delete():
                self.delete(node, scope)
            case ast.Assert():
                self.evaluate(node.test, scope)
            case ast.Return() | ast.Raise() | ast.Break() | ast.Continue():
                return self._end(node, scope)
            case _:
                return self.branch(node, scope)
        return None

    def _assigned(self, node: ast.expr, scope: NameScope) -> Value:
        """A value that gets a name. A generator with a name is read later, when values may be others."""
        value = self.evaluate(node, scope)
        if isinstance(node, ast.GeneratorExp):
            return unknown("items that are made later", self.line(node), [value])
        return value

    def _end(self, node: ast.stmt, scope: NameScope) -> End:
        match node:
            case ast.Return():
                line = self.line(node)
                self.frame.result = (
                    self._assigned(node.value, scope) if node.value else Value(None, line)
                )
                return "return"
            case ast.Raise():
                if node.exc is not None:
                    self.evaluate(node.exc, scope)
                self.note_failure(scope, self.line(node))
                return "raise"
        return "break" if isinstance(node, ast.Break) else "continue"

    def _expression(self, node: ast.expr, scope: NameScope) -> End:
        self.evaluate(node, scope)
        if ends_program(node):
            self.note_failure(scope, self.line(node))
            return "raise"
        return None

    def _define(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: NameScope) -> None:
        decorators: list[tuple[str, dict[str, Value]]] = []
        wrappers: list[Value] = []
        for decorator in node.decorator_list:
            call = decorator if isinstance(decorator, ast.Call) else None
            named = self.evaluate(call.func if call else decorator, scope).data
            if isinstance(named, Code) and not reach(named.holds):  # of an object from outside
                self.evaluate(decorator, scope)
                continue
            if not isinstance(named, Known):  # of the file
                wrappers.append(self.evaluate(decorator, scope))
                continue
            arguments = (
                {k.arg: self.evaluate(k.value, scope) for k in call.keywords if k.arg}
                if call
                else {}
            )
            decorators.append((named.name, arguments))
        line = self.line(node)
        inner = scope.outside("class")
        made = Value(
            Function(node, inner, self.defaults(node.args, scope), tuple(decorators)), line
        )
        for wrapper in reversed(wrappers):
            made = self.apply(wrapper, [made], {}, scope, line)
        scope.assign(node.name, made)

    def apply(
        self,
        function: Value,
        arguments: list[Value],
        keywords: dict[str, Value],
        scope: NameScope,
        line: int,
    ) -> Value:
        raise NotImplementedError

    def _define_class(self, node: ast.ClassDef, scope: NameScope) -> None:
        inner = NameScope(outer=scope, kind="class")
        self.block(node.body, inner)
        for decorator in node.decorator_list:
            self.evaluate(decorator, scope)
        bases = tuple(ast.unparse(b)[:80] for b in node.bases)
        scope.assign(node.name, Value(Class(node.name, inner, bases), self.line(node)))

    def _import(self, node: ast.Import | ast.ImportFrom, scope: NameScope) -> None:
        line = self.line(node)
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                name = f"{node.module}.{alias.name}" if node.module else alias.name
                if alias.name == "*" and (node.module or "").split(".")[0] not in _STARRED:
                    for known, value in scope.names.items():
                        scope.names[known] = unknown(CHOICE, line, [value])
                scope.assign(alias.asname or alias.name, Value(Known(name), line))
            else:
                name = alias.name if alias.asname else alias.name.split(".")[0]
                scope.assign(alias.asname or name, Value(Known(name), line))
