"""Names of columns and tables: field path -> column name, and the columns of our own.

In: the path of a field. Out: dlt's snake_case identifier, path parts joined by
``__``, so that ``attributes.createdAt`` is the column ``attributes__created_at``.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from functools import cache

from dlt.common.normalizers.naming.snake_case import NamingConvention

from analytics_sync.common.json_path import compile_field

EXTRA = "_extra"
READ_AT = "_read_at"
DELETED_AT = "_deleted_at"
PARENT_KEY = "_parent_key"
LOAD_ID = "_dlt_load_id"
ROW_HASH = "_row_hash"
RESERVED_COLUMNS = frozenset({EXTRA, READ_AT, DELETED_AT, PARENT_KEY, ROW_HASH, LOAD_ID, "_dlt_id"})
"""Columns with a meaning of their own: no declared field may be one of them."""

MAX_SOURCE_NAME = 64
"""dlt's limit."""

RESERVED_BY_DAGSTER = frozenset(
    {"arg_dict", "bool", "conf", "config", "context", "dict", "float", "input", "input_arg_dict"}
    | {"int", "meta", "output", "output_arg_dict", "str", "type"}
)
"""No step has one of these names, or a keyword of Python."""

_SNAKE_CASE = re.compile(r"[a-z][a-z0-9_]*")
_NORMALISED = re.compile(r"[A-Za-z]([A-Za-z0-9_. -]*[A-Za-z0-9_])?")
_SETTING = re.compile(r"[\w.-]+")
# Schemas of PostgreSQL and DuckDB, databases of DuckDB, and staging datasets of loads: a load drops
# those that a killed load has left.
_RESERVED_DATASET = re.compile(
    r"public|main|temp|system|information_schema|pg_.*|.*_staging(_[0-9a-f]{16})?"
)
_naming = NamingConvention()


def is_snake_case(name: str) -> bool:
    """Whether a source or resource may have this name."""
    return _SNAKE_CASE.fullmatch(name) is not None


def resource_name(spelled: str) -> str:
    """The name of a resource, in lower_snake_case as dlt normalises it; a name that has it stays."""
    is_to_normalise = not is_snake_case(spelled) and _NORMALISED.fullmatch(spelled)
    return _naming.normalize_identifier(spelled) if is_to_normalise else spelled


def is_setting_name(name: str) -> bool:
    """Whether a setting may have this name."""
    return _SETTING.fullmatch(name) is not None


def problem_of_name(source: str) -> str:
    """What is wrong with the name of a source: it is also the name of a dataset, a job and a step."""
    if not is_snake_case(source):
        return f"source name {source!r}: expected lower_snake_case"
    if len(source) > MAX_SOURCE_NAME:
        return f"source name {source!r}: expected at most {MAX_SOURCE_NAME} characters"
    if source in RESERVED_BY_DAGSTER or keyword.iskeyword(source):
        return f"source name {source!r}: Dagster reserves this word; choose another name"
    if is_reserved_dataset(dataset_name(source)):
        return (
            f"source name {source!r}: the dataset {dataset_name(source)!r} is reserved for "
            "the warehouse or for staging; choose another name"
        )
    return ""


def is_reserved_dataset(name: str) -> bool:
    """Whether a dataset has a meaning of its own for a warehouse or a load."""
    return _RESERVED_DATASET.fullmatch(name) is not None


def variable_name(source: str, key: str) -> str:
    """The environment variable of a source's setting."""
    return f"SOURCES__{source}__{key}".replace(".", "__").upper()


@cache
def column_name(path: str) -> str:
    """The column of a field; ``path`` as a catalog file spells it.

    A dot becomes ``__``. A quoted key is one part of the name, as in dlt: ``['a.b']`` is ``a_b``.
    """
    return column_at(compile_field(path).keys)


def column_at(keys: Sequence[str]) -> str:
    """The column of the value at ``keys``."""
    return "__".join(_naming.normalize_identifier(key) for key in keys)


@cache
def table_name(resource: str) -> str:
    """The table of a resource."""
    return _naming.normalize_identifier(resource)


@cache
def dataset_name(source: str) -> str:
    """The dataset of a source."""
    return _naming.normalize_identifier(source)
