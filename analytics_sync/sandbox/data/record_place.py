"""The place of the records in a body.

In: the selector of a resource, and records. Out: a body with the records where the selector finds them;
or the records of such a body.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analytics_sync.catalog import Resource
from analytics_sync.sandbox.data.declared_path import path_of
from analytics_sync.sandbox.data.json_path import ABSENT, Each, Path, Step, Where, get, put

Found = tuple[str | None, Any]  # the key of a record in an object of records, and the record


class RecordPlace:
    """The place of one resource's records.

    Args:
        resource: The resource.
    """

    def __init__(self, resource: Resource) -> None:
        path = path_of(resource.selector or "data")
        if resource.key_field is not None:
            path = _keyed(path)
        self.keys: Path = _leading_keys(path)
        """The keys that lead to the list, the object or the record."""
        self._steps = path[len(self.keys) :]
        self.key_field = path_of(resource.key_field) if resource.key_field else None
        self.is_keyed = any(isinstance(step, Each) and step.is_keyed for step in self._steps)
        """Whether the records, or the objects around them, are the values of an object."""
        self.is_list = not self._steps or (len(self._steps) == 1 and not self._is_object())
        """Whether the records are the elements of one list."""

    def _is_object(self) -> bool:
        last = self._steps[-1]
        return self.is_keyed or self.key_field is not None or isinstance(last, int)

    @property
    def selected(self) -> Where | None:
        """The filter that the records themselves pass; None without one."""
        last = self._steps[-1] if self._steps else None
        return last if isinstance(last, Where) else None

    def list_of(self, records: Sequence[Found]) -> Any:
        """The list of the records, or the object; an element that a selector asks for is there."""
        return _built(self._steps, records, is_keyed=self.key_field is not None)

    def with_other(self, document: Any) -> Any:
        """The document with one more element, which the selector leaves out.

        Without a choice of elements, the document stays as it is.
        """
        steps = self._steps
        below = document if isinstance(document, list) else get(document, self.keys)
        if not self.has_choice or not isinstance(below, list | dict):
            return document
        other: dict[str, Any] = {}
        step, rest = steps[0], steps[1:]
        if isinstance(step, Where):
            if rest:
                put(other, rest, [{"of": "another element"}])
            step.spoil(other)
        else:
            put(other, rest, None)
        if isinstance(below, list):
            below.append(other)
        else:
            below["another"] = other
        return document

    @property
    def has_choice(self) -> bool:
        """Whether a list may hold elements without records."""
        steps = self._steps
        return bool(steps) and (
            isinstance(steps[0], Where)
            or (
                isinstance(steps[0], Each)
                and all(isinstance(s, str) for s in steps[1:])
                and len(steps) > 1
            )
        )

    def replace(self, document: Any, records: Sequence[Found]) -> Any:
        """The document with other records; the objects around the records stay."""
        if isinstance(document, list) or not self.keys:
            return self._replaced(self._steps, document, records)
        replaced = self._replaced(self._steps, get(document, self.keys), records)
        put(document, self.keys, replaced)
        return document

    def _replaced(self, steps: Path, value: Any, records: Sequence[Found]) -> Any:
        step, rest = (steps[0], steps[1:]) if steps else (None, ())
        if step is None or not isinstance(value, dict | list):
            return _built(steps, records, is_keyed=self.key_field is not None)
        if _holds_all(step, rest, is_keyed=self.key_field is not None):
            below = get(value, (step,))
            if below is not ABSENT:
                put(value, (step,), self._replaced(rest, below, records))
            return value
        built = _built(steps, records, is_keyed=self.key_field is not None)
        assert isinstance(step, Each | Where)
        if isinstance(value, dict):
            return built | {k: v for k, v in value.items() if not step.select(v)}
        chosen = [element for element in value if step.select(element)]
        others = [element for element in value if not step.select(element)]
        if rest and len(chosen) == len(records):
            for element, (_, record) in zip(chosen, records, strict=True):
                put(element, rest, record)
            built = chosen
        return [*built, *others]

    def has_records(self, document: Any) -> bool:
        """Whether a document has a list or an object of records, which may be empty."""
        below = document if isinstance(document, list) else get(document, self.keys)
        return isinstance(below, list) or (isinstance(below, dict) and bool(self._steps))

    def find(self, document: Any) -> list[Found]:
        """The records of a document that has some."""
        below = document if isinstance(document, list) else get(document, self.keys)
        return _found(self._steps, below)


def _leading_keys(path: Path) -> Path:
    count = next((i for i, step in enumerate(path) if not isinstance(step, str)), len(path))
    return path[:count]


def _keyed(path: Path) -> Path:
    """The path whose last choice takes the values of an object."""
    last = max(i for i, step in enumerate(path) if isinstance(step, Each | Where))
    step: Step = path[last]
    return (
        *path[:last],
        Each(is_keyed=True) if isinstance(step, Each) else step,
        *path[last + 1 :],
    )


def _built(steps: Path, records: Sequence[Found], *, is_keyed: bool) -> Any:
    if not steps:
        return [record for _, record in records]
    step, rest = steps[0], steps[1:]
    if isinstance(step, str):
        return {step: _built(rest, records, is_keyed=is_keyed)}
    if isinstance(step, int):
        return [*({} for _ in range(step)), _built(rest, records, is_keyed=is_keyed)]
    is_object = _is_object(step, rest, is_keyed=is_keyed)
    if _holds_all(step, rest, is_keyed=is_keyed):
        element = _built(rest, records, is_keyed=is_keyed)
        step.complete(element)
        return {"all": element} if is_object else [element]
    if not is_object:
        return [_wrapped(step, rest, record) for _, record in records]
    groups: dict[str, list[Any]] = {}
    for i, (key, record) in enumerate(records):
        groups.setdefault(str(i) if key is None else key, []).append(record)
    return {
        key: _wrapped(step, rest, group[0] if len(group) == 1 else group)
        for key, group in groups.items()
    }


def _is_object(step: Step, rest: Path, *, is_keyed: bool) -> bool:
    """Whether the elements of a choice are the values of an object."""
    is_last = all(isinstance(below, str) for below in rest)
    return (isinstance(step, Each) and step.is_keyed) or (is_keyed and is_last)


def _holds_all(step: Step, rest: Path, *, is_keyed: bool) -> bool:
    """Whether one value at a step holds all records."""
    if isinstance(step, str | int) or not all(isinstance(below, str) for below in rest):
        return True
    is_object = _is_object(step, rest, is_keyed=is_keyed)
    return isinstance(step, Where) and bool(rest) and not is_object


def _wrapped(step: Each | Where, keys: Path, record: Any) -> Any:
    """A record, or an object that holds the record at these keys."""
    if not keys:
        return record
    element: dict[str, Any] = {}
    put(element, keys, record)
    step.complete(element)
    return element


def _found(steps: Path, value: Any, key: str | None = None) -> list[Found]:
    if not steps:
        group = value if isinstance(value, list) else [value]
        return [(key, record) for record in group]
    step, rest = steps[0], steps[1:]
    if isinstance(step, Each | Where):
        if not isinstance(value, dict | list):
            return []
        pairs = value.items() if isinstance(value, dict) else [(None, v) for v in value]
        chosen = [(own or key, element) for own, element in pairs if step.select(element)]
        return [found for own, element in chosen for found in _found(rest, element, own)]
    below = get(value, (step,))
    return [] if below is ABSENT or below is None else _found(rest, below, key)
