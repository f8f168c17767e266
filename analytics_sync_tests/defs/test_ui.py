"""The UI of `make dev` on the workspace file: runs, a backfill, pages in a browser, requests of others."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
import urllib3

from analytics_sync.demo import Home
from analytics_sync.sandbox import Fault, Request, ServedResponse
from analytics_sync_tests.support.alert_receivers import web_receiver
from analytics_sync_tests.support.dagster_ui import MAX_SECONDS, DagsterUi, free_port
from analytics_sync_tests.support.oracle import assert_same
from analytics_sync_tests.support.world import ROOT, World

CHROMIUM = shutil.which("chromium")
RUN = """mutation($p: ExecutionParams!) { launchPipelineExecution(executionParams: $p) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
BACKFILL = """mutation($p: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $p) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
REEXECUTE = """mutation($p: ReexecutionParams!) { launchRunReexecution(reexecutionParams: $p) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
SENSOR_TEST = """mutation($s: SensorSelector!, $c: String) { sensorDryRun(selectorData: $s, cursor: $c) {
  __typename ... on DryRunInstigationTick { evaluationResult { skipReason cursor error { message } } } } }"""
TIMELINE = """query($since: Float) { runsOrError(filter: {updatedAfter: $since}) { ... on Runs { results {
  runId pipelineName status repositoryOrigin { repositoryName repositoryLocationName } } } } }"""


class Ui(DagsterUi):
    """A UI on the sandbox of a world."""

    def __init__(self, world: World, port: int) -> None:
        super().__init__(port)
        self.world = world


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    folder = tmp_path_factory.mktemp("ui")
    port = free_port()
    with (
        World(folder) as world,
        (folder / "dev.log").open("w") as log,
        web_receiver() as receiver,
    ):
        Home(folder).prepare(remove_existing=False)  # as `make dev` does
        command = ["analytics_sync.ui", "-w", str(ROOT / "workspace.yaml")]
        process = subprocess.Popen(
            [sys.executable, "-m", *command, "--port", str(port)],
            env={
                **os.environ,
                **world.environment,
                "PYTHONPATH": str(ROOT),
                "ANALYTICS_SYNC__ALERTS__URLS": f"{receiver.url}/secret-path",
            },
            cwd=folder,
            stdout=log,
            stderr=log,
        )
        try:
            ui = Ui(world, port)
            ui.wait_until_up(process)
            yield ui
        finally:
            process.terminate()
            process.wait(timeout=60)


def dom(ui: Ui, page: str) -> str:
    """The elements of a page, once a browser has built it."""
    profile = tempfile.mkdtemp(prefix="chromium")
    try:
        done = subprocess.run(
            [
                CHROMIUM or "", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
                "--no-first-run", "--disable-background-networking", "--disable-component-update",
                "--disable-sync", f"--user-data-dir={profile}", "--window-size=1600,2000",
                "--virtual-time-budget=30000", "--dump-dom", f"{ui.url}/{page}",
            ],
            capture_output=True, text=True, timeout=MAX_SECONDS, check=False,
        )  # fmt: skip
    finally:
        shutil.rmtree(profile, ignore_errors=True)
    return done.stdout


def selector(*assets: str) -> dict[str, Any]:
    """GraphQL's selector of a run of these assets."""
    return {
        "repositoryLocationName": "analytics_sync",
        "repositoryName": "__repository__",
        "pipelineName": "__ASSET_JOB",
        "assetSelection": [{"path": a.split("/")} for a in assets],
    }


def test_a_run_of_one_partition_from_the_ui(ui: Ui) -> None:
    day = str(ui.world.days[1])
    tags = [{"key": "dagster/partition", "value": day}]
    params = {
        "mode": "default",
        "selector": selector("observability/incidents"),
        "executionMetadata": {"tags": tags},
    }
    launched = ui.ask(RUN, p=params)["launchPipelineExecution"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    assert ui.finished(**{"dagster/partition": day})["status"] == "SUCCESS"
    resource = ui.world.sources["observability"].resources["incidents"]
    expected = ui.world.expected("observability/incidents", ui.world.days[1], ui.world.days[2])
    assert assert_same(resource, ui.world.table("observability/incidents"), expected)


def test_a_run_of_the_command_line_is_in_the_timeline(ui: Ui) -> None:
    since = time.time()
    workspace = str(ROOT / "workspace.yaml")
    ui.world.command("analytics-sync", "run", "product_guidance/segments", "-w", workspace)
    (run,) = ui.ask(TIMELINE, since=since)["runsOrError"]["results"]
    place = {"repositoryName": "__repository__", "repositoryLocationName": "analytics_sync"}
    assert run["repositoryOrigin"] == place, "the UI leaves out runs without their location"
    assert run["status"] == "SUCCESS"


@pytest.mark.slow
def test_a_backfill_is_one_run(ui: Ui) -> None:
    days = [str(day) for day in ui.world.days]
    params = {
        "assetSelection": selector("delivery/builds")["assetSelection"],
        "partitionNames": days,
    }
    launched = ui.ask(BACKFILL, p=params)["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    run = ui.finished(**{"dagster/backfill": launched["backfillId"]})
    assert run["status"] == "SUCCESS"
    assert run["tags"]["dagster/asset_partition_range_start"] == days[0]
    assert run["tags"]["dagster/asset_partition_range_end"] == days[-1]
    resource = ui.world.sources["delivery"].resources["builds"]
    expected = ui.world.expected("delivery/builds", ui.world.start, ui.world.end)
    assert_same(resource, ui.world.table("delivery/builds"), expected)


@pytest.mark.slow
def test_re_execution_from_asset_failure_reads_only_what_is_missing(ui: Ui) -> None:
    def broken(request: Request) -> Fault | None:
        refused = Fault(response=ServedResponse(403, b'{"errors": ["no"]}'))
        return refused if request.resource == "monitors" else None

    sandbox = ui.world.sandbox
    sandbox.faults = broken
    try:
        assets = selector("observability/users", "observability/monitors")
        tags = [{"key": "test", "value": "first"}]
        params = {"mode": "default", "selector": assets, "executionMetadata": {"tags": tags}}
        launched = ui.ask(RUN, p=params)["launchPipelineExecution"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        failed = ui.finished(test="first")
        assert failed["status"] == "FAILURE"
    finally:
        sandbox.faults = None
    before = sandbox.counts["observability/users"]
    params = {"parentRunId": failed["runId"], "strategy": "FROM_ASSET_FAILURE"}
    launched = ui.ask(REEXECUTE, p=params)["launchRunReexecution"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    assert ui.finished(**{"dagster/parent_run_id": failed["runId"]})["status"] == "SUCCESS"
    assert sandbox.counts["observability/users"] == before, "users were loaded already"
    resource = ui.world.sources["observability"].resources["monitors"]
    expected = ui.world.expected("observability/monitors")
    assert_same(resource, ui.world.table("observability/monitors"), expected)


@pytest.mark.parametrize("name", ["alert_failed_runs", "alert_failed_checks"])
def test_a_test_of_the_alerts_says_what_they_would_send(ui: Ui, name: str) -> None:
    place = {"repositoryLocationName": "analytics_sync", "repositoryName": "__repository__"}

    def tested(cursor: str | None) -> dict[str, Any]:
        found = ui.ask(SENSOR_TEST, s={**place, "sensorName": name}, c=cursor)["sensorDryRun"]
        return dict(found["evaluationResult"])

    first = tested(None)
    assert first["error"] is None
    assert first["skipReason"].startswith("Begins now. webhook 127.0.0.1:")
    again = tested(first["cursor"])
    assert again["skipReason"].startswith("Test: nothing is sent, and the cursor stays.")
    assert again["cursor"] == first["cursor"]
    assert "secret-path" not in str((first, again))


# the browser folder opens the same pages
@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs the program chromium (a Debian package)")
@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("locations/analytics_sync/asset-groups/ci_pipelines/lineage", ["workflow_jobs", "jobs"]),
        (
            "assets/observability/dashboards?view=overview",
            ["One dashboard", "layout_type", "_extra"],
        ),
        ("assets/observability/incidents?view=checks", ["required_fields", "primary_key_unique"]),
        ("automation", ["daily_observability", "new_ci_pipelines_pipelines"]),
    ],
)
def test_pages_show_it_all_in_a_browser(ui: Ui, page: str, shown: list[str]) -> None:
    found = dom(ui, page)
    for text in shown:
        assert text in found, f"{text!r} is not on {page}"


SCHEDULE = """mutation { startSchedule(scheduleSelector: {repositoryLocationName: "analytics_sync",
  repositoryName: "__repository__", scheduleName: "daily_observability"}) {
  __typename ... on PythonError { message } } }"""
STATES = """{ schedulesOrError(repositorySelector: {repositoryLocationName: "analytics_sync",
  repositoryName: "__repository__"}) {
  ... on Schedules { results { name scheduleState { status } } } } }"""
JSON = {"Content-Type": "application/json"}
IN_URL = f"/graphql?query={quote(SCHEDULE)}"
BODY = json.dumps({"query": SCHEDULE})
OTHER_PAGE = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("GET", IN_URL, {}, None),
        ("GET", IN_URL, LINK, None),
        ("GET", IN_URL, OTHER_PAGE, None),
        ("GET", "/graphql/" + IN_URL.removeprefix("/graphql"), {}, None),
        ("HEAD", IN_URL, {}, None),
        ("POST", IN_URL, {}, None),
        ("POST", IN_URL, {"Content-Type": "text/plain"}, "x"),
        ("POST", IN_URL, {"Content-Type": "application/x-www-form-urlencoded"}, "x"),
        ("POST", "/graphql", {"Content-Type": "text/plain; application/json"}, BODY),
        ("POST", "/graphql", {**JSON, "Host": "evil.example"}, BODY),
        ("POST", "/graphql", {**JSON, "Host": "127.0.0.1.evil.example"}, BODY),
        ("POST", "/graphql", {**JSON, "Host": "localhost@evil.example"}, BODY),
        ("POST", "/graphql", {**JSON, "Origin": "https://evil.example"}, BODY),
        ("POST", "/graphql", {**JSON, "Origin": "null"}, BODY),
        ("POST", "/graphql", {**JSON, "Origin": "http://localhost:1"}, BODY),
        ("POST", "/graphql", {**JSON, "Sec-Fetch-Site": "cross-site"}, BODY),
        ("POST", "/graphql", {**JSON, "Sec-Fetch-Site": "same-site"}, BODY),
        ("POST", "/graphql", {**JSON, **LINK}, BODY),
        ("GET", "/", {"Host": "evil.example"}, None),
        ("GET", "/", {**LINK, "Sec-Fetch-Dest": "iframe"}, None),
        ("GET", "/server_info", OTHER_PAGE, None),
        ("POST", "/report_asset_materialization/observability/users", OTHER_PAGE, None),
        ("POST", "/report_asset_materialization/x", {"Content-Type": "text/plain"}, "{}"),
    ],
)
def test_the_ui_refuses_requests_of_other_pages_and_hosts(
    ui: Ui, method: str, path: str, headers: dict[str, str], body: str | None
) -> None:
    before = ui.ask(STATES)
    response = urllib3.request(method, ui.url + path, headers=headers, body=body, retries=False)
    assert response.status in {403, 405, 415}
    assert method == "HEAD" or response.data.startswith(b"Refused: ")
    assert ui.ask(STATES) == before


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST"])
def test_the_ui_takes_requests_of_its_own_pages(ui: Ui, name: str) -> None:
    host = f"{name}:{ui.url.rpartition(':')[2]}"
    own = {"Host": host, "Origin": f"http://{host.lower()}", "Sec-Fetch-Site": "same-origin"}
    query = json.dumps({"query": "{ version }"})
    response = urllib3.request("POST", f"{ui.url}/graphql", headers={**JSON, **own}, body=query)
    assert "version" in response.json()["data"]


def test_a_link_of_another_page_leads_to_the_ui_and_no_frame_shows_it(ui: Ui) -> None:
    response = urllib3.request("GET", f"{ui.url}/assets", headers=LINK)
    assert response.status == 200
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        ({}, True),
        ({"Origin": "own"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Host": "evil.example"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
    ],
)
def test_a_websocket_of_another_page_is_refused(
    ui: Ui, headers: dict[str, str], accepted: bool
) -> None:
    own = {"Origin": ui.url} if headers.get("Origin") == "own" else headers
    asked = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol": "graphql-ws",
    }  # fmt: skip
    response = urllib3.request(
        "GET", f"{ui.url}/graphql", headers={**asked, **own}, retries=False, preload_content=False
    )
    response.close()
    assert response.status == (101 if accepted else 403)


@pytest.mark.skipif(CHROMIUM is None, reason="needs the program chromium (a Debian package)")
def test_a_field_of_a_record_is_no_image_link_or_html_in_a_browser(ui: Ui) -> None:
    hostile = (
        '![x](http://evil.example/a.png) [y](http://evil.example/b) <img src="//evil.example/c">'
    )

    def changed(response: ServedResponse) -> ServedResponse:
        body = json.loads(response.body)
        for record in body["data"]:
            record[hostile] = 1
        return replace(response, body=json.dumps(body).encode())

    sandbox = ui.world.sandbox
    sandbox.faults = lambda r: Fault(change=changed) if r.resource == "users" else None
    try:
        tags = [{"key": "test", "value": "markup"}]
        asked = selector("observability/users")
        params = {"mode": "default", "selector": asked, "executionMetadata": {"tags": tags}}
        ui.ask(RUN, p=params)
        assert ui.finished(test="markup")["status"] == "SUCCESS"
    finally:
        sandbox.faults = None
    page = dom(ui, "assets/observability/users?view=checks&checkDetail=declared_schema")
    assert "evil.example/a.png" in page, "the description is on the page"
    assert not re.search(r'(src|href)="[^"]*evil\.example', page)
