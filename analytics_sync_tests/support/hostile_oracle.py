"""The oracle for hostile payloads: is every value of a record in its row?

In: a decoded record, its row and the declared columns. Out: the first value that is missing or
different. The oracle follows the documentation and uses no code of the package.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from analytics_sync_tests.support.oracle import value_at


def parse(text: str) -> Any:
    """Decode JSON as documented: a number that no column can hold becomes text.

    A number that is not the text of a double becomes a decimal.
    """

    def parse_float(digits: str) -> Any:
        is_lost = float(digits) == 0 and re.search("[1-9]", re.split("[eE]", digits)[0])
        is_infinite = float(digits) in {float("inf"), float("-inf")}
        if is_lost or is_infinite or len(digits) > 4000:
            return digits
        exact = Decimal(digits)
        return float(digits) if Decimal(repr(float(digits))) == exact else exact

    def parse_int(digits: str) -> Any:
        return digits if len(digits) > 4000 else int(digits)

    return json.loads(text, parse_constant=str, parse_float=parse_float, parse_int=parse_int)


def escaped(value: Any) -> Any:
    """The value with each NUL and lone surrogate replaced by the six characters of its escape."""
    if isinstance(value, str):
        return re.sub("[\0\ud800-\udfff]", lambda m: f"\\u{ord(m[0]):04x}", value)
    if isinstance(value, dict):
        return {escaped(k): escaped(v) for k, v in value.items()}
    return [escaped(v) for v in value] if isinstance(value, list) else value


def without_spaces(text: str) -> str:
    """JSON without the spaces that PostgreSQL adds, to compare texts too deep for the parser."""
    return text.replace(" ", "")


def escaped_text(text: str) -> str:
    """``escaped`` for JSON text: each escape becomes the escape of its own six characters."""
    return text.replace("\\u", "\\\\u")


def same_json(found: Any, sent: Any) -> bool:
    """Whether two JSON values are equal. PostgreSQL writes 1e20 as an integer."""
    if isinstance(sent, bool) or isinstance(found, bool):
        return found is sent
    if isinstance(sent, int | float | Decimal) and isinstance(found, int | float | Decimal):
        return float(found) == sent if isinstance(sent, float) else found == sent
    if isinstance(sent, dict) and isinstance(found, dict):
        return found.keys() == sent.keys() and all(same_json(found[k], sent[k]) for k in sent)
    if isinstance(sent, list) and isinstance(found, list):
        return len(found) == len(sent) and all(map(same_json, found, sent))
    return type(found) is type(sent) and bool(found == sent)


def epoch_seconds(value: Any) -> Fraction | None:
    """Seconds since 1970 of a number, or of a text with an ISO 8601 instant; None for others."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return Fraction(value)
    form = (
        r"(\d{4}-\d\d-\d\d)(?:[T t](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?)?([Zz]|[+-]\d\d:\d\d)?"
    )
    found = re.fullmatch(form, value, re.ASCII) if isinstance(value, str) else None
    if found is None:
        return None
    day, hour, minute, second, fraction, zone = found.groups()
    try:
        days = date.fromisoformat(day).toordinal() - date(1970, 1, 1).toordinal()
    except ValueError:
        return None
    seconds = days * 86_400 + int(hour or 0) * 3_600 + int(minute or 0) * 60 + int(second or 0)
    if zone and zone not in "Zz":
        seconds -= int(zone[0] + "1") * (int(zone[1:3]) * 3_600 + int(zone[4:]) * 60)
    return seconds + (Fraction(int(fraction), 10 ** len(fraction)) if fraction else 0)


