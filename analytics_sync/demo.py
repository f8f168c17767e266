"""The demo: runs of all assets against the sandbox, and the Dagster UI with their history.

In: the catalog that is configured, as Dagster loads it.
Out: a folder ``.demo`` with a Dagster instance, a warehouse and a log.
``demo`` prints each command that it carries out. A user can type the same.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import warnings
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from analytics_sync.common.private_folder import claim_folder, is_own

_INSTANCE = """\
telemetry:
  enabled: false
nux:
  enabled: false
event_log_storage:
  module: analytics_sync.event_log
  class: KeptSqliteEventLogStorage
  config:
    base_dir: %s
"""
_FAILING = "observability/incidents"  # the asset of the run that fails
_FAILED = 1
_WORKSPACE = "workspace.yaml"
_START_TIMEOUT_SECONDS = 30.0
_ADDRESS = "__BASE_URL"
DAYS = 7
_NEXT_STEPS = """\
What next:
  make dev                          the same in the Dagster UI, with this run's history
  analytics-sync settings SOURCE    what a real API needs, and what is set
  README.md                         one asset, one day, a backfill, a schedule, a new API"""


@dataclass
class Home:
    """The folder of the demo."""

    path: Path = field(default_factory=lambda: Path(".demo").absolute())

    @property
    def dagster(self) -> Path:
        """The folder of the Dagster instance, ``DAGSTER_HOME``."""
        return self.path / "dagster"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file of the demo."""
        return self.path / "warehouse.duckdb"

    def prepare(self, *, remove_existing: bool) -> None:
        """Make the folder and the instance; ``remove_existing`` deletes an earlier demo first.

        Dagster executes code that ``dagster.yaml`` names, so nobody else may write to the folder.

        Raises:
            NotPrivate: The path is no folder of this user, or everybody may write to it.
        """
        if remove_existing and is_own(self.path):
            shutil.rmtree(self.path, ignore_errors=True)
        claim_folder(self.path)
        self.dagster.mkdir(exist_ok=True)
        events = json.dumps(str(self.dagster / "history" / "runs"))  # JSON is YAML
        (self.dagster / "dagster.yaml").write_text(_INSTANCE % events, encoding="utf-8")

    @property
    def start(self) -> date:
        """The first partition: the demo's, or six days ago if no demo has run."""
        try:
            return date.fromisoformat((self.path / "start").read_text(encoding="utf-8"))
        except OSError:
            return _today() - timedelta(days=DAYS - 1)

    @start.setter
    def start(self, day: date) -> None:
        (self.path / "start").write_text(day.isoformat(), encoding="utf-8")

    @property
    def days(self) -> int:
        """Number of days from the first partition to today, both included."""
        return (_today() - self.start).days + 1

    def environment(self, sandbox: Mapping[str, str]) -> dict[str, str]:
        """Environment variables of a process of the demo: the sandbox's settings, no telemetry."""
        return {
            **os.environ,
            **self._days_for_all(sandbox),
            **sandbox,
            **_accepting(sandbox),
            "DAGSTER_HOME": str(self.dagster),
            "DESTINATION__DUCKDB__CREDENTIALS": str(self.warehouse),
            "ANALYTICS_SYNC__DESTINATION": "duckdb",
            "ANALYTICS_SYNC__START_DATE": str(self.start),
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "DAGSTER_DISABLE_TELEMETRY": "yes",
            "PYTHONWARNINGS": "ignore",
        }

    def _days_for_all(self, sandbox: Mapping[str, str]) -> dict[str, str]:
        """Settings that give all sources the days of the demo: one run takes one kind of partitions."""
        days = {"PARTITIONS": "daily", "TIME_ZONE": "UTC", "START_DATE": str(self.start)}
        sources = [n.removesuffix(_ADDRESS) for n in sandbox if n.endswith(_ADDRESS)]
        return {f"{source}__{key}": value for source in sources for key, value in days.items()}


