"""Values in ``_extra`` that a column takes by now: the column is declared later, or its type is wider.

In: the fields, and one row: what ``_extra`` holds, and the values of the columns as text. Out: new values of
columns, and what stays in ``_extra``, as a new read of the same record would leave them. A value leaves
``_extra`` only if its column holds it exactly.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from analytics_sync.catalog import Field
from analytics_sync.common.json_path import Keys
from analytics_sync.common.json_path_steps import splits
from analytics_sync.extract.convert.coerce import coerce, coerce_key
from analytics_sync.extract.convert.extras import without
from analytics_sync.extract.convert.records import value_at

# ``dumps`` writes characters that no warehouse stores as their escapes: the value is not known any more.
_ESCAPED = re.compile(r"\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})")
_CLOSE = Decimal("1e-6")


class ExtraValues:
    """Moves values out of ``_extra``.

    Args:
        fields: The fields whose columns take values.
        keys: Columns of the primary key. They take no value that is not exact.
        columns: All columns of the table.
    """

    def __init__(
        self, fields: Sequence[Field], keys: Collection[str], columns: Collection[str]
    ) -> None:
        self._fields = tuple(fields)
        self._keys = frozenset(keys)
        # An object of which other columns hold, or once held, a part is not whole in _extra.
        self._partial = {
            field.column
            for field in fields
            if any(column.startswith(f"{field.column}__") for column in columns)
        }

    def move(
        self, extra: dict[str, Any], old: Sequence[str | None]
    ) -> tuple[dict[int, Any], dict[str, Any]]:
        """The new values of a row, and its new ``_extra``.

        Args:
            extra: What ``_extra`` holds.
            old: The value of the column of each field, as text; None for null.

        Returns:
            Values by the position of their fields. Both results equal the old ones if nothing fits.
        """
        values: dict[int, Any] = {}
        rest = extra
        for i, field in enumerate(self._fields):
            for place, value in self._places(field, extra, old[i]):
                if value is None:
                    rest = without(rest, place)
                    continue
                if field.column in self._partial and isinstance(value, Mapping):
                    break
                if field.column in self._keys:
                    converted, exact = coerce_key(field, value)
                else:
                    converted, exact = coerce(field, value)
                if exact and not (isinstance(value, str) and _ESCAPED.search(value)):
                    values[i], rest = converted, without(rest, place)
                elif converted is not None and old[i] is None and field.column not in self._keys:
                    values[i] = converted
                break
        return values, rest

    def _places(
        self, field: Field, extra: dict[str, Any], old: str | None
    ) -> Iterator[tuple[Keys, Any]]:
        """Where ``_extra`` may hold the value of a field, best first."""
        for path in (field.path, *(field.aliases if old is None else ())):
            if (value := value_at(extra, path)) is not None or _has(extra, path):
                yield path, value
            if len(path) == 1 or path in field.exact:
                continue
            # A value that did not fit is kept under the joined keys. So is an undeclared key with dots.
            for place, other in splits(extra, path):
                if place != path and (old is None or _is_close(old, other)):
                    yield place, other


def _has(extra: dict[str, Any], path: Keys) -> bool:
    """Whether there is an entry at a path, null included."""
    holder = value_at(extra, path[:-1]) if len(path) > 1 else extra
    return type(holder) is dict and path[-1] in holder


def _is_close(old: str, value: Any) -> bool:
    """Whether a column may hold a value that was rounded to fit it."""
    if isinstance(value, bool):
        return False
    try:
        rounded, exact = Decimal(old), Decimal(str(value))
        return abs(rounded - exact) <= _CLOSE * max(abs(exact), Decimal(1))
    except InvalidOperation:
        return isinstance(value, str) and old[:10] == value[:10]
