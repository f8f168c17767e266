"""The table of destinations: which kinds a load accepts, in which file format, and why others are refused.

In: the kind of a destination, whatever name it is configured under. Out: its entry. The command
``analytics-sync destinations``, the docs and the messages show the same entries. A kind is dlt's type; for
``sqlalchemy`` it is the database behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dlt.common.destination import TLoaderFileFormat


class Support(StrEnum):
    """What is known of the loads into a kind of destination."""

    TESTED = "tested"
    NOT_RUN = "not run"
    REFUSED = "refused"


MEANING = {
    Support.TESTED: "passes the suites of this project and the conformance suite",
    Support.NOT_RUN: "dlt loads and merges; never run here, and refused unless its risk is accepted",
    Support.REFUSED: "refused, and no setting opens it",
}


@dataclass(frozen=True)
class DestinationKind:
    """An entry of the table.

    Attributes:
        name: The kind.
        title: The name of the product.
        support: What is known of it.
        note: What to mind, or why it is refused.
        file_format: Format of the files to load; None if it is refused.
    """

    name: str
    title: str
    support: Support
    note: str
    file_format: TLoaderFileFormat | None = None


_NO_TABLES = "It is no database of tables: nothing can be compared, marked or checked."
_NEEDS_BUCKET = "It loads through a bucket for staging only, which no setting of ours names."
_JSON_TEXT = "JSON columns hold JSON as text."


def _tested(
    name: str, title: str, file_format: TLoaderFileFormat, note: str = ""
) -> DestinationKind:
    return DestinationKind(name, title, Support.TESTED, note, file_format)


def _not_run(
    name: str, title: str, file_format: TLoaderFileFormat, note: str = ""
) -> DestinationKind:
    return DestinationKind(name, title, Support.NOT_RUN, note, file_format)


def _refused(name: str, title: str, note: str) -> DestinationKind:
    return DestinationKind(name, title, Support.REFUSED, note)


# A format that keeps JSON columns is preferred. Without one, a format that takes JSON as text.
KINDS = {
    kind.name: kind
    for kind in (
        _tested("duckdb", "DuckDB", "parquet", "The default."),
        _tested("postgres", "PostgreSQL", "parquet", "Needs the extra postgres."),
        _tested(
            "sqlite",
            "SQLite",
            "parquet",
            "Each dataset is a file. Decimals and times are texts that keep every digit.",
        ),
        _tested(
            "mariadb",
            "MariaDB",
            "parquet",
            "Needs the extra mariadb. Each dataset is a database. Times are in UTC, JSON is text.",
        ),
        _not_run("bigquery", "BigQuery", "jsonl", f"Parquet takes no JSON column. {_JSON_TEXT}"),
        _not_run("clickhouse", "ClickHouse", "parquet", "Merges are not one transaction."),
        _not_run("databricks", "Databricks", "parquet", "Merges are not one transaction."),
        _not_run("ducklake", "DuckLake", "parquet", "DuckDB downloads an extension."),
        _not_run("fabric", "Microsoft Fabric", "insert_values"),
        _not_run("motherduck", "MotherDuck", "parquet", "DuckDB downloads an extension."),
        _not_run("mssql", "Microsoft SQL Server", "insert_values"),
        _not_run("redshift", "Redshift", "insert_values", "Slow: no bucket for staging is used."),
        _not_run("snowflake", "Snowflake", "parquet", _JSON_TEXT),
        _not_run("synapse", "Azure Synapse", "insert_values"),
        _refused("athena", "Athena", _NEEDS_BUCKET),
        _refused("dremio", "Dremio", _NEEDS_BUCKET),
        _refused(
            "filesystem",
            "files, Delta Lake and Iceberg",
            "Plain files double the rows of each run, and Delta and Iceberg tables have no lock.",
        ),
        _refused(
            "mysql",
            "MySQL",
            "Its statements and types differ from MariaDB's, and no server was to be had here. "
            "The address of a MariaDB server begins with mariadb+pymysql://.",
        ),
        _refused(
            "sqlalchemy",
            "other databases through SQLAlchemy",
            "Merges have no lock, and nobody has compared the types. Without an address, the database is "
            "not known.",
        ),
        _refused("destination", "a function of Python", _NO_TABLES),
        _refused("dummy", "the dummy", "It throws all rows away."),
        _refused("lance", "Lance", _NO_TABLES),
        _refused("lancedb", "LanceDB", _NO_TABLES),
        _refused("qdrant", "Qdrant", _NO_TABLES),
        _refused("weaviate", "Weaviate", _NO_TABLES),
    )
}
"""All destinations of dlt, by kind."""

TESTED = frozenset(kind.name for kind in KINDS.values() if kind.support is Support.TESTED)
"""The kinds whose merges, soft deletes and checks are tested."""


def kind_of(name: str) -> DestinationKind:
    """The entry of a kind. A kind that dlt does not ship is not run here."""
    unknown = DestinationKind(name, name, Support.NOT_RUN, "It is no destination that dlt ships.")
    return KINDS.get(name, unknown)


def titles_of(support: Support) -> list[str]:
    """The products with this support, in the order of the table."""
    return [kind.title for kind in KINDS.values() if kind.support is support]
