"""The destination of all tables, as it is configured.

In: ``ANALYTICS_SYNC__DESTINATION`` (the name of a dlt destination, ``duckdb`` by default) and dlt's
own settings of that destination. Out: a dlt ``Destination``, its kind, its secrets and its file
format. ``destination_kinds`` says which kinds are accepted, and why others are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import dlt
from dlt.common.configuration.specs.base_configuration import is_secret_hint
from dlt.common.destination import Destination, TLoaderFileFormat
from dlt.common.destination.reference import DestinationReference
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

from analytics_sync.common.settings_files import foreign_settings
from analytics_sync.common.stopping import Stop
from analytics_sync.load.clients.default_file import default_file, file_left_behind
from analytics_sync.load.clients.destination_kinds import Support, kind_of, titles_of
from analytics_sync.load.clients.factories import (
    CachedConfiguration,
    JsonbMapper,
    with_merging_client,
)
from analytics_sync.load.clients.warehouse_files import without_foreign_links
from analytics_sync.load.errors import LoadError

_PASSWORD_IN_URL = re.compile(r"://[^:/@]*:(.+)@")

DEFAULT = "duckdb"
_SQLALCHEMY = "sqlalchemy"
_DATABASES = {"sqlite": "sqlite", "mysql": "mysql", "mariadb": "mariadb"}
_MARIADB = "mariadb+pymysql"
_PREFIX = "dlt.destinations."
_ALLOW_UNTESTED = "allow_untested_destination_that_may_lose_rows"


def destination_name() -> str:
    """Name of the configured destination."""
    return dlt.config.get("analytics_sync.destination", str) or DEFAULT


def configured_kind() -> str:
    """Kind of the configured destination, whatever its name: ``duckdb``, ``postgres`` or another."""
    name = destination_name()
    configured = None if "." in name else dlt.config.get(_setting("destination_type"), str)
    return _kind(configured or name, name)


def check_destination() -> None:
    """Accept the configured destination, if it is tested or its risk is accepted.

    Raises:
        LoadError: It is neither, or it is refused.
    """
    kind = kind_of(configured_kind())
    allowed = str(dlt.config.get(f"analytics_sync.{_ALLOW_UNTESTED}")).lower() == "true"
    if kind.support is Support.TESTED or (kind.support is Support.NOT_RUN and allowed):
        return
    tested = ", ".join(titles_of(Support.TESTED))
    refusal, accept = f"is refused. {kind.note}", ""
    if kind.support is Support.NOT_RUN:
        refusal = "was never run here: loads into other kinds lost rows, or marked living ones as deleted."
        accept = (
            f"accept the risk with ANALYTICS_SYNC__{_ALLOW_UNTESTED.upper()}=true, which marks no row as "
            "deleted, or "
        )
    raise LoadError(
        f"destination {destination_name()!r} is of the type {kind.name!r}, which {refusal} "
        f"To go on, {accept}set ANALYTICS_SYNC__DESTINATION to a tested one: {tested}. "
        "`analytics-sync destinations` lists all kinds."
    )


def make_destination(
    run: str = "", folder: Path | None = None, stop: Stop | None = None
) -> Destination[Any, Any]:
    """The configured destination, as a dlt object.

    Args:
        run: A unique suffix for the name of the staging dataset, because merges of parallel runs
            through a shared staging dataset would lose rows. Without it the name is dlt's.
        folder: The folder that DuckDB may read and write, beside its own file; None for no folder.
        stop: Interrupts the statements of the run; None if nothing does.

    Raises:
        LoadError: The destination is not tested, dlt does not know it, or another user may have set it.
    """
    check_destination()
    if problem := foreign_settings():
        raise LoadError(f"{problem}. Remove it, or set HOME to a folder of yours, and run again.")
    name = destination_name()
    arguments: dict[str, Any] = {}
    if configured_kind() == DEFAULT:
        arguments["credentials"] = DuckDbCredentials(str(duckdb_file()))
        arguments["credentials"].global_config = _duckdb_settings(folder)
    if configured_kind() in _DATABASES.values():
        arguments["engine_kwargs"] = _engine(configured_kind())
    if run:
        arguments["staging_dataset_name_layout"] = f"%s_staging_{run}"
    try:
        destination = Destination.from_reference(name, **arguments)
    except Exception as e:
        raise LoadError(
            f"destination {name!r} is not one that dlt knows ({e}). "
            "Correct ANALYTICS_SYNC__DESTINATION; for a DuckDB file leave it unset."
        ) from e
    assert destination is not None, "dlt returns None only without a name"
    destination = with_merging_client(destination, configured_kind())
    if stop is not None and isinstance(destination, CachedConfiguration):
        destination.stop = stop
    # dlt 1.31 merges outside of a transaction unless the destination declares transactions. A run
    # that dies between the delete and the insert would then leave a table without the rows.
    if destination.capabilities().supports_ddl_transactions:
        destination.caps_params.setdefault("supports_transactions", True)
    if destination_kind(destination) == "postgres":
        destination.caps_params["loader_file_format_selector"] = _also_parquet
        destination.caps_params["type_mapper"] = JsonbMapper
    return destination


def _engine(kind: str) -> dict[str, Any]:
    """Settings of SQLAlchemy's engine for a database.

    Raises:
        LoadError: Its driver is missing, or another one is named.
    """
    if kind == "sqlite":
        from analytics_sync.load.clients.sqlite_connection import ENGINE as SQLITE

        return SQLITE
    if (driver := _drivername(destination_name())) != _MARIADB:
        raise LoadError(
            f"destination {destination_name()!r} has an address of {driver}://, and only {_MARIADB}:// is tested. "
            "Correct its credentials."
        )
    try:
        from analytics_sync.load.clients.mariadb_connection import ENGINE
    except ModuleNotFoundError as e:
        raise LoadError(
            f"destination {destination_name()!r} needs the driver {e.name}, which is not installed. "
            "Install the extra: pip install 'analytics_sync[mariadb]'."
        ) from e
    return ENGINE


def _duckdb_settings(folder: Path | None) -> dict[str, Any]:
    """Settings of DuckDB, in the order in which it takes them.

    Rows have no order here. The buffers of each thread are much of the memory of a load, and two
    threads were no faster than one. No view or macro of the file reads another file or asks a server,
    and no extension is loaded or downloaded.
    """
    settings: dict[str, Any] = {
        "preserve_insertion_order": False,
        "threads": 1,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if folder is not None:
        settings |= {"temp_directory": str(folder), "allowed_directories": [str(folder)]}
    return settings | {"enable_external_access": False}


def _also_parquet(
    preferred: TLoaderFileFormat, supported: Sequence[TLoaderFileFormat], /, *, table_schema: Any
) -> tuple[TLoaderFileFormat, Sequence[TLoaderFileFormat]]:
    """The file formats of a PostgreSQL table: dlt leaves Parquet out without a driver that we do not use."""
    return preferred, supported


def destination_secrets(destination: Destination[Any, Any]) -> Iterator[str]:
    """The secret values among the destination's settings, for redaction.

    Values that dlt cannot parse are included, because its message about them may repeat them.
    """
    section = f"destination.{destination.destination_name}.credentials"
    for key in (section, f"{section}.password"):
        value: Any = dlt.secrets.get(key)
        if isinstance(value, str) and destination_kind(destination) != DEFAULT:
            yield value
            yield from _PASSWORD_IN_URL.findall(value)
    with suppress(Exception):  # the code that opens the destination reports wrong settings
        config = destination.configuration(destination.spec(), accept_partial=True)
        credentials = config.credentials
        for name, hint in credentials.get_resolvable_fields().items():
            value = getattr(credentials, name, None)
            if is_secret_hint(hint) and isinstance(value, str):
                yield value


def destination_kind(destination: Destination[Any, Any]) -> str:
    """Kind of the destination, ``postgres`` for instance, whatever name it is configured under."""
    return _kind(destination.destination_type, destination.destination_name)


def duckdb_file() -> Path:
    """Path of the DuckDB file, if the destination is DuckDB. Links are resolved: a file has one lock."""
    return without_foreign_links(_configured_file() or default_file())


def has_default_file() -> bool:
    """Whether the warehouse is the DuckDB file that no setting names."""
    return configured_kind() == DEFAULT and _configured_file() is None


def _configured_file() -> Path | None:
    """The path in the settings; None without one."""
    key = _setting("credentials")
    value: Any = dlt.secrets.get(key)
    if isinstance(value, Mapping):
        value = value.get("database")
    path = value or dlt.secrets.get(f"{key}.database", str)
    return Path(str(path).removeprefix("duckdb:///")) if path else None


def left_behind() -> Path | None:
    """A file of the default name in the working folder that is not the warehouse; None without one."""
    return file_left_behind() if has_default_file() else None


def warehouse_address(destination: Destination[Any, Any]) -> str:
    """Where the tables are, without user and password: a file, or server and database."""
    if destination_kind(destination) == DEFAULT:
        return str(duckdb_file())
    credentials: Any = None
    with suppress(Exception):  # the code that opens the destination reports wrong settings
        config = destination.configuration(destination.spec(), accept_partial=True)
        credentials = config.credentials
    if destination_kind(destination) == "sqlite":
        return str(getattr(credentials, "database", None) or destination.destination_name)
    host, database = (getattr(credentials, n, None) for n in ("host", "database"))
    if not host:
        return destination.destination_name
    port = getattr(credentials, "port", None)
    return f"{destination_kind(destination)}://{host}{f':{port}' if port else ''}/{database or ''}"


def file_format(destination: Destination[Any, Any]) -> TLoaderFileFormat:
    """Format of the files to load. A destination that dlt does not ship takes its own first choice."""
    declared = kind_of(destination_kind(destination)).file_format
    preferred: TLoaderFileFormat | None = destination.capabilities().preferred_loader_file_format
    return declared or preferred or "insert_values"


def _setting(name: str, destination: str = "") -> str:
    """dlt's key of a setting of a destination; by default of the configured one."""
    return f"destination.{(destination or destination_name()).rsplit('.', 1)[-1]}.{name}"


def _kind(destination_type: str, name: str) -> str:
    """dlt's short name of one of its own types, or the database behind it; another type in full."""
    short = DestinationReference.normalize_type(destination_type).removeprefix(_PREFIX)
    if short != _SQLALCHEMY:
        return short
    return _DATABASES.get(_drivername(name).partition("+")[0], short)


def _drivername(destination: str) -> str:
    """SQLAlchemy's name of database and driver in the address of a destination; empty without an address."""
    key = _setting("credentials", destination)
    value: Any = dlt.secrets.get(key)
    if isinstance(value, Mapping):
        value = value.get("drivername")
    address = value or dlt.secrets.get(f"{key}.drivername", str) or ""
    return str(address).partition(":")[0]
