"""Field path -> column name, by the rule every table here follows.

In: a dotted path as an API spells it. Out: dlt's snake_case identifier, path parts joined by
``__``, so that ``attributes.createdAt`` is the column ``attributes__created_at``.
"""

from __future__ import annotations

from functools import cache

from dlt.common.normalizers.naming.snake_case import NamingConvention

EXTRA = "_extra"
READ_AT = "_read_at"
DELETED_AT = "_deleted_at"
LOAD_ID = "_dlt_load_id"
OWN_COLUMNS = frozenset({EXTRA, READ_AT, DELETED_AT, LOAD_ID, "_dlt_id"})
"""Columns with a meaning of their own: no declared field may be one of them."""

_naming = NamingConvention()


@cache
def column_name(path: str) -> str:
    """The column of a declared field; ``path`` is dotted."""
    return "__".join(_naming.normalize_identifier(part) for part in path.split("."))


@cache
def table_name(resource: str) -> str:
    """The table of a resource."""
    return _naming.normalize_identifier(resource)
