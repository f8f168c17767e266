"""Shared keys: different records of one read that have the same primary key.

In: the rows of one read that share a key, and the response that each came from. Out: ``SharedKeys``,
and whether they prove that the declared key is wrong. Only one of such rows is loaded, so that a wrong
key loses records.

A key may come twice and be right: pages shift while they are read, and a record may change meanwhile.
So rows with equal content are one record. Rows with different content are different records when

- one response holds both: a listing names each record once, or
- they were listed under different parents, or
- their times of creation differ, or their types: a record is created once, as one thing.

Rows that differ in a cursor that tells the time of the last change are judged by that time instead, see
``versions``. Rows that nothing proves to be different are versions, as long as they are few: a read
takes too short a time for many records to change.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from analytics_sync.catalog import Resource
from analytics_sync.common.quarters import windows_around
from analytics_sync.common.shown import shown
from analytics_sync.common.window import Window
from analytics_sync.extract.buffer import TableBuffer
from analytics_sync.extract.convert.cursor_kind import CursorKind, cursor_kind, is_creation
from analytics_sync.extract.convert.outside_keys import OutsideKey
from analytics_sync.extract.evidence.arrivals import Arrivals
from analytics_sync.extract.evidence.versions import Doubt, judge_versions
from analytics_sync.extract.repeated_rows import RepeatedRow

_MAX_EXAMPLES = 5
_MAX_NAMED_COLUMNS = 5
_MAX_KEY_LENGTH = 60  # characters of a key in a message
_TYPE = re.compile(
    r"_?(type|kind)|(.*_)?(object|record|resource|entity|item|node|result|event)_(type|kind)"
)
_FEW = 20  # one key in so many may be shared by versions of a record that changed during the read


@dataclass(frozen=True)
class SharedKeys:
    """The keys that different records of one read share.

    Attributes:
        count: Number of these keys.
        proven: How many of them are proven to be shared, and not versions of one record.
        lost: Number of different rows that are not loaded.
        examples: A few of the keys, as text.
        under_parents: Whether records of different parents share a key.
        had_changed: Whether rows of a key had all changed, by their cursors, long before the read.
        differing: A few of the columns in which the rows of the first key differ.
        is_wrong_key: Whether the declared key is wrong: one key is proven, or there are many.
        windows: The times of the rows that show a wrong key, by their cursors; None without cursors.
    """

    count: int = 0
    proven: int = 0
    lost: int = 0
    examples: tuple[str, ...] = ()
    under_parents: bool = False
    had_changed: bool = False
    differing: tuple[str, ...] = ()
    is_wrong_key: bool = False
    windows: tuple[Window, ...] | None = None

    def message(self, resource: Resource) -> str:
        """What happened, and the key of the catalog file to look at."""
        if self.under_parents:
            why = "records of different parents have the same key"
        elif self.had_changed:
            cursor = resource.cursor.name if resource.cursor else ""
            why = f"by {cursor}, they had changed long before they were read, so both are current"
        elif self.proven:
            why = "one key has records that cannot be versions of each other"
        else:
            why = "so many records do not change during a read"
        differing = f" They differ in: {', '.join(self.differing)}." if self.differing else ""
        declared = ", ".join(resource.primary_key)
        return (
            f"Different records share a primary key: keys shared: {self.count}, for example "
            f"{'; '.join(self.examples)}; records not loaded: {self.lost}. The evidence: {why}."
            f"{differing} Correct primary_key [{declared}] of resource {resource.name!r}: "
            f"{self._advice(resource)}."
        )

    def _advice(self, resource: Resource) -> str:
        if not self.under_parents:
            versions = (
                f"; if the API lists all versions of a record, add {resource.cursor.name}"
                if self.had_changed and resource.cursor
                else ""
            )
            return f"add the fields that tell these records apart{versions}"
        if missing := [n for n in resource.inherited if n not in resource.primary_key]:
            return f"add {', '.join(missing)}, which include_from_parent copies, to primary_key"
        return (
            "declare include_from_parent with a field that identifies the parent, and add that "
            "field to primary_key"
        )


@dataclass(frozen=True)
class _Row:
    """A row that shares its key.

    Attributes:
        version: Position, key, cursor and time of reading.
        digest: Equal for rows with equal content.
        fixed: Values of the columns that never change in a record.
    """

    version: RepeatedRow
    digest: bytes
    fixed: tuple[Any, ...]


def find_shared_keys(
    resource: Resource, buffer: TableBuffer, arrivals: Arrivals, redact: Callable[[str], str]
) -> SharedKeys:
    """The keys that different records share.

    Args:
        resource: The declaration.
        buffer: A finished buffer.
        arrivals: The responses of the read.
        redact: Masks credentials.
    """
    proven: list[list[_Row]] = []
    doubtful: list[list[_Row]] = []
    under_parents = had_changed = False
    by_cursor = cursor_kind(resource) is CursorKind.CHANGES
    for rows in _rows_by_key(buffer).values():
        if _are_equal(rows):
            continue
        groups = _by_cursor(rows) if by_cursor else [rows]
        unlike = [group for group in groups if not _are_equal(group)]
        doubt = _doubt(rows, arrivals) if by_cursor else Doubt.NONE
        has_parents = len(arrivals.parents(row.version for row in rows)) > 1
        is_proven = _differ_in_fixed(rows) or any(_are_different(g, arrivals) for g in unlike)
        if is_proven or doubt == Doubt.PROVEN:
            proven.append(rows)
        elif unlike or has_parents or doubt == Doubt.SOME:
            doubtful.append(rows)
        else:
            continue  # the record changed during the read, and its cursor says so
        under_parents |= has_parents
        had_changed |= doubt == Doubt.PROVEN
    found = [*proven, *doubtful]
    if not found:
        return SharedKeys()
    keys = [rows[0].version.key for rows in found[:_MAX_EXAMPLES]]
    is_many = len(found) * _FEW > buffer.rows
    in_doubt = found if is_many else proven  # a few of the others are versions
    windows = windows_around(row.version.cursor for rows in in_doubt for row in rows)
    return SharedKeys(
        count=len(found),
        proven=len(proven),
        lost=sum(len({row.digest for row in rows}) - 1 for rows in found),
        examples=tuple(_key_text(resource.key, key, redact) for key in keys),
        under_parents=under_parents,
        had_changed=had_changed,
        differing=_differing_columns(buffer, found[0]),
        is_wrong_key=bool(proven) or is_many,
        windows=None if windows is None else tuple(windows),
    )


def both_sides_message(
    resource: Resource, keys: Sequence[OutsideKey], redact: Callable[[str], str]
) -> str | None:
    """The finding when records in the window share keys with records outside it; otherwise None.

    Args:
        resource: The declaration.
        keys: The keys, each from one response.
        redact: Masks credentials.
    """
    if not keys:
        return None
    examples = sorted({_key_text(resource.key, key.values, redact) for key in keys})
    assert resource.cursor is not None
    declared = ", ".join(resource.primary_key)
    return (
        f"Different records share a primary key: {len(examples)} records of the window have the key of "
        f"another record of the same response that is outside, for example "
        f"{'; '.join(examples[:_MAX_EXAMPLES])}. Correct primary_key [{declared}] of resource "
        f"{resource.name!r}: add {resource.cursor.name}, or the fields that tell these records apart. "
        f"If the {resource.cursor.name} of a record changes, declare incremental.cursor_changes: true."
    )


def _rows_by_key(buffer: TableBuffer) -> dict[tuple[object, ...], list[_Row]]:
    columns = buffer.content_columns
    fixed = [i for i, name in enumerate(columns) if _is_fixed(buffer.schema.field(name))]
    rows: dict[tuple[object, ...], list[_Row]] = defaultdict(list)
    contents = buffer.contents([version.position for version in buffer.repeated])
    for version, (_, values) in zip(buffer.repeated, contents, strict=True):
        text = repr(values).encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(text, digest_size=16).digest()
        rows[version.key].append(_Row(version, digest, tuple(values[i] for i in fixed)))
    return rows


def _is_fixed(column: pa.Field) -> bool:
    """Whether a column holds a time of creation or the type of a record."""
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return is_creation(column.name)
    return pa.types.is_string(column.type) and _TYPE.fullmatch(column.name) is not None


def _by_cursor(rows: Sequence[_Row]) -> list[list[_Row]]:
    """The rows, one list for each value of the cursor."""
    groups: dict[Any, list[_Row]] = defaultdict(list)
    for row in rows:
        groups[row.version.cursor].append(row)
    return list(groups.values())


def _doubt(rows: Sequence[_Row], arrivals: Arrivals) -> Doubt:
    """The doubt whether rows with different cursors are versions."""
    return judge_versions([row.version for row in rows], arrivals.is_certain)


def _are_equal(rows: Sequence[_Row]) -> bool:
    return len({row.digest for row in rows}) == 1


def _differ_in_fixed(rows: Sequence[_Row]) -> bool:
    columns = zip(*(row.fixed for row in rows), strict=True)
    return any(len(set(values) - {None}) > 1 for values in columns)


def _are_different(rows: Sequence[_Row], arrivals: Arrivals) -> bool:
    """Whether rows that are not all equal are different records, by their responses and parents."""
    if len(arrivals.parents(row.version for row in rows)) > 1:
        return True
    in_response: dict[int, bytes] = {}
    return any(
        in_response.setdefault(row.version.read_at, row.digest) != row.digest
        for row in rows
        if arrivals.is_certain(row.version.read_at)
    )


def _differing_columns(buffer: TableBuffer, rows: Sequence[_Row]) -> tuple[str, ...]:
    """A few of the columns in which two rows of a key differ."""
    other = next(row for row in rows if row.digest != rows[0].digest)
    positions = [rows[0].version.position, other.version.position]
    (_, one), (_, two) = buffer.contents(positions)
    names = [n for n, a, b in zip(buffer.content_columns, one, two, strict=True) if a != b]
    return tuple(names[:_MAX_NAMED_COLUMNS])


def _key_text(names: Sequence[str], values: Sequence[object], redact: Callable[[str], str]) -> str:
    texts = [shown(redact(str(value)), _MAX_KEY_LENGTH) for value in values]
    return ", ".join(f"{name}={text}" for name, text in zip(names, texts, strict=True))
