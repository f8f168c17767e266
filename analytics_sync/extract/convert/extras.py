"""The undeclared fields of records, which become ``_extra``.

In: the declared fields, records. Out: for each record with undeclared fields, a copy of those fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analytics_sync.catalog import Field
from analytics_sync.common.json_path import Keys
from analytics_sync.extract.convert.records import Records, value_at

Extras = dict[int, dict[str, Any]]
"""Position of a record -> the values that its columns do not hold."""
_Tree = dict[str, Any]


class ExtraFields:
    """Finds the undeclared fields of records.

    Args:
        fields: The declared fields.
        keep_nulls: Whether null counts as a value, too.
    """

    def __init__(self, fields: Sequence[Field], *, keep_nulls: bool = True) -> None:
        self._keep_nulls = keep_nulls
        self._declared_tree = _tree(fields)
        self._is_flat = all(branch is None for branch in self._declared_tree.values())
        self._top_keys = {f.path[0] for f in fields if len(f.path) == 1}
        self._declared_paths = {f.path for f in fields}
        self._aliased = [f for f in fields if f.aliases]

    def add(self, rows: Records, extras: Extras) -> None:
        """Add all undeclared values to ``extras``; the columns have been read from ``rows`` before."""
        tree = self._declared_tree
        # A record that has all N declared keys and exactly N keys has no undeclared one.
        has_all_declared = (
            not rows.has_missing_key and self._is_flat and len(self._top_keys) == len(tree)
        )
        if not (has_all_declared and set(map(len, rows.records)) <= {len(tree)}):
            covers = frozenset(tree).issuperset
            for i, row in enumerate(rows.records):
                if self._is_flat and covers(row):
                    continue
                rest = _undeclared(row, tree)
                if not self._keep_nulls:
                    rest = {k: v for k, v in rest.items() if v is not None}
                for keys in rows.dotted_keys.get(i, ()):
                    rest = without(rest, keys)
                if rest:
                    _merge(extras, i, rest, row)
        for field in self._aliased:
            self._add_unused_aliases(field, rows, extras)

    def _add_unused_aliases(self, field: Field, rows: Records, extras: Extras) -> None:
        """Add the values of a field's aliases, except the one value that is in its column."""
        aliases = [alias for alias in field.aliases if alias not in self._declared_paths]
        for i, row in enumerate(rows.records):
            if all(value_at(row, alias) is None for alias in aliases):
                continue
            paths = (field.path, *field.aliases)
            dotted = rows.dotted_keys.get(i, {}).values()
            used = next(p for p in paths if value_at(row, p) is not None or p in dotted)
            for alias in aliases:
                if alias != used and (other := value_at(row, alias)) is not None:
                    _merge(extras, i, {".".join(alias): other}, row)


def _merge(extras: Extras, i: int, more: dict[str, Any], row: dict[str, Any]) -> None:
    """Add ``more`` to the extra values of a row.

    When two values would have one name (``a.b``), the whole row is added instead.
    """
    extra = extras.setdefault(i, {})
    extra.update(row if extra.keys() & more.keys() else more)


def without(rest: dict[str, Any], keys: Keys) -> dict[str, Any]:
    """``rest`` without the value at ``keys``, and without an object that held nothing else."""
    key, *below = keys
    if key not in rest:
        return rest
    others = {k: v for k, v in rest.items() if k != key}
    if below and isinstance(rest[key], dict) and (left := without(rest[key], tuple(below))):
        others[key] = left
    return others


def _tree(fields: Sequence[Field]) -> _Tree:
    """The declared keys: None where the whole value is a column, a subtree elsewhere."""
    tree: _Tree = {}
    for path in (p for f in fields for p in (f.path, *f.aliases)):
        node = tree
        for key in path[:-1]:
            node = node.setdefault(key, {})
            if node is None:
                break
        else:
            node[path[-1]] = None
    for f in fields:  # a declared object covers the fields below it
        node = tree
        for key in f.path[:-1]:
            node = node.get(key) or {}
        if node and len(f.path) == 1:
            node[f.path[-1]] = None
    return tree


def _undeclared(row: dict[str, Any], tree: _Tree) -> dict[str, Any]:
    """The values of ``row`` that no column holds, nested as in the record."""
    rest: dict[str, Any] = {}
    for key, value in row.items():
        if key not in tree:
            rest[key] = value
        elif (branch := tree[key]) is not None and value is not None:
            if type(value) is not dict:
                rest[key] = value
            elif below := _undeclared(value, branch):
                rest[key] = below
    return rest
