"""No process calls home: names are looked up and connections are made for the configured API only.

In: commands as a user types them, in an environment without a word about telemetry. A hook in each of
their processes refuses every lookup and connection that leaves this machine, and writes it down. Out: what
was refused.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time

import pytest
import urllib3

from analytics_sync_tests.support.world import ROOT, World

DLT_HOST = "telemetry.scalevector.ai"
DAGSTER_HOST = "telemetry.dagster.io"
# Python imports a module of this name in each process before all others.
HOOK = """
import os, sys
def _hook(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # a local socket has a path
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host not in (None, "", "localhost", "::1") and not str(host).startswith("127."):
        with open(os.environ["CALLS"], "a") as calls:
            calls.write(f"{host}\\n")
        raise OSError(f"refused by the test: {host}")
sys.addaudithook(_hook)
"""
_SWITCHES = ("RUNTIME__DLTHUB_TELEMETRY", "DAGSTER_DISABLE_TELEMETRY")


class Watched:
    """Processes in one folder whose lookups and connections are watched."""

    def __init__(self, world: World) -> None:
        self.world = world
        hook = world.folder / "hook"
        hook.mkdir()
        (hook / "sitecustomize.py").write_text(HOOK)
        self._calls = world.folder / "calls"
        self._calls.touch()
        (world.home / "dagster.yaml").unlink()
        home = world.folder / "home"
        home.mkdir()
        self.environment = {
            **{n: v for n, v in os.environ.items() if n not in _SWITCHES},
            **world.environment,
            "CALLS": str(self._calls),
            "HOME": str(home),
            "PYTHONPATH": f"{hook}:{ROOT}",
            "PYTHONWARNINGS": "ignore",
        }

    @property
    def calls(self) -> set[str]:
        """The hosts that were refused."""
        return set(self._calls.read_text().split())

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start Python with arguments."""
        return subprocess.Popen(
            [sys.executable, *arguments],
            env=self.environment,
            cwd=self.world.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, *arguments: str) -> str:
        """Run Python with arguments to its end; return its output."""
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output[-4000:]
        return output

    def materialize(self) -> None:
        """Materialize an asset, as a user does."""
        self.run(
            "-m", "dagster", "asset", "materialize", "--select", "observability/dashboards",
            "-m", "analytics_sync.definitions",
        )  # fmt: skip
        assert self.world.table("observability/dashboards")


@pytest.fixture
def watched(world: World) -> Watched:
    return Watched(world)


def test_a_run_calls_nobody_but_the_api(watched: Watched) -> None:
    watched.materialize()
    assert watched.calls == set()
    assert not list((watched.world.folder / "home").rglob("*.duckdb_extension"))


@pytest.mark.slow
def test_commands_call_nobody(watched: Watched) -> None:
    for arguments in (["check"], ["settings"], ["--version"]):
        watched.run("-m", "analytics_sync.cli", *arguments)
    watched.run("-m", "dagster", "definitions", "validate", "-m", "analytics_sync.definitions")
    assert watched.calls == set()


@pytest.mark.slow
@pytest.mark.parametrize("place", ["environment", "file", "file without a section"])
def test_a_setting_of_dlt_switches_its_telemetry_on(watched: Watched, place: str) -> None:
    """The hook sees the calls: without this the other tests could not fail."""
    if place == "environment":
        watched.environment["RUNTIME__DLTHUB_TELEMETRY"] = "true"
    else:
        section = "" if place.endswith("section") else "[runtime]\n"
        (settings := watched.world.folder / ".dlt").mkdir()
        (settings / "config.toml").write_text(f"{section}dlthub_telemetry = true\n")
    watched.materialize()
    assert watched.calls == {DLT_HOST}


@pytest.mark.slow
def test_a_load_from_other_code_calls_nobody(watched: Watched) -> None:
    """Definitions were not loaded, and a pipeline of somebody else has started the telemetry."""
    watched.run(
        "-c",
        "import dlt; dlt.config.get('x')\n"
        "from analytics_sync.catalog import load_catalog\n"
        "from analytics_sync.extract.run import ReadRun\n"
        "from analytics_sync.load.pipeline import load\n"
        "with ReadRun(load_catalog()['observability'], only=['dashboards']) as run:\n"
        "    load(run, 'run')\n",
    )
    assert watched.world.table("observability/dashboards")
    assert watched.calls == set()


@pytest.mark.slow
@pytest.mark.parametrize("enabled", [False, True])
def test_the_ui_and_its_daemon_send_what_dagster_yaml_allows(
    watched: Watched, enabled: bool
) -> None:
    (ui := watched.world.folder / "workspace.yaml").write_text(
        (ROOT / "workspace.yaml").read_text()
    )
    # Dagster sends at its start what earlier processes have left here
    (logs := watched.world.home / "logs").mkdir()
    (logs / "event.log").write_text("{}\n")
    if enabled:
        (watched.world.home / "dagster.yaml").write_text("telemetry: {enabled: true}\n")
    port = _free_port()
    process = watched.start("-m", "analytics_sync.ui", "-w", ui.name, "--port", str(port))
    try:
        _wait_for(f"http://127.0.0.1:{port}/server_info", process)
        deadline = time.monotonic() + 60
        while enabled and not watched.calls and time.monotonic() < deadline:
            time.sleep(0.2)
    finally:
        process.terminate()
        output, _ = process.communicate(timeout=60)
    assert re.search("daemon", output), "the daemon has started before the UI served"
    assert watched.calls == ({DAGSTER_HOST} if enabled else set())


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 90
    while True:
        assert process.poll() is None, "the UI has ended"
        try:
            assert urllib3.request("GET", url, retries=False).status == 200
            return
        except urllib3.exceptions.HTTPError:
            assert time.monotonic() < deadline
            time.sleep(0.3)
