"""The read copy of a DuckDB warehouse."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path

import duckdb
import pytest

from analytics_sync import cli
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import Loaded, load
from analytics_sync.load.sharing.locks import open_locked
from analytics_sync.load.sharing.read_copy import publish_read_copy
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.dagster_runs import make_dagster_home, metadata, run_in_dagster
from analytics_sync_tests.support.file_holder import held
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
COPY = "ANALYTICS_SYNC__READ_COPY"
SLOW = partial(pytest.param, marks=pytest.mark.slow)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A warehouse that is not there yet."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(folder / "w.duckdb"))
    monkeypatch.setenv(COPY, "copy.duckdb")
    return folder / "w.duckdb"


@pytest.fixture
def copy(file: Path) -> Path:
    """Where its copy will be."""
    return file.with_name("copy.duckdb")


def sync(api: Api, *ids: int) -> Loaded:
    """Load ``items`` with these keys."""
    api.on("/items", [{"id": i} for i in ids])
    with ReadRun(shop(item())) as run:
        loaded = load(run, "run")
        assert not run.failures()
    return loaded


def ids(file: Path) -> list[int]:
    """The keys in the table."""
    return [row["id"] for row in duckdb_file.table(file, "shop/items", order_by=["id"])]


def test_readers_of_the_copy_and_loads_do_not_meet(api: Api, file: Path, copy: Path) -> None:
    """A reader keeps the rows that it has opened. The next reader gets the new ones."""
    loaded = sync(api, 1)
    assert loaded.read_copy is not None
    assert (loaded.read_copy.path, loaded.read_copy.problem) == (str(copy), "")
    with held(copy), closing(duckdb.connect(str(copy), read_only=True)) as reader:
        sync(api, 1, 2)
        assert reader.execute("SELECT count(*) FROM shop.items").fetchall() == [(1,)]
    assert ids(copy) == ids(file) == [1, 2]
    assert sorted(p.name for p in file.parent.iterdir()) == [
        "copy.duckdb", "w.duckdb", "w.duckdb.lock",
    ]  # fmt: skip


@pytest.mark.parametrize("mode", [SLOW(0o600), 0o640, SLOW(0o664)])
def test_the_copy_has_the_rights_of_the_warehouse(
    api: Api, file: Path, copy: Path, mode: int
) -> None:
    sync(api, 1)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    file.chmod(mode)
    if os.geteuid() == 0:
        os.chown(file, -1, 54321)
    sync(api, 1, 2)
    found = copy.stat()
    assert stat.S_IMODE(found.st_mode) == mode
    assert found.st_gid == file.stat().st_gid


def test_what_others_left_beside_the_copy_does_no_harm(api: Api, file: Path, copy: Path) -> None:
    """A log of a writer is not executed on the next copy, and half a copy of a killed run is removed."""
    sync(api, 1)
    code = "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]); c.execute('DELETE FROM shop.items'); os._exit(0)"
    subprocess.run([sys.executable, "-c", code, str(copy)], check=True)
    assert copy.with_name("copy.duckdb.wal").exists()
    copy.with_name("copy.duckdb.new").write_bytes(b"half")
    sync(api, 1, 2)
    assert ids(copy) == [1, 2]


class Client:
    """The part of dlt's client that makes a copy."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.execute_sql = connection.execute

    def catalog_name(self) -> str:
        return "w"


def test_no_other_program_can_write_while_the_copy_is_made(
    api: Api, file: Path, copy: Path
) -> None:
    """A process that closes any handle of a file loses its locks on that file."""
    sync(api, 1)
    code = "import duckdb, sys; duckdb.connect(sys.argv[1])"
    with open_locked(lambda: closing(duckdb.connect(str(file)))) as connection:
        published = publish_read_copy(lambda: nullcontext(Client(connection)))
        assert published is not None
        assert not published.problem
        other = subprocess.run(
            [sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=False
        )
        assert "Could not set lock" in other.stderr


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("w.duckdb", "this is a file of the warehouse"),
        SLOW("../data/w.duckdb.wal", "this is a file of the warehouse"),
        SLOW("link.duckdb", "this is a file of the warehouse"),
        SLOW("folder", "is a folder"),
        ("plain/copy.duckdb", "plain"),
    ],
)
def test_a_copy_that_cannot_be_made_fails_no_load(
    api: Api, file: Path, value: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.with_name("folder").mkdir()
    file.with_name("plain").touch()
    file.with_name("link.duckdb").symlink_to(file)
    monkeypatch.setenv(COPY, value)
    loaded = sync(api, 1)
    assert loaded.read_copy is not None
    assert problem in loaded.read_copy.problem
    assert ids(file) == [1]
    assert not list(file.parent.glob("*.new"))


@pytest.mark.parametrize("works", [True, SLOW(False)])
def test_the_materialization_tells_of_the_copy(
    api: Api, file: Path, copy: Path, works: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.on("/items", [{"id": 1}])
    if not works:
        monkeypatch.setenv(COPY, "w.duckdb")
    home = make_dagster_home(tmp_path / "dagster")
    result = run_in_dagster(home, {"shop": shop(item())}, ["shop/items"])
    assert result.success
    (made,) = metadata(result).values()
    if works:
        assert made["read_copy"] == str(copy)
        assert ids(copy) == [1]
    else:
        assert "a file of the warehouse" in made["read_copy_not_renewed"]
        assert "read_copy" not in made


@pytest.mark.parametrize(
    ("setting", "value", "problem"),
    [
        SLOW("DESTINATION__DUCKDB__CREDENTIALS", "w.duckdb", "this is a file of the warehouse"),
        ("ANALYTICS_SYNC__DESTINATION", "postgres", "only a DuckDB file has a copy"),
    ],
)
def test_a_wrong_place_is_an_error_of_the_command_check(
    setting: str, value: str, problem: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv(setting, value)
    monkeypatch.setenv(COPY, "w.duckdb")
    assert cli.main(["check"]) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"{COPY} is 'w.duckdb': ")
    assert problem in message
