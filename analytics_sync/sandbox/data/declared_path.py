"""Declared paths: a path of a catalog file -> the place that the sandbox gives it.

In: a JSONPath. Out: a ``Path``, at which a client that reads the JSONPath finds a value.
A path that is searched at any depth gets a place. Of several paths, the first one is served.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from analytics_sync.sandbox.data.json_path import Each, Path, Step, Where

# The object that holds a value whose declared path gives only the end: ``..cursor``.
DEFAULT_PARENT = "meta"

_NAME = re.compile(r"[^.\[\]|`]+")
_QUOTED = re.compile(r"""\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*(,.*)?""", re.DOTALL)
_POSITION = re.compile(r"\s*(-?\d+)\s*|\s*(-1)\s*:\s*")
_CONDITION = re.compile(
    r"""\s*(?:@\.?)?((?:[^=<>!~'"\[\s]|\[\s*(?:'[^']*'|"[^"]*")\s*\])+)\s*(?:(==?|!=|<=?|>=?)\s*(.+))?""",
    re.DOTALL,
)
_STEPS = {"<": -1, ">": 1, "!=": 1}


class CannotServe(ValueError):
    """The sandbox has no place for a path."""


@cache
def path_of(declared: str) -> Path:
    """The place of a declared path; empty for the whole body.

    Raises:
        CannotServe: The path selects in a way that the sandbox does not know.
    """
    rest = declared.strip()
    if rest == "$" or rest.startswith(("$.", "$[")):
        rest = rest[1:]
    steps: list[Step] = []
    while rest:
        if rest.startswith("|"):
            break
        if rest.startswith(".."):
            rest = rest[2:]
            steps.append(DEFAULT_PARENT)
        elif rest.startswith("."):
            rest = rest[1:]
        if rest.startswith("["):
            inner, rest = _bracket(declared, rest)
            steps.append(_step(declared, inner))
        elif name := _NAME.match(rest):
            steps.append(Each(is_keyed=True) if name[0] == "*" else name[0])
            rest = rest[name.end() :]
        else:
            raise CannotServe(f"the sandbox cannot serve the path {declared!r}: {rest}")
    return tuple(steps)


def _bracket(declared: str, rest: str) -> tuple[str, str]:
    """The text inside the first bracket, and the text after it."""
    depth, quote = 0, ""
    for index, sign in enumerate(rest):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        else:
            depth += (sign == "[") - (sign == "]")
            if not depth:
                return rest[1:index], rest[index + 1 :]
    raise CannotServe(f"the sandbox cannot serve the path {declared!r}: a bracket is open")


def _step(declared: str, inner: str) -> Step:
    if inner.strip() == "*":
        return Each()
    if quoted := _QUOTED.fullmatch(inner):
        return re.sub(r"\\\\(.)", r"\\1", quoted[1] if quoted[1] is not None else quoted[2])
    if position := _POSITION.fullmatch(inner):
        return int(position[1] or position[2])
    if inner.lstrip().startswith("?"):
        condition = inner.strip()[1:].strip()
        if condition.startswith("(") and condition.endswith(")"):
            condition = condition[1:-1]
        return Where(tuple(_value(declared, part) for part in re.split(r"&&?", condition)))
    raise CannotServe(f"the sandbox cannot serve the path {declared!r}: [{inner}]")


def _value(declared: str, condition: str) -> tuple[Path, Any, bool]:
    """Path, value and whether any value will do, of one condition of a filter."""
    found = _CONDITION.fullmatch(condition)
    if found is None:
        raise CannotServe(f"the sandbox cannot serve the path {declared!r}: {condition.strip()}")
    path, sign = path_of(found[1].strip()), found[2]
    if sign is None:
        return path, True, True
    value = _literal(declared, found[3].strip())
    if step := _STEPS.get(sign, 0):
        return path, value + step if isinstance(value, int | float) else f"{value} {step}", True
    return path, value, sign not in {"=", "=="}


def _literal(declared: str, text: str) -> Any:
    if quoted := _QUOTED.fullmatch(text):
        return quoted[1] if quoted[1] is not None else quoted[2]
    words = {"true": True, "false": False, "null": None}
    if text in words:
        return words[text]
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        raise CannotServe(f"the sandbox cannot serve the path {declared!r}: {text}") from None
