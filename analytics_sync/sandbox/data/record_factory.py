"""The factory of records: a resource's declaration -> its records.

In: a record's number, its instant, and the values that its parent decides.
Out: the nested record that the API sends, and the same record as the declaration reads it
(aliases, inherited fields, ``null_as``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from analytics_sync.catalog import Field, Resource, Source
from analytics_sync.sandbox.data import response_shape as shape
from analytics_sync.sandbox.data import words
from analytics_sync.sandbox.data.declared_path import path_of
from analytics_sync.sandbox.data.json_path import ABSENT, Path, drop, get, get_or_none, put
from analytics_sync.sandbox.data.lifetimes import Lifetimes
from analytics_sync.sandbox.data.record_place import RecordPlace
from analytics_sync.sandbox.data.timestamps import spell
from analytics_sync.sandbox.data.values import Maker, bits_of, maker, seed_of
from analytics_sync.sandbox.options import Options

_SLUGS = ("gh/acme/project-{}", "https://example.com/acme/project-{}", "acme:project-{}", "{}")
_ATTEMPTS_TO_CHANGE = 8  # a field with few values may make the old one again
_PREFERRED_FOR_UPDATES = ("text", "bigint")
_MISFITS = {
    "bigint": "not a number",
    "double": "n/a",
    "bool": "maybe",
    "timestamp": "soon",
    "date": "someday",
}


@dataclass(frozen=True, slots=True)
class Drift:
    """How a record breaks its declaration.

    Attributes:
        kind: ``extra`` for an undeclared field, ``misfit`` for a value of another type, ``keyless``
            for a missing key.
        path: Path of the field.
    """

    kind: Literal["extra", "misfit", "keyless"]
    path: Path


@dataclass(frozen=True)
class _FieldPlan:
    """How to make the values of one field; ``always`` means that no record lacks a value."""

    field: Field
    make: Maker
    seed: int
    always: bool


class Blueprint:
    """Makes the records of one resource.

    Args:
        source: The source; its other resources may take values from these records.
        resource: The resource.
        options: The seed and the share of drift.
    """

    def __init__(self, source: Source, resource: Resource, options: Options) -> None:
        self.resource = resource
        self.key = shape.key_paths(resource)
        self.fields = shape.fields(source, resource)
        self.cursor = resource.cursor.path if resource.cursor else None
        self.is_parent = bool(shape.children(source, resource))
        self._drift = options.drift
        self._root = f"{options.seed}|{source.name}|{resource.name}|"
        self._patterns = shape.param_patterns(source, resource)
        self._paged_by = shape.paged_by(resource)
        key_field = [path_of(resource.key_field)] if resource.key_field else []
        served_by = {*self._paged_by, *key_field}
        self._never_absent = {*self.key, *served_by}
        # A filter of the selector takes records with these values only.
        selected = RecordPlace(resource).selected
        self._selected = {path: value for path, value, _ in selected.values} if selected else {}
        self._skipped = shape.skipped_values(source, resource)
        child_keys = shape.fields_of_child_keys(source, resource)
        self._lifetimes = Lifetimes(resource, self.fields)
        self._plans = tuple(self._plan(field, field.path in child_keys) for field in self.fields)
        self._outer_objects = self._objects_with_declared_parts()
        stable = {*self._patterns, *self._skipped, *child_keys}
        stable |= {*self._never_absent, *self._selected}
        stable |= {self.cursor} if self.cursor else set()
        self.key_is_plain = not any(
            f.path in self.key
            and (f.aliases or f.null_as is not None or shape.name_of(f) in resource.inherited)
            for f in self.fields
        )
        # An update may change a field only if no key, window or child depends on it.
        self.changeable = tuple(
            f
            for f in sorted(
                self.fields, key=lambda f: (f.data_type not in _PREFERRED_FOR_UPDATES, f.required)
            )
            if f.data_type in (*_PREFERRED_FOR_UPDATES, "double", "bool") and f.format is None
            if f.path not in stable and not f.aliases and shape.name_of(f) not in resource.inherited
        )
        # Drift removes a key only if no alias, no ``null_as`` and no parent replaces it, and the
        # server does not need it.
        self._removable_key = next(
            (
                f.path
                for f in self.fields
                if f.path in self.key and not f.aliases and f.null_as is None
                if f.path not in served_by
                if shape.name_of(f) not in resource.inherited and not self.is_parent
            ),
            None,
        )
        self._can_misfit = tuple(
            f
            for f in self.fields
            if f.data_type in _MISFITS and not f.required and not f.aliases and f.path not in stable
        )

    def _plan(self, field: Field, in_child_key: bool) -> _FieldPlan:
        path = field.path
        patterns = self._patterns.get(path)
        unique = path in self.key or path in self._paged_by or patterns is not None
        # A key part with ``null_as`` is null in some records.
        must = field.required or in_child_key or path in self._never_absent
        always = must and field.null_as is None
        make = maker(field, self.resource.name, self._lifetimes, unique=unique, always=always)
        if patterns:
            slug = next((s for s in _SLUGS if _matches_all(s, patterns)), _SLUGS[-1])
            make = _slug(slug)
        elif path in self._skipped:
            make = _alternating(make, self._skipped[path], field)
        seed = seed_of(self._root + shape.name_of(field))
        return _FieldPlan(field, make, seed, always)

    def _objects_with_declared_parts(self) -> tuple[Path, ...]:
        """JSON fields that contain declared fields; they get one undeclared field more."""
        return tuple(
            f.path
            for f in self.fields
            if f.data_type == "json"
            and any(g.path != f.path and g.path[: len(f.path)] == f.path for g in self.fields)
        )

    def make(
        self,
        number: int,
        ms: int,
        fixed: Mapping[Path, Any],
        left_out: frozenset[Path] = frozenset(),
    ) -> tuple[dict[str, Any], Drift | None]:
        """One record, and its drift if it breaks its declaration.

        Args:
            number: Number of the record in this resource.
            ms: Instant of the record: the cursor's value, or the base of its other times.
            fixed: Values that the parent decides: a key that names the parent, and nested inherited
                fields.
            left_out: Fields that the record lacks, because the parent supplies them.
        """
        record: dict[str, Any] = {}
        for plan in self._plans:
            path: Path = plan.field.path
            bits = bits_of(plan.seed, number)
            if path in left_out or path in self._outer_objects:
                continue
            if path in self._selected:
                value = self._selected[path]
            elif path in fixed:
                value = fixed[path]
            elif path == self.cursor:
                value = spell(plan.field, ms)
            elif plan.always or (chance := bits >> 32 & 15) > 1:
                value = plan.make(bits, number, ms)
            elif plan.field.aliases:
                # Only one place holds the value: null here and a value there would be ambiguous.
                path, value = plan.field.aliases[0], plan.make(bits, number, ms)
                if get(record, path) is not ABSENT:
                    continue
            elif chance and plan.field.null_as is None:
                continue
            else:
                value = None
            if len(path) == 1 and isinstance(first := path[0], str):
                record[first] = value
            else:
                put(record, path, value)
        for path, value in self._selected.items():
            put(record, path, value)
        for path in self._outer_objects:
            if not isinstance(get(record, path), list):
                note = words.SENTENCES[number % len(words.SENTENCES)]
                put(record, (*path, "undeclared_note"), note)
        return record, self._add_drift(record, number)

    def changed(self, field: Field, number: int, old: Any, revision: int) -> Any:
        """Another value of a changeable field, for a new version of a record.

        Args:
            field: One of ``changeable``.
            number: Number of the record.
            old: The value before.
            revision: Number of the revision, from 1.
        """
        if field.data_type == "bool":
            return not old
        if field.data_type != "text":
            return (old if isinstance(old, int | float) else 0) + 1
        plan = next(plan for plan in self._plans if plan.field is field)
        for attempt in range(_ATTEMPTS_TO_CHANGE):
            other = number + 7 * revision + attempt
            value = plan.make(bits_of(plan.seed, other), other, 0)
            if value != old:
                return value
        return f"{old}, revision {revision}"

    def _add_drift(self, record: dict[str, Any], number: int) -> Drift | None:
        if not self._drift:
            return None
        bits = bits_of(seed_of(self._root + "|drift"), number)
        if bits % 10_000 >= self._drift * 10_000:
            return None
        kind = bits >> 20 & 15
        if kind < 2 and self._removable_key is not None:
            drop(record, self._removable_key)
            return Drift("keyless", self._removable_key)
        if kind < 8 and self._can_misfit:
            field = self._can_misfit[(bits >> 24) % len(self._can_misfit)]
            put(record, field.path, _MISFITS[field.data_type])
            return Drift("misfit", field.path)
        record["undeclared"] = {"since": "v2", "value": number}
        return Drift("extra", ("undeclared",))

    def canonical(self, record: dict[str, Any], inherited: Mapping[str, Any]) -> dict[str, Any]:
        """The record as the declaration reads it and as a table must hold it.

        Args:
            record: The record as served; this method changes it.
            inherited: Field name -> value of the parent.
        """
        for name, value in inherited.items():
            path = path_of(name)
            if get(record, path) is ABSENT:
                put(record, path, value)
        for field in self.fields:
            for alias in field.aliases:
                if get(record, field.path) is ABSENT and get(record, alias) is not ABSENT:
                    put(record, field.path, get(record, alias))
            if field.null_as is not None and get_or_none(record, field.path) is None:
                put(record, field.path, field.null_as)
        return record

    def keys(self, record: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """The primary key's values in a canonical record; None if a value is missing."""
        values = tuple(get_or_none(record, path) for path in self.key)
        return None if None in values or not values else values

    def resolved(self, parent: Mapping[str, Any]) -> tuple[str, ...] | None:
        """The path and query values that request this resource's records below a parent record.

        None if the parent has no children: a value is null, does not match, or is skipped.
        """
        for name, values in self.resource.skip_parents.items():
            if get_or_none(parent, path_of(name)) in values:
                return None
        result = []
        for param in self.resource.resolved.values():
            text = as_text(get_or_none(parent, path_of(param.field)))
            if text and param.match is not None:
                match = re.search(param.match, text)
                text = match.group(1) if match else None
            if not text:
                return None
            result.append(text)
        return tuple(result)


def as_text(value: Any) -> str | None:
    """A value as text in a path or query."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def to_field_type(value: Any, field: Field) -> Any:
    """The value of a path parameter, converted to the type of a field."""
    if field.data_type == "bigint" and str(value).lstrip("-").isdigit():
        return int(value)
    return as_text(value) if field.data_type == "text" else value


def _matches_all(slug: str, patterns: list[str]) -> bool:
    return all((m := re.search(p, slug.format(0))) and m.group(1) for p in patterns)


def _slug(pattern: str) -> Maker:
    # Only two values for all records, so that several parents share a child.
    return lambda bits, number, ms: pattern.format(number % 2)


def _alternating(make: Maker, skipped: tuple[object, ...], field: Field) -> Maker:
    def value(bits: int, number: int, ms: int) -> Any:
        choice = skipped[bits // 4 % len(skipped)]
        if bits % 4 or (choice is None and field.required):
            return make(bits, number, ms)
        return choice

    return value
