"""The whole thing on the sandbox: a main run with a table at its end, and the UI on its history.

In: the catalog. Out: a folder ``.demo`` with a Dagster instance, a warehouse and a log. Both
commands do nothing that a user could not type: they start the sandbox, set the environment and
call ``dagster``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

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
_STEP = re.compile(r" - (STEP_START|STEP_SUCCESS|STEP_FAILURE) - .* step \"(\w+)\"")
_STARTED_WITHIN = 30.0  # seconds for the sandbox to come up
DAYS = 7


@dataclass
class Home:
    """The folder of the demo."""

    path: Path = field(default_factory=lambda: Path(".demo").absolute())

    @property
    def dagster(self) -> Path:
        """DAGSTER_HOME."""
        return self.path / "dagster"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file."""
        return self.path / "warehouse.duckdb"

    def prepare(self, *, ignore_journal: bool) -> None:
        """Make the folder; ``ignore_journal`` removes what an earlier demo left."""
        if ignore_journal:
            shutil.rmtree(self.path, ignore_errors=True)
        self.dagster.mkdir(parents=True, exist_ok=True)
        events = json.dumps(str(self.dagster / "history" / "runs"))  # JSON is YAML
        (self.dagster / "dagster.yaml").write_text(_INSTANCE % events, encoding="utf-8")

    @property
    def start(self) -> date:
        """The first partition: that of the demo, or six days ago where none was run."""
        try:
            return date.fromisoformat((self.path / "start").read_text(encoding="utf-8"))
        except OSError:
            return _today() - timedelta(days=DAYS - 1)

    @start.setter
    def start(self, day: date) -> None:
        (self.path / "start").write_text(day.isoformat(), encoding="utf-8")

    @property
    def days(self) -> int:
        """Days from the first partition up to and including today."""
        return (_today() - self.start).days + 1

    def environment(self, sandbox: Mapping[str, str]) -> dict[str, str]:
        """What a process needs to work here: no telemetry, and the sandbox's settings."""
        return {
            **os.environ,
            **sandbox,
            "DAGSTER_HOME": str(self.dagster),
            "DESTINATION__DUCKDB__CREDENTIALS": str(self.warehouse),
            "ANALYTICS_SYNC__DESTINATION": "duckdb",
            "ANALYTICS_SYNC__START_DATE": str(self.start),
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "DAGSTER_DISABLE_TELEMETRY": "yes",
            "PYTHONWARNINGS": "ignore",
        }


