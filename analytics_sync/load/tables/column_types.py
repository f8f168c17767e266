"""Column types of real tables, compared with the declared types.

In: dlt's job client of DuckDB or PostgreSQL, and declared columns. Out: the columns whose table has
another type, and SQL that widens such a column where all its values stay exact. dlt adds columns
and never changes their types: an INSERT into an older column would round values without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dlt.common.schema.typing import TColumnSchema

from analytics_sync.catalog.naming import EXTRA
from analytics_sync.catalog.tables import INFERRED
from analytics_sync.common.shown import shown
from analytics_sync.load.clients.mariadb_types import TYPES as MARIADB_TYPES
from analytics_sync.load.tables.mariadb_conversions import mariadb_conversion
from analytics_sync.load.tables.real_tables import Columns
from analytics_sync.load.tables.rebuilt_tables import conversion, is_rebuilt

_SYNONYMS = {
    "character varying": "text",
    "varchar": "text",
    "jsonb": "json",
    "double precision": "double",
    "float": "real",
    "numeric": "decimal",
    "timestamp(6) with time zone": "timestamp with time zone",
    # SQLite
    "timestamptz_text": "timestamp with time zone",
    "date_text": "date",
    "decimal_text": "decimal",
    "json_text": "json",
    "bool": "boolean",
    MARIADB_TYPES["text"].lower(): "text",
    MARIADB_TYPES["json"].lower(): "json",
    MARIADB_TYPES["timestamp"].lower(): "timestamp with time zone",
    MARIADB_TYPES["bool"].lower(): "boolean",
}
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
_LIMITED_TEXT = "text()"
_CASTS = (("real", "double"), (_LIMITED_TEXT, "text"))
_EXACT_INTEGERS = 2**53
"""Below, each integer has a double of its own."""
_INTEGER = re.compile(r"u?(tiny|small|big|huge)?int(eger)?")


@dataclass(frozen=True)
class Mismatch:
    """A column whose table has another type than declared.

    Attributes:
        column: Name of the column.
        real: The type that the table has, in the warehouse's words.
        declared: The declared type, in dlt's words.
        wanted: The declared type, in the warehouse's words.
        is_inferred: Whether the type follows the data. Then texts may become JSON, and truth values text.
    """

    column: str
    real: str
    declared: str
    wanted: str
    is_inferred: bool = False

    def __str__(self) -> str:
        return f"column {shown(self.column)} is {self.real} and is declared as {self.declared}"

    def change(self, client: Any, table: str, value: str | None = None) -> str:
        """The statement that changes the type of the column.

        Args:
            client: dlt's SQL client.
            table: Name of the table.
            value: The new value as SQL; None casts the old value, which may lose some of it.
        """
        column = client.escape_column_name(self.column)
        value = value or f"CAST({column} AS {self.wanted})"
        if client.capabilities.sqlglot_dialect == "mysql":
            return f"ALTER TABLE {client.make_qualified_table_name(table)} MODIFY {column} {self.wanted}"
        return (
            f"ALTER TABLE {client.make_qualified_table_name(table)} "
            f"ALTER COLUMN {column} TYPE {self.wanted} USING {value}"
        )

    def widened(self, quoted: str) -> tuple[str, str] | None:
        """The widened value as SQL, and the old value made from the new one.

        Args:
            quoted: The column as SQL.

        Returns:
            None if the type is no wider one. Then no value may be converted.
        """
        real, wanted = _canonical(self.real), _canonical(self.wanted)
        is_decimal, is_double = real.startswith("decimal"), real in ("double", "real")
        value = f"CAST({quoted} AS {self.wanted})"
        if (self.is_inferred or self.column == EXTRA) and (real, wanted) == ("text", "json"):
            # Each value is JSON: this is how earlier versions stored it. DuckDB casts deleted rows, too.
            value = f"TRY_{value}" if self.wanted == "JSON" else value
            return value, f"CASE WHEN {value} IS NOT NULL THEN {quoted} END"
        if self.is_inferred and real == "boolean" and wanted == "text":
            return value, f"CAST({value} AS BOOLEAN)"
        if real == "date" and wanted == "timestamp with time zone":
            value = f"CAST({quoted} AS TIMESTAMP) AT TIME ZONE 'UTC'"
            return value, f"CAST(({value}) AT TIME ZONE 'UTC' AS DATE)"
        if _INTEGER.fullmatch(real):
            if not (wanted in ("double", "text") or _is_exact_number(wanted)):
                return None
        elif is_double and wanted.startswith("decimal"):
            value = _shortest_digits(quoted, self.wanted)
            return value, _if_digits_are_known(quoted, f"CAST({value} AS {self.real})", self.real)
        elif (is_decimal or is_double) and wanted == "text":
            value = _plain_digits(quoted)
            if is_double:
                return value, _if_digits_are_known(
                    quoted, f"CAST({value} AS {self.real})", self.real
                )
        elif not ((is_decimal and wanted.startswith("decimal")) or (real, wanted) in _CASTS):
            return None
        return value, f"CAST({value} AS {self.real})"


def mismatches(
    job_client: Any, real: Columns, table: str, columns: Mapping[str, TColumnSchema]
) -> Iterator[Mismatch]:
    """The columns that the table has with another type, unless it holds all declared values.

    Args:
        job_client: dlt's job client.
        real: The columns of the table.
        table: Name of the table.
        columns: The declared columns.
    """
    for name, column in columns.items():
        if name not in real or "data_type" not in column:
            continue
        type_, wanted = real[name].type, destination_type(job_client, table, column)
        if not _holds(_canonical(type_), _canonical(wanted)):
            yield Mismatch(name, type_, str(column["data_type"]), wanted, INFERRED in column)


def destination_type(job_client: Any, table: str, column: TColumnSchema) -> str:
    """The type of a declared column, in the warehouse's words."""
    return str(job_client.type_mapper.to_destination_type(column, {"name": table}))


