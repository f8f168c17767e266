"""The files of a DuckDB warehouse: their rights, and names that another user has taken first.

In: loads in processes of their own, because DuckDB waits for a FIFO without end. Out: the rights of the
files while DuckDB writes, the errors, and the files that a link leads to.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from analytics_sync_tests.support import squatters
from analytics_sync_tests.support.scripted_api import Api, item, shop_api
from analytics_sync_tests.support.world import ROOT

api = shop_api

CATALOG = json.dumps({"client": {}, "resources": [item()]})
LOAD = """
import os, sys
from analytics_sync.catalog import load_text
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.errors import LoadError
from analytics_sync.load.pipeline import load

for file in sys.argv[2:]:
    os.environ["DESTINATION__DUCKDB__CREDENTIALS"] = file
    try:
        with ReadRun(load_text(sys.argv[1], name="shop", file="shop.yaml")) as run:
            load(run, "run")
        print("loaded")
    except LoadError as e:
        print(str(e).splitlines()[0])
"""
WRITE = """
import os, sys
from pathlib import Path
import duckdb
from analytics_sync.load.sharing.locks import warehouse_lock
from analytics_sync.load.clients.destination import duckdb_file

with warehouse_lock(), duckdb.connect(str(duckdb_file())) as connection:
    connection.execute("CREATE TABLE t AS SELECT 1 AS a")
    for path in sorted(duckdb_file().parent.iterdir()):
        print(path.name, oct(path.stat().st_mode & 0o777))
Path("afterwards").touch()
print(oct(Path("afterwards").stat().st_mode & 0o777))
"""


def run(code: str, *arguments: str | Path, folder: Path, umask: int = 0o022) -> list[str]:
    """Run code in a process of its own; return the lines that it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=folder, umask=umask,
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def rights_while_writing(folder: Path, umask: int) -> tuple[dict[str, str], str]:
    """The rights of the warehouse's files during a load, and of a file that is made after it."""
    *files, afterwards = run(WRITE, folder=folder, umask=umask)
    return dict(line.split() for line in files), afterwards


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A warehouse in a folder of its own. The file is missing."""
    folder = tmp_path / "data"
    folder.mkdir()
    file = folder / "w.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(file))
    return file


@pytest.mark.parametrize("umask", [0, 0o022])
def test_a_new_warehouse_is_for_its_owner_alone(
    warehouse: Path, tmp_path: Path, umask: int
) -> None:
    rights, afterwards = rights_while_writing(tmp_path, umask)
    assert rights == {"w.duckdb": "0o600", "w.duckdb.lock": "0o600", "w.duckdb.wal": "0o600"}
    assert afterwards == oct(0o666 & ~umask)


@pytest.mark.parametrize(
    ("mode", "lock"), [(0o644, "0o600"), (0o660, "0o660"), (0o666, "0o666"), (0o640, "0o600")]
)
def test_a_warehouse_that_is_there_keeps_its_rights(
    warehouse: Path, tmp_path: Path, mode: int, lock: str
) -> None:
    """Its log gets them too. Its lock is for all who may write."""
    rights_while_writing(tmp_path, 0)
    warehouse.chmod(mode)
    Path(f"{warehouse}.lock").chmod(0o644)
    run("import duckdb, sys; duckdb.connect(sys.argv[1]).execute('DROP TABLE t')", warehouse,
        folder=tmp_path)  # fmt: skip
    rights, _ = rights_while_writing(tmp_path, 0)
    assert rights == {"w.duckdb": oct(mode), "w.duckdb.lock": lock, "w.duckdb.wal": oct(mode)}


def _everybodys(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


def test_what_another_user_put_there_is_an_error_that_names_it(api: Api, tmp_path: Path) -> None:
    """Nothing waits, and no link is followed."""
    api.on("/items", [{"id": 1}])
    kinds = [squatters.fifo, squatters.unix_socket, squatters.folder, squatters.link_to_file]
    if os.geteuid() == 0:
        kinds.append(squatters.regular_file)
    squatted = []
    for suffix in ("", ".wal", ".lock"):
        for kind in kinds:
            # a link to the warehouse itself is followed, if it is a link of this user
            if not (suffix == "" and kind is squatters.link_to_file):
                file = _everybodys(tmp_path, f"{kind.__name__}{suffix}") / "w.duckdb"
                kind(Path(f"{file}{suffix}"))
                squatted.append((file, Path(f"{file}{suffix}")))
    lines = run(LOAD, CATALOG, *(file for file, _ in squatted), folder=tmp_path)
    for (file, path), line in zip(squatted, lines, strict=True):
        assert line.startswith(f"the warehouse {file}: {path} "), line
        assert "or move the warehouse to a folder of yours." in line
    squatters.assert_untouched(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link away")
def test_a_link_of_another_user_is_not_followed(api: Api, tmp_path: Path) -> None:
    api.on("/items", [{"id": 1}])
    folder = _everybodys(tmp_path, "tmp")
    squatters.dangling_link(folder / "w.duckdb")
    squatters.link(folder / "data")
    files = [folder / "w.duckdb", folder / "data" / "w.duckdb"]
    lines = run(LOAD, CATALOG, *files, folder=tmp_path)
    for file, link, line in zip(files, (files[0], files[1].parent), lines, strict=True):
        assert line.startswith(f"the warehouse {file}: {link} is a link of another user"), line
    squatters.assert_untouched(tmp_path)


def test_a_link_of_this_user_is_followed(api: Api, tmp_path: Path) -> None:
    api.on("/items", [{"id": 1}])
    link = _everybodys(tmp_path, "tmp") / "w.duckdb"
    link.symlink_to(tmp_path / "real.duckdb")
    assert run(LOAD, CATALOG, link, folder=tmp_path) == ["loaded"]
    assert stat.S_IMODE((tmp_path / "real.duckdb").stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", [squatters.link_to_file, squatters.dangling_link, squatters.fifo])
def test_a_new_warehouse_is_not_written_through_a_link(
    api: Api, tmp_path: Path, kind: Callable[[Path], None]
) -> None:
    """The new file is written beside its place and renamed. That name may be taken too."""
    api.on("/items", [{"id": 1}])
    file = tmp_path / "w.duckdb"
    kind(Path(f"{file}.new"))
    assert run(LOAD, CATALOG, file, folder=tmp_path) == ["loaded"]
    squatters.assert_untouched(tmp_path)
    assert file.is_file()
    assert not file.is_symlink()
