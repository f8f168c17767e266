"""The destinations that are accepted, under any name, and those that are refused."""

from __future__ import annotations

import re
from pathlib import Path

import dlt
import duckdb
import pytest
from dlt.common.destination import Destination
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
from analytics_sync.load.clients.destination_kinds import KINDS, TESTED, Support, titles_of
from analytics_sync.load.errors import LoadError
from analytics_sync.load.pipeline import load
from analytics_sync.load.warehouse import open_warehouse
from analytics_sync_tests.support import duckdb_file as file_support
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api
from analytics_sync_tests.support.world import ROOT

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


UNKNOWN_RISK = [("bigquery", None), ("motherduck", None), ("depot", None), ("depot", "snowflake")]
UNKNOWN_RISK += [("DuckDB", None), ("mine.destinations.duckdb", None)]
REFUSED = [
    ("filesystem", None),
    ("duckdb", "filesystem"),
    ("sqlalchemy", None),
    ("depot", "athena"),
]


@pytest.mark.parametrize(("name", "type_"), [*UNKNOWN_RISK, *REFUSED])
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
        assert message.startswith(f"destination {name!r} is of the type {type_ or name!r}, which")
        assert "`analytics-sync destinations`" in message
        assert all(title in message for title in titles_of(Support.TESTED))
        assert "\n" not in message
        assert (f"ANALYTICS_SYNC__{ALLOW}=true" in message) is ((name, type_) in UNKNOWN_RISK)
        if (name, type_) in REFUSED:
            assert KINDS[type_ or name].note in message
    monkeypatch.setenv(f"ANALYTICS_SYNC__{ALLOW}", "yes")
    with pytest.raises(LoadError, match=r"which (was never run here|is refused)"):
        check_destination()
    monkeypatch.setenv(f"ANALYTICS_SYNC__{ALLOW}", "true")
    if (name, type_) in REFUSED:
        with pytest.raises(LoadError, match="is refused"):
            build_definitions(sources)
    else:
        assert build_definitions(sources)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"CREDENTIALS": "sqlite:///w.sqlite"}, "sqlite"),
        ({"CREDENTIALS": "mysql+pymysql://a:b@db.example.com/w"}, "mysql"),
        ({"CREDENTIALS": "mariadb+pymysql://a:b@db.example.com/w"}, "mariadb"),
        ({"CREDENTIALS": "mariadb://a:b@db.example.com/w"}, "mariadb"),
        ({"CREDENTIALS__DRIVERNAME": "mysql+pymysql"}, "mysql"),
        ({"CREDENTIALS": "oracle+oracledb://a:b@db.example.com"}, "sqlalchemy"),
        ({}, "sqlalchemy"),
    ],
)
@pytest.mark.parametrize("name", ["sqlalchemy", "depot"])
def test_sqlalchemy_is_judged_by_the_database_behind_it(
    name: str, settings: dict[str, str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", name)
    monkeypatch.setenv(f"DESTINATION__{name.upper()}__DESTINATION_TYPE", "sqlalchemy")
    for key, value in settings.items():
        monkeypatch.setenv(f"DESTINATION__{name.upper()}__{key}", value)
    assert configured_kind() == kind


def test_the_table_has_each_destination_of_dlt() -> None:
    assert KINDS.keys() == {*dlt.destinations.__all__, "sqlite", "mariadb", "mysql"}
    assert {"duckdb", "postgres"} <= TESTED
    for kind in KINDS.values():
        assert bool(kind.file_format) is (kind.support is not Support.REFUSED), kind.name
        assert kind.note or kind.support is not Support.REFUSED, f"{kind.name}: no reason"


@pytest.mark.parametrize("name", [k.name for k in KINDS.values() if k.file_format])
def test_dlt_loads_the_file_format_of_the_table(name: str) -> None:
    destination = Destination.from_reference(_TYPES.get(name, name))
    assert destination is not None
    supported = destination._raw_capabilities().supported_loader_file_formats
    assert KINDS[name].file_format in (supported or ())


_TYPES = {"sqlite": "sqlalchemy", "mariadb": "sqlalchemy"}


def test_the_command_the_docs_and_the_readme_have_the_same_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["destinations", "--markdown"]) == 0
    table = capsys.readouterr().out
    assert table in (ROOT / "docs" / "destinations.md").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (sentence,) = re.findall(r"^Tested: (.*?)\.$", readme, re.MULTILINE)
    assert sentence.split(", ") == titles_of(Support.TESTED)
    assert main(["destinations"]) == 0
    text = capsys.readouterr().out
    for kind in KINDS.values():
        (line,) = (x for x in text.splitlines() if x.split(" ")[0] == kind.name)
        assert all(part in line for part in (kind.title, kind.support, kind.note)), line
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "filesystem")
    assert main(["destinations"]) == 2
    assert KINDS["filesystem"].note in capsys.readouterr().err


def test_an_untested_destination_is_not_compared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "motherduck")
    monkeypatch.setenv(f"ANALYTICS_SYNC__{ALLOW}", "true")
    for command in (["diff"], ["heal"], ["reset", "delivery/builds", "--yes"]):
        assert main(["schema", *command]) == 2
        out, err = capsys.readouterr()
        assert err == (
            f"destination motherduck: tables are compared in {', '.join(titles_of(Support.TESTED))} "
            "only. Set ANALYTICS_SYNC__DESTINATION to one of them.\n"
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
