"""The columns: a type for each field, which holds each value that was seen exactly.

In: the fields of the records that were read. Out: ``ProposedColumn`` for each. A type that needs to be known
and not seen, such as the unit of a number of seconds, is a note and no type.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Literal

from analytics_sync.catalog import Field
from analytics_sync.catalog.config.models import DataType
from analytics_sync.catalog.naming import column_at
from analytics_sync.common.shown import counted
from analytics_sync.extract.convert.coerce import coerce, coerce_key
from analytics_sync.extract.convert.infer_fields import is_reserved
from analytics_sync.extract.convert.inferred_types import column_type, key_type
from analytics_sync.extract.convert.instants import parse_instant
from analytics_sync.infer.fields import FieldValues
from analytics_sync.infer.proposal import ProposedColumn

_SECONDS = range(946_684_800, 4_102_444_800)  # the years 2000 to 2099
_MILLISECONDS = range(_SECONDS.start * 1000, _SECONDS.stop * 1000)
_WORDS_OF_TIME = re.compile(
    r"(^|_)(at|on|time|timestamp|ts|date|created|updated|modified|started|finished|ended|expires|start|end|since|change|changed)"
    r"(_|$)"
)
_WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_FRACTION = re.compile(r"-?(?:0|[1-9]\d*)\.\d+")
_DIGITS = re.compile(r"-?\d+")
_MIN_FRACTIONS = 3
_MAX_NAME_LENGTH = 63


def propose_columns(
    fields: Sequence[FieldValues], key: Collection[str]
) -> Iterator[ProposedColumn]:
    """A column for each field.

    Args:
        fields: The fields.
        key: The paths of the primary key.
    """
    taken: dict[str, str] = {}
    for found in fields:
        column = column_at(found.keys) if all(part.strip() for part in found.keys) else ""
        if not column or len(column) > _MAX_NAME_LENGTH or is_reserved(column):
            note = "no column: its name is empty, too long or reserved; its values go to _extra"
            yield ProposedColumn(found.path, None, note)
        elif (other := taken.setdefault(column, found.path)) != found.path:
            note = f"no column: {other} has the column {column}; its values go to _extra"
            yield ProposedColumn(found.path, None, note)
        else:
            yield _column(found, is_key=found.path in key)


def _column(found: FieldValues, *, is_key: bool) -> ProposedColumn:
    if not found.values:
        note = f"TODO: only null in {counted(found.records, 'record')}, so no type is known"
        return ProposedColumn(found.path, None, note)
    kind, note = type_of(found.values, found.keys[-1], is_key=is_key)
    return ProposedColumn(found.path, kind, note)


def type_of(values: Sequence[Any], name: str, *, is_key: bool = False) -> tuple[DataType, str]:
    """The type of a field, and a note about it.

    Args:
        values: Its values, without null.
        name: The last key of the field.
        is_key: Whether it is a part of the primary key.
    """
    if is_key:
        kind, note = key_type(values, None), ""
    else:
        kind, note = _type(values, name)
    field, fit = Field((), "", kind), coerce_key if is_key else coerce
    if not all(fit(field, value)[1] for value in values):
        return "json", f"no narrower type holds each of {len(values)} values exactly"
    return kind, note


def _type(values: Sequence[Any], name: str) -> tuple[DataType, str]:
    kind = column_type(values, None)
    if kind == "bigint" and (unit := epoch_unit(values, name)) is not None:
        return kind, f"the values may be times: {{data_type: timestamp, format: {unit}}}"
    if kind != "text" or not all(isinstance(value, str) for value in values):
        return kind, ""
    instants = [parse_instant(value) for value in values]
    if all(instant is not None and instant[1] for instant in instants):
        return "timestamp", "texts of times"
    if len(values) >= _MIN_FRACTIONS and all(_FRACTION.fullmatch(value) for value in values):
        return "decimal", "numbers in quotes"
    if all(_DIGITS.fullmatch(value) for value in values):
        return "text", "digits in quotes; bigint, if they are a number and no code"
    return kind, ""


def epoch_unit(values: Sequence[Any], name: str) -> Literal["epoch_s", "epoch_ms"] | None:
    """The unit of numbers that may be times by their size and the name of their field; None for others."""
    if not _speaks_of_time(name) or not all(type(value) is int for value in values):
        return None
    if all(value in _SECONDS for value in values):
        return "epoch_s"
    return "epoch_ms" if all(value in _MILLISECONDS for value in values) else None


def _speaks_of_time(name: str) -> bool:
    words = _WORD_ENDS.sub("_", name).lower().replace("-", "_")
    return _WORDS_OF_TIME.search(words) is not None
