"""The steps of a JSON path: keys, wildcards, filters and the rest of dlt's language.

In: a path that dlt's compiler reads, or the keys of a plain path. Out: steps. Each step leads from one
value to its matches. The compiler is imported with the first path that needs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

MISSING: Any = object()
"""The result for a path that a body does not have; null is a value."""
ANY = "*"
"""The plain spelling of a wildcard."""

Keys = tuple[str, ...]
"""Keys from the top of a body down to a value."""


class PathError(ValueError):
    """A path cannot be compiled."""


class Match(NamedTuple):
    """A value that a path leads to.

    Attributes:
        key: The key of the value, or of the object around it, in an object of which a wildcard or
            a filter takes the values; None without such an object.
        value: The value.
    """

    key: str | None
    value: Any


class Step(Protocol):
    """A step of a path."""

    def matches(self, value: Any) -> list[Match] | None:
        """The matches below ``value``; None if the step does not apply to it."""


class KeyStep:
    """A chain of keys.

    The dots of a plain path may also belong to keys: ``a.b.c`` is the value at ``a``, ``b``, ``c``,
    or at ``a``, ``b.c``, and so on. The first split with a value wins, short keys first.

    Args:
        keys: The keys.
        is_exact: Whether each key is taken as it is.
    """

    def __init__(self, keys: Keys, *, is_exact: bool) -> None:
        self.keys = keys
        self.is_exact = is_exact
        self._has_other_splits = len(keys) > 1 and not is_exact

    def find(self, body: Any) -> Any:
        """The value at the keys, or ``MISSING``."""
        value = body
        for key in self.keys:
            if not isinstance(value, Mapping) or key not in value:
                value = MISSING
                break
            value = value[key]
        if self._has_other_splits and (value is MISSING or value is None):
            for _, other in splits(body, self.keys):
                if other is not None:
                    return other
                value = None
        return value

    def matches(self, value: Any) -> list[Match] | None:
        """The one value at the keys."""
        found = self.find(value)
        return None if found is MISSING else [Match(None, found)]


class Wildcard:
    """All elements of a list, or all values of an object."""

    def matches(self, value: Any) -> list[Match] | None:
        """The elements, or the values with their keys."""
        if isinstance(value, Mapping):
            return [Match(key, below) for key, below in value.items()]
        return [Match(None, below) for below in value] if isinstance(value, list) else None


class NodeStep:
    """A step of dlt's compiler.

    Args:
        node: The compiled step.
        selects: Whether the step selects elements, so that no match is no break of the path.
    """

    def __init__(self, node: Any, *, selects: bool) -> None:
        self._node = node
        self._selects = selects

    def matches(self, value: Any) -> list[Match] | None:
        """What the compiled step finds."""
        found = [Match(_key(match), match.value) for match in self._node.find(value)]
        if found or value == []:
            return found
        if isinstance(value, list):
            return [] if self._selects else None
        return [] if self._selects and isinstance(value, Mapping) and self._fits(value) else None

    def left_out(self, value: Any, matches: list[Match]) -> list[Any]:
        """The elements that the step does not select; none if it selects no elements."""
        if not self._selects or len(matches) == len(value):
            return []
        selected = {id(match.value) for match in matches}
        elements = value.values() if isinstance(value, Mapping) else value
        return [element for element in elements if id(element) not in selected]

    def _fits(self, value: Mapping[str, Any]) -> bool:
        """Whether an object holds records by key: the filter tests what one of its values has.

        Otherwise it may be another answer, such as an error.
        """
        return not value or any(
            target.find(below) for target in _targets(self._node) for below in value.values()
        )


class FilterStep(NodeStep):
    """A filter: the elements of a list, or the values of an object, that pass its comparisons.

    Args:
        node: The compiled filter.
    """

    def __init__(self, node: Any) -> None:
        super().__init__(node, selects=True)

    def absent_targets(self, elements: Sequence[Any]) -> list[str]:
        """What the filter compares and no element has, so that it selects none of them.

        A filter that selects what lacks a key, such as ``!@.a`` or ``@.a!='b'``, is none of these. Nor
        is one that asks for a key, such as ``@.a``.
        """
        return _absent_targets(self._node, elements) if elements else []


def _absent_targets(node: Any, elements: Sequence[Any]) -> list[str]:
    target = getattr(node, "target", None)
    if target is not None:
        if node.op in (None, "!", "!=") or any(target.find(element) for element in elements):
            return []
        return [str(target).replace("`this`.", "")]
    parts = [*getattr(node, "expressions", ()), *getattr(node, "operands", ())]
    absent = [_absent_targets(part, elements) for part in parts]
    if type(node).__name__ == "Or":
        return [name for names in absent for name in names] if all(absent) else []
    return next((names for names in absent if names), [])


def splits(body: Any, keys: Keys) -> Iterator[tuple[Keys, Any]]:
    """Each split of the joined ``keys`` that ``body`` has, short keys first, with its value."""
    if not keys:
        yield (), body
    elif isinstance(body, Mapping):
        for count in range(1, len(keys) + 1):
            key = ".".join(keys[:count])
            if key in body:
                for rest, value in splits(body[key], keys[count:]):
                    yield (key, *rest), value


def first_below(value: Any, step: KeyStep) -> Any:
    """The first value of ``step`` in ``value`` or in any object inside it; else ``MISSING``."""
    found = step.find(value)
    if found is not MISSING:
        return found
    for child in value.values() if isinstance(value, Mapping) else ():
        found = first_below(child, step)
        if found is not MISSING:
            return found
    return MISSING


def compile_steps(path: str) -> tuple[Step, ...]:
    """Compile a path with dlt's compiler.

    Raises:
        PathError: The compiler refuses the path.
    """
    from dlt.common.jsonpath import compile_path

    try:
        nodes = list(_flat(compile_path(path)))
    except Exception as e:  # the parser and the lexer raise plain exceptions
        raise PathError(f"{path!r} is no JSONPath: {' '.join(str(e).split())}") from None
    steps: list[Step] = []
    for node in nodes:
        kind = type(node).__name__
        fields: Keys = getattr(node, "fields", ())
        if kind == "Filter" and "$." in str(node):
            raise PathError(f"{path!r}: a filter cannot refer to the whole body with $")
        if kind == "Fields" and len(fields) == 1:
            last = steps[-1] if steps else None
            before: Keys = ()
            if isinstance(last, KeyStep):
                before = last.keys
                steps.pop()
            steps.append(KeyStep((*before, str(fields[0])), is_exact=True))
        elif kind == "Wildcard":
            steps.append(Wildcard())
        elif kind == "Filter":
            steps.append(FilterStep(node))
        else:
            steps.append(NodeStep(node, selects=kind == "Slice"))
    return tuple(steps)


def _flat(node: Any) -> Iterator[Any]:
    """The steps of a compiled path from left to right, without the root."""
    if type(node).__name__ == "Child":
        yield from _flat(node.left)
        yield from _flat(node.right)
    elif type(node).__name__ not in {"Root", "This"}:
        yield node


def _key(match: Any) -> str | None:
    """The key of a match in an object of which a filter takes the values."""
    fields: Keys = getattr(match.path, "fields", ())
    return str(fields[0]) if len(fields) == 1 else None


def _targets(node: Any) -> Iterator[Any]:
    """The paths that a filter tests."""
    for part in (*getattr(node, "expressions", ()), *getattr(node, "operands", ())):
        if (target := getattr(part, "target", None)) is not None:
            yield target
        yield from _targets(part)