def _end_tidily() -> None:
    """Let a SIGTERM end this process through its ``finally`` blocks: nothing started stays behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # behind nohup and an ampersand: what Dagster starts would inherit it, and is ended by a SIGINT
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def sandbox(home: Home, *arguments: str) -> Iterator[dict[str, str]]:
    """A sandbox on a free port for as long as the block runs; yields the settings that point to it.

    Raises:
        RuntimeError: It did not come up; its output says why.
    """
    settings = home.path / "sandbox.env"
    settings.unlink(missing_ok=True)
    log = home.path / "sandbox.log"
    command = [
        sys.executable,
        "-m",
        "analytics_sync.sandbox",
        "--port",
        "0",
        "--env",
        str(settings),
    ]
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen([*command, *arguments], stdout=output, stderr=output)
        try:
            until = time.monotonic() + _STARTED_WITHIN
            while "sandbox on" not in log.read_text(encoding="utf-8"):
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"the sandbox did not start; see {log}")
                time.sleep(0.05)
            lines = settings.read_text(encoding="utf-8").splitlines()
            print(log.read_text(encoding="utf-8").strip())
            yield dict(line.split("=", 1) for line in lines if "=" in line)
        finally:
            process.terminate()
            process.wait()


def demo(select: str = "*", *, days: int = DAYS) -> int:
    """Materialize from the sandbox into a fresh warehouse; the exit status.

    Args:
        select: An asset selection, as ``dagster asset materialize`` takes it.
        days: How many daily partitions, the last of them today.
    """
    _end_tidily()
    home = Home()
    home.prepare(ignore_journal=True)
    home.start = _today() - timedelta(days=days - 1)
    with sandbox(home, "--days", str(home.days)) as settings:
        command = [
            sys.executable, "-m", "dagster", "asset", "materialize", "--select", select,
            "--partition-range", f"{home.start}...{_today()}", "-m", "analytics_sync.definitions",
        ]  # fmt: skip
        print("$ dagster " + " ".join(command[3:]).replace("*", "'*'"), flush=True)
        status = _follow(command, home.environment(settings), home.path / "run.log")
        _report(home, status)
    return status


def _follow(command: list[str], environment: Mapping[str, str], log: Path) -> int:
    """Run Dagster, say which step runs, keep its output in a file."""
    begun: dict[str, float] = {}
    with (
        log.open("w", encoding="utf-8") as output,
        subprocess.Popen(
            command,
            env=dict(environment),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            output.write(line)
            if match := _STEP.search(line):
                event, step = match.groups()
                now = time.monotonic()
                if event == "STEP_START":
                    begun[step] = now
                elif event in {"STEP_SUCCESS", "STEP_FAILURE"} and step in begun:
                    word = "done" if event == "STEP_SUCCESS" else "FAILED"
                    print(f"  {step:<26} {word} in {now - begun.pop(step):5.1f} s", flush=True)
    return process.returncode


def _report(home: Home, status: int) -> None:
    from dagster import DagsterEventType, DagsterInstance

    with DagsterInstance.from_config(str(home.dagster)) as instance:
        run = instance.get_run_records(limit=1)[0]
        rows: dict[tuple[str, ...], dict[str, Any]] = {}
        for entry in instance.all_logs(run.dagster_run.run_id):
            event = entry.dagster_event
            if event is None:
                continue
            if event.event_type == DagsterEventType.ASSET_MATERIALIZATION:
                materialization = event.step_materialization_data.materialization
                row = rows.setdefault(tuple(materialization.asset_key.path), _row())
                row["partitions"] += 1
                values = {k: v.value for k, v in materialization.metadata.items()}
                row["rows"] = values["rows_loaded"]
                row["seconds"] = values["seconds_reading"]
                row["partitioned"] = materialization.partition is not None
            elif event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION:
                check = event.asset_check_evaluation_data
                row = rows.setdefault(tuple(check.asset_key.path), _row())
                row["checks"] += 1
                row["passed"] += check.passed
    print()
    print(
        f"{'source':<17} {'resource':<25} {'partitions':>10} {'rows':>7} {'checks':>7} {'reading s':>9}"
    )
    for (source, resource), row in sorted(rows.items()):
        partitions = str(row["partitions"]) if row["partitioned"] else "-"
        checks = f"{row['passed']}/{row['checks']}"
        print(
            f"{source:<17} {resource:<25} {partitions:>10} {row['rows']:>7,} {checks:>7} "
            f"{row['seconds']:>9.2f}"
        )
    took = (run.end_time or 0) - (run.start_time or 0)
    print(
        f"\n{len(rows)} assets, {sum(r['rows'] for r in rows.values()):,} rows, "
        f"{sum(r['passed'] for r in rows.values())} of {sum(r['checks'] for r in rows.values())} "
        f"checks passed; the run took {took:.1f} s."
    )
    if status:
        print(f"The run failed: look at {home.path / 'run.log'}.")
        return
    print(
        f"The data is made up; it is in {_near(home.warehouse)}.\n\n"
        "What next:\n"
        "  make dev                          the same in the Dagster UI, with this run's history\n"
        "  analytics-sync settings SOURCE    what a real API needs, and what is set\n"
        "  README.md                         one asset, one day, a backfill, a schedule, a new API"
    )


def _today() -> date:
    return datetime.now(UTC).date()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _row() -> dict[str, Any]:
    return {
        "partitions": 0,
        "rows": 0,
        "seconds": 0.0,
        "checks": 0,
        "passed": 0,
        "partitioned": False,
    }


def _near(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def dev(port: int = 3000) -> int:
    """The Dagster UI on loopback, on the sandbox and the demo's instance, until interrupted."""
    _end_tidily()
    home = Home()
    home.prepare(ignore_journal=False)
    port = port or _free_port()
    with sandbox(home, "--days", str(home.days), "--live", "60") as settings:
        command = [
            sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml",
            "--host", "127.0.0.1", "--port", str(port),
        ]  # fmt: skip
        print(f"The UI will be at http://127.0.0.1:{port}; stop with Ctrl-C.", flush=True)
        process = subprocess.Popen(command, env=home.environment(settings))
        try:
            return process.wait()
        except (
            KeyboardInterrupt
        ):  # the terminal has told Dagster as well: let it end in its own way
            return process.wait()
        finally:
            process.terminate()
            process.wait()
