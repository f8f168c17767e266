"""``doctor``: what is wrong with the machine, the settings and the services, and nothing is made."""

from __future__ import annotations

import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from analytics_sync.cli import main
from analytics_sync_tests.support.json_commands import result
from analytics_sync_tests.support.postgres_server import Postgres
from analytics_sync_tests.support.redis_server import Redis
from analytics_sync_tests.support.scripted_api import Api, shop_api

SHIPPED = ("CI_PIPELINES", "CUSTOMER_DATA", "DELIVERY", "OBSERVABILITY", "PRODUCT_GUIDANCE")
SHOP = """
source: shop
client: {auth: {type: api_key, name: X-Key, api_key: 'dlt.secrets["api_key"]'}}
resources:
  - {name: shops, primary_key: id, columns: {id: text}, endpoint: {path: /shops, paginator: single_page}}
"""
api = shop_api


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder := tmp_path / "catalog").mkdir()
    (folder / "shop.yaml").write_text(SHOP)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("ANALYTICS_SYNC__CATALOG_DIR", str(folder))
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "warehouse.duckdb"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", "https://api.shop.net")
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "k3y-0f-the-sh0p")
    for name in SHIPPED:
        monkeypatch.setenv(f"SOURCES__{name}__ENABLED", "false")


def texts(document: Any, name: str, state: str = "failed") -> str:
    """What was found of a thing, if it is in a state."""
    found = document["diagnoses"]
    return "; ".join(d["text"] for d in found if d["name"] == name and d["state"] == state)


@pytest.mark.slow
def test_a_sound_machine_is_status_0_and_nothing_is_made(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = set(tmp_path.rglob("*"))
    assert main(["doctor", "--offline"]) == 0
    made = set(tmp_path.rglob("*")) - before
    assert {path.relative_to(tmp_path).parts[0] for path in made} <= {"home"}, "that of Dagster"
    before |= made
    status, found = result(capsys, "doctor")
    assert (status, found["failed"]) == (0, 0), found
    assert set(tmp_path.rglob("*")) == before
    assert "does not exist yet" in texts(found, "warehouse", "ok")
    assert "0 runs" in texts(found, "DAGSTER_HOME", "ok")
    assert "6 sources, 1 on" in texts(found, "catalog", "ok")
    assert [seen.path for seen in api.seen] == ["/"], "one request for each API"


@pytest.mark.slow
def test_the_clock_is_compared_with_that_of_the_api(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    for offset, state, said in (
        (0, "ok", "shop answers (status 401); the clocks differ by less than 30 s"),
        (3600, "failed", "s behind shop: windows would end too early or too late"),
        (-3600, "failed", "s ahead of shop"),
    ):
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=offset), usegmt=True)
        api.on("*", (401, {"Date": date}, {}))
        status, found = result(capsys, "doctor")
        assert status == (state == "failed")
        assert said in texts(found, "clock" if state == "failed" else "api", state)
    api.on("*", (200, {"Date": date, "Age": "3600"}, {}))
    _, found = result(capsys, "doctor")
    assert texts(found, "clock") == "", "a cache gave the response an hour later"


@pytest.mark.slow
def test_an_api_that_does_not_answer_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("SOURCES__SHOP__BASE_URL", f"http://127.0.0.1:{free.getsockname()[1]}")
        status, found = result(capsys, "doctor")
    assert status == 1
    assert texts(found, "api").startswith("shop: ")


def test_settings_that_are_missing_or_misspelt_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCES__SHOP__API_KEY")
    monkeypatch.setenv("SOURCES__SHOP__API_KYE", "very-secret")
    status, found = result(capsys, "doctor", "--offline")
    assert status == 1
    assert "shop: SOURCES__SHOP__API_KEY: missing" in texts(found, "settings")
    assert "did you mean SOURCES__SHOP__API_KEY?" in texts(found, "settings", "warning")
    assert "very-secret" not in str(found)


