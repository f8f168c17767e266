"""Destination factories of ours: dlt's settings, names and types, and our job clients."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dlt.common.destination import Destination
from dlt.common.destination import reference as dlt_reference
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.schema import Schema
from dlt.destinations.impl.duckdb.duck import DuckDbClient
from dlt.destinations.impl.postgres.postgres import PostgresClient
from dlt.destinations.impl.sqlalchemy.sqlalchemy_job_client import SqlalchemyJobClient

from analytics_sync.extract.run import ReadRun
from analytics_sync.load.clients import factories
from analytics_sync.load.clients.destination import destination_kind, make_destination
from analytics_sync.load.clients.duckdb_client import MergingDuckDbClient
from analytics_sync.load.clients.duckdb_merge_job import DuckDbMergeJob
from analytics_sync.load.clients.lookup_merge_job import LookupMergeJob
from analytics_sync.load.clients.mariadb_client import MergingMariaDbClient
from analytics_sync.load.clients.mariadb_merge_job import MariaDbMergeJob
from analytics_sync.load.clients.postgres_client import MergingPostgresClient
from analytics_sync.load.clients.postgres_merge_job import PostgresMergeJob
from analytics_sync.load.clients.sqlite_client import MergingSqliteClient
from analytics_sync.load.clients.sqlite_merge_job import SqliteMergeJob
from analytics_sync.load.pipeline import load
from analytics_sync.load.warehouse import open_warehouse
from analytics_sync_tests.load.test_destination import ALLOW
from analytics_sync_tests.support import duckdb_file, postgres_server, sqlite_file
from analytics_sync_tests.support.postgres_server import Postgres
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
ADDRESS = "postgresql://user:word@db.example.com:5432/place"
CLIENTS = [
    pytest.param(MergingDuckDbClient, DuckDbClient, id="duckdb"),
    pytest.param(MergingPostgresClient, PostgresClient, id="postgres"),
    pytest.param(MergingSqliteClient, SqlalchemyJobClient, id="sqlite"),
    pytest.param(MergingMariaDbClient, SqlalchemyJobClient, id="mariadb", marks=pytest.mark.slow),
]

JOBS = [DuckDbMergeJob, PostgresMergeJob, SqliteMergeJob, MariaDbMergeJob]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The DuckDB file of the settings. It does not exist yet."""
    path = tmp_path / "w.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(path))
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", ADDRESS)
    return path


def unresolved(destination: Destination[Any, Any], dataset: str = "shop") -> Any:
    """Settings of a client before dlt resolves them."""
    config = destination.spec()
    config.dataset_name = dataset
    return config


@pytest.mark.parametrize(
    ("name", "client"), [("duckdb", MergingDuckDbClient), ("postgres", MergingPostgresClient)]
)
def test_a_destination_differs_from_dlts_only_in_its_client(
    name: str, client: type, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", name)
    ours, dlts = make_destination(), Destination.from_reference(name)
    assert dlts is not None
    assert ours.client_class is client
    assert issubclass(client, dlts.client_class)
    for attribute in ("destination_type", "destination_name", "configured_name", "spec"):
        assert getattr(ours, attribute) == getattr(dlts, attribute), attribute
    settings = [d.configuration(unresolved(d)) for d in (ours, dlts)]
    assert settings[0].fingerprint() == settings[1].fingerprint()
    assert settings[0].destination_type == settings[1].destination_type
    capabilities = [
        {name: value for name, value in d.capabilities().items() if not callable(value)}
        for d in (ours, dlts)
    ]
    differing = {name for name, value in capabilities[0].items() if value != capabilities[1][name]}
    assert differing == {"supports_transactions"}


@pytest.mark.parametrize("name", ["duckdb", "postgres"])
def test_settings_come_from_dlts_sections(
    name: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", name)
    for value in ("true", "false"):
        monkeypatch.setenv(f"DESTINATION__{name.upper()}__CREATE_INDEXES", value)
        destination = make_destination("run1")
        config = destination.configuration(unresolved(destination))
        assert config.create_indexes is (value == "true")
        assert config.staging_dataset_name_layout == "%s_staging_run1"


def test_postgres_takes_parquet_without_another_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """dlt leaves it out, because its own job copies it over a connection of another driver."""
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "postgres")
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", ADDRESS)
    selector = make_destination().capabilities().loader_file_format_selector
    assert selector is not None
    formats = ["insert_values", "csv", "parquet"]
    assert selector("parquet", formats, table_schema={}) == ("parquet", formats)


def test_another_destination_stays_dlts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "motherduck")
    monkeypatch.setenv(f"ANALYTICS_SYNC__{ALLOW}", "true")
    destination = make_destination()
    assert type(destination).__module__.startswith("dlt.destinations.")


def test_equal_settings_are_resolved_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resolved = 0
    resolve = dlt_reference.resolve_configuration

    def counted(*args: Any, **options: Any) -> Any:
        nonlocal resolved
        resolved += 1
        return resolve(*args, **options)

    destination = make_destination()
    monkeypatch.setattr(dlt_reference, "resolve_configuration", counted)
    first, again = (destination.configuration(unresolved(destination)) for _ in range(2))
    assert resolved == 1
    assert first is not again, "a client may change its copy"
    assert destination.configuration(unresolved(destination, "b")).dataset_name == "b"
    destination.configuration(unresolved(destination), accept_partial=True)
    assert resolved == 3, "other settings, and settings in part, are resolved apart"


