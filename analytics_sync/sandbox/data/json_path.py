"""Values by path. Repeats ``common/json_path.py`` on purpose: the oracle shares no code with it.

In: a record and a path.
Out: the value at the path, or the record with another value there.
The sandbox is the oracle of the tests. A mistake in code that extraction shares would go unnoticed.
A step is a key of an object, the position of an element in a list, or a choice of elements. ``put``
makes the objects and lists that a path needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

ABSENT: Final = object()


@dataclass(frozen=True)
class Each:
    """All elements of a list or values of an object.

    Attributes:
        is_keyed: Whether they are the values of an object.
    """

    is_keyed: bool = False

    def select(self, element: Any) -> bool:
        """Whether an element is one of them."""
        return True

    def complete(self, element: Any) -> None:
        """Change an object so that ``select`` takes it."""


@dataclass(frozen=True)
class Where:
    """The elements of which some fields have some values.

    Attributes:
        values: Path in the element, the value there, and whether any other value will do.
    """

    values: tuple[tuple[Path, Any, bool], ...]

    def select(self, element: Any) -> bool:
        """Whether an element has the values."""
        return all(
            (found := get(element, path)) is not ABSENT and (is_any or found == value)
            for path, value, is_any in self.values
        )

    def complete(self, element: Any) -> None:
        """Put the values into an object."""
        for path, value, _ in self.values:
            put(element, path, value)

    def spoil(self, element: Any) -> None:
        """Put another value into an object, so that ``select`` leaves it out."""
        for path, value, is_any in self.values:
            if not is_any:
                put(element, path, not value if isinstance(value, bool) else f"other than {value}")


Step = str | int | Each | Where
Path = tuple[Step, ...]


def get(record: Any, path: Path) -> Any:
    """The value at ``path``; ``ABSENT`` where a key or an element is missing."""
    for step in path:
        if type(step) is not str:
            record = _element(record, step)
        elif not isinstance(record, Mapping) or step not in record:
            return ABSENT
        else:
            record = record[step]
    return record


def get_or_none(record: Any, path: Path) -> Any:
    """The value at ``path``; None where it is null or missing."""
    value = get(record, path)
    return None if value is ABSENT else value


def put(record: Any, path: Path, value: Any) -> None:
    """Set the value at ``path``; an object replaces every other value in the middle of the path."""
    for step, following in pairwise(path):
        kind = dict if type(following) is str else list
        if type(step) is str and isinstance(record, dict):
            child = record.get(step)
        else:
            child = get(record, (step,))
        if not isinstance(child, kind):
            child = kind()
            _set(record, step, child)
        record = child
    _set(record, path[-1], value)


def drop(record: Any, path: Path) -> None:
    """Remove the value at ``path``, if there is one."""
    parent, step = get(record, path[:-1]), path[-1]
    if isinstance(parent, dict):
        parent.pop(step, None)
    elif isinstance(parent, list) and (position := _position(parent, step)) is not None:
        del parent[position]


def _element(value: Any, step: Step) -> Any:
    if isinstance(step, Each | Where) and isinstance(value, Mapping):
        return next((below for below in value.values() if step.select(below)), ABSENT)
    if not isinstance(value, list):
        return ABSENT
    position = _position(value, step)
    return ABSENT if position is None else value[position]


def _position(elements: list[Any], step: Step) -> int | None:
    """The position of the first element that a step chooses; None without one."""
    if isinstance(step, int):
        return step % len(elements) if -len(elements) <= step < len(elements) else None
    if isinstance(step, str):
        return None
    return next((i for i, element in enumerate(elements) if step.select(element)), None)


def _set(holder: Any, step: Step, value: Any) -> None:
    if isinstance(step, str):
        holder[step] = value
        return
    if isinstance(step, Each | Where) and isinstance(value, dict):
        step.complete(value)
    position = _position(holder, step)
    if position is None and isinstance(step, int):
        holder += [{} for _ in range(step - len(holder) + 1 if step >= 0 else -step - len(holder))]
        position = step % len(holder)
    if position is None:
        holder.append(value)
    else:
        holder[position] = value
