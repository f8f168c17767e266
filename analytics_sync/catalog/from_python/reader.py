"""The reader: the text of a Python file -> the sources that it makes, as drafts of catalog files.

In: Python source, or a document with a Python code block. Out: one ``Draft`` for each source. Nothing of
the file is run: the interpreter knows assignments, functions of the file and dlt's own objects.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from analytics_sync.catalog.errors import CatalogError
from analytics_sync.catalog.files.yaml_config import Lines, check_size
from analytics_sync.catalog.from_python.branches import called_name
from analytics_sync.catalog.from_python.dlt_objects import SOURCE_FUNCTIONS
from analytics_sync.catalog.from_python.draft import Draft
from analytics_sync.catalog.from_python.interpreter import Interpreter
from analytics_sync.catalog.from_python.limits import TooMuchWork
from analytics_sync.catalog.from_python.source_writer import write_source
from analytics_sync.catalog.from_python.values import (
    Class,
    FoundSource,
    Function,
    NameScope,
    Value,
)

_BLOCK = re.compile(r"^```python[ \t]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_CONFIG = "RESTAPIConfig"


def parse_python(text: str, file: str) -> tuple[dict[str, Any], Lines]:
    """The one source of a Python file, as the data of a catalog file, and the line of each key.

    Args:
        text: Python source, or prose with a fenced Python block.
        file: The file's name, for messages.

    Raises:
        CatalogError: As ``read_sources``; or the file makes several sources, or one that is code in part.
    """
    first, *others = read_sources(text, file)
    if others:
        raise CatalogError(
            f"makes {len(others) + 1} sources; analytics-sync convert writes a file for each",
            file=file,
            line=others[0].line,
        )
    for problem in sorted(first.problems, key=lambda p: p.line):
        raise CatalogError(
            problem.message,
            file=file,
            line=problem.line,
            resource=problem.resource,
            key=problem.key,
        )
    return first.data, first.lines


def read_sources(text: str, file: str) -> list[Draft]:
    """The sources of a Python file, in the order in which the program makes them.

    Args:
        text: Python source, or prose with a fenced Python block.
        file: The file's name, for messages.

    Raises:
        CatalogError: The text is no Python, makes no source, or asks for too much work.
    """
    check_size(text, file)
    block = _BLOCK.search(text)
    offset = text[: block.start(1)].count("\n") if block else 0
    tree = _tree(block.group(1) if block else text, offset, file)
    try:
        drafts = [write_source(found) for found in _Finder(tree, offset).sources()]
    except TooMuchWork as e:
        problem = CatalogError(f"{e.what}; that is no configuration", file=file, line=e.line)
    except RecursionError:
        problem = CatalogError("nested too deep; that is no configuration", file=file)
    else:
        different: list[Draft] = []
        for draft in drafts:
            if all((draft.name, draft.data) != (d.name, d.data) for d in different):
                different.append(draft)
        if different:
            return different
        raise CatalogError(
            "no rest_api_source({...}) call found; expected one, or a dictionary with 'resources'",
            file=file,
        )
    raise problem


def _tree(text: str, offset: int, file: str) -> ast.Module:
    """The syntax tree of ``text``, which begins ``offset`` lines below the top of the file."""
    try:
        return ast.parse(text)
    except SyntaxError as e:
        problem, line = f"not valid Python: {e.msg}", (e.lineno or 0) + offset
    except (ValueError, RecursionError, MemoryError):
        problem, line = "not valid Python: a null character, or nested too deep", 0
    # Raise outside the except block: Python's own error quotes the line, which may hold a secret.
    raise CatalogError(problem, file=file, line=line)


class _Finder:
    """Finds the sources of a module: those that it makes, then those that its functions would make."""

    def __init__(self, tree: ast.Module, offset: int) -> None:
        self.tree = tree
        self.interpreter = Interpreter(offset)
        self.scope = NameScope()

    def sources(self) -> list[FoundSource]:
        interpreter = self.interpreter
        interpreter.block(self.tree.body, self.scope)
        functions = list(_functions(self.scope))
        makers = self._makers(functions)
        inner = {name for f in makers for name in _called_names(f.node) if name != f.name}
        for outermost in (True, False):
            for function in makers:
                if function.node not in interpreter.called and (
                    not outermost or function.name not in inner
                ):
                    line = interpreter.line(function.node)
                    before = interpreter.state(self.scope, line)
                    interpreter.run(function, [], {}, line)
                    before.restore()  # another function does not run after this one
        return interpreter.found or [_found(value) for value in self._configurations(functions)]

    def _makers(self, functions: list[Function]) -> list[Function]:
        """The functions that make a source, themselves or by one that they call."""
        names = set(SOURCE_FUNCTIONS)
        for local, value in self.scope.names.items():
            if getattr(value.data, "last", None) in SOURCE_FUNCTIONS:
                names.add(local)
        makers: list[Function] = []
        size = -1
        while size != len(makers):
            size = len(makers)
            makers = [f for f in functions if _called_names(f.node) & names]
            names |= {f.name for f in makers}
        return makers

    def _configurations(self, functions: list[Function]) -> Iterator[Value]:
        """Configurations that no call gets: by their annotation, else by their keys."""
        interpreter = self.interpreter
        for function in functions:
            returns = getattr(function.node, "returns", None)
            if (
                function.node not in interpreter.called
                and returns is not None
                and _CONFIG in ast.dump(returns)
            ):
                yield interpreter.run(function, [], {}, interpreter.line(function.node))
        annotated = [value for name, value in interpreter.annotated if _CONFIG in name]
        annotated = annotated or [v for v in self.scope.names.values() if _is_config(v)]
        yield from annotated
        if not annotated:
            for node in ast.walk(self.tree):
                if isinstance(node, ast.Dict) and any(
                    isinstance(k, ast.Constant) and k.value == "resources" for k in node.keys
                ):
                    yield interpreter.evaluate(node, self.scope)
                    return


def _found(value: Value) -> FoundSource:
    return FoundSource(value, None, value.line, "")


def _is_config(value: Value) -> bool:
    return isinstance(value.data, dict) and "resources" in value.data and "client" in value.data


def _functions(scope: NameScope) -> Iterator[Function]:
    """The functions of a module, and those of its classes."""
    for value in scope.names.values():
        if isinstance(value.data, Function):
            yield value.data
        elif isinstance(value.data, Class):
            yield from _functions(value.data.scope)


def _called_names(node: ast.AST) -> set[str]:
    """The last name of each function that a function calls."""
    return {called_name(child) for child in ast.walk(node) if isinstance(child, ast.Call)}
