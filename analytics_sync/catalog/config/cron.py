"""Cron expressions: whether a text is one that can come true.

In: a text of a catalog file or of a setting. Out: the expression in its plain form, or a ``ValueError``
with a sentence. Five fields are read, and the short names of cron such as ``@daily``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_DAYS_OF_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class _Field(NamedTuple):
    name: str
    least: int
    most: int
    names: Mapping[str, int] = {}


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, {name: n for n, name in enumerate(_MONTHS, 1)}),
    _Field("day of the week", 0, 7, {name: n for n, name in enumerate(_WEEKDAYS)}),
)
_PART = re.compile(r"(\*|(\w+)(?:-(\w+))?)(?:/(\d{1,2}))?")


def plain_cron(text: str) -> str:
    """The expression with five fields.

    Raises:
        ValueError: The text is no cron expression, or names no day that exists.
    """
    expression = _ALIASES.get(text.strip().lower(), text)
    fields = expression.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(
            "expected a cron expression of five fields (minute, hour, day of the month, month, day of "
            f"the week) such as '15 2 * * *', found {text!r}"
        )
    numbers = [_numbers(field, kind, text) for field, kind in zip(fields, _FIELDS, strict=True)]
    _, _, days, months, _ = numbers
    # with a day of the week, too: Dagster's scheduler refuses the day of the month as well
    if not any(d <= _DAYS_OF_MONTH[m - 1] for d in days for m in months):
        raise ValueError(f"expected a cron expression that comes true, {text!r} names no day")
    return " ".join(fields).lower()


def _numbers(field: str, kind: _Field, text: str) -> set[int]:
    """The numbers that a field selects."""
    numbers: set[int] = set()
    for part in field.split(","):
        match = _PART.fullmatch(part)
        first, last = _ends(match, kind) if match else (None, None)
        step = int(match[4] or 1) if match else 0
        if first is None or last is None or first > last or not step:
            raise ValueError(
                f"expected a {kind.name} from {kind.least} to {kind.most} in a cron expression, "
                f"found {part!r} in {text!r}"
            )
        numbers.update(range(first, last + 1, step))
    return numbers


def _ends(match: re.Match[str], kind: _Field) -> tuple[int | None, int | None]:
    if match[1] == "*":
        return kind.least, kind.most
    first = _number(match[2], kind)
    if match[3] is not None:
        return first, _number(match[3], kind)
    return first, kind.most if match[4] else first


def _number(word: str, kind: _Field) -> int | None:
    number = kind.names.get(word.lower(), int(word) if re.fullmatch("[0-9]{1,2}", word) else -1)
    return number if kind.least <= number <= kind.most else None
