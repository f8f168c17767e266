"""Calls of code outside of the file that change none of their arguments.

In: the name of a function, or of a method. Out: whether its arguments stay as they are.
"""

from __future__ import annotations

_BUILTINS = frozenset({
    "print", "repr", "isinstance", "issubclass", "type", "id", "hash", "hasattr", "callable", "len", "str", "int",
    "float", "bool", "list", "tuple", "set", "dict", "frozenset", "range", "zip", "enumerate", "sum", "min", "max",
    "any", "all", "sorted", "reversed", "round", "abs", "format", "bytes", "map", "filter", "iter",
})  # fmt: skip
_MODULES = frozenset({
    "base64", "click", "collections", "copy", "datetime", "dlt", "functools", "hashlib", "httpx", "itertools", "json",
    "logging", "math", "os", "pathlib", "pendulum", "pprint", "re", "requests", "rich", "session", "time", "typer",
    "typing", "urllib", "uuid",
})  # fmt: skip
_OF_LOGGERS = frozenset({
    "debug", "info", "warning", "error", "exception", "critical", "log",
})  # fmt: skip
_READING = frozenset({
    "copy", "count", "get", "index", "items", "join", "keys", "startswith", "endswith", "values",
})  # fmt: skip


def is_harmless_function(name: str) -> bool:
    """Whether a function from outside changes none of its arguments.

    Args:
        name: The name with its module; without one, it is a function of Python.
    """
    module, _, last = name.rpartition(".")
    return last in _BUILTINS if not module else module.split(".")[0] in _MODULES


def is_harmless_method(name: str) -> bool:
    """Whether a method of an object from outside changes neither the object nor its arguments."""
    return name in _OF_LOGGERS


def only_reads(name: str) -> bool:
    """Whether a method of a list, dictionary or text changes nothing."""
    return name in _READING
