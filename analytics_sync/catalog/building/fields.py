"""Declared fields of a resource: one column each.

In: the ``columns`` of a resource, and every key that names a field. Out: ``Field`` objects, or a
``CatalogError`` for an unknown field or a column that cannot be used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal, TypeVar

from analytics_sync.catalog.config.incremental import Incremental
from analytics_sync.catalog.config.models import Column, ResourceDefaults
from analytics_sync.catalog.errors import Fail
from analytics_sync.catalog.naming import RESERVED_COLUMNS, ROW_HASH, column_name
from analytics_sync.catalog.source import Field
from analytics_sync.common.json_path import compile_field

_HASH = "row_hash"
_R = TypeVar("_R", bound=ResourceDefaults)
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
    if not resource.columns or resource.schema_contract:
        for path in resource.primary_key:
            if path != ROW_HASH:
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
    _check_column_names(resource.columns, fail, is_hashed=resource.primary_key == (ROW_HASH,))
    required = {*_required(resource), *resource.primary_key, *cursor}
    return tuple(
        _field(path, column, required=path in required) for path, column in resource.columns.items()
    )


def build_hints(resource: ResourceDefaults, fail: Fail) -> tuple[Field, ...]:
    """The fields of ``columns`` where these are hints, and the other columns follow the data.

    Raises:
        CatalogError: A column is taken.
    """
    if not resource.schema_contract:
        return ()
    _check_column_names(resource.columns, fail, is_hashed=resource.primary_key == (ROW_HASH,))
    required = {*_required(resource), *resource.primary_key}
    hints = (_field(path, c, required=path in required) for path, c in resource.columns.items())
    # A hint of a text loses no number, as an inferred text does not.
    return tuple(replace(hint, is_inferred=hint.data_type == "text") for hint in hints)


def build_cursor(incremental: Incremental, hints: Iterable[Field]) -> Field:
    """The cursor of a windowed resource whose columns follow the data.

    It has the type of its hint, if that is a time. Otherwise it is a timestamp; if bounds are numbers, its
    numbers have their unit.
    """
    for hint in hints:
        if hint.name == incremental.cursor_path and hint.data_type in {"timestamp", "date"}:
            return replace(hint, required=True)
    unit = _EPOCHS.get(incremental.param_format)
    column = Column(data_type="timestamp", format=unit)
    return _field(incremental.cursor_path, column, required=True)


def key_of(resource: ResourceDefaults) -> tuple[str, ...]:
    """The fields of the primary key: declared, or marked in ``columns``."""
    marked = tuple(path for path, column in resource.columns.items() if column.primary_key)
    return resource.primary_key or marked


def with_key(resource: _R) -> _R:
    """The resource with its key: declared, marked in ``columns``, or the hash of the whole record.

    The hash is the key of a resource that declares it, and of one that has no key and replaces its table.
    """
    key = key_of(resource)
    is_hash = key == (_HASH,) and _HASH not in resource.columns
    if not is_hash and (key or not resource.selected or resource.write_disposition != "replace"):
        return resource.model_copy(update={"primary_key": key})
    columns = resource.columns
    if columns:
        described = Column(data_type="text", description="Hash of the whole record: it has no key")
        columns = {**columns, ROW_HASH: described}
    return resource.model_copy(update={"primary_key": (ROW_HASH,), "columns": columns})


def _required(resource: ResourceDefaults) -> set[str]:
    return {*resource.required, *(p for p, c in resource.columns.items() if c.nullable is False)}


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


def _check_column_names(columns: Iterable[str], fail: Fail, *, is_hashed: bool) -> None:
    """Check that each field has a column of its own, and none that is reserved."""
    taken: dict[str, str] = {}
    for path in columns:
        column = column_name(path)
        other = taken.setdefault(column, path)
        if path != ROW_HASH or not is_hashed:
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
