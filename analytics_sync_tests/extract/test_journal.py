"""The journal: a long read that was killed resumes in the next run, unless the API has changed.

In: runs in processes of their own on a sandbox of many pages, killed at a request. Out: the number of
requests of the next run, and the rows in the warehouse.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from analytics_sync.catalog import load_text
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync.sandbox import Fault, Request, ServedResponse
from analytics_sync_tests.support.oracle import assert_same
from analytics_sync_tests.support.world import ROOT, World

SHOP = """
source: shop
client: {base_url: https://shop.example.com, auth: {type: bearer, token: 'dlt.secrets["token"]'}}
resource_defaults: {primary_key: id, columns: {id: text, name: text}}
resources:
  - name: by_cursor
    endpoint: {path: /a, data_selector: data,
      paginator: {type: cursor, cursor_param: after, cursor_path: meta.next}}
  - name: by_page
    endpoint: {path: /b, data_selector: data, paginator: {type: page_number, base_page: 1}}
  - name: by_offset
    endpoint: {path: /c, data_selector: data, paginator: {type: offset, limit: 2, cursor_path: null}}
  - name: by_link
    endpoint: {path: /d, data_selector: data, paginator: {type: json_link, next_url_path: next}}
  - name: in_window
    columns: {id: text, name: text, at: timestamp}
    endpoint: {path: /e, data_selector: data, paginator: {type: offset, limit: 2, cursor_path: null},
      incremental: {cursor_path: at, start_param: since, end_param: until}}
  - name: shelves
    endpoint: {path: /shelves, data_selector: data, paginator: {type: offset, limit: 1000}}
  - name: books
    endpoint: {path: "/shelves/{shelf}/books", data_selector: data, paginator: single_page,
      params: {shelf: {type: resolve, resource: shelves, field: id}}}
"""
PAGES = 300
# Days that ended long ago: the journal does not depend on the hour at which the test runs.
FIRST, END = date(2024, 1, 1), date(2024, 1, 4)
KINDS = ["by_cursor", "by_page", "by_offset", "by_link", "in_window", "books"]

CODE = """
import sys
from datetime import UTC, datetime
from analytics_sync.extract.run import ReadRun
from analytics_sync.common.window import Window
from analytics_sync.load.pipeline import load
from analytics_sync.catalog import load_text

text, name, *days = sys.argv[1:]
window = Window(*(datetime.fromisoformat(d).replace(tzinfo=UTC) for d in days)) if days else None
source = load_text(text, name="shop", file="shop.yaml")
with ReadRun(source, window, [name]) as run:
    load(run, "run")
    assert not run.failures(), run.failures()
"""


class Shop(World):
    """A shop whose resources have ``pages`` pages each."""

    pages = PAGES

    def begin(self, name: str) -> subprocess.Popen[bytes]:
        """Start a run of one resource."""
        days = [str(FIRST), str(END)] if name == "in_window" else []
        return subprocess.Popen(
            [sys.executable, "-c", CODE, SHOP, name, *days],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def requests(self, name: str) -> int:
        return self.sandbox.counts[f"shop/{name}"]

    def kill_at(self, name: str, request: int) -> None:
        """Start a run, and kill it at its n-th request for the resource."""
        running = self.begin(name)
        seen = 0

        def fault(asked: Request) -> Fault | None:
            nonlocal seen
            seen += asked.resource == name
            if seen == request:
                os.kill(running.pid, signal.SIGKILL)
            return None

        self.sandbox.faults = fault
        assert running.wait(120) == -signal.SIGKILL
        self.sandbox.faults = None

    def run_again(self, name: str) -> int:
        """Run to the end. Returns the number of requests for the resource."""
        before = self.requests(name)
        assert self.begin(name).wait(120) == 0
        return self.requests(name) - before

    def check(self, name: str) -> None:
        """Assert that the table holds the live records, and that no journal is left."""
        resource = self.sources["shop"].resources[name]
        live = [v.record for v in self.sandbox.ledger("shop").records(name)]
        assert assert_same(resource, self.table(f"shop/{name}"), live) >= self.pages
        assert self.journals() == []

    def journals(self) -> list[Path]:
        """The files of the journals."""
        return [p for p in (self.folder / "journals").rglob("*") if p.is_file()]


def open_shop(folder: Path, pages: int) -> Shop:
    source = load_text(SHOP, name="shop", file="shop.yaml")
    sizes = {"rows": 2 * pages, "rows_per_day": 2 * pages // 3 + 1, "rows_per_parent": 1}
    made = Shop(
        folder,
        {"shop": source},
        max_page=2,
        max_chain=pages,
        key="q-7-key",
        start=FIRST,
        end=END,
        **sizes,
    )
    made.pages = pages
    return made


@pytest.fixture
def shop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Shop]:
    with open_shop(tmp_path, getattr(request, "param", PAGES)) as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("ANALYTICS_SYNC__JOURNAL_DIR", str(tmp_path / "journals"))
        yield made


SLOW = pytest.mark.slow
KIND = [pytest.param(k, marks=() if k == "by_cursor" else SLOW) for k in KINDS]


@pytest.mark.parametrize("shop", [1000], indirect=True)
@pytest.mark.parametrize("name", KIND)
def test_killed_at_nine_tenths(shop: Shop, name: str) -> None:
    shop.kill_at(name, 9 * shop.pages // 10)
    assert shop.journals()
    assert shop.run_again(name) <= 200
    shop.check(name)
    assert shop.run_again(name) >= shop.pages, "a loaded resource is read from the start"


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_killed_again_and_again(shop: Shop, name: str) -> None:
    shop.kill_at(name, 150)
    shop.kill_at(name, 120)
    shop.kill_at(name, 100)
    assert shop.run_again(name) <= 200
    shop.check(name)


@pytest.mark.parametrize(
    "edit", [pytest.param("add", marks=SLOW), pytest.param("delete", marks=SLOW), "both"]
)
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n == "by_offset" else SLOW) for n in KINDS[:4]]
)
def test_pages_that_have_moved_are_read_again(shop: Shop, name: str, edit: str) -> None:
    """After records were added or deleted, no row that was there all the time is missing."""
    shop.kill_at(name, 270)
    ledger = shop.sandbox.ledger("shop")
    keys = [v.record["id"] for v in ledger.records(name)]
    if edit != "delete":
        ledger.add(name, {"id": "brand-new", "name": "n"})
    if edit != "add":
        for key in keys[::31]:
            ledger.delete(name, key)
    shop.run_again(name)
    have = {row["id"] for row in shop.table(f"shop/{name}")}
    assert {v.record["id"] for v in ledger.records(name)} - have <= {"brand-new"}
    assert shop.journals() == []
    shop.run_again(name)
    rows = [r for r in shop.table(f"shop/{name}") if r["_deleted_at"] is None]
    assert {r["id"] for r in rows} == {v.record["id"] for v in ledger.records(name)}


def test_a_failed_run_is_resumed_too(shop: Shop) -> None:
    seen = 0

    def fault(asked: Request) -> Fault | None:
        nonlocal seen
        seen += 1
        return Fault(response=ServedResponse(500, b"{}")) if seen > 240 else None

    shop.sandbox.faults = fault
    with ReadRun(shop.sources["shop"], only=["by_cursor"], sleep=lambda _: None) as run:
        load(run, "fails")
        assert set(run.failures()) == {"by_cursor"}
    shop.sandbox.faults = None
    assert shop.run_again("by_cursor") <= 120
    shop.check("by_cursor")


def test_after_a_failed_load_the_pages_are_not_requested_again(shop: Shop) -> None:
    with duckdb.connect(str(shop.warehouse)) as file:
        file.execute("CREATE SCHEMA shop; CREATE VIEW shop.by_cursor AS SELECT 1 AS id")
    with ReadRun(shop.sources["shop"], only=["by_cursor"]) as run:
        load(run, "fails")
        assert list(run.failures()) == ["by_cursor"]
    with duckdb.connect(str(shop.warehouse)) as file:
        file.execute("DROP SCHEMA shop CASCADE")
    assert shop.run_again("by_cursor") <= 60
    shop.check("by_cursor")


def test_an_old_journal_is_not_used(shop: Shop) -> None:
    shop.kill_at("by_cursor", 200)
    for path in shop.journals():
        os.utime(path, (0, path.stat().st_mtime - 3700))
    assert shop.run_again("books") >= PAGES
    assert shop.journals() == [], "any run removes old journals"
    assert shop.run_again("by_cursor") >= PAGES


@pytest.mark.parametrize("cut", [*[pytest.param(c, marks=SLOW) for c in (0.0, 0.001, 0.999)], 0.5])
def test_a_damaged_file_costs_only_requests(shop: Shop, cut: float) -> None:
    shop.kill_at("by_cursor", 200)
    (path,) = shop.journals()
    raw = bytearray(path.read_bytes())
    offset = int(len(raw) * cut)
    rest = b"" if cut == 0.5 else b"damaged" + raw[offset + 7 :]
    path.write_bytes(raw[:offset] + rest)
    shop.run_again("by_cursor")
    shop.check("by_cursor")


def test_a_folder_that_others_can_write_to_is_not_used(shop: Shop) -> None:
    folder = shop.folder / "journals" / f"analytics-sync-journal-{os.getuid()}"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    assert shop.run_again("by_cursor") >= PAGES
    shop.kill_at("by_cursor", 200)
    assert shop.journals() == []


def test_only_the_owner_can_read_the_file(shop: Shop) -> None:
    shop.kill_at("by_cursor", 200)
    (path,) = shop.journals()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
@pytest.mark.parametrize("has_shared_state", [True, False])
def test_another_machine_continues_a_read(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_shared_state: bool
) -> None:
    """The machines share the folder of the journals. The keys are in the state folder of each user."""

    def be_machine(name: str) -> None:
        (tmp_path / name / "tmp").mkdir(parents=True)
        monkeypatch.setenv("HOME", str(tmp_path / name))
        monkeypatch.setenv("TMPDIR", str(tmp_path / name / "tmp"))
        state = "volume" if has_shared_state else f"{name}/state"
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / state))

    be_machine("one")
    shop.kill_at("by_cursor", 270)
    assert shop.journals()
    be_machine("two")
    requests = shop.run_again("by_cursor")
    assert requests <= 100 if has_shared_state else requests >= PAGES
    shop.check("by_cursor")
