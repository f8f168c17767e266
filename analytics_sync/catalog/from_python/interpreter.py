"""The interpreter's calls: functions of the file, methods, and ``rest_api_source``.

In: calls. Out: their results, and each source that the program makes, in ``found``.
"""

from __future__ import annotations

import ast
from typing import Any

from analytics_sync.catalog.from_python.dlt_objects import SOURCE_FUNCTIONS, injected
from analytics_sync.catalog.from_python.known_calls import call_known
from analytics_sync.catalog.from_python.limits import MAX_CALLS
from analytics_sync.catalog.from_python.methods import call_method
from analytics_sync.catalog.from_python.statements import Frame, Statements, is_generator
from analytics_sync.catalog.from_python.values import (
    Class,
    Code,
    FoundSource,
    Function,
    Known,
    NameScope,
    Setting,
    Value,
    deep_copy,
)

_MADE_ELSEWHERE = ("resource", "transformer", "dlt.resource", "dlt.transformer")
_SOURCE = ("source", "dlt.source")


class Interpreter(Statements):
    """Reads a module, and keeps the sources that it makes."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.found: list[FoundSource] = []
        self.called: set[ast.AST] = set()
        self.stack: list[Function] = []

    def call(self, node: ast.Call, scope: NameScope) -> Value:
        line = self.line(node)
        if isinstance(node.func, ast.Attribute):
            base = self.evaluate(node.func.value, scope)
            done = self._method(base, node.func.attr, node, scope)
            if done is not None:
                return done
        function = self.evaluate(node.func, scope)
        arguments, keywords, unclear = self._arguments(node, scope)
        data = function.data
        if isinstance(data, Code):
            return Value(data, line)
        if unclear is not None:
            return Value(unclear, line)
        if isinstance(data, Known):
            if data.last in SOURCE_FUNCTIONS:
                return self._source(arguments, keywords, line)
            if data.last == "super":
                return self.code("a call of a base class", node)
            return call_known(data.name, arguments, keywords, line)
        if isinstance(data, Function):
            return self.run(data, arguments, keywords, line)
        if isinstance(data, Class):
            if any(base.rsplit(".", 1)[-1] == "TypedDict" for base in data.bases):
                return Value(dict(keywords), line)
            return Value(Code(f"an object of the class {data.name}", line), line)
        return self.code("a call of a value that is no function", node)

    def _method(self, base: Value, name: str, node: ast.Call, scope: NameScope) -> Value | None:
        """A method of a value that is known here; None if the function itself must be looked at."""
        data = base.data
        if isinstance(data, FoundSource):
            self._arguments(node, scope)
            data.changes.append((name, self.line(node)))
            return base
        if isinstance(data, Known | Class | Code | Function):
            return None
        arguments, keywords, unclear = self._arguments(node, scope)
        line = self.line(node)
        if unclear is not None:
            return Value(unclear, line)
        found = call_method(base, name, arguments, keywords, line)
        return found or Value(Code(f"a call of the method {name}", line), line)

    def _arguments(
        self, node: ast.Call, scope: NameScope
    ) -> tuple[list[Value], dict[str, Value], Code | None]:
        """Positional arguments, named ones, and the reason if they are not known."""
        arguments: list[Value] = []
        keywords: dict[str, Value] = {}
        unclear: Code | None = None
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                items = self.items(self.evaluate(argument.value, scope))
                if items is None:
                    unclear = Code("arguments that only a run could tell", self.line(argument))
                arguments += items or []
            else:
                arguments.append(self.evaluate(argument, scope))
        for keyword in node.keywords:
            value = self.evaluate(keyword.value, scope)
            if keyword.arg is not None:
                keywords[keyword.arg] = value
            elif isinstance(value.data, dict):
                keywords.update({str(k): v for k, v in value.data.items()})
            else:
                unclear = Code("arguments that only a run could tell", self.line(keyword.value))
        return arguments, keywords, unclear

    def _source(self, arguments: list[Value], keywords: dict[str, Value], line: int) -> Value:
        """Keep the configuration that a call of ``rest_api_source`` gets, as it is at this moment."""
        config = (
            arguments[0]
            if arguments
            else keywords.get("config", Value(Code("no argument", line), line))
        )
        named = keywords.get("name") or (arguments[1] if len(arguments) > 1 else None)
        name = named.data if named and isinstance(named.data, str) else self._declared_name()
        place = self.stack[-1].name if self.stack else ""
        found = FoundSource(deep_copy(config), name, line, place)
        self.found.append(found)
        return Value(found, line)

    def _declared_name(self) -> str | None:
        """The name of the function with ``@dlt.source`` that is being called."""
        for function in reversed(self.stack):
            arguments = function.decorated(*_SOURCE)
            if arguments is not None:
                name = arguments.get("name")
                return name.data if name and isinstance(name.data, str) else function.name
        return None

    def run(
        self, function: Function, arguments: list[Value], keywords: dict[str, Value], line: int
    ) -> Value:
        """The result of a function of the file."""
        self.called.add(function.node)
        if function.decorated(*_MADE_ELSEWHERE) is not None:
            return Value(Code(f"the resource {function.name} in Python code", line), line)
        if len(self.stack) >= MAX_CALLS:
            return Value(Code("calls of functions that call each other", line), line)
        names = self._bound(function, arguments, keywords)
        if names is None:
            return Value(Code(f"a call of {function.name} with other arguments", line), line)
        scope = NameScope(names, function.scope)
        if isinstance(function.node, ast.Lambda):
            return self.evaluate(function.node.body, scope)
        self.stack.append(function)
        known = len(self.found)
        try:
            frame = Frame()
            end = self.block(function.node.body, scope, frame)
        finally:
            self.stack.pop()
        if function.decorated(*_SOURCE) is not None:
            self._keep_others(frame, known)
            if self.found[known:]:
                return Value(self.found[-1], line)
        if end == "raise":
            return Value(Code(f"{function.name} ends with an error", line), line)
        if frame.maybe is not None:
            return Value(frame.maybe, line)
        if is_generator(function.node):
            return Value(frame.yielded, line)
        return frame.result or Value(None, line)

    def _keep_others(self, frame: Frame, known: int) -> None:
        """Resources in Python code that a function with ``@dlt.source`` gives beside those of a configuration."""
        given = [*frame.yielded, *([frame.result] if frame.result else [])]
        given = [item for value in given for item in self.items(value) or [value]]
        for value in given:
            if isinstance(value.data, Code | Function) and self.found[known:]:
                why = (
                    value.data.why
                    if isinstance(value.data, Code)
                    else f"the resource {value.data.name} in Python code"
                )
                self.found[-1].others.append((why, value.line))

    def _bound(
        self, function: Function, arguments: list[Value], keywords: dict[str, Value]
    ) -> dict[str, Value] | None:
        """The value of each parameter; None if the arguments do not fit."""
        spec = function.node.args
        plain = [*spec.posonlyargs, *spec.args]
        if len(arguments) > len(plain) and spec.vararg is None:
            return None
        given = dict(zip([a.arg for a in plain], arguments, strict=False))
        known = {a.arg for a in (*plain, *spec.kwonlyargs)}
        extra = {k: v for k, v in keywords.items() if k not in known}
        if extra and spec.kwarg is None:
            return None
        given |= {k: v for k, v in keywords.items() if k in known}
        line = self.line(function.node)
        names: dict[str, Value] = {}
        for parameter in (*plain, *spec.kwonlyargs):
            names[parameter.arg] = self._parameter(
                parameter, given.get(parameter.arg), function.defaults.get(parameter.arg)
            )
        if spec.vararg is not None:
            names[spec.vararg.arg] = Value(arguments[len(plain) :], line)
        if spec.kwarg is not None:
            names[spec.kwarg.arg] = Value(extra, line)
        return names

    def _parameter(self, node: ast.arg, given: Value | None, default: Value | None) -> Value:
        """The value of a parameter. A secret is the setting of its name, whatever the call passes."""
        setting = injected(node.arg, default) if default else None
        if setting is not None and (
            given is None or setting.vault == "secrets" or isinstance(given.data, Code)
        ):
            return Value(setting, default.line if default else self.line(node))
        if given is not None:
            return given
        if default is not None:
            return default
        vault: Any = (
            "secrets" if "Secret" in ast.dump(node.annotation or ast.Constant(None)) else "any"
        )
        return Value(Setting(vault, node.arg), self.line(node))
