"""The interpreter's calls: functions of the file, methods, and ``rest_api_source``.

In: calls. Out: their results, and each source that the program makes, in ``found``.
"""

from __future__ import annotations

import ast

from analytics_sync.catalog.from_python.branches import called_name
from analytics_sync.catalog.from_python.choices import unknown
from analytics_sync.catalog.from_python.dlt_objects import SOURCE_FUNCTIONS
from analytics_sync.catalog.from_python.harmless_calls import (
    is_harmless_function,
    is_harmless_method,
    only_reads,
)
from analytics_sync.catalog.from_python.known_calls import call_known
from analytics_sync.catalog.from_python.limits import MAX_CALLS
from analytics_sync.catalog.from_python.lookup import attribute_of
from analytics_sync.catalog.from_python.methods import call_method
from analytics_sync.catalog.from_python.parameters import bound
from analytics_sync.catalog.from_python.statements import Statements, is_generator, own_nodes
from analytics_sync.catalog.from_python.states import End, Frame, ProgramState, reach
from analytics_sync.catalog.from_python.values import (
    Class,
    Code,
    FoundSource,
    Function,
    Known,
    NameScope,
    Value,
    deep_copy,
)

_MADE_ELSEWHERE = ("resource", "transformer", "dlt.resource", "dlt.transformer")
_SOURCE = ("source", "dlt.source")
_MANAGERS = ("contextmanager", "asynccontextmanager", "contextlib.contextmanager", "contextlib.asynccontextmanager")  # fmt: skip
_ARGUMENTS = "arguments that only a run could tell"
_LOOKED_AT = (Known, Class, Code, Function)
_CHANGES = frozenset({"update", "setdefault", "pop", "clear", "append", "extend"})


