"""The values of the interpreter: plain data with lines, and stand-ins for all that is known later.

In: nothing. Out: ``Value`` and the kinds of data that it may hold besides plain Python data.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from analytics_sync.catalog.from_python.limits import MAX_ITEMS, MAX_TEXT, Work

Vault = Literal["secrets", "config", "any"]


@dataclass(slots=True, eq=False)
class Value:
    """Data and the line it stands in.

    ``data`` is a text, a number, a truth value, None, a dictionary from keys to ``Value``, a list of
    ``Value``, or one of the kinds below. Two names for one list share one ``Value``, as in Python.
    """

    data: Any
    line: int


class Tuple(list[Value]):
    """The items of a tuple: no statement changes them."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value from the settings. The vault ``any`` is decided by the place where the value is used.

    ``default`` is the value without a setting, for a variable of the environment that has one. ``sure``
    tells that a run without the setting fails, so that there is a value.
    """

    vault: Vault
    key: str
    default: Any = None
    sure: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Encoded:
    """The base64 form of a text."""

    text: Any


@dataclass(frozen=True, slots=True)
class SettingText:
    """A text of which some parts are settings."""

    parts: tuple[str | Setting | Encoded, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """A time. ``pattern`` is the format in which code writes it; ``fixed`` is None for the present."""

    fixed: datetime | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """Data that only a run could tell, and the reason. It never quotes the code: it may hold a secret.

    ``loose`` data is an item or a key that may not be there, or any number of items. ``holds`` are the
    lists, dictionaries and functions that the data may be, or may lead to: whoever changes the one may
    change the others.
    """

    why: str
    line: int
    loose: bool = field(default=False, compare=False)
    holds: tuple[Value, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Known:
    """A name from outside of the file, such as ``dlt.secrets``."""

    name: str

    @property
    def last(self) -> str:
        return self.name.rsplit(".", 1)[-1]


@dataclass(slots=True, eq=False)
class NameScope:
    """Names of a module, a class, a comprehension or a call of a function, and the scope around it.

    ``elsewhere`` holds the scope of each name that is declared ``global`` or ``nonlocal``.
    """

    names: dict[str, Value] = field(default_factory=dict)
    outer: NameScope | None = None
    elsewhere: dict[str, NameScope] = field(default_factory=dict)
    kind: Literal["function", "class", "comprehension"] = "function"

    def outside(self, *kinds: str) -> NameScope:
        """This scope, or the nearest one around it that is of no such kind."""
        scope = self
        while scope.kind in kinds and scope.outer is not None:
            scope = scope.outer
        return scope

    def assign(self, name: str, value: Value) -> None:
        self.elsewhere.get(name, self).names[name] = value

    def declare(self, name: str, *, of_module: bool) -> None:
        """Assign a name in the scope of the module, or in the nearest outer scope that has the name."""
        scope = self
        while scope.outer is not None:
            scope = scope.outer
            if not of_module and name in scope.names:
                break
        self.elsewhere[name] = scope

    def find(self, name: str) -> Value | None:
        scope: NameScope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.outer
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function or lambda of the file, with the scope in which it was written."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: NameScope
    defaults: dict[str, Value]
    decorators: tuple[tuple[str, dict[str, Value]], ...] = ()

    @property
    def name(self) -> str:
        return getattr(self.node, "name", "lambda")

    def decorated(self, *names: str) -> dict[str, Value] | None:
        """The arguments of the decorator with one of these names; None without it."""
        return next((args for name, args in self.decorators if name in names), None)


@dataclass(frozen=True, slots=True, eq=False)
class Class:
    """A class of the file: its names, and the names of its bases."""

    name: str
    scope: NameScope
    bases: tuple[str, ...]


@dataclass(slots=True, eq=False)
class FoundSource:
    """A call of ``rest_api_source`` or ``rest_api_resources``.

    ``place`` is the function, and ``variable`` the name, that holds the source. ``changes`` are the
    calls that the program makes on the source or its resources afterwards. ``others`` are resources in
    Python code that the same function gives.
    """

    config: Value
    name: str | None
    line: int
    place: str
    changes: list[tuple[str, int]] = field(default_factory=list)
    others: list[tuple[str, int]] = field(default_factory=list)
    variable: str = ""


OPAQUE = (Setting, Encoded, SettingText, Moment, Code, Known, Function, Class, FoundSource)
NO_KEY = (*OPAQUE, dict, list)
"""The data that is no key of a dictionary, and no item of a set."""


def parts(data: Any) -> Iterable[Value]:
    """The values that data consists of, or that it may be."""
    if isinstance(data, dict):
        return data.values()
    if isinstance(data, list):
        return data
    if isinstance(data, Code):
        return data.holds
    if isinstance(data, Function):
        return data.defaults.values()
    return data.scope.names.values() if isinstance(data, Class) else ()


def certain(items: Iterable[Value]) -> bool:
    """Whether each item is there in every run: none is loose."""
    return not any(isinstance(v.data, Code) and v.data.loose for v in items)


def is_plain(value: Value) -> bool:
    """Whether the value is known in full: no part of it is a stand-in."""
    seen: set[int] = set()  # a list may hold one value many times, or itself
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        if isinstance(found.data, OPAQUE):
            return False
        if isinstance(found.data, dict):
            waiting += found.data.values()
        elif isinstance(found.data, list):
            waiting += found.data
    return True


def unwrap(value: Value) -> Any:
    """The plain Python data of a value that ``is_plain``.

    Raises:
        TooMuchWork: The value has more items than a configuration.
    """
    return _unwrapped(value, Work(MAX_ITEMS))


def _unwrapped(value: Value, work: Work) -> Any:
    work.step(value.line)
    data = value.data
    if isinstance(data, dict):
        return {k: _unwrapped(v, work) for k, v in data.items()}
    if isinstance(data, list):
        items = [_unwrapped(v, work) for v in data]
        return tuple(items) if isinstance(data, Tuple) else items
    return data


def deep_copy(value: Value, known: dict[int, Value] | None = None) -> Value:
    """A copy whose lists and dictionaries are its own. What is one in the value is one in the copy."""
    known = {} if known is None else known
    if id(value) in known:
        return known[id(value)]
    copied = known[id(value)] = Value(value.data, value.line)
    if isinstance(value.data, dict):
        copied.data = {k: deep_copy(v, known) for k, v in value.data.items()}
    elif isinstance(value.data, list):
        copied.data = type(value.data)(deep_copy(v, known) for v in value.data)
    return copied


def wrap(data: Any, line: int) -> Value:
    """Plain Python data as a value, all of it in one line."""
    if isinstance(data, dict):
        return Value({k: wrap(v, line) for k, v in data.items()}, line)
    if isinstance(data, tuple):
        return Value(Tuple(wrap(v, line) for v in data), line)
    if isinstance(data, list | set | frozenset):
        return Value([wrap(v, line) for v in data], line)
    return Value(data, line)


def join_text(parts: Iterable[Any], line: int) -> Value:
    """Parts of a text as one value: a text if all are known, else a ``SettingText`` or ``Code``.

    Raises:
        TooMuchWork: The text is longer than a configuration has.
    """
    joined: list[str | Setting | Encoded] = []
    work = Work(MAX_TEXT)
    for part in parts:
        pieces = part.parts if isinstance(part, SettingText) else (part,)
        for piece in pieces:
            if isinstance(piece, Moment):
                return Value(Code("this is code (a text with a time in it)", line), line)
            if isinstance(piece, Code):
                return Value(piece, line)
            if isinstance(piece, OPAQUE) and not isinstance(piece, Setting | Encoded):
                return Value(Code("this is code (a text with an object in it)", line), line)
            if isinstance(piece, dict | list):
                return Value(Code("this is code (a text with a list in it)", line), line)
            if not isinstance(piece, Setting | Encoded):
                piece = str(piece)
                work.step(line, len(piece))
                if joined and isinstance(joined[-1], str):
                    joined[-1] += piece
                    continue
            joined.append(piece)
    if all(isinstance(piece, str) for piece in joined):
        return Value("".join(str(piece) for piece in joined), line)
    if len(joined) == 1:
        return Value(joined[0], line)
    return Value(SettingText(tuple(joined)), line)
