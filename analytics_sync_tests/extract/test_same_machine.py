"""The same machine: names in the temporary folder that another user has taken before a read.

In: a folder for temporary files with something in the place of our folders or files, and reads in
processes of their own, because a read that waits for a FIFO never ends. Out: the rows, the requests, and
the files that a link leads to.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analytics_sync_tests.support import squatters
from analytics_sync_tests.support.scripted_api import Api, item, shop_api
from analytics_sync_tests.support.squatters import FILES, FOLDERS, Squat, assert_untouched
from analytics_sync_tests.support.world import ROOT

api = shop_api

PAGES = 60
ITEMS = item(
    {
        "data_selector": "data",
        "paginator": {"type": "cursor", "cursor_param": "after", "cursor_path": "next"},
    }
)
CATALOG = json.dumps(
    {"client": {"rate_limit": {"requests": 1000, "seconds": 1}}, "resources": [ITEMS]}
)
READ = """
import sys
from analytics_sync.catalog import load_text
from analytics_sync.extract.run import ReadRun
with ReadRun(load_text(sys.argv[1], name="shop", file="shop.yaml")) as run:
    if not run.failures():
        print(*(i for table in run.result("items").buffer.tables() for i in table["id"].to_pylist()))
"""


class Machine:
    """A folder for temporary files, a home, and an API whose last page fails at first.

    Args:
        folder: Holds both.
        api: The scripted API.
    """

    def __init__(self, folder: Path, api: Api) -> None:
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.temporary.chmod(0o1777)
        self.home = folder / "home"
        self.home.mkdir()
        self.fails = True
        self._api = api
        api.on("/items", self._answer)

    def _answer(self, path: str, query: dict[str, str], headers: object) -> object:
        number = int(query.get("after", 0))
        if number == PAGES - 1:
            return (400, {}, {}) if self.fails else {"data": [{"id": number}]}
        return {"data": [{"id": number}], "next": str(number + 1)}

    def ours(self, name: str) -> Path:
        """The path of one of our folders."""
        return self.temporary / f"analytics-sync-{name}"

    def read(self, *, fails: bool) -> tuple[int, list[int], str]:
        """Read in a process of its own. Returns the number of requests, the ids, and the log."""
        self.fails = fails
        before = len(self._api.seen)
        environment = {
            **os.environ,
            "TMPDIR": str(self.temporary),
            "HOME": str(self.home),
            "XDG_STATE_HOME": "",
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            [sys.executable, "-c", READ, CATALOG],
            env=environment, capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        ids = [int(number) for number in done.stdout.split()]
        return len(self._api.seen) - before, ids, done.stderr

    def assert_resumes(self) -> None:
        """Assert that a read that failed is continued by the next read."""
        assert self.read(fails=True)[1] == []
        requests, ids, _ = self.read(fails=False)
        assert ids == list(range(PAGES))
        assert requests == 53

    def assert_reads(self) -> None:
        """Assert that a read has all rows, whether it continues another or not."""
        assert self.read(fails=False)[1] == list(range(PAGES))


@pytest.fixture
def machine(tmp_path: Path, api: Api) -> Machine:
    return Machine(tmp_path, api)


@pytest.mark.parametrize("squat", FOLDERS)
def test_a_read_uses_no_folder_that_is_not_private(machine: Machine, squat: Squat) -> None:
    names = [f"journal-{os.geteuid()}", f"pace-{os.geteuid()}", "read-x", "load-x"]
    for name in names:
        squat(machine.ours(name))
    machine.assert_resumes()
    assert_untouched(machine.temporary)
    for path in map(machine.ours, names[:2]):
        assert not path.is_dir() or {p.name for p in path.iterdir()} <= {
            "entry",
            "precious.journal",
        }


def test_without_any_private_folder_pages_are_not_kept(machine: Machine) -> None:
    """Not even a home. The read goes on, and its log names the folder."""
    for name in (f"journal-{os.geteuid()}", f"pace-{os.geteuid()}", f"state-{os.geteuid()}"):
        squatters.open_folder(machine.ours(name))
    machine.home.rmdir()
    machine.home.write_bytes(b"")
    _, ids, log = machine.read(fails=True)
    assert ids == []
    assert f"{machine.ours(f'journal-{os.geteuid()}')} is open to other users" in log
    requests, ids, _ = machine.read(fails=False)
    assert ids == list(range(PAGES))
    assert requests == PAGES


def test_a_user_without_a_home_continues_a_read(machine: Machine) -> None:
    machine.home.rmdir()
    machine.home.write_bytes(b"")
    machine.assert_resumes()


@pytest.mark.parametrize("squat", FILES)
def test_a_read_uses_no_file_that_is_not_private(machine: Machine, squat: Squat) -> None:
    """In the private folders, in place of the journal, of its key and of the rate limit's file."""
    machine.read(fails=True)
    files = [p for p in machine.temporary.parent.rglob("*") if p.is_file()]
    assert len(files) == 3
    for path in files:
        path.unlink()
        squat(path)
    machine.assert_reads()
    assert_untouched(machine.temporary.parent)


def test_all_files_are_private(machine: Machine) -> None:
    before = os.umask(0)
    try:
        machine.read(fails=True)
    finally:
        os.umask(before)
    ours = [*machine.temporary.rglob("*"), *machine.home.rglob("analytics-sync*/**/*")]
    assert {oct(p.stat().st_mode & 0o777) for p in ours if p.is_file()} == {"0o600"}
    assert {oct(p.stat().st_mode & 0o777) for p in ours if p.is_dir()} == {"0o700"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can remove what is not its own")
def test_an_abandoned_folder_of_another_user_stays(machine: Machine) -> None:
    squatters.folder(machine.ours("read-x"))
    machine.assert_reads()
    assert (machine.ours("read-x") / "entry").exists()