class Interpreter(Statements):
    """Reads a module, and keeps the sources that it makes."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.called: set[ast.AST] = set()
        self.stack: list[Function] = []

    def call(self, node: ast.Call, scope: NameScope) -> Value:
        line = self.line(node)
        base: Value | None = None
        name = called_name(node)
        if isinstance(node.func, ast.Attribute):
            base = self.evaluate(node.func.value, scope)
            if isinstance(base.data, FoundSource) or not isinstance(base.data, _LOOKED_AT):
                return self._method(base, name, node, scope)
            function = attribute_of(base, name, line)
        else:
            function = self.evaluate(node.func, scope)
        arguments, keywords, unclear = self._arguments(node, scope)
        given = [*arguments, *keywords.values()]
        if unclear is not None:
            self.touch([function, *given, unclear], scope, line)
            return unclear
        if base is not None and isinstance(base.data, Known) and name in _CHANGES:
            self.changed(node.func, [base], scope)
        if base is not None and isinstance(base.data, Class) and _of_class(function):
            arguments = [base, *arguments]
        return self.apply(function, arguments, keywords, scope, line, name, base)

    def apply(
        self,
        function: Value,
        arguments: list[Value],
        keywords: dict[str, Value],
        scope: NameScope,
        line: int,
        name: str = "",
        base: Value | None = None,
    ) -> Value:
        """The result of a call."""
        data = function.data
        given = [*arguments, *keywords.values()]
        if isinstance(data, Function):
            return self.run(data, arguments, keywords, line)
        if isinstance(data, Known):
            if data.last in SOURCE_FUNCTIONS:
                return self._source(arguments, keywords, line)
            result = (
                Value(Code("a call of a base class", line), line)
                if data.last == "super"
                else call_known(data.name, arguments, keywords, line)
            )
        elif isinstance(data, Class):
            if any(b.rsplit(".", 1)[-1] == "TypedDict" for b in data.bases):
                return Value(dict(keywords), line)
            result = unknown(f"an object of the class {data.name}", line, [function, *given])
            self.touch([*data.scope.names.values(), *given], scope, line)
            return result
        elif isinstance(data, Code):
            self.note_changes(base or function, name, line)
            called = [v for v in reach([function]) if isinstance(v.data, Function)]
            results = self.call_any(called, arguments, keywords, scope, line)
            result = unknown(data.why, line, [function, *given, *results])
        else:
            result = Value(Code("a call of a value that is no function", line), line)
        if isinstance(result.data, Code):
            known = isinstance(data, Known)
            harmless = is_harmless_function(data.name) if known else is_harmless_method(name)
            owner = [] if base is not None and only_reads(name) else [function, base or function]
            self.touch([*owner, *given], scope, line, changes=not harmless)
        return result

    def _method(self, base: Value, name: str, node: ast.Call, scope: NameScope) -> Value:
        """A method of a value that is known here."""
        data = base.data
        arguments, keywords, unclear = self._arguments(node, scope)
        line = self.line(node)
        if isinstance(data, FoundSource):
            data.changes.append((name, line))
            return base
        found = None
        if unclear is None:
            found = call_method(base, name, arguments, keywords, line)
        if found is not None:
            return found
        given = [base, *arguments, *keywords.values(), *([unclear] if unclear else [])]
        self.touch(given, scope, line, changes=not only_reads(name))
        return unclear or self.code(f"a call of the method {name}", node)

    def _arguments(
        self, node: ast.Call, scope: NameScope
    ) -> tuple[list[Value], dict[str, Value], Value | None]:
        """Positional arguments, named ones, and the reason if they are not known."""
        arguments: list[Value] = []
        keywords: dict[str, Value] = {}
        unclear: Value | None = None
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                value = self.evaluate(argument.value, scope)
                items = self.items(value)
                if items is None:
                    unclear = unknown(_ARGUMENTS, self.line(argument), [value])
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
                unclear = unknown(_ARGUMENTS, self.line(keyword.value), [value])
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
        names = bound(function, arguments, keywords, self.line(function.node))
        if names is None:
            return Value(Code(f"a call of {function.name} with other arguments", line), line)
        scope = NameScope(names, function.scope)
        outer, self._operands = self._operands, []
        self.stack.append(function)
        try:
            if isinstance(function.node, ast.Lambda):
                return self.evaluate(function.node.body, scope)
            return self._result(function, function.node, scope, line)
        finally:
            self.stack.pop()
            self._operands = outer

    def _result(
        self,
        function: Function,
        node: ast.FunctionDef | ast.AsyncFunctionDef,
        scope: NameScope,
        line: int,
    ) -> Value:
        """Execute the body of a function."""
        for child in own_nodes(node):
            if isinstance(child, ast.Global | ast.Nonlocal):
                for name in child.names:
                    scope.declare(name, of_module=isinstance(child, ast.Global))
        known, outer, frame = len(self.found), self.frame, Frame()
        ends: list[End] = []

        def read() -> None:
            self.frame = frame
            try:
                ends.append(self._body(node, scope))
            finally:
                self.frame = outer

        if is_generator(node) or isinstance(node, ast.AsyncFunctionDef):
            # its body runs when somebody asks for its items, or never
            self.perhaps(read, NameScope(dict(scope.names), function.scope), line)
        else:
            read()
        if function.decorated(*_SOURCE) is not None:
            self._keep_others(frame, known)
            if self.found[known:]:
                return Value(self.found[-1], line)
        if ends == ["raise"]:
            return Value(Code(f"{function.name} ends with an error", line), line)
        given = [*frame.yielded, *([frame.result] if frame.result else [])]
        if function.decorated(*_MANAGERS) is not None:
            return unknown("the value of a with statement", line, [Value(function, line), *given])
        if is_generator(node):
            return Value(frame.unsure or frame.yielded, line)
        return frame.result or Value(None, line)

    def _body(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: NameScope) -> End:
        """Execute the statements of a function, and join the states in which it may return."""
        line = self.line(node)
        end = self.block(node.body, scope)
        if end is None:
            self.frame.result = Value(None, line)
        returns: list[tuple[End, ProgramState]] = [(None, s) for s in self.frame.take("return")]
        if returns:
            self.meet(
                [*returns, ("raise" if end == "raise" else None, self.state(scope, line))], line
            )
        return None if returns else end

    def _keep_others(self, frame: Frame, known: int) -> None:
        """Resources in Python code that a function with ``@dlt.source`` gives beside those of a configuration."""
        given = [*frame.yielded, *([frame.result] if frame.result else [])]
        given = [item for value in given for item in self.items(value) or [value]]
        if frame.unsure is not None:
            given.append(Value(frame.unsure, frame.unsure.line))
        for value in given:
            if isinstance(value.data, Code | Function) and self.found[known:]:
                why = (
                    value.data.why
                    if isinstance(value.data, Code)
                    else f"the resource {value.data.name} in Python code"
                )
                self.found[-1].others.append((why, value.line))


def _of_class(function: Value) -> bool:
    """Whether a method gets its class as the first argument."""
    data = function.data
    return isinstance(data, Function) and data.decorated("classmethod") is not None
