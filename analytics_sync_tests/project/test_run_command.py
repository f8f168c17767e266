"""``analytics-sync run``: the lines while it runs, the table, the failures and the exit status.

The command runs in a process of its own, against an API on this machine.
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from analytics_sync_tests.support.scripted_api import Api, serve
from analytics_sync_tests.support.world import ROOT

_SOURCE = """
source: shop
client: {max_connections: 4}
resource_defaults: {primary_key: id}
resources:
  - name: items
    endpoint: {path: items, data_selector: data, count_path: total,
      paginator: {type: page_number, base_page: 1, total_path: null}, params: {size: 2}}
    columns: {id: text, v: text}
  - name: broken
    endpoint: {path: broken, data_selector: data}
    columns: {id: text}
  - name: events
    endpoint: {path: events, data_selector: data,
      incremental: {cursor_path: at, start_param: from, end_param: to, param_format: date, time_zone: UTC}}
    columns: {id: text, at: timestamp}
"""


@pytest.fixture
def api() -> Iterator[Api]:
    with serve() as api:
        yield api


@pytest.fixture
def environment(tmp_path: Path, api: Api) -> dict[str, str]:
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "shop.yaml").write_text(_SOURCE)
    return {
        **os.environ,
        "ANALYTICS_SYNC__CATALOG_DIR": str(tmp_path / "catalog"),
        "ANALYTICS_SYNC__START_DATE": "2026-01-01",
        "SOURCES__SHOP__BASE_URL": api.url,
        "DESTINATION__DUCKDB__CREDENTIALS": str(tmp_path / "warehouse.duckdb"),
        "COLUMNS": "120",
    }


_COMMAND = [sys.executable, "-m", "analytics_sync.cli", "run"]


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*_COMMAND, *arguments], env=environment, capture_output=True, text=True, timeout=100
    )


def serve_items(api: Api) -> None:
    pages = {
        "1": [{"id": "a", "v": "1"}, {"id": "b", "v": "2"}],
        "2": [{"id": "c", "v": "3"}],
    }

    def answer(_: str, query: dict[str, str], __: object) -> object:
        if query["page"] == "2" and not waited:
            waited.append(True)
            return 429, {"Retry-After": "1"}, {}
        return {"data": pages.get(query["page"], []), "total": 3}

    waited: list[bool] = []
    api.on("/items", answer)


def test_a_run_shows_its_progress_a_table_and_what_failed(
    environment: dict[str, str], api: Api
) -> None:
    serve_items(api)
    api.on("/broken", (404, {}, {"error": "no such thing"}))
    done = run(environment, "shop/items,shop/broken")
    assert done.returncode == 1, done.stderr
    lines = [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in done.stdout.splitlines()]
    for line in ("shop/items: reading", "shop/items: 429: waiting 1 s"):
        assert line in lines
    assert "shop: loading 1 resource, 3 rows" in lines
    assert any(re.fullmatch(r"shop: loaded in \d+\.\d s", line) for line in lines)
    table = [re.split(r"\s{2,}", line) for line in lines if line.startswith("shop/")]
    assert ["shop/items", "3", "3", "0", "0"] in [row[:5] for row in table]
    assert ["shop/broken", "-", "-", "-", "-", "-", "not loaded"] in table
    failed = [line for line in done.stderr.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 1, done.stderr
    assert "shop/broken: GET" in failed[0]
    assert "answered 404" in failed[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing/there"], "an asset is SOURCE/RESOURCE"),
        (["shop("], "Invalid selection"),
        (["shop", "--days", "yesterday"], "expected A..B"),
        (["shop", "--days", "2026-01-02..2026-01-01"], "Swap them"),
        (["shop", "--days", "2020-01-01"], "the partitions are 2026-01-01 to"),
        (["shop/items", "--days", "3"], "leave out --days"),
        (["shop/items", "-w", "nothing.yaml"], "the workspace nothing.yaml cannot be read: "),
    ],
)
def test_wrong_usage_says_what_to_do(
    environment: dict[str, str], arguments: list[str], said: str
) -> None:
    done = run(environment, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_days_choose_the_partitions(environment: dict[str, str], api: Api) -> None:
    api.on("/events", {"data": [{"id": "a", "at": "2026-01-02T03:00:00Z"}]})
    done = run(environment, "shop/events", "--days", "2026-01-02..2026-01-03")
    assert done.returncode in (0, 1), done.stderr
    assert done.stdout.startswith("shop/events, 2026-01-02 to 2026-01-03\n")
    assert re.search(r"^shop/events +1 +1 ", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.slow
def test_a_terminal_shows_bars(environment: dict[str, str], api: Api) -> None:
    serve_items(api)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*_COMMAND, "shop/items"], env=environment, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:  # the process has closed its end
            pass
    os.close(ours)
    text = shown.decode()
    assert process.returncode == 0, text
    assert "\N{BOX DRAWINGS HEAVY HORIZONTAL}" in text
    assert re.search(r"shop/items +3 +3", text)


@pytest.mark.slow
def test_dagsters_command_is_quiet_in_the_folder_of_the_project(
    environment: dict[str, str], api: Api, tmp_path: Path
) -> None:
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    environment.pop("DAGSTER_HOME", None)
    serve_items(api)
    api.on("/broken", (404, {}, {"error": "no such thing"}))
    command = [sys.executable, "-W", "ignore", "-m", "dagster", "asset", "materialize", "--select"]
    done, failed = (
        subprocess.run(
            [*command, f"shop/{name}", "-m", "analytics_sync.definitions"],
            env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=100,
        )
        for name in ("items", "broken")
    )  # fmt: skip
    lines = (done.stdout + done.stderr).splitlines()
    assert lines[0].endswith(" - shop/items: reading")
    assert len(lines) == 4, lines  # reading, waiting, loading, loaded
    assert failed.returncode == 1
    assert "shop/broken: GET" in failed.stderr
