"""The types of MariaDB columns.

In: dlt's data types. Out: types whose values stay exact and compare exactly. Texts compare byte by byte, with the
spaces at their end. ``DATETIME`` has no zone: every session is in UTC. JSON is a text: a check by ``JSON_VALID``
would refuse more than 32 levels.
"""

from __future__ import annotations

COLLATION = "utf8mb4_nopad_bin"
"""The collation of texts: it tells all texts apart."""
TYPES = {
    "text": f"LONGTEXT COLLATE {COLLATION}",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "bool": "TINYINT(1)",
    "timestamp": "DATETIME(6)",
    "date": "DATE",
    "decimal": "DECIMAL(38,9)",
    "wei": "DECIMAL(38,0)",
    "json": "LONGTEXT COLLATE utf8mb4_bin",
    "time": "TIME(6)",
    "binary": "LONGBLOB",
}
"""The type of a column by dlt's data type. The collation tells JSON from other texts."""
TYPE_OF_COLUMN = (
    "concat(CASE WHEN data_type IN ('smallint', 'mediumint', 'int', 'bigint') "
    "THEN concat(data_type, substr(column_type, locate(')', column_type) + 1)) ELSE column_type END, "
    "coalesce(concat(' collate ', collation_name), ''))"
)
"""SQL of the type of a row of ``information_schema.columns``. The width of an integer says nothing."""
