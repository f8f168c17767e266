"""What records hold beyond their declared fields.

In: the declared fields, records. Out: for each record that holds more, the rest of it, for ``_extra``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analytics_sync.catalog import Field
from analytics_sync.extract.convert.records import Records, at

Extras = dict[int, dict[str, Any]]
"""Number of a record -> what its columns do not hold."""
_Tree = dict[str, Any]


class ExtraFields:
    """Finds it.

    Args:
        fields: Those that are declared.
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        self._known = _tree(fields)
        self._flat = all(branch is None for branch in self._known.values())
        self._keys = {f.path[0] for f in fields if len(f.path) == 1}
        self._declared = {f.path for f in fields}
        self._aliased = [f for f in fields if f.aliases]

    def add(self, rows: Records, extras: Extras) -> None:
        """Add what is undeclared to ``extras``; all columns have been read from ``rows`` already."""
        known = self._known
        # who lacks none of so many keys, and has so many, has no other
        told = not rows.lack and self._flat and len(self._keys) == len(known)
        if not (told and set(map(len, rows.records)) <= {len(known)}):
            covers = frozenset(known).issuperset
            for i, row in enumerate(rows.records):
                if not (self._flat and covers(row)) and (rest := _rest(row, known)):
                    _keep(extras, i, rest, row)
        for aliased in self._aliased:
            self._aliases(aliased, rows, extras)

    def _aliases(self, field: Field, rows: Records, extras: Extras) -> None:
        """Add what other names of a field hold than the one whose value its column has."""
        others = [alias for alias in field.aliases if alias not in self._declared]
        for i, row in enumerate(rows.records):
            if all(at(row, alias) is None for alias in others):
                continue
            used = next(path for path in (field.path, *field.aliases) if at(row, path) is not None)
            for alias in others:
                if alias != used and (other := at(row, alias)) is not None:
                    _keep(extras, i, {".".join(alias): other}, row)


def _keep(extras: Extras, i: int, more: dict[str, Any], row: dict[str, Any]) -> None:
    """Add to what is kept of a row; all of it when two values would have one name (``a.b``)."""
    kept = extras.setdefault(i, {})
    kept.update(row if kept.keys() & more.keys() else more)


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
