"""Benchmarks run and compare the same work; no test asserts their timings."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from analytics_sync_tests.support.world import ROOT
from benchmarks import suites
from benchmarks.harness import peers
from benchmarks.harness.measure import Result, Round, summarize
from benchmarks.workload.records import EMPTY, SHAPES, Shape, page_bodies
from benchmarks.workload.server import Server, stored_pages

CONTENDERS = [
    "limit",
    "ours",
    "plain dlt, parquet, no nesting",
    "plain dlt, parquet",
    "limit, pages are NDJSON already",
    "dagster-dlt as it comes",
]
PEERS = ["airbyte-cdk, manifest", "singer-sdk, REST tap"]
SUITES = ["work", "latency", "rate", "memory", "startup", "scale", "second", "merge"]


def run_benchmarks(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments, "--quick", "--no-peers"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


@pytest.mark.slow
def test_every_contender_of_the_work_suite_loads_every_row(tmp_path: Path) -> None:
    done = run_benchmarks(tmp_path, "work", "--records", "2500")
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    line = r"^  (\S.*?) +[\d.]+ s +[\d.]+ x limit +[\d.]+ x ours +peak +\d+ MB +rounds 1$"
    assert re.findall(line, done.stdout, re.M) == CONTENDERS
    assert re.findall(r"^  (\S.*?) +left out, as all peers$", done.stdout, re.M) == PEERS
    results = json.loads((tmp_path / ".bench" / "work" / "results.json").read_text())
    rows = {
        result["way"]: [measured["rows"] for measured in result["rounds"]]
        for result in results["cases"][0]["results"]
    }
    assert rows == {name: [2500] for name in CONTENDERS} | {name: [] for name in PEERS}
    assert results["machine"]["cpus"] == os.cpu_count()


@pytest.mark.slow
@pytest.mark.parametrize("suite", SUITES[1:])
def test_every_suite_runs(suite: str, tmp_path: Path) -> None:
    done = run_benchmarks(tmp_path, suite)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    results = json.loads((tmp_path / ".bench" / suite / "results.json").read_text())
    assert results["cases"]
    for case in results["cases"]:
        assert not [r for r in case["results"] if r["failed"] or r["missing"]]


def test_every_suite_has_a_test() -> None:
    assert list(suites.SUITES) == SUITES


@pytest.mark.parametrize("shape", SHAPES.values(), ids=lambda shape: shape.name)
def test_the_server_serves_every_record_once_and_counts_requests(shape: Shape) -> None:
    with Server(lambda: {"/customers": stored_pages(page_bodies(shape, 25, 10))}) as server:
        ids = []
        for page in range(4):
            url = f"{server.url}/customers?per_page=10&page={page}"
            with urllib.request.urlopen(url) as response:
                body = response.read()
            ids += [record["id"] for record in json.loads(body)["data"]]
        assert ids == list(range(25))
        assert body == EMPTY
        assert server.requests == 4


def test_declared_columns_equal_the_fields_of_the_records() -> None:
    for shape in SHAPES.values():
        assert list(shape.fields) == list(shape.make_record(7))


def test_ratios_compare_the_same_round() -> None:
    limit = Result("limit", [Round(1, 1, 1), Round(2, 1, 1), Round(4, 1, 1)])
    one_round = Result("one round", [Round(3, 1, 1)])
    three_rounds = Result("three rounds", [Round(3, 1, 1), Round(4, 1, 1), Round(4, 1, 1)])
    for result in (one_round, three_rounds):
        summarize(result, {"limit": limit})
    assert one_round.ratios == {"limit": 3}
    assert three_rounds.ratios == {"limit": 2}


@pytest.mark.slow
def test_a_peer_that_cannot_be_installed_has_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements-none.txt").write_text("--no-such-option\n")
    monkeypatch.setattr(peers, "__file__", str(tmp_path / "peers.py"))
    with pytest.raises(peers.NotInstalled, match=r"^not installed: .*no-such-option"):
        peers.peer_python("none", tmp_path / "venvs")
    assert list((tmp_path / "venvs").iterdir()) == []
