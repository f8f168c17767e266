"""Names of columns and tables: field path -> column name, and the columns of our own.

In: a dotted path as an API spells it. Out: dlt's snake_case identifier, path parts joined by
``__``, so that ``attributes.createdAt`` is the column ``attributes__created_at``.
"""

from __future__ import annotations

import re
from functools import cache

from dlt.common.normalizers.naming.snake_case import NamingConvention

EXTRA = "_extra"
READ_AT = "_read_at"
DELETED_AT = "_deleted_at"
LOAD_ID = "_dlt_load_id"
RESERVED_COLUMNS = frozenset({EXTRA, READ_AT, DELETED_AT, LOAD_ID, "_dlt_id"})
"""Columns with a meaning of their own: no declared field may be one of them."""

_SNAKE_CASE = re.compile(r"^[a-z][a-z0-9_]*$")
_naming = NamingConvention()


def is_snake_case(name: str) -> bool:
    """Whether a source or resource may have this name."""
    return _SNAKE_CASE.match(name) is not None


@cache
def column_name(path: str) -> str:
    """The column of a declared field; ``path`` is dotted."""
    return "__".join(_naming.normalize_identifier(part) for part in path.split("."))


@cache
def table_name(resource: str) -> str:
    """The table of a resource."""
    return _naming.normalize_identifier(resource)
