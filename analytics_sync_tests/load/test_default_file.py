"""The default warehouse: one file for a project, whatever folder a run starts from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from analytics_sync.load.clients.destination import duckdb_file
from analytics_sync.load.errors import LoadError
from analytics_sync_tests.support import duckdb_file as file_support
from analytics_sync_tests.support.dagster_runs import make_dagster_home, run_source
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api
from analytics_sync_tests.support.world import ROOT

api = shop_api
ITEMS = shop(item())
FILE = "warehouse.duckdb"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a folder in it."""
    (tmp_path / "project" / "sub").mkdir(parents=True)
    return tmp_path / "project"


def make_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of Dagster that the environment names."""
    home = make_dagster_home(tmp_path / "home")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    return home


def test_runs_of_one_dagster_home_meet_one_file(
    api: Api, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first run is in the project, the second in a folder that has nothing to do with it."""
    home = make_home(tmp_path, monkeypatch)
    api.on("/items", [{"id": 1}])
    monkeypatch.chdir(project)
    first = run_source(home, ITEMS)
    assert first.metadata["items"]["warehouse"] == str(project / FILE)
    api.on("/items", [{"id": 1}, {"id": 2}])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    second = run_source(home, ITEMS)
    assert not second.failed()
    assert second.metadata["items"]["warehouse"] == str(project / FILE)
    assert not list(elsewhere.iterdir())
    assert file_support.query(project / FILE, "SELECT count(*) FROM shop.items") == [(2,)]


@pytest.mark.parametrize("mark", ["workspace.yaml", "pyproject.toml", ".dlt", "DLT_PROJECT_DIR"])
def test_a_project_is_found_from_a_folder_in_it(
    mark: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "sub")
    assert duckdb_file() == project / "sub" / FILE
    if mark == ".dlt":
        (project / mark).mkdir()
    elif mark == "DLT_PROJECT_DIR":
        monkeypatch.setenv(mark, str(project))
    else:
        (project / mark).write_text("[tool.dagster]\n" if mark == "pyproject.toml" else "")
    assert duckdb_file() == project / FILE


def test_other_folders_with_such_files_are_no_project(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "sub")
    (project / "pyproject.toml").write_text("[project]\n")
    assert duckdb_file() == project / "sub" / FILE
    (project / ".dlt").mkdir()
    monkeypatch.setenv("HOME", str(project))  # dlt's settings of a user are no project
    assert duckdb_file() == project / "sub" / FILE
    monkeypatch.delenv("HOME")
    project.chmod(0o777)  # everybody may create files in it
    assert duckdb_file() == project / "sub" / FILE


def test_a_setting_takes_precedence(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "workspace.yaml").touch()
    monkeypatch.chdir(project / "sub")
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(project / "x.duckdb"))
    assert duckdb_file() == project / "x.duckdb"


def test_a_file_of_the_working_folder_is_not_left_behind_unseen(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "workspace.yaml").touch()
    old = project / "sub" / FILE
    old.write_bytes(b"made by an earlier version")
    monkeypatch.chdir(project / "sub")
    with pytest.raises(LoadError) as error:
        duckdb_file()
    assert f"mv '{old}' '{project / FILE}'" in str(error.value)
    old.rename(project / FILE)
    assert duckdb_file() == project / FILE


@pytest.mark.slow
def test_another_file_in_the_working_folder_is_named(
    api: Api, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the command line, in a folder below that of the project."""
    make_home(tmp_path, monkeypatch)
    catalog = tmp_path / "catalog"
    catalog.mkdir()
    (catalog / "shop.yaml").write_text(
        "source: shop\nclient: {}\nresources:\n  - name: items\n    primary_key: id\n    columns: {id: bigint}\n"
        "    endpoint: {path: /items, paginator: single_page}\n"
    )
    monkeypatch.setenv("ANALYTICS_SYNC__CATALOG_DIR", str(catalog))
    api.on("/items", [{"id": 1}])
    (project / "workspace.yaml").touch()

    def materialize(folder: Path) -> str:
        command = [
            "asset",
            "materialize",
            "--select",
            "shop/items",
            "-m",
            "analytics_sync.definitions",
        ]
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "dagster", *command],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout

    assert "is not used" not in materialize(project)
    (project / "sub" / FILE).write_bytes(b"another file")
    said = f"{project / 'sub' / FILE} is not used: the warehouse is {project / FILE}"
    assert said in materialize(project / "sub")
    assert file_support.query(project / FILE, "SELECT count(*) FROM shop.items") == [(1,)]
