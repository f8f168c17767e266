"""JSON paths in dlt's spelling: ``a.b``, ``a.*``, ``..tail``, ``['a.b']``, ``a[-1].b``, ``a[?(@.b=='c')]``.

In: a body, and a path as catalog files spell it. Out: the value at the path, or all matches. A path
without brackets, quotes, ``|`` or ``,`` is a plain dotted path. Plain paths are walked key by key,
which is some fifty times faster than a general JSONPath engine. ``json_path_steps`` compiles the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from analytics_sync.common.json_path_steps import (
    ANY,
    MISSING,
    FilterStep,
    Keys,
    KeyStep,
    Match,
    NodeStep,
    PathError,
    Step,
    Wildcard,
    compile_steps,
    first_below,
)

__all__ = [
    "MISSING",
    "JsonPath",
    "Keys",
    "PathError",
    "compile_field",
    "compile_path",
    "compile_selector",
    "elements_without",
    "lookup",
    "lookup_around",
    "put",
    "spell",
]

_NOT_PLAIN = frozenset("[]'\"|,`")


class JsonPath:
    """A compiled path.

    Args:
        spelling: The path in one spelling, however the file spells it.
        steps: The steps from the body to the values.
        is_deep: Whether a lookup searches the path at any depth.
    """

    def __init__(self, spelling: str, steps: tuple[Step, ...], *, is_deep: bool = False) -> None:
        self.spelling = spelling
        self.steps = steps
        self.is_deep = is_deep
        first = steps[0] if steps else None
        self.has_filter = any(isinstance(step, FilterStep) for step in steps)
        self.chain = first if isinstance(first, KeyStep) and len(steps) == 1 else None
        """The one step of a path of keys only, which may be searched at any depth."""

    @property
    def keys(self) -> Keys:
        """The keys of a path of keys only."""
        assert self.chain is not None, f"{self.spelling} has other steps than keys"
        return self.chain.keys

    @property
    def is_exact(self) -> bool:
        """Whether the path is keys only, and each is taken as it is."""
        return self.chain is not None and self.chain.is_exact

    def lookup(self, body: Any) -> Any:
        """The first value at the path, or ``MISSING``."""
        if self.chain is not None:
            return first_below(body, self.chain) if self.is_deep else self.chain.find(body)
        found = self.matches(body)
        return found[0].value if isinstance(found, list) and found else MISSING

    def matches(
        self, body: Any, skip: int = 0, left_out: list[Any] | None = None
    ) -> list[Match] | int:
        """All values at the path; or the position of the step at which the path breaks off.

        A filter, a wildcard or a slice that matches nothing in an existing list is no break. A key
        that no value has is one.

        Args:
            body: Where the path begins.
            skip: How many steps to leave out.
            left_out: Receives the elements that a filter or a slice does not select, and those that
                lack a key that others have.
        """
        found = [Match(None, body)]
        for position, step in enumerate(self.steps[skip:], start=skip):
            reached = [(match, step.matches(match.value)) for match in found]
            if all(matches is None for _, matches in reached):
                return position
            if left_out is not None:
                left_out += _left_out(step, reached)
            found = [
                Match(match.key if below.key is None else below.key, below.value)
                for match, matches in reached
                for below in matches or ()
            ]
            if not found:
                break
        return found

    def filtered(self, body: Any, skip: int = 0) -> tuple[list[Any], list[str]]:
        """The elements that a filter tests, and what it compares although no element has it.

        Without elements that a filter cannot select, these are the elements of the last filter.

        Args:
            body: Where the path begins.
            skip: How many steps to leave out.
        """
        values, tested = [body], list[Any]()
        for step in self.steps[skip:]:
            if isinstance(step, FilterStep):
                tested = [e.value for value in values for e in Wildcard().matches(value) or ()]
                if absent := step.absent_targets(tested):
                    return tested, absent
            values = [below.value for value in values for below in step.matches(value) or ()]
        return tested, []


def _left_out(step: Step, reached: list[tuple[Match, list[Match] | None]]) -> list[Any]:
    left_out: list[Any] = []
    for match, matches in reached:
        if matches is None:
            left_out.append(match.value)
        elif isinstance(step, NodeStep):
            left_out += step.left_out(match.value, matches)
    return left_out


def lookup(body: Any, path: str) -> Any:
    """The first value at ``path``, or ``MISSING``."""
    return compile_path(path).lookup(body)


def lookup_around(body: Any, path: str) -> Any:
    """The value that holds the last key or element of ``path``, or ``MISSING``."""
    return _path_around(path).lookup(body)


def elements_without(body: Any, path: str) -> list[tuple[list[Any], Any]]:
    """The elements of lists at which ``path`` breaks off, because none has the keys that follow.

    An empty list and an index beyond its end are no such case: a path may end there. Nor is a filter
    that selects nothing.

    Returns:
        Each list and its element.
    """
    compiled = compile_path(path)
    position = 0 if compiled.chain is not None else compiled.matches(body)
    if not isinstance(position, int) or not position:
        return []
    if not isinstance(compiled.steps[position], KeyStep):
        return []
    before = JsonPath("", compiled.steps[: position - 1]).matches(body)
    assert isinstance(before, list)
    step = compiled.steps[position - 1]
    lists = [match.value for match in before if isinstance(match.value, list)]
    return [(found, element.value) for found in lists for element in step.matches(found) or ()]


@cache
def compile_path(path: str) -> JsonPath:
    """Compile a path into a response.

    Args:
        path: As the catalog file spells it. ``$`` and the empty path are the body itself.

    Raises:
        PathError: It is no path.
    """
    plain = path.replace("[*]", ".*")
    inner = plain.removeprefix("$") if plain == "$" or plain.startswith(("$.", "$[")) else plain
    is_deep = inner.startswith("..")
    keys = inner.removeprefix("..").removeprefix(".").split(".") if inner else []
    if not _NOT_PLAIN.isdisjoint(plain) or ("" in keys and ".." in inner.lstrip(".")):
        return _compiled(f"${path}" if path.startswith("..") else path)
    if "" in keys:
        raise PathError(f"{path!r} is no path: a key is empty")
    if is_deep:
        if ANY in keys:
            return _compiled(f"$..{'.'.join(keys)}")
        return JsonPath(
            f"..{'.'.join(keys)}", (KeyStep(tuple(keys), is_exact=False),), is_deep=True
        )
    return JsonPath(".".join(keys) or "$", _plain_steps(keys))


@cache
def _path_around(path: str) -> JsonPath:
    compiled = compile_path(path)
    steps = list(compiled.steps)
    last = steps.pop() if steps else None
    if isinstance(last, KeyStep) and len(last.keys) > 1:
        steps.append(KeyStep(last.keys[:-1], is_exact=last.is_exact))
    return JsonPath("", tuple(steps), is_deep=compiled.is_deep and bool(steps))


@cache
def compile_selector(path: str) -> JsonPath:
    """Compile a path of which all matches count: ``..a`` is every ``a`` at any depth."""
    compiled = compile_path(path)
    if not compiled.is_deep:
        return compiled
    return _compiled(f"$..{spell(compiled.keys, is_exact=True)}")


@cache
def compile_field(path: str) -> JsonPath:
    """Compile the path of a field in a record: keys only.

    Raises:
        PathError: It is no path, or it has an index, a wildcard or a filter.
    """
    compiled = compile_path(path)
    if compiled.chain is None or compiled.is_deep:
        raise PathError(
            f"{path!r} is no field: expected keys, such as a.b; quote a key that holds dots, "
            "brackets or commas, such as ['a.b']"
        )
    return compiled


def _plain_steps(keys: Sequence[str]) -> tuple[Step, ...]:
    steps: list[Step] = []
    chain: list[str] = []
    for key in [*keys, ANY]:
        if key != ANY:
            chain.append(key)
            continue
        if chain:
            steps.append(KeyStep(tuple(chain), is_exact=False))
            chain = []
        steps.append(Wildcard())
    return tuple(steps[:-1])  # without the sentinel


def _compiled(path: str) -> JsonPath:
    steps = compile_steps(path)
    first = steps[0] if steps else None
    if isinstance(first, KeyStep) and len(steps) == 1:
        keys = first.keys
        if len(keys) == 1 and _NOT_PLAIN.isdisjoint(keys[0]) and keys[0] not in {"", "$", ANY}:
            first = KeyStep(keys, is_exact="." in keys[0])
        return JsonPath(spell(keys, is_exact=first.is_exact), (first,))
    return JsonPath(path, steps)


def spell(keys: Keys, *, is_exact: bool) -> str:
    """The spelling of a chain of keys."""
    if not is_exact:
        return ".".join(keys)
    return "".join("['{}']".format(k.replace("\\", "\\\\").replace("'", "\\'")) for k in keys)


def put(record: Mapping[str, Any], keys: Keys, value: Any) -> dict[str, Any]:
    """A copy of ``record`` with ``value`` at ``keys``; what is shared with the record is copied."""
    copied = dict(record)
    holder = copied
    for key in keys[:-1]:
        below = holder.get(key)
        holder[key] = dict(below) if isinstance(below, dict) else {}
        holder = holder[key]
    holder[keys[-1]] = value
    return copied
