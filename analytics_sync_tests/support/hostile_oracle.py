"""Whether a hostile payload has landed: what was sent, and the row that it became.

In: a record as the documentation says that it is read, its row, the declared columns. Out: what is
missing. Shares nothing with the package.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any


def parse(text: str) -> Any:
    """JSON as the documentation says that it is read: what is no number for a column is text."""

    def real(digits: str) -> Any:
        lost = float(digits) == 0 and re.search("[1-9]", re.split("[eE]", digits)[0])
        return digits if lost or float(digits) in {float("inf"), float("-inf")} else float(digits)

    return json.loads(
        text, parse_constant=str, parse_float=real, parse_int=lambda d: d if len(d) > 4000 else int(d)
    )  # fmt: skip


def escaped(value: Any) -> Any:
    """NUL and lone surrogates as the six characters of their escapes."""
    if isinstance(value, str):
        return re.sub("[\0\ud800-\udfff]", lambda m: f"\\u{ord(m[0]):04x}", value)
    if isinstance(value, dict):
        return {escaped(k): escaped(v) for k, v in value.items()}
    return [escaped(v) for v in value] if isinstance(value, list) else value


def plain(text: str) -> str:
    """JSON without the spaces that PostgreSQL adds: what is so deep is not for every parser."""
    return text.replace(" ", "")


def stored(value: str) -> str:
    """NUL and surrogates, written as escapes, as the six characters of these."""
    return value.replace("\\u", "\\\\u")


def same(found: Any, sent: Any) -> bool:
    """Whether two values of JSON are one; PostgreSQL writes 1e20 as an integer."""
    if isinstance(sent, bool) or isinstance(found, bool):
        return found is sent
    if isinstance(sent, int | float) and isinstance(found, int | float):
        return float(found) == sent if isinstance(sent, float) else found == sent
    if isinstance(sent, dict) and isinstance(found, dict):
        return found.keys() == sent.keys() and all(same(found[k], sent[k]) for k in sent)
    if isinstance(sent, list) and isinstance(found, list):
        return len(found) == len(sent) and all(map(same, found, sent))
    return type(found) is type(sent) and bool(found == sent)


def instant(value: Any) -> Fraction | None:
    """Seconds since 1970 of an instant in one of the usual forms."""
    if isinstance(value, int | float) and not isinstance(value, bool):
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


def is_said(kind: str, column: Any, sent: Any) -> bool:
    """Whether a column says exactly what was sent."""
    number = isinstance(sent, int | float) and not isinstance(sent, bool)
    if kind == "timestamp":
        since = column - datetime(1970, 1, 1, tzinfo=UTC)
        found = since.days * 86_400 + since.seconds + Fraction(since.microseconds, 10**6)
        # a fraction of seconds is as exact as a double
        return float(found) == sent if isinstance(sent, float) else found == instant(sent)
    if kind == "date":
        return isinstance(sent, str) and column == date.fromisoformat(sent)
    if kind == "decimal":
        return (number or re.fullmatch(r"[0-9.eE+-]+", sent)) and column == Decimal(str(sent))
    if kind == "bigint":
        return (number and column == sent) or str(column) == sent
    if kind == "double":
        return number and Fraction(column) == Fraction(sent)
    return same(column, sent)


def must_fit(kind: str, sent: Any) -> bool:
    """Whether nothing but the column will do."""
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


def at(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def complaint(columns: Mapping[str, str], sent: dict[str, Any], row: Mapping[str, Any]) -> str:
    """What of a record is not in its row; nothing, if all is well."""
    extra = parse(row["_extra"] or "{}")
    branches = {path.split(".")[0] for path in columns if "." in path}
    for path, kind in columns.items():
        value, column = at(sent, *path.split(".")), row[path.replace(".", "__")]
        kept = [v for v in (at(extra, path), at(extra, *path.split("."))) if v is not None]
        if value is None:
            fine = column is None
        elif kind == "json":
            fine = column is not None and same(parse(column), escaped(value))
        elif must_fit(kind, value) or not any(same(v, escaped(value)) for v in kept):
            fine = column is not None and bool(is_said(kind, column, value))
        else:
            fine = True
        if not fine:
            return f"{path}: {value!r:.80} became {column!r:.80}, beside {kept!r:.80}"
    for key, value in sent.items():
        if key in branches and isinstance(value, dict):
            rest = {k: v for k, v in value.items() if f"{key}.{k}" not in columns}
            kept_rest = {k: at(extra, key, escaped(k)) for k in rest}
            if not same(escaped(kept_rest), escaped(rest)):
                return f"{key}: {rest!r:.80} became {kept_rest!r:.80}"
        elif (key not in columns or key in branches) and not same(
            extra.get(escaped(key)), escaped(value)
        ):
            return f"{key!r:.40}: {value!r:.80} became {extra.get(escaped(key))!r:.80}"
    return ""
