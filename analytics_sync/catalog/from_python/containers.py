"""The interpreter's lists and dictionaries: literals, unpacking and comprehensions.

In: syntax nodes and the names around them. Out: values whose items are values, each with its line.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from analytics_sync.catalog.from_python.limits import Work, check_plain_size, unwritable
from analytics_sync.catalog.from_python.values import (
    OPAQUE,
    Code,
    Encoded,
    FoundSource,
    Function,
    Moment,
    NameScope,
    Setting,
    SettingText,
    Value,
)


class Containers:
    """Evaluates lists and dictionaries. Subclasses add other expressions, calls and statements."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.work = Work()

    def line(self, node: ast.AST) -> int:
        """The line of a node in the file."""
        return int(getattr(node, "lineno", 0)) + self.offset

    def code(self, why: str, node: ast.AST) -> Value:
        return Value(Code(why, self.line(node)), self.line(node))

    def call(self, node: ast.Call, scope: NameScope) -> Value:
        raise NotImplementedError

    def bind(self, target: ast.expr, value: Value, scope: NameScope) -> None:
        raise NotImplementedError

    def evaluate(self, node: ast.expr, scope: NameScope) -> Value:
        raise NotImplementedError

    def truth(self, value: Value) -> bool | None:
        """Whether a value counts as true; None if only a run could tell."""
        data = value.data
        if isinstance(data, Setting):  # a setting is there, or the run fails
            return None if data.vault == "any" and data.default is None else True
        if isinstance(data, SettingText | Encoded | Function | Moment):
            return True
        return None if isinstance(data, OPAQUE) else bool(data)

    def items(self, value: Value) -> list[Value] | None:
        """What a loop over a value gives; None if only a run could tell."""
        data = value.data
        if isinstance(data, FoundSource):  # its resources
            return [value]
        if isinstance(data, list):
            return list(data)
        if isinstance(data, dict):
            return [Value(key, value.line) for key in data]
        if isinstance(data, str):
            return [Value(letter, value.line) for letter in data]
        return None

    def _dictionary(self, node: ast.Dict, scope: NameScope) -> Value:
        result: dict[Any, Value] = {}
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            value = self.evaluate(value_node, scope)
            if key_node is None:
                if not isinstance(value.data, dict):
                    return self.code("keys that only a run could tell", value_node)
                result.update(value.data)
                continue
            key = self.evaluate(key_node, scope).data
            if problem := key_problem(key):
                return self.code(problem, key_node)
            value = (
                value
                if isinstance(value.data, dict | list)
                else Value(value.data, self.line(key_node))
            )
            result[key] = value
        return Value(result, self.line(node))

    def _literal(self, nodes: list[ast.expr], scope: NameScope, line: int) -> Value:
        result: list[Value] = []
        for node in nodes:
            if not isinstance(node, ast.Starred):
                result.append(self.evaluate(node, scope))
                continue
            value = self.evaluate(node.value, scope)
            items = self.items(value)
            result += (
                [
                    value
                    if isinstance(value.data, Code)
                    else self.code("items that only a run could tell", node)
                ]
                if items is None
                else items
            )
        check_plain_size(result, line)
        return Value(result, line)

    def _comprehension(self, node: Any, scope: NameScope) -> Value:
        result: list[Value] = []
        for inner in self._rounds(node.generators, NameScope(outer=scope)):
            if inner is None:
                return self.code("a list that only a run could make", node)
            result.append(self.evaluate(node.elt, inner))
            check_plain_size(result, self.line(node))
        return Value(result, self.line(node))

    def _dictionary_comprehension(self, node: ast.DictComp, scope: NameScope) -> Value:
        result: dict[Any, Value] = {}
        for inner in self._rounds(node.generators, NameScope(outer=scope)):
            key = self.evaluate(node.key, inner).data if inner else None
            if inner is None or isinstance(key, (OPAQUE, dict | list)):
                return self.code("a dictionary that only a run could make", node)
            result[key] = self.evaluate(node.value, inner)
        return Value(result, self.line(node))

    def _rounds(
        self, loops: list[ast.comprehension], scope: NameScope
    ) -> Iterator[NameScope | None]:
        """The scope of each round of a comprehension; None if only a run could tell the rounds."""
        if not loops:
            yield scope
            return
        items = self.items(self.evaluate(loops[0].iter, scope))
        if items is None:
            yield None
            return
        for item in items:  # one scope for all rounds, as in Python: lambdas see the last round
            self.bind(loops[0].target, item, scope)
            tests = [self.truth(self.evaluate(test, scope)) for test in loops[0].ifs]
            if None in tests:
                yield None
            elif all(tests):
                yield from self._rounds(loops[1:], scope)


def key_problem(key: Any) -> str:
    """Why a key is none of a configuration; empty for a plain text."""
    if isinstance(key, (OPAQUE, dict | list)):
        return "a key must be a plain string; this one only a run could tell"
    return unwritable(key)
