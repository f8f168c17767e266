"""Tests of the sandbox's server: credentials, errors, faults, settings, and its command."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
import urllib3

from analytics_sync import catalog
from analytics_sync.catalog import Source
from analytics_sync.sandbox import Fault, Options, Sandbox, ServedResponse
from analytics_sync_tests.support.shop_source import (
    END,
    ROOT,
    SEEDS,
    SHOP,
    SMALL,
    START,
    Client,
    all_records,
    served,
)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Key": "sandbox"}, 200),
        ({"x-key": "sandbox", "X-Second": "sandbox"}, 200),
        ({"X-Key": "wrong"}, 401),
        ({"X-Key": "sandbox", "X-Second": "wrong"}, 401),
        ({"Authorization": "sandbox"}, 401),
    ],
)
def test_the_declared_key_is_required(box: Sandbox, headers: dict[str, str], status: int) -> None:
    assert Client(box, **headers).status("v1/me") == status
    assert Client(box, **headers).status("v1/nowhere") == (404 if status == 200 else 401)


@pytest.mark.parametrize(
    ("auth", "right", "wrong"),
    [
        ("{type: bearer, token: 'dlt.secrets[\"t\"]'}", "Bearer sandbox", "sandbox"),
        (
            "{type: http_basic, username: me, password: 'dlt.secrets[\"p\"]'}",
            "Basic " + base64.b64encode(b"me:sandbox").decode(),
            "Basic " + base64.b64encode(b"you:sandbox").decode(),
        ),
    ],
)
def test_other_kinds_of_authentication(auth: str, right: str, wrong: str) -> None:
    text = f"client: {{auth: {auth}}}\nresources: [{{name: things, primary_key: id, endpoint: things}}]"
    with Sandbox([catalog.load_text(text, name="other", file="other.yaml")], SMALL) as box:
        assert Client(box, "other", Authorization=right).status("things") == 200
        assert Client(box, "other", Authorization=wrong).status("things") == 401


def test_responses_name_the_sandbox_and_are_compressed_on_request(box: Sandbox) -> None:
    client = Client(box)
    response = client.raw(client.url("v1/usage", {"period": "2025-03-01"}))
    assert response.headers["Server"] == "analytics-sync-sandbox (not a real API)"
    client.headers = {**client.headers, "Accept-Encoding": "gzip"}
    with client.http.request(
        "GET", client.url("v1/header-links"), headers=client.headers, preload_content=False
    ) as raw:
        data = raw.read(decode_content=False)
        if raw.headers.get("Content-Encoding") == "gzip":
            data = gzip.decompress(data)
        assert json.loads(data)
    with Sandbox(box.sources, Options(rows=50, start=START, end=END)) as with_large_pages:
        client = Client(with_large_pages, **client.headers)
        assert client.raw(client.url("v1/root")).headers["Content-Encoding"] == "gzip"
        del client.headers["Accept-Encoding"]
        assert "Content-Encoding" not in client.raw(client.url("v1/root")).headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_requests_of_other_pages_and_hosts_are_refused(
    box: Sandbox, headers: dict[str, str]
) -> None:
    revision = box.ledger("shop").revision
    for method, path in (
        ("POST", "/_sandbox/advance"),
        ("GET", "/_sandbox"),
        ("GET", "/shop/v1/me"),
    ):
        asked = {"X-Key": "sandbox", **headers}
        response = urllib3.request(method, box.url + path, headers=asked, retries=False)
        assert response.status == 403
        assert "refused: the header" in response.json()["errors"][0]
    assert box.ledger("shop").revision == revision


def test_requests_of_a_page_of_the_sandbox_pass(box: Sandbox) -> None:
    port = box.url.rpartition(":")[2]
    own = {"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"}
    headers = {**own, "Sec-Fetch-Site": "same-origin"}
    assert urllib3.request("GET", f"{box.url}/_sandbox", headers=headers).status == 200


def test_malformed_requests_get_a_json_response(box: Sandbox) -> None:
    host, _, port = box.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["errors"]


def test_a_closed_sandbox_closes_its_connections(shop: Source) -> None:
    with Sandbox([shop], SMALL) as box:
        client = Client(box)
        assert client.status("v1/me") == 200
    with pytest.raises(urllib3.exceptions.HTTPError):
        client.raw(client.url("v1/me"))


def test_faults_replace_responses_and_every_request_is_counted(shop: Source) -> None:
    with Sandbox([shop], SMALL) as box:
        client = Client(box)
        box.faults = lambda r: (
            Fault(ServedResponse(503, b"busy", {"Retry-After": "1"})) if r.number == 2 else None
        )
        assert client.raw(client.url("v1/me")).status == 200
        busy = client.raw(client.url("v1/me"))
        assert (busy.status, busy.data, busy.headers["Retry-After"]) == (503, b"busy", "1")
        box.faults = lambda r: Fault(cut=10) if r.resource == "me" else None
        with pytest.raises(urllib3.exceptions.ProtocolError):
            client.raw(client.url("v1/me"))
        box.faults = lambda r: Fault(cut=0)
        with pytest.raises(urllib3.exceptions.ProtocolError):
            client.raw(client.url("v1/numbered"))
        box.faults = None
        assert client.status("v1/nowhere") == 404
        assert client.raw(client.url("v1/me"), "POST").status == 405
        assert box.counts == {"shop/me": 4, "shop/numbered": 1, "shop/?": 1}
        assert client.raw(f"{box.url}/_sandbox/requests").json()["total"] == box.requests == 6


def test_the_control_api_reports_sources_rows_and_revisions(shop: Source) -> None:
    with Sandbox([shop], SMALL) as box:
        http = urllib3.PoolManager(retries=False)
        overview = http.request("GET", f"{box.url}/_sandbox").json()
        assert "not a real API" in overview["what"]
        assert overview["sources"]["shop"]["base_url"] == box.base_url("shop")
        assert overview["sources"]["shop"]["records"]["numbered"] == 12
        url = f"{box.url}/_sandbox/ledger/shop/tokens"
        rows = http.request("GET", f"{url}?start=2025-03-31&end=2025-04-01").json()
        assert rows == box.ledger("shop").expected("tokens", date(2025, 3, 31), date(2025, 4, 1))
        assert http.request("POST", f"{box.url}/_sandbox/advance").json() == {"shop": 1}
        assert box.ledger("shop").revision == 1
        assert http.request("GET", f"{box.url}/_sandbox/ledger/shop/nothing").status == 404
        assert http.request("GET", f"{url}?start=now").status == 422
        assert http.request("GET", f"{box.url}/elsewhere/v1/me").status == 404


def test_settings_point_at_the_sandbox_and_replace_no_parent(box: Sandbox) -> None:
    assert box.settings() == {
        "SOURCES__SHOP__BASE_URL": f"{box.url}/shop",
        "SOURCES__SHOP__API_KEY": "sandbox",
        "SOURCES__SHOP__SECOND_KEY": "sandbox",
        "SOURCES__SHOP__ORG_ID": "gh/acme",
        "SOURCES__SHOP__PROJECT_ID": "project-0",
    }


@pytest.mark.parametrize("seed", ["000", "001", "002", "003", "004"])
def test_every_seed_can_be_served(seed: str) -> None:
    files = sorted(SEEDS.glob(f"{seed}_*.txt"))
    if not files:
        pytest.skip(f"no seed files at {SEEDS}")
    source = catalog.load_file(files[0], name=f"seed_{seed}")
    with Sandbox([source], SMALL) as box:
        client, ledger = Client(box, source.name), box.ledger(source.name)
        for resource in source.resources.values():
            assert served(ledger, resource.name), resource
            assert all_records(client, ledger, resource) == served(ledger, resource.name), resource


def _shipped() -> list[Path]:
    return catalog.catalog_files()


@pytest.mark.skipif(not _shipped(), reason="analytics_sync/sources holds no files yet")
@pytest.mark.parametrize("path", _shipped(), ids=lambda path: path.stem)
def test_the_shipped_catalog_can_be_served(path: Path) -> None:
    source = catalog.load_file(path)
    with Sandbox([source], SMALL) as box:
        client, ledger = Client(box, source.name), box.ledger(source.name)
        for _ in range(2):
            for resource in source.resources.values():
                records = served(ledger, resource.name)
                assert records, resource
                assert all_records(client, ledger, resource) == records, resource
                assert len(ledger.expected(resource.name)) == len(records), resource
            ledger.advance()
        assert box.settings()[f"SOURCES__{source.name.upper()}__BASE_URL"] == box.base_url(
            source.name
        )


def test_the_command_serves_until_a_signal_stops_it(tmp_path: Path) -> None:
    catalog_file, env = tmp_path / "shop.yaml", tmp_path / "sandbox.env"
    catalog_file.write_text(SHOP)
    command = [sys.executable, "-m", "analytics_sync.sandbox", "--catalog", str(catalog_file)]
    command += ["--port", "0", "--days", "2", "--rows", "3", "--live", "0.1", "--env", str(env)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "not a real API" in line
        match = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert match
        url = match[0]
        settings = dict(entry.split("=", 1) for entry in env.read_text().splitlines())
        assert settings["SOURCES__SHOP__BASE_URL"] == f"{url}/shop"
        http = urllib3.PoolManager()
        page = http.request("GET", f"{url}/shop/v1/numbered", headers={"X-Key": "sandbox"})
        assert page.status == 200
        deadline = time.monotonic() + 60
        while http.request("GET", f"{url}/_sandbox").json()["sources"]["shop"]["revision"] < 1:
            assert time.monotonic() < deadline, "--live changes nothing"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