@pytest.mark.slow
def test_a_broken_catalog_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "catalog" / "other.yaml").write_text("source: [")
    monkeypatch.setenv("SOURCES__SHOP__RETRIES", "many")
    status, found = result(capsys, "doctor", "--offline")
    assert status == 1
    assert "other.yaml:2: not valid YAML" in texts(found, "catalog")
    assert "SOURCES__SHOP__RETRIES" in texts(found, "catalog")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("home", "said"),
    [("home", "Dagster takes absolute paths only"), ("/no/such/folder", "is no folder: make it")],
)
def test_a_home_of_dagster_that_is_none(
    home: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", home)
    status, found = result(capsys, "doctor", "--offline")
    assert status == 1
    assert said in texts(found, "DAGSTER_HOME")


@pytest.mark.slow
def test_a_wrong_file_of_dagster_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "home" / "dagster.yaml").write_text("storage: {nonsense: 1}\n")
    status, found = result(capsys, "doctor", "--offline")
    assert status == 1
    assert "Look at its dagster.yaml" in texts(found, "DAGSTER_HOME")


@pytest.mark.slow
def test_a_warehouse_that_a_load_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "warehouse.duckdb"
    duckdb.connect(str(file)).close()
    script = (
        "import sys, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire();"
        "print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, f"{file}.lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        status, found = result(capsys, "doctor", "--offline")
    finally:
        holder.communicate(b"")
    assert status == 0
    assert f"PID {holder.pid}" in texts(found, "lock", "warning")
    _, found = result(capsys, "doctor", "--offline")
    assert "is free" in texts(found, "lock", "ok")
    assert "opens, and is writable" in texts(found, "warehouse", "ok")


@pytest.mark.slow
def test_a_file_that_is_no_warehouse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "warehouse.duckdb").write_text("no database" * 1000)
    status, found = result(capsys, "doctor", "--offline")
    assert status == 1
    assert "does not open" in texts(found, "warehouse")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "value", "name", "said"),
    [
        ("ANALYTICS_SYNC__DESTINATION", "filesystem", "warehouse", "to a tested one: DuckDB"),
        ("ANALYTICS_SYNC__READ_COPY", "warehouse.duckdb", "read copy", "a file of the warehouse"),
        ("ANALYTICS_SYNC__EXECUTOR", "many", "executor", "expected one of in_process"),
        ("ANALYTICS_SYNC__COORDINATION", "ftp://x", "coordination", "begins with none of"),
        ("ANALYTICS_SYNC__START_DATE", "soon", "catalog", "expected a day such as"),
    ],
)
def test_a_wrong_setting_of_the_project_fails_its_diagnosis(
    variable: str,
    value: str,
    name: str,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(variable, value)
    status, found = result(capsys, "doctor", "--offline")
    assert status == 1
    assert said in texts(found, name)
    assert texts(found, "python", "ok"), "the others give their diagnoses"


@pytest.mark.slow
def test_the_server_that_machines_share_is_asked(
    postgres: Postgres, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "ANALYTICS_SYNC__COORDINATION"
    with Redis() as redis:
        monkeypatch.setenv(name, redis.address)
        status, found = result(capsys, "doctor", "--offline")
        assert (status, "answers" in texts(found, "coordination", "ok")) == (0, True)
    status, found = result(capsys, "doctor", "--offline")
    assert status == 1
    assert "does not answer" in texts(found, "coordination")
    monkeypatch.setenv(name, postgres.database())
    status, found = result(capsys, "doctor", "--offline")
    assert (status, "answers" in texts(found, "coordination", "ok")) == (0, True)


@pytest.mark.slow
def test_a_role_that_may_not_create_schemas(
    postgres: Postgres, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.database()
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "postgres")
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", url)
    status, found = result(capsys, "doctor", "--offline")
    assert (status, "answers" in texts(found, "warehouse", "ok")) == (0, True), found
    for wrong in (f"{url}_gone", "postgresql://me:c4nary-0f-a-passw0rd@127.0.0.1:9/db"):
        monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", wrong)
        status, found = result(capsys, "doctor", "--offline")
        assert status == 1
        assert "cannot be opened" in texts(found, "warehouse")
        assert "c4nary" not in str(found)
