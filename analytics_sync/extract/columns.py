"""Records -> one Arrow table by the declared columns, losing nothing.

In: lists of records of one resource. Out: a ``Batch``: the table with its ``_extra`` column, and
the records that cannot be placed. Two rules: a value that fits its declared type lands in its
column, and everything else lands in ``_extra``; neither ever raises. Columns are built a page at a
time, with one look at the types of a column instead of one at each value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from analytics_sync.extract.fit import ESCAPED_NUL, dumps, fit
from analytics_sync.extract.window import Window
from analytics_sync.spec import Field, Resource
from analytics_sync.spec.naming import DELETED_AT, EXTRA, READ_AT

_TIMESTAMP = pa.timestamp("us", tz="UTC")
ARROW: dict[str, pa.DataType] = {
    "text": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "bool": pa.bool_(),
    "timestamp": _TIMESTAMP,
    "date": pa.date32(),
    "decimal": pa.decimal128(38, 9),
    "json": pa.string(),
}
_PLAIN: dict[str, frozenset[type]] = {
    "text": frozenset({str, type(None)}),
    "bigint": frozenset({int, type(None)}),
    "double": frozenset({int, float, type(None)}),
    "bool": frozenset({bool, type(None)}),
    "timestamp": frozenset({str, type(None)}),
    "date": frozenset({str, type(None)}),
}
_CALENDAR = {  # Arrow goes on beyond; PostgreSQL and Python do not
    "timestamp": [
        pa.scalar(d.replace(tzinfo=UTC), _TIMESTAMP) for d in (datetime.min, datetime.max)
    ],
    "date": [pa.scalar(d.date(), pa.date32()) for d in (datetime.min, datetime.max)],
}
Extras = dict[int, dict[str, Any]]


@dataclass(frozen=True)
class Rejected:
    """A record that cannot be placed, and why."""

    reason: str
    record: Any


@dataclass
class Batch:
    """``records`` are those of ``table``, row by row; ``outside`` were not in the window."""

    table: pa.Table
    records: list[dict[str, Any]]
    rejected: list[Rejected] = field(default_factory=list)
    outside: int = 0
    with_extra: int = 0


class Converter:
    """Turns records of one resource into tables of one schema.

    Args:
        resource: The declaration.
        fields: Its fields, or those found in the data when it declares none.
    """

    def __init__(self, resource: Resource, fields: Sequence[Field] | None = None) -> None:
        self.fields = tuple(resource.fields if fields is None else fields)
        self._cursor = resource.cursor
        self._keys = [f for f in self.fields if f.column in set(resource.key)]
        self._exact = frozenset(f.column for f in self._keys)
        self._known = _tree(self.fields)
        self._aliased = [f for f in self.fields if f.aliases]
        self._getters = [(f, _getter(f.path)) for f in self.fields]
        # a record that is read is there: merging this null takes a mark of deletion away
        self._added = [(DELETED_AT, _TIMESTAMP)] if resource.soft_deletes else []
        declared = [(f.column, ARROW[f.data_type]) for f in self.fields]
        own = [(EXTRA, pa.string()), (READ_AT, _TIMESTAMP), *self._added]
        self.schema = pa.schema([*declared, *own])

    def convert(
        self,
        records: Sequence[Any],
        window: Window | None = None,
        read_at: Sequence[int] | None = None,
    ) -> Batch:
        """Build a table of the records that are in ``window`` and can be placed.

        Args:
            records: As the API gave them.
            window: None for all.
            read_at: When each was read, in microseconds since 1970.
        """
        rejected = [Rejected("not an object", r) for r in records if type(r) is not dict]
        rows = [r for r in records if type(r) is dict] if rejected else list(records)
        times = pa.nulls(len(records), _TIMESTAMP)
        if read_at is not None:
            times = pa.array(read_at, pa.int64()).cast(_TIMESTAMP)
        if rejected:
            times = times.filter(pa.array([type(r) is dict for r in records]))
        outside = 0
        if self._cursor is not None:
            cursor = self._column(self._cursor, _getter(self._cursor.path), rows, {})
            rejected += [
                Rejected(f"no usable cursor {self._cursor.name}", rows[i])
                for i in _true_at(cursor.is_null())
            ]
            keep = cursor.is_valid()
            if window is not None:
                inside = _inside(cursor, window)
                outside = (
                    len(rows) - pc.sum(pc.or_kleene(inside, cursor.is_null())).as_py()
                    if rows
                    else 0
                )
                keep = pc.and_(keep, pc.fill_null(inside, False))
            if pc.all(keep).as_py() is False:
                rows, times = _take(rows, keep), times.filter(keep)
        extras: Extras = {}
        arrays = [self._column(f, get, rows, extras) for f, get in self._getters]
        self._undeclared(rows, extras)
        extra = pa.array(
            [dumps(extras[i]) if i in extras else None for i in range(len(rows))]
            if extras
            else pa.nulls(len(rows), pa.string()),
            pa.string(),
        )
        added = [pa.nulls(len(rows), kind) for _, kind in self._added]
        table = pa.Table.from_arrays([*arrays, extra, times, *added], schema=self.schema)
        for key in self._keys:
            missing = table.column(key.column).is_null()
            if at := _true_at(missing):
                rejected += [Rejected(f"no usable primary key {key.name}", rows[i]) for i in at]
                present = pc.invert(missing)
                table, rows = table.filter(present), _take(rows, present)
        with_extra = len(rows) - table.column(EXTRA).null_count
        return Batch(table, rows, rejected, outside, with_extra)

    def beyond(self, records: Sequence[Any], window: Window, newest_first: bool) -> bool:
        """Whether a whole page lies past the window, so that an ordered listing can stop."""
        oldest, newest, unclear = self.span(records)
        if unclear or oldest is None or newest is None:
            return False
        return newest < window.start if newest_first else oldest >= window.end

    def newest(self, records: Sequence[Any]) -> datetime | None:
        """The latest cursor among ``records``, in UTC."""
        return self.span(records)[1]

    def span(self, records: Sequence[Any]) -> tuple[datetime | None, datetime | None, bool]:
        """Earliest and latest cursor, in UTC, and whether some record has none."""
        rows = [r for r in records if type(r) is dict]
        if self._cursor is None or not rows:
            return None, None, True
        cursor = self._column(self._cursor, _getter(self._cursor.path), rows, {})
        ends = pc.min_max(cursor.cast(_TIMESTAMP)).as_py()
        return ends["min"], ends["max"], cursor.null_count > 0

    def _column(
        self, field: Field, get: Callable[[list[Any]], list[Any]], rows: list[Any], extras: Extras
    ) -> pa.Array:
        values = get(rows)
        for alias in field.aliases:
            if None not in values:
                break
            others = _getter(alias)(rows)
            values = [o if v is None else v for v, o in zip(values, others, strict=True)]
        if field.null_as is not None and None in values:
            values = [field.null_as if v is None else v for v in values]
        if field.data_type == "json":
            return _json(values)
        kinds = set(map(type, values))
        if kinds == {type(None)} or not kinds:
            return pa.nulls(len(values), ARROW[field.data_type])
        if kinds <= _PLAIN.get(field.data_type, frozenset()):
            try:
                return _fast(field, values)
            except (pa.ArrowException, OverflowError, UnicodeError):
                pass
        # a key that was rounded or cleaned may be another record's: it is none then
        return _slow(field, values, extras, only_exact=field.column in self._exact)

    def _undeclared(self, rows: list[dict[str, Any]], extras: Extras) -> None:
        known = self._known
        flat = all(branch is None for branch in known.values())
        covers = frozenset(known).issuperset
        for i, row in enumerate(rows):
            if not (covers(row) and flat):
                rest = _rest(row, known)
                if rest:
                    _keep(extras, i, rest, row)
        declared = {f.path for f in self.fields}
        for aliased in self._aliased:
            others = [alias for alias in aliased.aliases if alias not in declared]
            for i, row in enumerate(rows):
                if all(_at(row, alias) is None for alias in others):
                    continue
                paths = (aliased.path, *aliased.aliases)
                used = next(path for path in paths if _at(row, path) is not None)
                for alias in others:
                    if alias != used and (other := _at(row, alias)) is not None:
                        _keep(extras, i, {".".join(alias): other}, row)


def _keep(extras: Extras, i: int, more: dict[str, Any], row: dict[str, Any]) -> None:
    """Add to what is kept of a row; all of it when two values would have one name (``a.b``)."""
    kept = extras.setdefault(i, {})
    kept.update(row if kept.keys() & more.keys() else more)


_Tree = dict[str, Any]


def _tree(fields: Sequence[Field]) -> _Tree:
    """Declared keys; None at a key whose whole value is a column, a subtree elsewhere."""
    tree: _Tree = {}
    for path in (p for f in fields for p in (f.path, *f.aliases)):
        node = tree
        for key in path[:-1]:
            node = node.setdefault(key, {})
            if node is None:
                break
        else:
            node[path[-1]] = None
    for f in fields:  # a declared object covers what is below it
        node = tree
        for key in f.path[:-1]:
            node = node.get(key) or {}
        if node and len(f.path) == 1:
            node[f.path[-1]] = None
    return tree


def _rest(row: dict[str, Any], known: _Tree) -> dict[str, Any]:
    rest: dict[str, Any] = {}
    for key, value in row.items():
        if key not in known:
            rest[key] = value
        elif (branch := known[key]) is not None and value is not None:
            if type(value) is not dict:
                rest[key] = value
            elif below := _rest(value, branch):
                rest[key] = below
    return rest


def _at(row: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if type(row) is not dict:
            return None
        row = row.get(key)
    return row


def _getter(path: tuple[str, ...]) -> Callable[[list[Any]], list[Any]]:
    """A function that reads one path from all rows; two keys deep is common enough to be fast."""
    if len(path) == 1:
        key = path[0]
        return lambda rows: [row.get(key) for row in rows]
    if len(path) == 2:
        outer, inner = path
        return lambda rows: [
            o.get(inner) if type(o := row.get(outer)) is dict else None for row in rows
        ]
    return lambda rows: [_at(row, path) for row in rows]


def _json(values: list[Any]) -> pa.Array:
    try:
        array = pa.array([None if v is None else orjson.dumps(v) for v in values], pa.binary())
        plain = not _holds(array, ESCAPED_NUL)
    except TypeError:
        plain = False
    if not plain:
        array = pa.array([None if v is None else dumps(v) for v in values], pa.binary())
    return array.view(pa.string())


def _holds(array: pa.Array, piece: bytes) -> bool:
    """Whether the bytes of all values hold ``piece``: one look for all of them."""
    data = array.buffers()[2]
    return data is not None and piece in data.to_pybytes()


def _fast(field: Field, values: list[Any]) -> pa.Array:
    """All values are of the column's own JSON type: let Arrow convert them in one go."""
    if field.data_type in {"timestamp", "date"}:
        array = pa.array(values, pa.string()).cast(ARROW[field.data_type])
        first, last = _CALENDAR[field.data_type]
        ends = pc.min_max(array)
        if pc.or_(pc.less(ends["min"], first), pc.greater(ends["max"], last)).as_py():
            raise OverflowError("a year that no warehouse has")
        return array
    array = pa.array(values, ARROW[field.data_type])
    if field.data_type == "text" and _holds(array, b"\0"):
        raise UnicodeError("NUL is no text for every warehouse")
    return array


def _slow(field: Field, values: list[Any], extras: Extras, *, only_exact: bool) -> pa.Array:
    fitted = []
    for i, value in enumerate(values):
        converted, exact = fit(field, value)
        if not exact:
            extras.setdefault(i, {})[field.name] = value
        fitted.append(converted if exact or not only_exact else None)
    return pa.array(fitted, ARROW[field.data_type])


def _inside(cursor: pa.Array, window: Window) -> pa.Array:
    instants = cursor.cast(_TIMESTAMP)
    start = pa.scalar(window.start.astimezone(UTC), _TIMESTAMP)
    end = pa.scalar(window.end.astimezone(UTC), _TIMESTAMP)
    return pc.and_(pc.greater_equal(instants, start), pc.less(instants, end))


def _true_at(mask: Any) -> list[int]:
    return [int(i.as_py()) for i in pc.indices_nonzero(mask)]


def _take(rows: list[Any], mask: Any) -> list[Any]:
    return [rows[i] for i in _true_at(mask)]
