"""Destination factories: dlt's own for the tested warehouses, with job clients of ours.

In: a destination as dlt made it from its settings. Out: the same destination, whose clients merge
rows exactly. Name, type, settings and capabilities stay those of dlt's destination.
"""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dlt.common.configuration.specs.base_configuration import BaseConfiguration
from dlt.common.destination import Destination, DestinationCapabilitiesContext
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.schema import Schema
from dlt.common.schema.typing import TColumnSchema
from dlt.destinations.impl.duckdb.factory import duckdb
from dlt.destinations.impl.postgres.factory import PostgresTypeMapper, postgres
from dlt.destinations.impl.sqlalchemy.factory import sqlalchemy

from analytics_sync.common.stopping import Stop
from analytics_sync.load.clients.merge_counts import Merges
from analytics_sync.load.clients.merge_probe import MergeProbe
from analytics_sync.load.clients.merge_sql import Replaced

# Clients are imported when dlt needs one, because PostgreSQL's client needs an optional driver.
if TYPE_CHECKING:
    from dlt.destinations.impl.duckdb.duck import DuckDbClient
    from dlt.destinations.impl.postgres.postgres import PostgresClient
    from dlt.destinations.impl.sqlalchemy.sqlalchemy_job_client import SqlalchemyJobClient


class CachedConfiguration(Destination[Any, Any]):
    """A destination that resolves equal settings once: dlt does so two dozen times in a load."""

    @cached_property
    def replaced(self) -> dict[str, Replaced]:
        """The rows that a load replaces, by table. A table that is not in it keeps its other rows."""
        return {}

    @cached_property
    def probes(self) -> dict[str, MergeProbe]:
        """What the merges of a load look for, by table."""
        return {}

    stop = Stop()
    """Interrupts the statements of all clients; a load sets its own."""

    @cached_property
    def merges(self) -> Merges:
        """What the merges of a load did to their tables."""
        return Merges()

    def client(self, schema: Schema, initial_config: Any = None) -> Any:
        """A job client that knows the rows to replace, and counts what it merges."""
        client: Any = super().client(schema, initial_config)
        client.replaced, client.probes = self.replaced, self.probes
        client.merges = self.merges
        client.sql_client.stop = self.stop
        return client

    @cached_property
    def _resolved(self) -> list[tuple[dict[str, Any], bool, Any]]:
        """For each lookup: the values before, whether it was partial, and the resolved settings."""
        return []

    def configuration(self, initial_config: Any, accept_partial: bool = False) -> Any:
        """A copy of the resolved settings."""
        if initial_config is None:
            return super().configuration(initial_config, accept_partial=accept_partial)
        values = _values(initial_config)
        for known_values, partial, resolved in self._resolved:
            if known_values == values and partial == accept_partial:
                return copy(resolved)
        resolved = super().configuration(initial_config, accept_partial=accept_partial)
        self._resolved.append((values, accept_partial, resolved))
        return copy(resolved)


def _values(config: BaseConfiguration) -> dict[str, Any]:
    """The values of a configuration. They can be compared; two configurations are never equal."""
    return {n: _values(v) if isinstance(v, BaseConfiguration) else v for n, v in config.items()}


class MergingDuckDb(CachedConfiguration, duckdb):
    """dlt's ``duckdb`` destination with ``MergingDuckDbClient``."""

    @property
    def destination_type(self) -> str:
        """dlt's name of the type, which stands in the state of pipelines."""
        return "dlt.destinations.duckdb"

    @property
    def client_class(self) -> type[DuckDbClient]:
        """The class of the job clients."""
        from analytics_sync.load.clients.duckdb_client import MergingDuckDbClient

        return MergingDuckDbClient


class JsonbMapper(PostgresTypeMapper):
    """dlt's types, also for Parquet files: dlt makes ``json`` of JSON columns there, which no index takes."""

    def to_destination_type(self, column: TColumnSchema, table: PreparedTableSchema) -> str:
        """The type of a column."""
        if column.get("data_type") == "json":
            return self.sct_to_unbound_dbt["json"]
        return super().to_destination_type(column, table)


