"""The generator of a source's data: declaration -> tables with records.

In: a source and the options.
Out: one ``Table`` per resource, with the records of every day and of every parent.
The number of a record depends on its day or its parent. So a day holds the same records, whatever
other days the sandbox has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from random import Random
from typing import Any

from analytics_sync.catalog import Field, Source
from analytics_sync.sandbox.data import response_shape as shape
from analytics_sync.sandbox.data.declared_path import path_of
from analytics_sync.sandbox.data.json_path import Path, get_or_none
from analytics_sync.sandbox.data.record_factory import Blueprint, to_field_type
from analytics_sync.sandbox.data.tables import Entry, ServedParent, Table
from analytics_sync.sandbox.data.timestamps import DAY_MS, now_ms, to_ms, unit_ms
from analytics_sync.sandbox.options import Options

_MINUTE_MS = 60_000
# Records without a window have times in 2024, so that they are the same every day.
_SNAPSHOT_MS = to_ms(date(2024, 1, 1))
_MAX_KEY_ATTEMPTS = 20


class Generator:
    """Fills the tables of a source, parents before children.

    Args:
        source: The declaration.
        options: Sizes, days and seed.
        clock: Function that returns the current time in milliseconds.
    """

    def __init__(self, source: Source, options: Options, clock: Callable[[], int] = now_ms) -> None:
        self.source = source
        self.options = options
        self.clock = clock
        self.revision = 0
        depth = {r.name: len(list(source.ancestors(r))) for r in source.resources.values()}
        self.tables = {
            r.name: Table(r, Blueprint(source, r, options))
            for r in sorted(source.resources.values(), key=lambda r: depth[r.name])
        }
        self._children = {
            name: [self.tables[child.name] for child in shape.children(source, table.resource)]
            for name, table in self.tables.items()
        }
        self.rows = {n: shape.rows(source, t.resource, options) for n, t in self.tables.items()}
        self.objects = {n: shape.is_object(t.resource, options) for n, t in self.tables.items()}
        for table in self.tables.values():
            self._fill(table)

    def random_for(self, table: Table, purpose: str) -> Random:
        """A random generator that depends only on the seed, the resource and the purpose."""
        return Random(f"{self.options.seed}|{table.resource}|{purpose}")

    def _fill(self, table: Table) -> None:
        resource, rows = table.resource, self.rows[table.resource.name]
        if resource.incremental is None:
            if resource.parent is None:
                for number in range(1, rows + 1):
                    self.create(table, number, table.served_parents[()], _snapshot_ms(number))
        elif self.objects[resource.name]:
            for index, served_parent in enumerate(list(table.served_parents.values())):
                day = self.options.days[index % len(self.options.days)]
                self.create(table, self.day_number(table, day), served_parent, to_ms(day))
        else:
            for day in self.options.days:
                self._fill_day(table, day, rows)

    def _fill_day(self, table: Table, day: date, rows: int) -> None:
        served_parents = list(table.served_parents.values())
        rng = self.random_for(table, f"day {day}")
        cursor = table.resource.cursor
        if (
            cursor is not None
            and cursor.data_type == "date"
            and table.blueprint.key == (cursor.path,)
        ):
            rows = min(rows, 1)
        for index, ms in enumerate(_spread(rows, self.passed_ms(day), rng)):
            if not served_parents:
                return
            served_parent = served_parents[rng.randrange(len(served_parents))]
            self.create(table, self.day_number(table, day) + index, served_parent, to_ms(day) + ms)

    def passed_ms(self, day: date) -> int:
        """The part of a day that is over, in milliseconds; no record lies in the future.

        At least one minute, so that a day that has just begun has records.
        """
        return min(DAY_MS, max(_MINUTE_MS, self.clock() - to_ms(day)))

    def day_number(self, table: Table, day: date) -> int:
        """The first record number of a day; the range has space for as many late records again."""
        slots = max(1000, 2 * self.rows[table.resource.name])
        return to_ms(day) // DAY_MS * slots

    def create(
        self, table: Table, number: int, served_parent: ServedParent, ms: int
    ) -> Entry | None:
        """Create a record with all its descendants; None if 20 numbers gave no free key.

        Args:
            table: Table of the record.
            number: Number of the record, or the first number to try.
            served_parent: Parent below which the record is served.
            ms: Instant of the record; the cursor's value if the resource has a cursor.
        """
        resource = table.resource
        cursor = resource.cursor
        if cursor is not None:
            ms -= ms % unit_ms(cursor)
        fixed, left_out = self._values_of_parent(table, served_parent)
        cursor_ms = ms if resource.incremental is not None else None
        for _ in range(_MAX_KEY_ATTEMPTS):
            number = table.free_number(number)
            record, drift = table.blueprint.make(number, ms, fixed, left_out)
            entry = table.insert(number, served_parent, record, cursor_ms, self.revision, drift)
            if entry is not None:
                self.attach(entry, table)
                return entry
            number += 1
        return None

    def _values_of_parent(
        self, table: Table, served_parent: ServedParent
    ) -> tuple[dict[Path, Any], frozenset[Path]]:
        """The values that the parent decides, and the fields that the record leaves out."""
        fixed: dict[Path, Any] = {}
        if not served_parent.parents:
            return fixed, frozenset()
        resource = table.resource
        parent = next(iter(served_parent.parents.values()))
        parent_record = self.tables[resource.parent or ""].canonical(parent)
        left_out = set()
        for name, parent_field in resource.inherited.items():
            path = path_of(name)
            if len(path) > 1:
                fixed[path] = get_or_none(parent_record, path_of(parent_field))
            else:
                left_out.add(path)
        if self.objects[resource.name]:
            by_path: dict[Path, Field] = {f.path: f for f in table.blueprint.fields}
            values = dict(zip(resource.resolved, served_parent.params, strict=True))
            for path in table.blueprint.key:
                # The parameter ``workflow_id`` holds the workflow's ``id``.
                # The parameter ``project_id`` holds ``project.id`` of a job.
                names = [n for n in values if n == path[-1] or n.endswith(f"_{path[-1]}")]
                for name in (*names, "_".join(map(str, path))):
                    if name in values:
                        fixed[path] = to_field_type(values[name], by_path[path])
        return fixed, frozenset(left_out)

    def attach(self, entry: Entry, table: Table) -> None:
        """Serve the children of a record, in every child resource."""
        for child in self._children[table.resource.name]:
            params = child.blueprint.resolved(table.canonical(entry))
            if params is None:
                continue
            served_parent = child.served_parents.setdefault(params, ServedParent(params))
            served_parent.parents[entry.number] = entry
            child.views.clear()
            if len(served_parent.parents) == 1 and child.resource.incremental is None:
                rows = self.rows[child.resource.name]
                first = entry.number * max(1, self.options.rows_per_parent)
                base_ms = next(entry.instants(), _snapshot_ms(first))
                for number in range(first, first + rows):
                    self.create(child, number, served_parent, base_ms)

    def detach(self, entry: Entry, table: Table) -> None:
        """Stop serving the children of a record, unless another parent has them too."""
        for child in self._children[table.resource.name]:
            for served_parent in list(child.served_parents.values()):
                if entry.number not in served_parent.parents:
                    continue
                del served_parent.parents[entry.number]
                child.views.clear()
                if not served_parent.parents:
                    for child_entry in list(served_parent.entries.values()):
                        self.remove(child_entry, child)
                    del child.served_parents[served_parent.params]

    def remove(self, entry: Entry, table: Table) -> None:
        """Stop serving a record and all its descendants."""
        self.detach(entry, table)
        table.remove(entry)


def _snapshot_ms(number: int) -> int:
    return _SNAPSHOT_MS + number * 7_919_000 % (360 * DAY_MS)


def _spread(rows: int, length: int, rng: Random) -> Iterator[int]:
    """Milliseconds of a day: the first, the last, then the others in ascending order, none twice."""
    if rows:
        yield 0
    if rows > 1:
        yield length - 1
    rest = rows - 2
    for index in range(rest):
        low, high = (1 + (length - 2) * i // rest for i in (index, index + 1))
        yield rng.randrange(low, max(high, low + 1))
