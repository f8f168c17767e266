"""Declared fields of a resource: one column each.

In: the ``columns`` of a resource, and every key that names a field. Out: ``Field`` objects, or a
``CatalogError`` for an unknown field or a column that cannot be used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from analytics_sync.catalog.config.incremental import Incremental
from analytics_sync.catalog.config.models import Column, ResourceDefaults
from analytics_sync.catalog.errors import Fail
from analytics_sync.catalog.naming import RESERVED_COLUMNS, column_name
from analytics_sync.catalog.source import Field
from analytics_sync.common.json_path import compile_field

_EPOCHS: dict[str, Literal["epoch_s", "epoch_ms"]] = {"epoch_s": "epoch_s", "epoch_ms": "epoch_ms"}


def build_fields(
    resource: ResourceDefaults,
    incremental: Incremental | None,
    inherited: Iterable[str],
    fail: Fail,
) -> tuple[Field, ...]:
    """The fields of ``columns``, in the order of the file.

    Args:
        resource: The keys of the resource, defaults merged.
        incremental: The datetime field that windows the resource; None for a snapshot.
        inherited: Names of the fields that are copied from the parent.
        fail: Raises ``CatalogError`` for this resource.

    Raises:
        CatalogError: A key names a field that is not declared, or a column is taken.
    """
    if not resource.columns:
        for path in resource.primary_key:
            _check_not_reserved(column_name(path), fail, "primary_key")
        return ()
    cursor = [incremental.cursor_path] if incremental else []
    named = {
        "primary_key": resource.primary_key,
        "endpoint.incremental.cursor_path": cursor,
        "required": resource.required,
        "include_from_parent": inherited,
    }
    _check_named_fields(named, resource.columns, fail)
    _check_column_names(resource.columns, fail)
    required = {*resource.required, *resource.primary_key, *cursor}
    return tuple(
        _field(path, column, required=path in required) for path, column in resource.columns.items()
    )


def build_cursor(incremental: Incremental) -> Field:
    """The cursor of a windowed resource that declares no column for it: a timestamp.

    If bounds are numbers, its numbers have their unit.
    """
    unit = _EPOCHS.get(incremental.param_format)
    column = Column(data_type="timestamp", format=unit)
    return _field(incremental.cursor_path, column, required=True)


def _field(path: str, column: Column, *, required: bool) -> Field:
    compiled = [compile_field(spelling) for spelling in (path, *column.aliases)]
    return Field(
        path=compiled[0].keys,
        column=column_name(path),
        data_type=column.data_type,
        description=column.description,
        format=column.format,
        aliases=tuple(alias.keys for alias in compiled[1:]),
        null_as=column.null_as,
        required=required and column.null_as is None,
        exact=frozenset(p.keys for p in compiled if p.is_exact),
    )


def _check_named_fields(
    named: Mapping[str, Iterable[str]], columns: Mapping[str, Column], fail: Fail
) -> None:
    """Check that the fields that each key names are declared."""
    for key, paths in named.items():
        for path in paths:
            if path not in columns:
                fail(
                    f"field {path!r} is not among the columns; known: {', '.join(columns)}",
                    *key.split("."),
                )


def _check_column_names(columns: Iterable[str], fail: Fail) -> None:
    """Check that each field has a column of its own, and none that is reserved."""
    taken: dict[str, str] = {}
    for path in columns:
        column = column_name(path)
        other = taken.setdefault(column, path)
        _check_not_reserved(column, fail, "columns", path)
        if other != path:
            fail(
                f"fields {other!r} and {path!r} would share the column {column!r}; make one an alias "
                f"of the other, or declare one under another name with aliases: [{path}]",
                "columns", path,
            )  # fmt: skip


def _check_not_reserved(column: str, fail: Fail, *key: str) -> None:
    if column in RESERVED_COLUMNS:
        fail(f"the column {column!r} has a meaning of its own; leave it to _extra", *key)