class MergingPostgres(CachedConfiguration, postgres):
    """dlt's ``postgres`` destination with ``MergingPostgresClient``."""

    @property
    def destination_type(self) -> str:
        """dlt's name of the type, which stands in the state of pipelines."""
        return "dlt.destinations.postgres"

    @property
    def client_class(self) -> type[PostgresClient]:
        """The class of the job clients."""
        from analytics_sync.load.clients.postgres_client import MergingPostgresClient

        return MergingPostgresClient


class MergingSqlalchemy(CachedConfiguration, sqlalchemy):
    """dlt's ``sqlalchemy`` destination with the names that a load package has."""

    @property
    def destination_type(self) -> str:
        """dlt's name of the type, which stands in the state of pipelines."""
        return "dlt.destinations.sqlalchemy"

    @classmethod
    def adjust_capabilities(
        cls, caps: DestinationCapabilitiesContext, config: Any, naming: Any
    ) -> DestinationCapabilitiesContext:
        """dlt's capabilities with the lengths with which the names in a load package are made.

        They are made without the settings, and so without the database.
        """
        lengths = caps.max_identifier_length, caps.max_column_identifier_length
        adjusted = super().adjust_capabilities(caps, config, naming)
        adjusted.max_identifier_length, adjusted.max_column_identifier_length = lengths
        return adjusted


class MergingSqlite(MergingSqlalchemy):
    """dlt's ``sqlalchemy`` destination with ``MergingSqliteClient``."""

    @property
    def client_class(self) -> type[SqlalchemyJobClient]:
        """The class of the job clients."""
        from analytics_sync.load.clients.sqlite_client import MergingSqliteClient

        return MergingSqliteClient

    @classmethod
    def adjust_capabilities(
        cls, caps: DestinationCapabilitiesContext, config: Any, naming: Any
    ) -> DestinationCapabilitiesContext:
        """dlt's capabilities with exact types, and one merge at a time: SQLite has one writer."""
        from analytics_sync.load.clients.sqlite_client import SqliteTypes

        adjusted = super().adjust_capabilities(caps, config, naming)
        adjusted.type_mapper = SqliteTypes
        adjusted.max_parallel_load_jobs = 1
        return adjusted


class MergingMariaDb(MergingSqlalchemy):
    """dlt's ``sqlalchemy`` destination with ``MergingMariaDbClient``."""

    @property
    def client_class(self) -> type[SqlalchemyJobClient]:
        """The class of the job clients."""
        from analytics_sync.load.clients.mariadb_client import MergingMariaDbClient

        return MergingMariaDbClient

    @classmethod
    def adjust_capabilities(
        cls, caps: DestinationCapabilitiesContext, config: Any, naming: Any
    ) -> DestinationCapabilitiesContext:
        """dlt's capabilities with exact types."""
        from analytics_sync.load.clients.mariadb_client import MariaDbTypes

        adjusted = super().adjust_capabilities(caps, config, naming)
        adjusted.type_mapper = MariaDbTypes
        return adjusted


_FACTORIES: dict[str, tuple[type[Destination[Any, Any]], type[Destination[Any, Any]]]] = {
    "duckdb": (duckdb, MergingDuckDb),
    "postgres": (postgres, MergingPostgres),
    "sqlite": (sqlalchemy, MergingSqlite),
    "mariadb": (sqlalchemy, MergingMariaDb),
}


def with_merging_client(destination: Destination[Any, Any], kind: str) -> Destination[Any, Any]:
    """The same destination with a job client of ours.

    A destination of another kind, and of another class than dlt's, keeps dlt's client.
    """
    of_dlt, factory = _FACTORIES.get(kind, (None, None))
    if factory is None or type(destination) is not of_dlt:
        return destination
    return factory(**destination.config_params, **destination.caps_params)
