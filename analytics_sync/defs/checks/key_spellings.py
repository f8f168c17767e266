"""Keys that are spelled in two ways: one record with two rows.

In: a table and its key columns. Out: the UUIDs that several living rows have in different case. A UUID is
the same in upper and in lower case, and some APIs change the case, or mix both. Other texts may well be
different keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analytics_sync.catalog import Resource
from analytics_sync.catalog.naming import DELETED_AT
from analytics_sync.common.uuids import is_uuid
from analytics_sync.defs.checks.row_scope import RowScope

if TYPE_CHECKING:
    from analytics_sync.load.warehouse import Warehouse

_LENGTH = 36
_MAX_KEYS = 1000  # that are counted


def spelled_in_two_ways(
    warehouse: Warehouse, resource: Resource, columns: tuple[str, ...], scope: RowScope
) -> list[str]:
    """The UUIDs that are the keys of several rows, in lower case.

    Args:
        warehouse: The dataset.
        resource: The resource of the table, in which no key has several rows.
        columns: The columns of the table.
        scope: The rows to look at.
    """
    table = warehouse.table(resource.table)
    names = [warehouse.column(k) for k in resource.key]
    sample = warehouse.rows(f"SELECT {', '.join(names)} FROM {table} LIMIT 1")
    if not sample:
        return []
    uuids = [n for n, v in zip(names, sample[0], strict=True) if is_uuid(v)]
    if not uuids:  # a look at one row spares a search through tables of other keys
        return []
    folded = ", ".join(f"lower({n})" if n in uuids else n for n in names)
    where = [f"length({n}) = {_LENGTH}" for n in uuids]
    if DELETED_AT in columns:
        where.append(f"{warehouse.column(DELETED_AT)} IS NULL")
    shown = ", ".join(f"lower({n})" for n in uuids)
    rows = warehouse.rows(
        f"SELECT {shown} FROM {table}{_rows(warehouse, resource, scope, folded, where)} "
        f"GROUP BY {folded} HAVING count(*) > 1 LIMIT {_MAX_KEYS}"
    )
    return [", ".join(row) for row in rows if all(map(is_uuid, row))]


def _rows(
    warehouse: Warehouse, resource: Resource, scope: RowScope, folded: str, where: Sequence[str]
) -> str:
    """The clause WHERE for the rows of the keys in question.

    A record whose cursor changes may have its other row in another window. The merge of its load has looked
    for that. A warehouse that was never tested has no such merge: all rows with the keys of the window are
    looked at there. This reads the key columns of the table, and no other column.
    """
    from analytics_sync.extract.convert.cursor_kind import CursorKind, cursor_kind  # by a run only

    is_in_scope = warehouse.finds_spellings or cursor_kind(resource) is CursorKind.FIXED
    if not scope.condition or is_in_scope:
        return scope.where(*where)
    table = warehouse.table(resource.table)
    keys = f"SELECT {folded} FROM {table}{scope.where(*where)}"
    return RowScope().where(*where, f"({folded}) IN ({keys})")
