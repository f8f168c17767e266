"""The interpreter's assignments, and the doubts about names that a branch may have changed.

In: targets and values. Out: changed names, lists and dictionaries. What only a run could tell is ``Code``
from then on.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from analytics_sync.catalog.from_python.expressions import Expressions
from analytics_sync.catalog.from_python.values import (
    OPAQUE,
    Class,
    Code,
    FoundSource,
    Known,
    NameScope,
    Value,
)

MUTATORS = frozenset(
    {
        "append",
        "extend",
        "update",
        "insert",
        "setdefault",
        "pop",
        "remove",
        "clear",
        "sort",
        "reverse",
    }
)
_BRANCH = "a value that depends on a choice only a run could make"


class Assignments(Expressions):
    """Gives names, items and attributes their values."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.annotated: list[tuple[str, Value]] = []

    def bind(self, target: ast.expr, value: Value, scope: NameScope) -> None:
        """Give a name, item or attribute a value."""
        match target:
            case ast.Name():
                scope.assign(target.id, value)
                if isinstance(value.data, FoundSource):
                    value.data.variable = value.data.variable or target.id
            case ast.Tuple() | ast.List():
                items = value.data if isinstance(value.data, list) else None
                fits = items is not None and len(items) == len(target.elts)
                for i, element in enumerate(target.elts):
                    self.bind(
                        element, items[i] if items and fits else self.code(_BRANCH, target), scope
                    )
            case ast.Starred():
                self.bind(target.value, self.code(_BRANCH, target), scope)
            case ast.Subscript():
                base = self.evaluate(target.value, scope)
                key = (
                    self.evaluate(target.slice, scope).data
                    if not isinstance(target.slice, ast.Slice)
                    else None
                )
                if isinstance(base.data, dict) and not isinstance(key, (OPAQUE, dict, list)):
                    value = (
                        value
                        if isinstance(value.data, dict | list)
                        else Value(value.data, self.line(target))
                    )
                    base.data[key] = value
                elif (
                    isinstance(base.data, list)
                    and isinstance(key, int)
                    and -len(base.data) <= key < len(base.data)
                ):
                    base.data[key] = value
                else:
                    self.poison(target.value, scope, self.line(target))
            case ast.Attribute():
                base = self.evaluate(target.value, scope)
                if isinstance(base.data, Class):
                    base.data.scope.names[target.attr] = value
                elif isinstance(base.data, FoundSource):
                    base.data.changes.append((target.attr, self.line(target)))
                else:
                    self.poison(target.value, scope, self.line(target))

    def augment(self, node: ast.AugAssign, scope: NameScope) -> None:
        old, new = self.evaluate(node.target, scope), self.evaluate(node.value, scope)
        if isinstance(node.op, ast.Add) and isinstance(old.data, list):
            items = self.items(new)
            if items is None:
                old.data = Code(_BRANCH, self.line(node))
            else:
                old.data += items
        elif (
            isinstance(node.op, ast.BitOr)
            and isinstance(old.data, dict)
            and isinstance(new.data, dict)
        ):
            old.data.update(new.data)
        else:
            self.bind(node.target, self.operate(node.op, old, new, self.line(node)), scope)

    def delete(self, node: ast.Delete, scope: NameScope) -> None:
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                base = self.evaluate(target.value, scope)
                key = self.evaluate(target.slice, scope).data
                if isinstance(base.data, dict) and not isinstance(key, (OPAQUE, dict, list)):
                    base.data.pop(key, None)
                else:
                    self.poison(target.value, scope, self.line(target))

    def doubt(self, nodes: Sequence[ast.stmt], scope: NameScope) -> None:
        """All that these statements may change is code from now on."""
        for node in nodes:
            for child in ast.walk(node):
                line = self.line(child)
                if isinstance(child, ast.Name | ast.Attribute) and isinstance(child.ctx, ast.Store):
                    self.bind(child, Value(Code(_BRANCH, line), line), scope)
                elif isinstance(child, ast.AugAssign):  # changes a list itself, under all its names
                    self.poison(child.target, scope, line)
                elif isinstance(child, ast.Subscript) and isinstance(
                    child.ctx, ast.Store | ast.Del
                ):
                    self._poison_item(child, scope, line)
                elif (
                    isinstance(child, ast.Call)
                    and isinstance(child.func, ast.Attribute)
                    and child.func.attr in MUTATORS
                ):
                    self.poison(child.func.value, scope, line)

    def _poison_item(self, node: ast.Subscript, scope: NameScope, line: int) -> None:
        """An item that may have another value, or not be there."""
        base = self.evaluate(node.value, scope)
        key: Any = (
            self.evaluate(node.slice, scope).data if not isinstance(node.slice, ast.Slice) else None
        )
        if isinstance(base.data, dict) and isinstance(key, str | int):
            base.data[key] = Value(Code(_BRANCH, line), line)
        else:
            self.poison(node.value, scope, line)

    def poison(self, node: ast.expr, scope: NameScope, line: int) -> None:
        """A list, a dictionary or an object that was changed in a way that only a run could tell."""
        value = self.evaluate(node, scope)
        if isinstance(value.data, dict | list):
            value.data = Code(_BRANCH, line)
            return
        root = node
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        if (
            isinstance(root, ast.Name)
            and isinstance(value.data, Known)
            and value.data.name.startswith("session")
        ):
            scope.names[root.id] = Value(
                Code("a session with headers or limits of its own", line), line
            )
