"""Field path -> column name, by the rule every table here follows.

In: a dotted path as an API spells it. Out: dlt's snake_case identifier, path parts joined by
``__``, so that ``attributes.createdAt`` is the column ``attributes__created_at``.
"""

from __future__ import annotations

from functools import cache

from dlt.common.normalizers.naming.snake_case import NamingConvention

_naming = NamingConvention()


@cache
def column_name(path: str) -> str:
    """The column of a declared field; ``path`` is dotted."""
    return "__".join(_naming.normalize_identifier(part) for part in path.split("."))


@cache
def table_name(resource: str) -> str:
    """The table of a resource."""
    return _naming.normalize_identifier(resource)