def inexact(client: Any, table: str, wrong: Sequence[Mismatch]) -> list[Mismatch]:
    """The columns that cannot be widened with all their values exact.

    Args:
        client: dlt's SQL client.
        table: Name of the table.
        wrong: Columns of the table with another type than declared.

    Raises:
        DatabaseException: The warehouse refused a cast.
    """
    if not wrong:
        return []
    counts = []
    for mismatch in wrong:
        quoted = client.escape_column_name(mismatch.column)
        _, old_value = converted(client, mismatch, quoted)
        differs = f"{old_value} IS DISTINCT FROM {quoted}"
        if client.capabilities.sqlglot_dialect == "mysql":
            differs = f"NOT ({old_value} <=> {quoted})"
        counts.append(f"count(CASE WHEN {differs} THEN 1 END)")
    source = client.make_qualified_table_name(table)
    (differing,) = client.execute_sql(f"SELECT {', '.join(counts)} FROM {source}")
    return [mismatch for mismatch, count in zip(wrong, differing, strict=True) if count]


def widening(client: Any, table: str, mismatch: Mismatch) -> str:
    """The statement that widens a column that is not ``inexact``."""
    value, _ = converted(client, mismatch, client.escape_column_name(mismatch.column))
    return mismatch.change(client, table, value)


def converted(client: Any, mismatch: Mismatch, quoted: str) -> tuple[str, str]:
    """The widened value of a column as SQL, and the old value made from the new one."""
    if is_rebuilt(client):
        is_inferred = mismatch.is_inferred or mismatch.column == EXTRA
        is_mariadb = client.capabilities.sqlglot_dialect == "mysql"
        convert = mariadb_conversion if is_mariadb else conversion
        found = convert(quoted, mismatch.real, mismatch.wanted, is_inferred=is_inferred)
        return found or ("NULL", "NULL")
    # any type takes a column without values
    return mismatch.widened(quoted) or (f"CAST(NULL AS {mismatch.wanted})", "NULL")


def _shortest_digits(quoted: str, wanted: str) -> str:
    """A double as the shortest decimal that is this double: 0.1, not 0.1000000000000000055.

    DuckDB takes 40 us to cast a text to a decimal, so small and whole numbers are cast directly.
    Below 1e6 a double has one decimal with nine places.
    """
    return (
        f"CASE WHEN abs({quoted}) < 1e6 THEN CAST({quoted} AS {wanted}) "
        f"WHEN abs({quoted}) < 9e15 AND {quoted} = round({quoted}) "
        f"THEN CAST(CAST({quoted} AS BIGINT) AS {wanted}) "
        f"ELSE CAST(CAST({quoted} AS VARCHAR) AS {wanted}) END"
    )


def _if_digits_are_known(quoted: str, value: str, real: str) -> str:
    """``value``, or null for a double whose shortest decimal is another number than the double itself.

    Below 2 to the power 53 only a fraction can be so, and an API writes fractions in few digits. A larger
    number may have come as an integer with more digits, 2**70 for instance.
    """
    text = f"CAST(CAST({quoted} AS VARCHAR) AS DECIMAL(38,0))"
    if real.lower() in ("double", "float"):
        exact = f"CAST(CAST({quoted} AS DOUBLE) AS HUGEINT)"
    else:  # PostgreSQL rounds a double to 15 digits when it becomes a numeric
        high = f"floor({quoted} / {_EXACT_INTEGERS}.0)"
        low = f"CAST({quoted} - {high} * {_EXACT_INTEGERS}.0 AS BIGINT)"
        exact = f"(CAST(CAST({high} AS BIGINT) AS DECIMAL) * {_EXACT_INTEGERS} + {low})"
    return (
        f"CASE WHEN abs({quoted}) < {_EXACT_INTEGERS} THEN {value} "
        f"WHEN abs({quoted}) >= 1e29 THEN NULL WHEN {exact} = {text} THEN {value} END"
    )


def _plain_digits(quoted: str) -> str:
    """A number as text, without zeros at the end of its fraction."""
    digits = f"CAST({quoted} AS VARCHAR)"
    return (
        f"CASE WHEN strpos({digits}, '.') > 0 AND strpos({digits}, 'e') = 0 "
        f"THEN rtrim(rtrim({digits}, '0'), '.') ELSE {digits} END"
    )


def _canonical(type_: str) -> str:
    """One spelling for the types that hold the same values."""
    name = re.sub(r"\s*\(", "(", type_.lower())
    base, bracket, rest = name.partition("(")
    if bracket and _SYNONYMS.get(base, base) == "text":
        return _LIMITED_TEXT
    return _SYNONYMS.get(name) or _SYNONYMS.get(base, base) + bracket + rest.replace(" ", "")


def _holds(real: str, wanted: str) -> bool:
    """Whether a column of the type ``real`` holds every value of ``wanted`` as it is."""
    if real == wanted or (real, wanted) == ("hugeint", "bigint"):
        return True
    if real == "decimal":  # PostgreSQL's numeric without a limit
        return wanted.startswith("decimal")
    digits, wanted_digits = _DECIMAL.fullmatch(real), _DECIMAL.fullmatch(wanted)
    if digits is None or wanted_digits is None:
        return False
    (precision, scale), (wanted_precision, wanted_scale) = (
        map(int, match.groups()) for match in (digits, wanted_digits)
    )
    return scale >= wanted_scale and precision - scale >= wanted_precision - wanted_scale


def _is_exact_number(type_: str) -> bool:
    return type_.startswith("decimal") or _INTEGER.fullmatch(type_) is not None