def load_named(api: Api, monkeypatch: pytest.MonkeyPatch, kind: str, address: str) -> str:
    """Load an item twice into a destination ``depot`` of a kind; dlt's name of the destination."""
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "depot")
    monkeypatch.setenv("DESTINATION__DEPOT__DESTINATION_TYPE", kind)
    monkeypatch.setenv("DESTINATION__DEPOT__CREDENTIALS", address)
    api.on("/items", [{"id": 1, "v": "old"}], [{"id": 1, "v": "new"}])
    names = set()
    for _ in range(2):
        with ReadRun(shop(item(columns={"id": "bigint", "v": "text"}))) as run:
            names.add(load(run, "run").destination)
            assert not run.failures()
    (name,) = names
    return name


def test_a_named_destination_is_postgres(
    api: Api, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = postgres.database()
    assert load_named(api, monkeypatch, "postgres", address) == "depot"
    destination = make_destination()
    assert (destination_kind(destination), destination.destination_name) == ("postgres", "depot")
    assert destination.client_class is MergingPostgresClient
    assert [r["v"] for r in postgres_server.table(address, "shop/items")] == ["new"]


def test_a_named_destination_is_duckdb(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_named(api, monkeypatch, "duckdb", str(tmp_path / "d.duckdb")) == "depot"
    assert make_destination().client_class is MergingDuckDbClient
    assert [r["v"] for r in duckdb_file.table(tmp_path / "d.duckdb", "shop/items")] == ["new"]


def overridden(ours: type, dlts: type) -> dict[str, tuple[Callable[..., Any], Callable[..., Any]]]:
    """The methods that our classes override: ours and dlt's, by name."""
    ancestors = [kind for kind in reversed(ours.__mro__) if not issubclass(dlts, kind)]
    return {
        name: (method, getattr(dlts, name))
        for kind in ancestors
        for name, method in vars(kind).items()
        if inspect.isfunction(method)
    }


@pytest.mark.parametrize(("ours", "dlts"), CLIENTS)
def test_dlt_has_the_overridden_methods(ours: type, dlts: type) -> None:
    methods = overridden(ours, dlts)
    assert methods
    for name, (our_method, dlts_method) in methods.items():
        assert name == "__init__" or not name.startswith("_"), "only public methods"
        found, expected = (inspect.signature(m).parameters for m in (our_method, dlts_method))
        assert list(found) == list(expected), name


@pytest.mark.parametrize(("ours", "dlts"), CLIENTS)
def test_a_load_and_a_look_at_its_table_call_the_overridden_methods(
    api: Api,
    request: pytest.FixtureRequest,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    ours: type,
    dlts: type,
) -> None:
    if dlts is PostgresClient:
        address = request.getfixturevalue("postgres").database()
        monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "postgres")
        monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", address)
    if dlts is SqlalchemyJobClient:
        address = f"sqlite:///{file.with_suffix('.sqlite')}"
        if ours is MergingMariaDbClient:
            address = request.getfixturevalue("mariadb").empty()
        for name, value in sqlite_file.settings(address).items():
            monkeypatch.setenv(name, value)
    called = set()

    def recorded(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            called.add(name)
            return method(*args, **options)

        return call

    methods = overridden(ours, dlts)
    for name, (method, _) in methods.items():
        monkeypatch.setattr(ours, name, recorded(name, method))
    api.on("/items", [{"id": 1, "v": "x"}])
    with ReadRun(shop(item(columns={"id": "bigint", "v": "text"}))) as run:
        load(run, "run")
    with open_warehouse("shop") as warehouse:
        assert warehouse.types("items")["id"] == "bigint"
    assert called == set(methods)


def test_dlt_still_reads_the_hooks_of_a_factory() -> None:
    """dlt does not document that factories may be subclassed; its own code reads these names."""
    for name in ("configuration", "destination_type", "client_class"):
        assert hasattr(Destination, name)
        assert name in vars(factories.CachedConfiguration) | vars(factories.MergingDuckDb)
    parameters = inspect.signature(Destination.configuration).parameters
    ours = inspect.signature(factories.CachedConfiguration.configuration).parameters
    assert list(parameters) == list(ours)


@pytest.mark.parametrize("job_class", JOBS)
def test_dlt_sets_the_attributes_that_jobs_read(
    job_class: type[DuckDbMergeJob] | type[PostgresMergeJob] | type[LookupMergeJob],
) -> None:
    """Their names begin with an underscore; every job of dlt reads them."""
    table: PreparedTableSchema = {"name": "items", "write_disposition": "merge", "columns": {}}
    job = job_class("/package/new_jobs/items.0123456789.0.parquet")
    assert job._job_client is None, "set by run_managed"
    job.set_run_vars("1700000000.5", Schema("shop"), table)
    assert job._file_path == "/package/new_jobs/items.0123456789.0.parquet"
    assert job._load_id == "1700000000.5"
    assert job._load_table is table
