"""A declared rate limit holds for all processes of the machine together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api
from analytics_sync_tests.support.world import ROOT

api = shop_api
LIMIT = {"requests": 20, "seconds": 1.0}
PAGED = {"data_selector": "data", "paginator": {"type": "page_number", "base_page": 0}}

CODE = """
import json, sys
from analytics_sync.extract.run import ReadRun
from analytics_sync.catalog import load_text
print("ready", flush=True)
sys.stdin.readline()
with ReadRun(load_text(sys.argv[1], name="shop", file="shop.yaml")) as run:
    assert not run.failures(), run.failures()
    print(run.result("items").counters.retries)
"""


class Counting:
    """Twelve pages for everybody; a strict one refuses who comes too often."""

    def __init__(self, api: Api, *, strict: bool = False) -> None:
        self.times: list[float] = []
        self.refused = 0
        self._strict = strict
        api.on("/items", self._answer)

    def _answer(self, path: str, query: Any, headers: Any) -> Any:
        now = time.monotonic()
        # requests that left in time may arrive a little closer together
        window = 0.9 * LIMIT["seconds"]
        if self._strict and sum(now - t < window for t in self.times) >= LIMIT["requests"]:
            self.refused += 1
            return 429, {"Retry-After": "1"}, {}
        self.times.append(now)
        page = int(query["page"])
        return {"data": [{"id": page}] if page < 12 else []}


def text(**client: Any) -> str:
    return json.dumps({"client": client, "resources": [item(PAGED)]})


def test_eight_processes_stay_below_the_limit_together(api: Api, tmp_path: Path) -> None:
    server = Counting(api, strict=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", CODE, text(rate_limit=LIMIT)], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for _ in range(8)
    ]  # fmt: skip
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    retries = [process.communicate("go\n", timeout=100)[0] for process in running]
    assert [process.returncode for process in running] == [0] * 8
    assert retries == ["0\n"] * 8
    assert server.refused == 0
    assert len(server.times) == 8 * 13


def test_the_whole_limit_is_there_at_once(api: Api) -> None:
    """A short reading need not wait: only what comes after the limit does."""
    Counting(api)
    outcome = read(shop(item(PAGED), rate_limit=LIMIT))
    assert len(outcome.ids()) == 12
    assert outcome.sleeps == []
    assert len(read(shop(item(PAGED), rate_limit=LIMIT)).sleeps) == 6, "13 of 20 are used up"


def test_who_is_asked_for_patience_asks_it_of_all(api: Api) -> None:
    api.on("/items", (429, {"Retry-After": "30"}, {}), {"data": []})
    read(shop(item(PAGED), rate_limit=LIMIT))
    api.on("/items", {"data": []})
    sleeps = read(shop(item(PAGED), rate_limit=LIMIT)).sleeps
    assert len(sleeps) == 1
    assert sleeps[0] == pytest.approx(30, abs=5)


def test_another_account_has_a_limit_of_its_own(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    Counting(api)
    auth = {"type": "bearer", "token": 'dlt.secrets["token"]'}
    slept = []
    for token in ("one", "two"):
        monkeypatch.setenv("SOURCES__SHOP__TOKEN", token)
        slept += read(shop(item(PAGED), auth=auth, rate_limit=LIMIT)).sleeps
    assert slept == []


def test_a_damaged_file_does_no_harm(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Counting(api)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    read(shop(item(PAGED), rate_limit=LIMIT))
    (path,) = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert path.stat().st_mode & 0o777 == 0o600
    for damage in (b"", b"x" * 5, b"\xff" * 999, b"\x7f" * 999):
        path.write_bytes(damage)
        assert len(read(shop(item(PAGED), rate_limit=LIMIT)).ids()) == 12
