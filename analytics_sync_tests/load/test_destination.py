"""The destinations that are accepted, under any name, and those that are refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock, Timeout

from analytics_sync.cli import main
from analytics_sync.defs.build import build_definitions
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.clients.destination import (
    check_destination,
    configured_kind,
    duckdb_file,
    make_destination,
)
from analytics_sync.load.errors import LoadError
from analytics_sync.load.pipeline import load
from analytics_sync.load.warehouse import open_warehouse
from analytics_sync_tests.support import duckdb_file as file_support
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
ALLOW = "ALLOW_UNTESTED_DESTINATION_THAT_MAY_LOSE_ROWS"


@pytest.fixture
def depot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DuckDB file that is configured under the name ``depot``. It does not exist yet."""
    file = tmp_path / "folder" / "depot.duckdb"
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "depot")
    monkeypatch.setenv("DESTINATION__DEPOT__DESTINATION_TYPE", "duckdb")
    monkeypatch.setenv("DESTINATION__DEPOT__CREDENTIALS", f"duckdb:///{file}")
    return file


def sync() -> None:
    """Read and load the item."""
    with ReadRun(shop(item(columns={"id": "bigint", "v": "text"}))) as run:
        load(run, "run")
        assert not run.failures()


@pytest.mark.parametrize(
    ("name", "type_", "kind"),
    [
        ("", None, "duckdb"),
        ("duckdb", None, "duckdb"),
        ("postgres", None, "postgres"),
        ("depot", "duckdb", "duckdb"),
        ("depot", "postgres", "postgres"),
        ("depot", "dlt.destinations.duckdb", "duckdb"),
        ("dlt.destinations.postgres", None, "postgres"),
        ("duckdb", "postgres", "postgres"),
    ],
)
def test_duckdb_and_postgres_are_accepted_under_any_name(
    name: str, type_: str | None, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", name)
    if type_:
        monkeypatch.setenv(f"DESTINATION__{name.upper()}__DESTINATION_TYPE", type_)
    check_destination()
    assert configured_kind() == kind


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("filesystem", None),
        ("sqlalchemy", None),
        ("motherduck", None),
        ("depot", None),
        ("depot", "sqlalchemy"),
        ("duckdb", "filesystem"),
        ("DuckDB", None),
        ("mine.destinations.duckdb", None),
    ],
)
def test_another_destination_is_refused_when_definitions_load(
    name: str, type_: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", name)
    if type_:
        monkeypatch.setenv(f"DESTINATION__{name.upper()}__DESTINATION_TYPE", type_)
    sources = {"shop": shop(item())}
    for refused in (lambda: build_definitions(sources), make_destination):
        with pytest.raises(LoadError) as error:
            refused()
        message = str(error.value)
        assert message.startswith(
            f"destination {name!r} is of the type {type_ or name!r}, and only"
        )
        assert f"ANALYTICS_SYNC__{ALLOW}=true" in message
        assert "\n" not in message
    monkeypatch.setenv(f"ANALYTICS_SYNC__{ALLOW}", "yes")
    with pytest.raises(LoadError, match="only DuckDB and PostgreSQL"):
        check_destination()
    monkeypatch.setenv(f"ANALYTICS_SYNC__{ALLOW}", "true")
    check_destination()
    assert build_definitions(sources)


def test_an_untested_destination_marks_nothing_as_deleted(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "sqlalchemy")
    monkeypatch.setenv(
        "DESTINATION__SQLALCHEMY__CREDENTIALS", f"sqlite:///{tmp_path / 'main.sqlite'}"
    )
    monkeypatch.setenv(f"ANALYTICS_SYNC__{ALLOW}", "true")
    api.on("/items", [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}], [{"id": 1, "v": "c"}])
    sync()
    sync()
    (file,) = tmp_path.glob("*shop.sqlite")
    with sqlite3.connect(file) as connection:
        rows = connection.execute("SELECT id, v, _deleted_at FROM items ORDER BY id").fetchall()
    assert [(id_, deleted) for id_, _, deleted in rows] == [(1, None), (2, None)]


def test_an_untested_destination_is_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "sqlalchemy")
    monkeypatch.setenv("DESTINATION__SQLALCHEMY__CREDENTIALS", f"sqlite:///{tmp_path / 'x.sqlite'}")
    monkeypatch.setenv(f"ANALYTICS_SYNC__{ALLOW}", "true")
    for command in (["diff"], ["heal"], ["reset", "delivery/builds", "--yes"]):
        assert main(["schema", *command]) == 2
        out, err = capsys.readouterr()
        assert err == (
            "destination sqlalchemy: tables are compared in DuckDB and PostgreSQL only. Set "
            "ANALYTICS_SYNC__DESTINATION to one of them.\n"
        )
        assert out == ""


def test_a_duckdb_file_of_another_name_is_made_and_locked(api: Api, depot: Path) -> None:
    api.on("/items", [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}], [{"id": 1, "v": "c"}])
    with open_warehouse("shop") as warehouse:
        assert warehouse.columns("items") == (), "there is no file yet"
    assert duckdb_file() == depot
    sync()
    with open_warehouse("shop"), pytest.raises(Timeout):
        FileLock(f"{depot}.lock").acquire(timeout=0)
    with duckdb.connect(str(depot)) as connection:
        connection.execute("CREATE SCHEMA shop_staging_0123456789abcdef")
    sync()
    rows = file_support.table(depot, "shop/items", ["id"])
    assert [(row["v"], row["_deleted_at"] is None) for row in rows] == [("c", True), ("b", False)]
    schemas = {
        name for (name,) in file_support.query(depot, "SELECT schema_name FROM duckdb_schemas()")
    }
    assert not {name for name in schemas if "staging" in name}


def test_a_file_has_one_lock_under_all_its_names(
    depot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "link.duckdb"
    link.symlink_to(depot)
    monkeypatch.setenv("DESTINATION__DEPOT__CREDENTIALS", str(link))
    assert duckdb_file() == depot


def test_the_file_may_stand_in_a_section(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """dlt reads a table ``[destination.duckdb.credentials]`` with the key ``database``, too."""
    monkeypatch.delenv("DESTINATION__DUCKDB__CREDENTIALS", raising=False)
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS__DATABASE", str(tmp_path / "x.duckdb"))
    assert duckdb_file() == tmp_path / "x.duckdb"
