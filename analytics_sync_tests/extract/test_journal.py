"""A long read that did not come to its end goes on where it was, unless the API has moved on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from analytics_sync.catalog import load_text
from analytics_sync.extract import journal_file
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.errors import LoadError
from analytics_sync.load.pipeline import load
from analytics_sync.sandbox import Fault, Request, ServedResponse
from analytics_sync_tests.support.oracle import assert_same
from analytics_sync_tests.support.scripted_api import Api, Outcome, item, shop_api
from analytics_sync_tests.support.scripted_api import read as read_api
from analytics_sync_tests.support.scripted_api import shop as shop_of
from analytics_sync_tests.support.world import ROOT, World

api = shop_api

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
    """A shop with so many pages of everything."""

    pages = PAGES

    def begin(self, name: str) -> subprocess.Popen[bytes]:
        windowed = name == "in_window"
        days = [str(self.start), str(self.end)] if windowed else []
        return subprocess.Popen(
            [sys.executable, "-c", CODE, SHOP, name, *days],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def requests(self, name: str) -> int:
        return self.sandbox.counts[f"shop/{name}"]

    def kill_at(self, name: str, request: int) -> None:
        """Run, and kill the run as it asks for the n-th time."""
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
        """Run to the end; how many requests that took."""
        before = self.requests(name)
        assert self.begin(name).wait(120) == 0
        return self.requests(name) - before

    def is_right(self, name: str) -> None:
        resource = self.sources["shop"].resources[name]
        live = [v.record for v in self.sandbox.ledger("shop").records(name)]
        assert assert_same(resource, self.table(f"shop/{name}"), live) >= self.pages
        assert self.kept() == []

    def kept(self) -> list[Path]:
        """The files that are kept for a later run."""
        return [p for p in (self.folder / "journals").rglob("*") if p.is_file()]


def open_shop(folder: Path, pages: int) -> Shop:
    source = load_text(SHOP, name="shop", file="shop.yaml")
    sizes = {"rows": 2 * pages, "rows_per_day": 2 * pages // 3 + 1, "rows_per_parent": 1}
    made = Shop(folder, {"shop": source}, max_page=2, max_chain=pages, key="q-7-key", **sizes)
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
    assert shop.kept()
    assert shop.run_again(name) <= 200
    shop.is_right(name)
    assert shop.run_again(name) >= shop.pages, "what is loaded is read afresh"


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_killed_again_and_again(shop: Shop, name: str) -> None:
    shop.kill_at(name, 150)
    shop.kill_at(name, 120)
    shop.kill_at(name, 100)
    assert shop.run_again(name) <= 200
    shop.is_right(name)


@pytest.mark.parametrize(
    "edit", [pytest.param("add", marks=SLOW), pytest.param("delete", marks=SLOW), "both"]
)
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n == "by_offset" else SLOW) for n in KINDS[:4]]
)
def test_pages_that_have_moved_are_read_again(shop: Shop, name: str, edit: str) -> None:
    """Whatever came or went meanwhile, no row that was there all the time is missing."""
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
    assert shop.kept() == []
    shop.run_again(name)
    rows = [r for r in shop.table(f"shop/{name}") if r["_deleted_at"] is None]
    assert {r["id"] for r in rows} == {v.record["id"] for v in ledger.records(name)}


def test_a_failed_run_is_gone_on_with_too(shop: Shop) -> None:
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
    shop.is_right("by_cursor")


def test_a_load_that_failed_need_not_be_read_again(shop: Shop) -> None:
    with duckdb.connect(str(shop.warehouse)) as file:
        file.execute("CREATE SCHEMA shop; CREATE VIEW shop.by_cursor AS SELECT 1 AS id")
    with ReadRun(shop.sources["shop"], only=["by_cursor"]) as run, pytest.raises(LoadError):
        load(run, "fails")
    with duckdb.connect(str(shop.warehouse)) as file:
        file.execute("DROP SCHEMA shop CASCADE")
    assert shop.run_again("by_cursor") <= 60
    shop.is_right("by_cursor")


def test_what_is_too_old_is_not_used(shop: Shop) -> None:
    shop.kill_at("by_cursor", 200)
    for path in shop.kept():
        os.utime(path, (0, path.stat().st_mtime - 3700))
    assert shop.run_again("books") >= PAGES
    assert shop.kept() == [], "any run removes it"
    assert shop.run_again("by_cursor") >= PAGES


@pytest.mark.parametrize("cut", [*[pytest.param(c, marks=SLOW) for c in (0.0, 0.001, 0.999)], 0.5])
def test_a_damaged_file_costs_requests_only(shop: Shop, cut: float) -> None:
    shop.kill_at("by_cursor", 200)
    (path,) = shop.kept()
    raw = bytearray(path.read_bytes())
    at = int(len(raw) * cut)
    path.write_bytes(
        raw[:at] if cut == 0.5 else bytes(raw[:at]) + b"damaged" + bytes(raw[at + 7 :])
    )
    shop.run_again("by_cursor")
    shop.is_right("by_cursor")


def test_a_folder_that_is_open_to_others_is_not_used(shop: Shop) -> None:
    folder = shop.folder / "journals" / f"analytics-sync-journal-{os.getuid()}"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    assert shop.run_again("by_cursor") >= PAGES
    shop.kill_at("by_cursor", 200)
    assert shop.kept() == []


def test_the_file_is_the_owners_alone(shop: Shop) -> None:
    shop.kill_at("by_cursor", 200)
    (path,) = shop.kept()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


class Listing:
    """Sixty pages by cursor. The last one is refused for as long as ``fails``."""

    def __init__(self, api: Api, **more: Any) -> None:
        self.fails = True
        self._api = api
        self._more = more
        api.on("/items", self._answer)

    def _answer(self, path: str, query: Any, headers: Any) -> Any:
        number = int(query.get("after", 0))
        if number == 59 and self.fails:
            return 400, {}, {}
        following = {"next": str(number + 1)} if number < 59 else {}
        return {"data": [{"id": number}], **following, **self._more}

    def read(self, auth: Any = None) -> tuple[int, Outcome]:
        """How many requests reading it takes, and what it gives."""
        source = shop_of(
            item({"data_selector": "data", "paginator": BY_CURSOR}),
            auth=auth or {"type": "bearer", "token": 'dlt.secrets["token"]'},
        )
        before = len(self._api.seen)
        outcome = read_api(source)
        return len(self._api.seen) - before, outcome


BY_CURSOR = {"type": "cursor", "cursor_param": "after", "cursor_path": "next"}


@pytest.fixture
def journals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANALYTICS_SYNC__JOURNAL_DIR", str(tmp_path / "j"))
    monkeypatch.setenv("SOURCES__SHOP__TOKEN", "the-first-token")
    return tmp_path / "j"


def test_the_metadata_and_the_keys_of_a_read_gone_on_with(api: Api, journals: Path) -> None:
    listing = Listing(api)
    assert listing.read()[1].failures
    listing.fails = False
    requests, outcome = listing.read()
    assert outcome.ids() == list(range(60))
    # pages 51 to 59 were kept; both ends of them are asked for again
    assert outcome.readings["items"].pages_kept == 9
    assert requests == 53


def test_another_account_begins_anew(
    api: Api, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = Listing(api)
    assert listing.read()[1].failures
    monkeypatch.setenv("SOURCES__SHOP__TOKEN", "the-second-token")
    listing.fails = False
    requests, outcome = listing.read()
    assert requests == 60
    assert outcome.ids() == list(range(60))


IN_THE_QUERY = {
    "type": "api_key", "name": "k", "api_key": 'dlt.secrets["token"]', "location": "query",
}  # fmt: skip


@pytest.mark.parametrize("auth", [None, IN_THE_QUERY])
def test_no_credential_is_in_what_is_kept(api: Api, journals: Path, auth: Any) -> None:
    listing = Listing(api, you="sent the-first-token")
    assert listing.read(auth)[1].failures
    (path,) = [p for p in journals.rglob("*") if p.is_file()]
    assert b"the-first-token" not in path.read_bytes()
    listing.fails = False
    requests, outcome = listing.read(auth)
    assert requests == 53
    assert outcome.ids() == list(range(60))


def test_a_cursor_that_holds_a_credential_is_not_kept(
    api: Api, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One too short to be masked in data."""
    monkeypatch.setenv("SOURCES__SHOP__TOKEN", "sh0rt")

    def answer(path: str, query: Any, headers: Any) -> Any:
        number = int(str(query.get("after", "0")).partition("-")[0])
        return (400, {}, {}) if number == 59 else {
            "data": [{"id": number}], "next": f"{number + 1}-sh0rt"
        }  # fmt: skip

    listing = Listing(api)
    api.on("/items", answer)
    assert listing.read()[1].failures
    assert not [p for p in journals.rglob("*") if p.is_file()]


def test_a_cursor_that_has_expired_begins_anew(api: Api, journals: Path) -> None:
    listing = Listing(api)
    assert listing.read()[1].failures
    listing.fails = False
    seen = []

    def expired(path: str, query: Any, headers: Any) -> Any:
        seen.append(query.get("after"))
        return (410, {}, {}) if len(seen) == 1 else listing._answer(path, query, headers)

    api.on("/items", expired)
    requests, outcome = listing.read()
    assert requests == 61
    assert outcome.ids() == list(range(60))


def test_it_can_be_switched_off(api: Api, journals: Path) -> None:
    Listing(api)
    read_api(shop_of(item({"data_selector": "data", "paginator": BY_CURSOR}), resume_within=0))
    assert not journals.exists()


def test_a_disk_that_fills_up_is_left_alone(
    api: Api, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_file, "_MIN_FREE_SHARE", 1.1)
    listing = Listing(api)
    assert listing.read()[1].failures
    assert sum(p.stat().st_size for p in journals.rglob("*") if p.is_file()) < 100
    listing.fails = False
    assert listing.read()[0] == 60
