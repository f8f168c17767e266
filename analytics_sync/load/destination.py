"""Where the tables go: the one place that knows the destination.

In: ``ANALYTICS_SYNC__DESTINATION`` (a dlt destination's name, ``duckdb`` by default) and dlt's own
settings of that destination. Out: a dlt ``Destination``, its kind for the UI, its lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import Any

import dlt
from dlt.common.configuration.specs.base_configuration import BaseConfiguration, is_secret_hint
from dlt.common.destination import Destination, TLoaderFileFormat
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

from analytics_sync.load.errors import LoadError

_PASSWORD = re.compile(r"://[^:/@]*:(.+)@")

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
        # rows have no order here. A thread's buffers are much of the memory of a load, and two were
        # no faster than one
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
    _resolve_once(destination)
    return destination


def _resolve_once(destination: Destination[Any, Any]) -> None:
    """Let the same settings be looked up once for a load: dlt does it two dozen times."""
    look_up = destination.configuration
    known: list[tuple[dict[str, Any], bool, Any]] = []

    def configuration(initial_config: Any, accept_partial: bool = False) -> Any:
        if initial_config is None:
            return look_up(initial_config, accept_partial=accept_partial)
        asked = _values(initial_config)
        for before, partial, resolved in known:
            if before == asked and partial == accept_partial:
                return copy(resolved)
        resolved = look_up(initial_config, accept_partial=accept_partial)
        known.append((asked, accept_partial, resolved))
        return copy(resolved)

    destination.configuration = configuration  # type: ignore[method-assign]


def _values(config: BaseConfiguration) -> dict[str, Any]:
    """Two configurations are never equal, what they hold may be."""
    return {n: _values(v) if isinstance(v, BaseConfiguration) else v for n, v in config.items()}


def destination_secrets(destination: Destination[Any, Any]) -> Iterator[str]:
    """The secret values among the destination's settings, for redaction.

    Also those of settings that are spelled wrong: the message about it may repeat them.
    """
    section = f"destination.{destination.destination_name}.credentials"
    for key in (section, f"{section}.password"):
        value: Any = dlt.secrets.get(key)
        if isinstance(value, str) and destination_kind(destination) != DEFAULT:
            yield value
            yield from _PASSWORD.findall(value)
    with suppress(Exception):  # whoever needs the settings will say what is wrong with them
        config = destination.configuration(destination.spec(), accept_partial=True)
        credentials = config.credentials
        for name, hint in credentials.get_resolvable_fields().items():
            value = getattr(credentials, name, None)
            if is_secret_hint(hint) and isinstance(value, str):
                yield value


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