def _install_signal_handlers() -> None:
    """Let SIGTERM and SIGINT run the ``finally`` blocks, which end every started process."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell ignores SIGINT for background jobs. Dagster ends its processes with SIGINT, and
        # they would inherit the ignored signal.
        signal.signal(signal.SIGINT, signal.default_int_handler)


class SandboxFailed(RuntimeError):
    """The sandbox did not start, or there is nothing to start it for."""


def _last_line(log: Path) -> str:
    """The last line of a log, as a sentence."""
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "it wrote nothing")
    return f"{last.rstrip('.')}."


@contextmanager
def sandbox(home: Home, *arguments: str) -> Iterator[dict[str, str]]:
    """Run a sandbox on a free port while the block runs; yield the settings that point to it.

    Args:
        home: The folder for the sandbox's settings and log.
        arguments: More arguments of ``python -m analytics_sync.sandbox``.

    Raises:
        SandboxFailed: The sandbox did not start; its log says why.
    """
    settings = home.path / "sandbox.env"
    settings.unlink(missing_ok=True)
    log = home.path / "sandbox.log"
    command = [
        sys.executable, "-m", "analytics_sync.sandbox", "--configured", "--port", "0",
        "--env", str(settings),
    ]  # fmt: skip
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*command, *arguments], env=_without_settings(), stdout=output, stderr=output
        )
        try:
            deadline = time.monotonic() + _START_TIMEOUT_SECONDS
            while "sandbox on" not in log.read_text(encoding="utf-8"):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SandboxFailed(
                        f"the sandbox did not start: {_last_line(log)} Look at {_short_path(log)}."
                    )
                time.sleep(0.05)
            lines = settings.read_text(encoding="utf-8").splitlines()
            print(log.read_text(encoding="utf-8").strip())
            yield dict(line.split("=", 1) for line in lines if "=" in line)
        finally:
            process.terminate()
            process.wait()


def _accepting(sandbox: Mapping[str, str]) -> dict[str, str]:
    """Settings that accept the sandbox under its new port: the rows of the demo are all its own."""
    sources = {n.removesuffix(_ADDRESS): url for n, url in sandbox.items() if n.endswith(_ADDRESS)}
    return {f"{source}__ACCEPT_ORIGIN": url for source, url in sources.items()}


def _without_settings() -> dict[str, str]:
    """The environment of a process that needs no settings of sources and destinations: no secrets."""
    prefixes = ("SOURCES__", "DESTINATION__")
    return {n: v for n, v in os.environ.items() if not n.upper().startswith(prefixes)}


def demo(options: Namespace) -> int:
    """Materialize assets from the sandbox into an empty warehouse; return the exit status.

    After that one run fails and is repaired, so that the UI has one to look at.

    Args:
        options: ``select``, an asset selection, as ``analytics-sync run`` takes it, and ``days``, the number
            of daily partitions, the last of them today.
    """
    _install_signal_handlers()
    home = Home()
    home.prepare(remove_existing=True)
    today = _today()
    home.start = today - timedelta(days=options.days - 1)
    with sandbox(home, "--days", str(options.days)) as settings:
        os.environ.update(home.environment(settings))
        warnings.simplefilter("ignore")
        if status := _run(options.select, f"{home.start}..{today}"):
            return status
        day = max(home.start, today - timedelta(days=1))  # a whole day, if there is one
        if _is_loaded(_FAILING) and not _fail_and_repair(str(day)):
            return _FAILED
    print(f"\nThe data is made up; it is in {_short_path(home.warehouse)}.\n\n{_NEXT_STEPS}")
    return 0


def _run(selection: str, days: str) -> int:
    """Do what the command does that is printed; return its exit status."""
    from analytics_sync.commands.run import run

    _print_command("run", selection, "--days", days)
    return run(Namespace(selection=selection, days=days, workspace=None))


def _trouble(*arguments: str) -> None:
    from analytics_sync.commands.trouble import trouble

    _print_command("trouble", *arguments)
    kind, place = (*arguments, None)[:2]
    trouble(Namespace(kind=kind, place=place, seconds=None, url=None))


def _print_command(*arguments: str) -> None:
    print(f"\n$ analytics-sync {shlex.join(arguments)}", flush=True)


def _is_loaded(asset: str) -> bool:
    from dagster import AssetKey, DagsterInstance

    with DagsterInstance.get() as instance:
        return instance.get_latest_materialization_event(AssetKey(asset.split("/"))) is not None


def _fail_and_repair(day: str) -> bool:
    """Let one run fail, and repeat it when its cause is gone; return whether both did as they should."""
    print("\nNow a run that fails, and its repair: the UI shows both.")
    _trouble("403", _FAILING)
    has_failed = _run(_FAILING, day) == _FAILED
    if not has_failed:
        print("The run has not failed, although the API refused its requests.", file=sys.stderr)
    _trouble("off")
    return _run(_FAILING, day) == 0 and has_failed


def dev(options: Namespace) -> int:
    """Serve the Dagster UI of the demo's instance until interrupted; return its exit status.

    Args:
        options: ``port``, the port of the UI; 0 takes any free one.
    """
    if not Path(_WORKSPACE).exists():
        raise SandboxFailed(
            f"there is no {_WORKSPACE} in {Path.cwd()}. Run the command in the folder of the project."
        )
    _install_signal_handlers()
    home = Home()
    home.prepare(remove_existing=False)
    port = options.port or _free_port()
    with sandbox(home, "--days", str(home.days), "--live", "60") as settings:
        command = [
            sys.executable, "-m", "analytics_sync.ui", "-w", _WORKSPACE, "--port", str(port),
        ]  # fmt: skip
        print(f"The UI will be at http://127.0.0.1:{port}; stop with Ctrl-C.", flush=True)
        process = subprocess.Popen(command, env=home.environment(settings))
        try:
            return process.wait()
        except KeyboardInterrupt:
            # The terminal has interrupted Dagster too: let Dagster shut down by itself.
            return process.wait()
        finally:
            process.terminate()
            process.wait()


def _today() -> date:
    return datetime.now(UTC).date()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _short_path(path: Path) -> str:
    """The path relative to the working directory, if it lies in there."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
