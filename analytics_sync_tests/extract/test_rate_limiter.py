"""The rate limiter: one limit for all processes of a machine and for each account."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from analytics_sync.catalog.config.client import RateLimit
from analytics_sync.extract.rest_client.rate_limits import file_slots, rate_limiter
from analytics_sync.extract.rest_client.rate_limits.rate_limiter import RateLimiter
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api
from analytics_sync_tests.support.world import ROOT

api = shop_api
LIMIT = {"requests": 20, "seconds": 1.0}
# so long that no test reaches its end: the number of waits does not depend on the machine's speed
LONG_LIMIT = {"requests": 20, "seconds": 1000.0}
PAGED = {"data_selector": "data", "paginator": {"type": "page_number", "base_page": 0}}

READ = """
import sys
from analytics_sync.extract.run import ReadRun
from analytics_sync.catalog import load_text
source = load_text(sys.argv[1], name="shop", file="shop.yaml")
print("ready", flush=True)
sys.stdin.readline()
with ReadRun(source) as run:
    assert not run.failures(), run.failures()
    print(run.result("items").counters.retries)
"""
TAKE_SLOTS = """
import sys
from analytics_sync.catalog.config.client import RateLimit
from analytics_sync.extract.rest_client.rate_limits.rate_limiter import RateLimiter
limiter = RateLimiter(RateLimit(requests=20, seconds=1000), "an account")
print("ready", flush=True)
sys.stdin.readline()
print(*(limiter.acquire(lambda seconds: None).starts_at for _ in range(13)))
"""


class PagedServer:
    """A server of twelve pages. A strict one refuses requests that come faster than the limit."""

    def __init__(self, api: Api, *, strict: bool = False) -> None:
        self.times: list[float] = []
        self.refused = 0
        self._strict = strict
        api.on("/items", self._respond)

    def _respond(self, path: str, query: Any, headers: Any) -> Any:
        now = time.monotonic()
        # half a span: a busy machine may deliver requests later than they were sent
        recent = sum(now - t < 0.5 * LIMIT["seconds"] for t in self.times)
        if self._strict and recent >= LIMIT["requests"]:
            self.refused += 1
            return 429, {"Retry-After": "1"}, {}
        self.times.append(now)
        page = int(query["page"])
        return {"data": [{"id": page}] if page < 12 else []}


def text(**client: Any) -> str:
    return json.dumps({"client": client, "resources": [item(PAGED)]})


def run_in_processes(count: int, code: str, *arguments: str, tmp_path: Path) -> list[str]:
    """Run the code in several processes that start together, and return what each printed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, *arguments], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for _ in range(count)
    ]  # fmt: skip
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    printed = [process.communicate("go\n", timeout=100)[0] for process in running]
    assert [process.returncode for process in running] == [0] * count
    return printed


@pytest.mark.slow
def test_eight_processes_stay_below_the_limit_together(api: Api, tmp_path: Path) -> None:
    server = PagedServer(api, strict=True)
    retries = run_in_processes(8, READ, text(rate_limit=LIMIT), tmp_path=tmp_path)
    assert retries == ["0\n"] * 8
    assert server.refused == 0
    assert len(server.times) == 8 * 13


def test_no_span_holds_more_slots_than_the_limit(tmp_path: Path) -> None:
    """All processes read the same clock, so the slots of all can be put in order."""
    printed = run_in_processes(3, TAKE_SLOTS, tmp_path=tmp_path)
    slots = sorted(int(slot) for line in printed for slot in line.split())
    assert len(slots) == 3 * 13
    spans = [later - earlier for earlier, later in zip(slots, slots[20:], strict=False)]
    assert min(spans) >= 1000 * 10**9


def test_a_late_request_moves_the_slot_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that took 5 s longer than the fastest may have arrived 5 s late."""
    now = 10**12

    def sleep(seconds: float) -> None:
        nonlocal now
        now += round(seconds * 1e9)

    clock = SimpleNamespace(monotonic_ns=lambda: now, time=time.time)
    for module in (rate_limiter, file_slots):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    limiter = RateLimiter(RateLimit(requests=1, seconds=1000), "an account")
    starts = []
    for seconds_on_the_way in (0.1, 5.1, 0.1):
        slot = limiter.acquire(sleep)
        starts.append(slot.starts_at)
        sleep(seconds_on_the_way)
        limiter.record_response(slot)
    limiter.close()
    slack = 500_000_000
    waits = [later - earlier for earlier, later in pairwise(starts)]
    assert waits == [1000 * 10**9 + slack, 1005 * 10**9 + slack]


def test_requests_within_the_limit_do_not_wait(api: Api) -> None:
    """A short read does not wait. Only the requests beyond the limit do."""
    PagedServer(api)
    outcome = read(shop(item(PAGED), rate_limit=LONG_LIMIT))
    assert len(outcome.ids()) == 12
    assert outcome.sleeps == []
    second = read(shop(item(PAGED), rate_limit=LONG_LIMIT))
    assert len(second.sleeps) == 6, "the first read used up 13 of 20 slots"


def test_after_status_429_all_reads_of_the_account_wait(api: Api) -> None:
    api.on("/items", (429, {"Retry-After": "3000"}, {}), {"data": []})
    read(shop(item(PAGED), rate_limit=LIMIT))
    api.on("/items", {"data": []})
    sleeps = read(shop(item(PAGED), rate_limit=LIMIT)).sleeps
    assert len(sleeps) == 1
    assert 1500 < sleeps[0] <= 3000


def test_each_account_has_a_limit_of_its_own(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    PagedServer(api)
    auth = {"type": "bearer", "token": 'dlt.secrets["token"]'}
    sleeps = []
    for token in ("one", "two"):
        monkeypatch.setenv("SOURCES__SHOP__TOKEN", token)
        sleeps += read(shop(item(PAGED), auth=auth, rate_limit=LONG_LIMIT)).sleeps
    assert sleeps == []


def test_a_damaged_file_does_not_stop_a_read(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    PagedServer(api)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    read(shop(item(PAGED), rate_limit=LIMIT))
    (path,) = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert path.stat().st_mode & 0o777 == 0o600
    for damage in (b"", b"x" * 5, b"\xff" * 999, b"\x7f" * 999):
        path.write_bytes(damage)
        assert len(read(shop(item(PAGED), rate_limit=LIMIT)).ids()) == 12
