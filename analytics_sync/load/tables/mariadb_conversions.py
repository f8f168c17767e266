"""Conversions of MariaDB: a widened value, and the old value made from it.

In: the type that a column has, and the declared one. Out: SQL. What does not come back as it was is not widened.
MariaDB rounds a number that does not fit a type, and says so in a warning that nobody reads.
"""

from __future__ import annotations

import re

from analytics_sync.load.clients.mariadb_types import TYPES

_TEXT = re.compile(r"(tiny|medium|long)?text\b.*|(var)?char\(.*")
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
_INTEGER = re.compile(r"(tiny|small|medium|big)?int(\(\d+\))?( unsigned)?")
_EXACT_INTEGERS = 2**53
_LARGEST = "9.2e18"
"""Doubles beyond it become the largest integer."""
_JSON, _EXACT_TEXT = TYPES["json"].lower(), TYPES["text"].lower()


def mariadb_conversion(
    quoted: str, real: str, wanted: str, *, is_inferred: bool
) -> tuple[str, str] | None:
    """A widened value as SQL, and the old value made from it; None for no wider type.

    Args:
        quoted: The column as SQL.
        real: The type that it has.
        wanted: The type that it shall have.
        is_inferred: Whether the type follows the data.
    """
    real, wanted = real.lower(), wanted.lower()
    to_text, to_decimal = wanted == _EXACT_TEXT, _DECIMAL.fullmatch(wanted) is not None
    if real == "tinyint(1)":
        value = f"CASE {quoted} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
        return (value, f"({value}) = 'true'") if to_text and is_inferred else None
    if _INTEGER.fullmatch(real):
        return _of_integer(quoted, real, wanted)
    if real == "double" and (to_text or to_decimal):
        value = f"CAST({quoted} AS {'CHAR' if to_text else wanted})"
        return value, _if_digits_are_known(quoted, f"CAST({value} AS DOUBLE)")
    if _DECIMAL.fullmatch(real) and (to_text or to_decimal):
        value = _plain_digits(quoted) if to_text else f"CAST({quoted} AS {wanted})"
        return value, f"CAST({value} AS {real})"
    if (real, wanted) == ("date", "datetime(6)"):
        value = f"CAST({quoted} AS DATETIME(6))"
        return value, f"CAST({value} AS DATE)"
    if _TEXT.fullmatch(real) and to_text:  # shorter, or compared in another way
        return quoted, quoted
    if _TEXT.fullmatch(real) and wanted == _JSON and is_inferred:
        return quoted, f"CASE WHEN json_valid({quoted}) THEN {quoted} END"
    return None


def _of_integer(quoted: str, real: str, wanted: str) -> tuple[str, str] | None:
    sign = "UNSIGNED" if "unsigned" in real else "SIGNED"
    if wanted == _EXACT_TEXT:
        value = f"CAST({quoted} AS CHAR)"
    elif wanted == "double" or _DECIMAL.fullmatch(wanted):
        value = f"CAST({quoted} AS {wanted})"
    elif wanted == "bigint" and sign == "SIGNED":
        value = quoted
    else:
        return None
    old = f"CAST({value} AS {sign})"
    if wanted == "double":
        old = f"CASE WHEN abs({value}) < {_LARGEST} THEN {old} END"
    return value, old


def _if_digits_are_known(quoted: str, value: str) -> str:
    """``value``, or null for a double whose shortest decimal is another number than the double itself.

    A larger one than 2 to the power 53 may have come as an integer with more digits than a double has.
    """
    high = f"floor({quoted} / {_EXACT_INTEGERS}e0)"
    low = f"CAST({quoted} - {high} * {_EXACT_INTEGERS}e0 AS SIGNED)"
    exact = f"CAST(CAST({high} AS SIGNED) AS DECIMAL(65,0)) * {_EXACT_INTEGERS} + {low}"
    return (
        f"CASE WHEN abs({quoted}) < {_EXACT_INTEGERS} THEN {value} WHEN abs({quoted}) < 1e29 "
        f"AND CAST({quoted} AS DECIMAL(65,0)) = {exact} THEN {value} END"
    )


def _plain_digits(quoted: str) -> str:
    """A decimal as text, without zeros at the end of its fraction."""
    digits = f"CAST({quoted} AS CHAR)"
    trimmed = f"trim(TRAILING '.' FROM trim(TRAILING '0' FROM {digits}))"
    return f"CASE WHEN instr({digits}, '.') > 0 THEN {trimmed} ELSE {digits} END"
