"""The interpreter's lists and dictionaries: literals, unpacking and comprehensions.

In: syntax nodes and the names around them. Out: values whose items are values, each with its line.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from analytics_sync.catalog.from_python.choices import Choices, unknown
from analytics_sync.catalog.from_python.limits import check_plain_size, unwritable
from analytics_sync.catalog.from_python.values import (
    NO_KEY,
    OPAQUE,
    Code,
    Encoded,
    FoundSource,
    Function,
    Moment,
    NameScope,
    Setting,
    SettingText,
    Tuple,
    Value,
    certain,
    parts,
)

_SET = "a set whose items only a run could tell"


class Containers(Choices):
    """Evaluates lists and dictionaries. Subclasses add other expressions, calls and statements."""

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
        if isinstance(data, Setting):  # a secret is there, or the run fails
            return True if data.sure and data.vault == "secrets" else None
        if isinstance(data, SettingText | Encoded | Function | Moment):
            return True
        if isinstance(data, dict | list) and not certain(parts(data)):
            return None if all(not certain([v]) for v in parts(data)) else True
        return None if isinstance(data, OPAQUE) else bool(data)

    def items(self, value: Value) -> list[Value] | None:
        """What a loop over a value gives; None if only a run could tell."""
        data = value.data
        if isinstance(data, FoundSource):  # its resources
            return [value]
        if isinstance(data, dict | list) and not certain(parts(data)):
            return None
        if isinstance(data, list):
            return list(data)
        if isinstance(data, dict):
            return [Value(key, value.line) for key in data]
        if isinstance(data, str):
            return [Value(letter, value.line) for letter in data]
        return None

    def _dictionary(self, node: ast.Dict, scope: NameScope) -> Value:
        result: dict[Any, Value] = {}
        problem: Value | None = None
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            key = self.evaluate(key_node, scope).data if key_node else None
            value = self.evaluate(value_node, scope)
            if key_node is not None:
                if why := key_problem(key):
                    problem = problem or self.code(why, key_node)
                    continue
                line = value.line if isinstance(value.data, dict | list) else self.line(key_node)
                added = {key: value if line == value.line else Value(value.data, line)}
            elif isinstance(value.data, dict):
                added = value.data
            else:
                problem = problem or self.code("keys that only a run could tell", value_node)
                continue
            if reorders(result, added):
                problem = problem or self.code("keys that only a run could tell", value_node)
            result.update(added)
        return problem or Value(result, self.line(node))

    def _literal(self, node: ast.List | ast.Tuple | ast.Set, scope: NameScope) -> Value:
        result: list[Value] = []
        line = self.line(node)
        for element in node.elts:
            if not isinstance(element, ast.Starred):
                result.append(self.evaluate(element, scope))
                continue
            value = self.evaluate(element.value, scope)
            items = self.items(value)
            if items is None:
                why = "items that only a run could tell"
                why = value.data.why if isinstance(value.data, Code) else why
                items = [unknown(why, line, [value], loose=True)]
            result += items
        check_plain_size(result, line)
        if isinstance(node, ast.Set):
            return self._set(result, node)
        return Value(Tuple(result) if isinstance(node, ast.Tuple) else result, line)

    def _comprehension(self, node: Any, scope: NameScope) -> Value:
        result: list[Value] = []
        inner = NameScope(outer=scope, kind="comprehension")
        sure = True

        def add() -> bool:
            result.append(self.evaluate(node.elt, inner))
            check_plain_size(result, self.line(node))
            return True

        def read() -> None:
            nonlocal sure
            sure = self._rounds(node.generators, inner, add)

        if isinstance(node, ast.GeneratorExp):  # Python reads no more of it than is needed
            self.perhaps(read, inner, self.line(node))
        else:
            read()
        if not sure:
            return self.code("a list that only a run could make", node)
        if isinstance(node, ast.SetComp):
            return self._set(result, node)
        return Value(result, self.line(node))

    def _set(self, items: Sequence[Value], node: ast.Set | ast.SetComp) -> Value:
        found = distinct(items)
        return self.code(_SET, node) if found is None else Value(found, self.line(node))

    def _dictionary_comprehension(self, node: ast.DictComp, scope: NameScope) -> Value:
        result: dict[Any, Value] = {}
        inner = NameScope(outer=scope, kind="comprehension")

        def add() -> bool:
            key = self.evaluate(node.key, inner).data
            value = self.evaluate(node.value, inner)
            if isinstance(key, NO_KEY):
                return False
            result[key] = value
            return True

        if not self._rounds(node.generators, inner, add):
            return self.code("a dictionary that only a run could make", node)
        return Value(result, self.line(node))

    def _rounds(
        self, loops: Sequence[ast.comprehension], scope: NameScope, then: Callable[[], bool]
    ) -> bool:
        """Read each round of a comprehension. Whether all that it does is known."""
        if not loops:
            return then()
        value = self.evaluate(loops[0].iter, scope)
        line = self.line(loops[0].iter)
        items = self.items(value)
        if items is None:
            item = unknown("an item that only a run could tell", line, [value])
            self.repeat(lambda: self._one_pass(loops, item, scope, then), scope, line)
            return False
        # one scope for all rounds, as in Python: lambdas see the last round
        passes = [self._one_pass(loops, item, scope, then) for item in items]
        return all(passes)

    def _one_pass(
        self,
        loops: Sequence[ast.comprehension],
        item: Value,
        scope: NameScope,
        then: Callable[[], bool],
    ) -> bool:
        self.bind(loops[0].target, item, scope)
        return self._filtered(loops[0].ifs, scope, lambda: self._rounds(loops[1:], scope, then))

    def _filtered(
        self, tests: Sequence[ast.expr], scope: NameScope, then: Callable[[], bool]
    ) -> bool:
        for number, test in enumerate(tests):
            truth = self.truth(self.evaluate(test, scope))
            if truth is None:
                rest = tests[number + 1 :]
                self.perhaps(lambda: self._filtered(rest, scope, then), scope, self.line(test))  # noqa: B023
                return False
            if not truth:
                return True
        return then()


def reorders(result: dict[Any, Value], added: dict[Any, Value]) -> bool:
    """Whether new values take the place of a key that may be absent, so that the order is not known."""
    return any(not certain([result[k]]) and certain([v]) for k, v in added.items() if k in result)


def distinct(values: Sequence[Value]) -> list[Value] | None:
    """The items of a set; None if only a run could tell them."""
    found: dict[Any, Value] = {}
    for value in values:
        if isinstance(value.data, NO_KEY):
            return None
        found.setdefault(value.data, value)
    return list(found.values())


def key_problem(key: Any) -> str:
    """Why a key is none of a configuration; empty for a plain text."""
    if isinstance(key, NO_KEY):
        return "a key must be a plain string; this one only a run could tell"
    return unwritable(key)
