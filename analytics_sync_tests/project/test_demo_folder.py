"""The folder of the demo: what another user has put in its place, and who may write to it.

In: commands in a folder where ``.demo`` is there already. Out: the exit status, one line, and the entries
that were there before.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from analytics_sync.demo import Home
from analytics_sync_tests.support import squatters
from analytics_sync_tests.support.squatters import Squat
from analytics_sync_tests.support.world import ROOT

KINDS = [squatters.fifo, squatters.unix_socket, squatters.regular_file]
if os.geteuid() == 0:
    KINDS += [squatters.folder, squatters.link, squatters.dangling_link]


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "analytics_sync.cli", command],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=folder,
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("squat", KINDS)
def test_the_demo_does_not_use_what_is_not_its_own(tmp_path: Path, squat: Squat) -> None:
    squat(tmp_path / ".demo")
    before = sorted(tmp_path.rglob("*"))
    done = run("demo", tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"{tmp_path / '.demo'} ")
    assert done.stderr.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before
    squatters.assert_untouched(tmp_path)


def test_the_ui_does_not_use_a_folder_that_everybody_can_write_to(tmp_path: Path) -> None:
    """Dagster executes code that a file in this folder names."""
    squatters.open_folder(tmp_path / ".demo")
    shutil.copy(ROOT / "workspace.yaml", tmp_path)
    done = run("dev", tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        f"{tmp_path / '.demo'} is open to other users (mode 777). Work in a folder of yours.\n"
    )


@pytest.mark.parametrize(
    ("before", "after"), [(0o755, 0o755), (0o775, 0o755), (0o700, 0o700), (None, 0o700)]
)
def test_only_the_owner_may_write_to_the_folder(
    tmp_path: Path, before: int | None, after: int
) -> None:
    home = Home(tmp_path / ".demo")
    if before is not None:
        home.path.mkdir()
        home.path.chmod(before)
    home.prepare(remove_existing=False)
    assert home.path.stat().st_mode & 0o777 == after


def test_a_new_demo_replaces_a_folder_that_was_open(tmp_path: Path) -> None:
    home = Home(tmp_path / ".demo")
    home.path.mkdir()
    home.path.chmod(0o777)
    (home.path / "start").symlink_to(tmp_path / "elsewhere")
    home.prepare(remove_existing=True)
    assert home.path.stat().st_mode & 0o777 == 0o700
    assert sorted(p.name for p in home.path.iterdir()) == ["dagster"]


def test_a_link_of_this_user_is_followed(tmp_path: Path) -> None:
    (tmp_path / ".demo").symlink_to(tmp_path / "disk")
    Home(tmp_path / ".demo").prepare(remove_existing=False)
    assert (tmp_path / "disk" / "dagster" / "dagster.yaml").is_file()
    assert (tmp_path / "disk").stat().st_mode & 0o777 == 0o700
