"""Revisions of a source's data: updates, late records and new records.

In: tables with records.
Out: the same tables, changed as the data of an API changes between two reads.
The changes are the same for the same seed and revision.
"""

from __future__ import annotations

from random import Random

from analytics_sync.catalog import Resource
from analytics_sync.sandbox.data.generator import Generator
from analytics_sync.sandbox.data.json_path import get_or_none, put
from analytics_sync.sandbox.data.tables import Entry, Table
from analytics_sync.sandbox.data.timestamps import DAY_MS, spell, to_ms, unit_ms

_UPDATED_SHARE, _LATE_SHARE, _UPDATED_SNAPSHOT_SHARE = 0.10, 0.05, 0.05
_NEW_ON_LAST_DAY = 3


def advance(generator: Generator) -> None:
    """Make the next revision of every table.

    A resource with a cursor: a tenth of its records is updated, late records appear on earlier
    days, and new records on the last day.
    Any other resource: a twentieth of its records is updated, and a snapshot grows.
    """
    generator.revision += 1
    for table in list(generator.tables.values()):
        rng = generator.random_for(table, f"revision {generator.revision}")
        # Skip records of this revision: they are children of a parent that was just created.
        entries = [e for e in table.entries.values() if e.now.revision < generator.revision]
        if not entries:
            continue
        has_cursor = table.resource.incremental is not None
        share = _UPDATED_SHARE if has_cursor else _UPDATED_SNAPSHOT_SHARE
        for entry in rng.sample(entries, max(1, int(len(entries) * share))):
            _update(generator, table, entry, rng)
        if generator.objects[table.resource.name]:
            continue
        if has_cursor:
            _add_late_records(generator, table, round(len(entries) * _LATE_SHARE), rng)
            _add_new_records(generator, table, rng)
        elif table.resource.parent is None:
            for _ in range(max(1, len(entries) // 50)):
                number = max(table.entries) + 1
                ms = to_ms(generator.options.start) + rng.randrange(DAY_MS)
                generator.create(table, number, table.served_parents[()], ms)


def _update(generator: Generator, table: Table, entry: Entry, rng: Random) -> None:
    record, ms = entry.now.record, entry.now.ms
    has_changed = False
    cursor = table.resource.cursor
    if ms is not None and cursor is not None and is_update_time(table.resource):
        unit = unit_ms(cursor)
        low = max(ms // unit + 1, to_ms(generator.options.days[-1]) // unit)
        last = generator.options.days[-1]
        high = (to_ms(last) + generator.passed_ms(last)) // unit
        if low < high:
            ms = rng.randrange(low, high) * unit
            put(record, cursor.path, spell(cursor, ms))
            has_changed = True
    for field in table.blueprint.changeable:
        if entry.now.drift is not None and field.path == entry.now.drift.path:
            continue
        old = get_or_none(record, field.path)
        put(
            record,
            field.path,
            table.blueprint.changed(field, entry.number, old, generator.revision),
        )
        has_changed = True
        break
    if has_changed:
        table.change(entry, record, ms, generator.revision)


def is_update_time(resource: Resource) -> bool:
    """Whether the cursor moves when a record changes, judged by the cursor's name."""
    if resource.cursor is None or resource.cursor.column in resource.key:
        return False
    name = resource.cursor.path[-1].lower()
    return "updat" in name or "modif" in name


def _add_late_records(generator: Generator, table: Table, count: int, rng: Random) -> None:
    for _ in range(count if len(generator.options.days) > 1 else 0):
        day = rng.choice(generator.options.days[:-1])
        _add(generator, table, to_ms(day) + rng.randrange(DAY_MS), rng)


def _add_new_records(generator: Generator, table: Table, rng: Random) -> None:
    """Add records that were created now; if the last day is not today, at any time of that day."""
    day = to_ms(generator.options.days[-1])
    now = generator.clock()
    for index in range(_NEW_ON_LAST_DAY):
        ms = now - index * 1000 if day <= now - index * 1000 < day + DAY_MS else None
        _add(generator, table, day + rng.randrange(DAY_MS) if ms is None else ms, rng)


def _add(generator: Generator, table: Table, ms: int, rng: Random) -> None:
    served_parents = list(table.served_parents.values())
    if served_parents:
        day = generator.options.days[(ms - to_ms(generator.options.start)) // DAY_MS]
        number = generator.day_number(table, day) + generator.rows[table.resource.name]
        generator.create(table, number, rng.choice(served_parents), ms)
