"""Parents: the values of parent records that the requests for a child resource need.

In: records of a parent, as they are read. Out: one ``Parent`` per distinct set of values, in the
order read: parameters for the child's requests and fields that the child inherits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from analytics_sync.catalog import Resource
from analytics_sync.common.json_path import MISSING, compile_field, compile_path, lookup
from analytics_sync.common.linear_pattern import LinearPattern

KEY_SEPARATOR = "\t"


@dataclass(frozen=True)
class Parent:
    """The values of one parent record.

    Attributes:
        params: Parameters of the child's request, by the child's names.
        inherited: Fields to copy into the child's records, by the child's names.
    """

    params: tuple[tuple[str, object], ...]
    inherited: tuple[tuple[str, object], ...]

    @property
    def key(self) -> str:
        """The values of the request in one text, by which a row names the parent that listed it.

        A tab separates the values: no value of a request holds a control character.
        """
        return KEY_SEPARATOR.join(_request_text(value) for _, value in sorted(self.params))


def named_parent(child: Resource) -> Parent | None:
    """A parent whose values are the names of its fields, for a person; None without a parent.

    A tilde is a character that no URL escapes.
    """
    named = {name: f"~{p.resource}.{p.field}~" for name, p in child.resolved.items()}
    return Parent(tuple(named.items()), ()) if named else None


class ParentValues:
    """Collects from the records of a parent the values that its child needs.

    Args:
        child: The resource below the parent.
        parent: The resource whose records are collected.
    """

    def __init__(self, child: Resource, parent: Resource) -> None:
        self._child = child
        self._aliases = {field.name: field.alias_names for field in parent.fields}
        self._found: dict[Parent, None] = {}
        self.skipped = 0
        """Parents without a value for one of the parameters, or excluded by declaration."""
        self.without_value = 0
        """Parents without a value for one of the parameters."""
        self._absent: Counter[str] = Counter()
        self._patterns = {
            name: (param.field, LinearPattern(param.match))
            for name, param in child.resolved.items()
            if param.match is not None
        }
        self._needed = {
            param.field
            for param in child.resolved.values()
            if None not in child.skip_parents.get(param.field, ())
        }

    def add(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Collect the values of more records."""
        all_groups: Iterable[Mapping[str, str | None]] = repeat({})
        if self._patterns:
            records = list(records)
            all_groups = self._groups(records)
        for record, groups in zip(records, all_groups, strict=False):
            parent = self._parent(record, groups)
            if parent is None:
                self.skipped += 1
            else:
                self._found.setdefault(parent)

    def __iter__(self) -> Any:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def absent_field(self) -> str | None:
        """A field that no parent has, not even as null; None if there is no such field.

        The field has another name then. A null, or a field that only some parents lack, is an answer:
        these parents have no child. ``skip_parents`` with null says that such parents are usual.
        """
        if self._found or not self.without_value:
            return None
        return next((f for f, n in sorted(self._absent.items()) if n == self.without_value), None)

    def _groups(self, records: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, str | None]]:
        """For each record the values of the parameters with ``match``; None without a match."""
        found = {
            name: pattern.first_groups([_text(self._value(record, field)) for record in records])
            for name, (field, pattern) in self._patterns.items()
        }
        for groups in zip(*found.values(), strict=True):
            yield dict(zip(found, groups, strict=True))

    def _parent(self, record: Mapping[str, Any], groups: Mapping[str, str | None]) -> Parent | None:
        """The values of a record; None if it has no child.

        Args:
            record: A record of the parent.
            groups: The values of the parameters with ``match``.
        """
        for field, values in self._child.skip_parents.items():
            value = self._value(record, field)
            if value in values:
                if value is None:
                    self._note_without(record)
                return None
        params = []
        for name, param in self._child.resolved.items():
            value = self._value(record, param.field)
            if value is None or isinstance(value, dict | list):
                self._note_without(record)
                return None
            if name in groups:
                value = groups[name]
                if value is None:
                    return None
            params.append((name, value))
        inherited = []
        for name, field in self._child.inherited.items():
            value = self._value(record, field)
            if value is not None and not isinstance(value, dict | list):
                inherited.append((name, value))
        return Parent(tuple(params), tuple(inherited))

    def _note_without(self, record: Mapping[str, Any]) -> None:
        self.without_value += 1
        for field in self._needed:
            if all(_is_absent(record, path) for path in (field, *self._aliases.get(field, ()))):
                self._absent[field] += 1

    def _value(self, record: Mapping[str, Any], field: str) -> Any:
        """The value at the field's path or at one of its aliases; None when all are absent."""
        for path in (field, *self._aliases.get(field, ())):
            value = lookup(record, path)
            if value is not MISSING and value is not None:
                return value
        return None


def _request_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _text(value: Any) -> str:
    """A value as ``match`` sees it; an object or a list has no text."""
    return "" if value is None or isinstance(value, dict | list) else str(value)


def _is_absent(record: Mapping[str, Any], path: str) -> bool:
    """Whether a record lacks a path, and no null or empty object on the way stands for it."""
    if lookup(record, path) is not MISSING:
        return False
    compiled = compile_path(path)
    holder: Any = record
    for key in compiled.chain.keys if compiled.chain is not None else ():
        if not holder:
            return False
        if not isinstance(holder, Mapping) or key not in holder:
            return True
        holder = holder[key]
    return True


def inherit(records: Iterable[Any], parent: Parent) -> list[Any]:
    """The records with the parent's fields, where a record has no value of its own.

    They are copies, because the paginator compares a page as received with the page before.
    """
    return [
        _with_inherited(record, parent) if isinstance(record, dict) else record
        for record in records
    ]


def _with_inherited(record: dict[str, Any], parent: Parent) -> dict[str, Any]:
    copied = dict(record)
    for name, value in parent.inherited:
        *path, last = compile_field(name).keys
        if path and lookup(record, name) not in (MISSING, None):
            continue
        holder: dict[str, Any] = copied
        for key in path:
            below = holder.get(key)
            holder[key] = dict(below) if isinstance(below, dict) else {}
            holder = holder[key]
        if holder.get(last) is None:
            holder[last] = value
    return copied