def holds_exactly(kind: str, column: Any, sent: Any) -> bool:
    """Whether a column's value is exactly the value that was sent.

    Args:
        kind: The data type of the column.
        column: The value in the column.
        sent: The value that was sent.
    """
    number = isinstance(sent, int | float | Decimal) and not isinstance(sent, bool)
    if kind == "timestamp":
        since = column - datetime(1970, 1, 1, tzinfo=UTC)
        found = since.days * 86_400 + since.seconds + Fraction(since.microseconds, 10**6)
        # A number of seconds with a fraction is a double, and no more exact than one.
        return float(found) == sent if isinstance(sent, float) else found == epoch_seconds(sent)
    if kind == "date":
        return isinstance(sent, str) and column == date.fromisoformat(sent)
    if kind == "decimal":
        return (number or re.fullmatch(r"[0-9.eE+-]+", sent)) and column == Decimal(str(sent))
    if kind == "bigint":
        return (number and column == sent) or str(column) == sent
    if kind == "double":
        return number and Fraction(column) == Fraction(sent)
    return same_json(column, sent)


def must_fit(kind: str, sent: Any) -> bool:
    """Whether a value is so plain that it must be in the column, not in ``_extra``."""
    number = isinstance(sent, int | float) and not isinstance(sent, bool)
    if kind in {"text", "date"} and isinstance(sent, str):
        form = r"[^\0\ud800-\udfff]*" if kind == "text" else r"(20|19)\d\d-0[1-9]-[012][1-8]"
        return re.fullmatch(form, sent, re.ASCII | re.DOTALL) is not None
    if kind == "timestamp" and isinstance(sent, str):
        return re.fullmatch(r"(20|19)\d\d-0[1-9]-[012][1-8]T12:[0-5]\dZ", sent) is not None
    if kind == "bool":
        return isinstance(sent, bool)
    limits = {
        "bigint": 2**63 - 1 if isinstance(sent, int) else 0,
        "double": 2**53,
        "decimal": 10**15,
    }
    return number and kind in limits and abs(sent) <= limits[kind] and sent == round(sent, 9)


def difference(columns: Mapping[str, str], sent: dict[str, Any], row: Mapping[str, Any]) -> str:
    """The first value of a record that is neither in its column nor in ``_extra``.

    Args:
        columns: Data types by the path of the field.
        sent: The record.
        row: Its row.

    Returns:
        The value and its place; an empty text if nothing is missing.
    """
    extra = parse(row["_extra"] or "{}")
    for path, kind in columns.items():
        value, column = value_at(sent, path.split(".")), row[path.replace(".", "__")]
        if value is None:  # a key that holds the dots itself comes second
            value = sent.get(path)
        places = (value_at(extra, [path]), value_at(extra, path.split(".")))
        kept = [found for found in places if found is not None]
        if not _is_kept(kind, value, column, kept):
            return f"{path}: {value!r:.80} became {column!r:.80}, beside {kept!r:.80}"
    return _undeclared_difference(columns, sent, extra)


def _is_kept(kind: str, value: Any, column: Any, kept: list[Any]) -> bool:
    if value is None:
        return column is None
    if kind == "json":
        return column is not None and same_json(parse(column), escaped(value))
    if must_fit(kind, value) or not any(same_json(v, escaped(value)) for v in kept):
        return column is not None and bool(holds_exactly(kind, column, value))
    return True


def _undeclared_difference(columns: Mapping[str, str], sent: dict[str, Any], extra: Any) -> str:
    """The first undeclared value that is not in ``_extra``; an empty text if all are."""
    branches = {path.split(".")[0] for path in columns if "." in path}
    for key, value in sent.items():
        if key in branches and isinstance(value, dict):
            rest = {k: v for k, v in value.items() if f"{key}.{k}" not in columns}
            kept_rest = {k: value_at(extra, (key, escaped(k))) for k in rest}
            if not same_json(escaped(kept_rest), escaped(rest)):
                return f"{key}: {rest!r:.80} became {kept_rest!r:.80}"
        elif (key not in columns or key in branches) and not same_json(
            extra.get(escaped(key)), escaped(value)
        ):
            return f"{key!r:.40}: {value!r:.80} became {extra.get(escaped(key))!r:.80}"
    return ""
