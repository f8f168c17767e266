"""The interpreter's assignments: names, items and attributes get their values, or lose them.

In: targets and values. Out: changed names, lists and dictionaries. A list or dictionary that is changed
in a way that only a run could tell is ``Code`` from then on, under each of its names.
"""

from __future__ import annotations

import ast

from analytics_sync.catalog.from_python.choices import unknown
from analytics_sync.catalog.from_python.expressions import Expressions
from analytics_sync.catalog.from_python.lookup import item_of
from analytics_sync.catalog.from_python.states import CHOICE, reach
from analytics_sync.catalog.from_python.value_operators import operate
from analytics_sync.catalog.from_python.values import (
    NO_KEY,
    Class,
    Code,
    FoundSource,
    Known,
    NameScope,
    Tuple,
    Value,
    certain,
)


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
                self._unpack(target, value, scope)
            case ast.Starred():
                self.bind(target.value, unknown(CHOICE, self.line(target), [value]), scope)
            case ast.Subscript():
                base, key = self._place(target, scope)
                self._set_item(base, key, value, target, scope)
            case ast.Attribute():
                base = self.evaluate(target.value, scope)
                if isinstance(base.data, Class):
                    base.data.scope.names[target.attr] = value
                elif isinstance(base.data, FoundSource):
                    base.data.changes.append((target.attr, self.line(target)))
                else:
                    self.changed(target.value, [base, value], scope)

    def _unpack(self, target: ast.Tuple | ast.List, value: Value, scope: NameScope) -> None:
        data = value.data
        known = isinstance(data, list) and len(data) == len(target.elts) and certain(data)
        for i, element in enumerate(target.elts):
            item = data[i] if known else unknown(CHOICE, self.line(target), [value])
            self.bind(element, item, scope)

    def _place(self, target: ast.Subscript, scope: NameScope) -> tuple[Value, Value | None]:
        """The value with the item, and the key; None for a slice."""
        base = self.evaluate(target.value, scope)
        if not isinstance(target.slice, ast.Slice):
            return base, self.evaluate(target.slice, scope)
        for bound in (target.slice.lower, target.slice.upper, target.slice.step):
            if bound is not None:
                self.evaluate(bound, scope)
        return base, None

    def _set_item(
        self,
        base: Value,
        index: Value | None,
        value: Value,
        target: ast.Subscript,
        scope: NameScope,
    ) -> None:
        key = index.data if index else None
        data = base.data
        if index is not None and isinstance(data, dict) and not isinstance(key, NO_KEY):
            if certain([data[key]] if key in data else []):
                own = isinstance(value.data, dict | list)
                data[key] = value if own else Value(value.data, self.line(target))
                return
        elif (
            isinstance(data, list)
            and not isinstance(data, Tuple)
            and isinstance(key, int)
            and -len(data) <= key < len(data)
            and certain(data)
        ):
            data[key] = value
            return
        self.changed(target.value, [base, value], scope)

    def augment(self, node: ast.AugAssign, scope: NameScope) -> None:
        """``target += value``: lists and dictionaries are changed in their place."""
        target, line = node.target, self.line(node)
        base, key = (
            self._place(target, scope) if isinstance(target, ast.Subscript) else (None, None)
        )
        if base is not None:
            old = item_of(base, key if key is not None else slice(None), line)
        else:
            old = self.evaluate(target, scope)
        new = self.evaluate(node.value, scope)
        in_place = isinstance(old.data, dict | list) and not isinstance(old.data, Tuple)
        if in_place:
            self._add(node.op, old, new, scope, line)
            result = old
        else:
            result = operate(node.op, old, new, line)
            if isinstance(old.data, Code):
                self.touch([old, new], scope, line)
                result = unknown(old.data.why, line, [old, new])
        if isinstance(target, ast.Subscript) and base is not None:
            self._set_item(base, key, result, target, scope)
        else:
            self.bind(target, result, scope)

    def _add(self, op: ast.operator, old: Value, new: Value, scope: NameScope, line: int) -> None:
        items = self.items(new)
        if isinstance(op, ast.Add) and isinstance(old.data, list) and items is not None:
            old.data += items
        elif (
            isinstance(op, ast.BitOr)
            and isinstance(old.data, dict)
            and isinstance(new.data, dict)
            and certain(old.data[k] for k in new.data if k in old.data)
        ):
            old.data.update(new.data)
        else:
            self.touch([old, new], scope, line)

    def delete(self, node: ast.Delete, scope: NameScope) -> None:
        """``del`` of items; a name that is gone is not read any more."""
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                base, index = self._place(target, scope)
                key = index.data if index else None
                if (
                    index is not None
                    and isinstance(base.data, dict)
                    and not isinstance(key, NO_KEY)
                ):
                    base.data.pop(key, None)
                else:
                    self.changed(target.value, [base], scope)

    def changed(self, node: ast.expr, given: list[Value], scope: NameScope) -> None:
        """A value that was changed in a way that only a run could tell."""
        line = self.line(node)
        self.touch(given, scope, line)
        self.note_changes(given[0], "apply", line)
        root = node
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        data = given[0].data
        session = scope.find(root.id) if isinstance(root, ast.Name) else None
        if session and isinstance(data, Known) and data.name.startswith("session"):
            session.data = Code("a session with headers or limits of its own", line)

    def note_changes(self, value: Value, name: str, line: int) -> None:
        """A method of a source, or of a value that may be one, may change the source."""
        for found in reach([value]):
            if isinstance(found.data, FoundSource):
                found.data.changes.append((name, line))
