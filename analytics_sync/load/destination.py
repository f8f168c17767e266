"""Where the tables go: the one place that knows the destination.

In: ``ANALYTICS_SYNC__DESTINATION`` (a dlt destination's name, ``duckdb`` by default) and dlt's own
settings of that destination. Out: a dlt ``Destination``, its kind for the UI, its lock.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlt
from dlt.common.destination import Destination, TLoaderFileFormat
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

from analytics_sync.load.errors import LoadError

DEFAULT = "duckdb"
DEFAULT_FILE = "warehouse.duckdb"


def destination_name() -> str:
    """The configured destination."""
    return dlt.config.get("analytics_sync.destination", str) or DEFAULT


def make_destination(run: str = "") -> Destination[Any, Any]:
    """The configured destination.

    Args:
        run: Unique; the staging dataset then has a name of its own, because merges of parallel
            runs through a shared one would lose rows.

    Raises:
        LoadError: dlt does not know the destination.
    """
    name = destination_name()
    arguments: dict[str, Any] = {}
    if name == DEFAULT:
        arguments["credentials"] = DuckDbCredentials(str(duckdb_file()))
        # rows have no order here, and a thread's buffers are most of the memory of a load: one
        # thread took 500 MB for 100,000 records where two took 680, in the same time
        arguments["credentials"].global_config = {"preserve_insertion_order": False, "threads": 1}
    if run:
        arguments["staging_dataset_name_layout"] = f"%s_staging_{run}"
    try:
        destination = Destination.from_reference(name, **arguments)
    except Exception as e:
        raise LoadError(
            f"destination {name!r} is not one that dlt knows ({e}). "
            "Correct ANALYTICS_SYNC__DESTINATION; for a DuckDB file leave it unset."
        ) from e
    assert destination is not None, "dlt gives None only for no name"
    # dlt 1.31 merges outside of a transaction where nobody says that there are any: what dies
    # between the delete and the insert would leave a table without the rows
    if destination.capabilities().supports_ddl_transactions:
        destination.caps_params.setdefault("supports_transactions", True)
    return destination


def destination_kind(destination: Destination[Any, Any]) -> str:
    """What the destination is, whatever name it is configured under: ``postgres``, for instance."""
    return str(destination.destination_type).rsplit(".", 1)[-1]


def duckdb_file() -> Path:
    """The DuckDB file; meaningful only when that is the destination."""
    value = dlt.secrets.get("destination.duckdb.credentials", str)
    return Path(str(value or DEFAULT_FILE).removeprefix("duckdb:///")).absolute()


def file_format(destination: Destination[Any, Any]) -> TLoaderFileFormat:
    """Parquet where the destination takes it, otherwise what it takes fastest from Arrow."""
    formats = destination.capabilities().supported_loader_file_formats or []
    known: tuple[TLoaderFileFormat, ...] = ("parquet", "csv")
    return next((name for name in known if name in formats), "insert_values")
