"""Runs in processes of their own that get a signal while they read, wait or load.

In: an API, a warehouse, and the sign that the run has come to the place. Out: the seconds from the signal to
the end of the process, the state of the run in Dagster, and what the process wrote.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dagster import DagsterInstance, DagsterRun

from analytics_sync_tests.support.dagster_runs import make_dagster_home

_SOURCE = """
source: shop
client: {{resume_within: 3600, read_timeout: 600{client}}}
resource_defaults: {{primary_key: id}}
resources:
  - name: items
    endpoint: {{path: items, data_selector: data,
      paginator: {{type: page_number, base_page: 1, total_path: null}}, params: {{size: 1000}}}}
    columns: {{id: text, v: text}}
"""
_MAX_SECONDS = 60.0
_MAX_SECONDS_TO_END = (
    20.0  # more than a stop takes on a busy machine; what is stopped takes minutes
)


@dataclass(frozen=True)
class Ended:
    """A run that a signal has ended.

    Attributes:
        status: The exit status of the process.
        run: Dagster's record of the run.
        output: What the process wrote.
        log: The messages of the run in Dagster's log, with their levels.
    """

    status: int
    run: DagsterRun
    output: str
    log: list[tuple[int, str]]


class StoppedRuns:
    """Runs of the source ``shop`` with the resource ``items``.

    Args:
        folder: The folder for all files.
        url: The address of the API.
        settings: Settings of the warehouse; empty for a DuckDB file in the folder.
        client: More keys of the client, each after a comma.
    """

    def __init__(
        self, folder: Path, url: str, settings: Mapping[str, str] | None = None, client: str = ""
    ) -> None:
        self.folder = folder
        self.warehouse = folder / "warehouse.duckdb"
        catalog = folder / "catalog"
        catalog.mkdir()
        text = _SOURCE.format(client=client)
        (catalog / "shop.yaml").write_text(text)
        self.home = make_dagster_home(folder / "dagster")
        self.journals = folder / "journals"
        self.environment = {
            **os.environ,
            "ANALYTICS_SYNC__CATALOG_DIR": str(catalog),
            "SOURCES__SHOP__BASE_URL": url,
            "DAGSTER_HOME": str(self.home),
            "ANALYTICS_SYNC__JOURNAL_DIR": str(self.journals),
            **(settings or {"DESTINATION__DUCKDB__CREDENTIALS": str(self.warehouse)}),
        }

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start ``dagster asset materialize``, or another command of ``python -m``."""
        materialize = ("dagster", "asset", "materialize", "--select", "shop/items")
        arguments = command or (*materialize, "-m", "analytics_sync.definitions")
        with (self.folder / "output.txt").open("w") as output:
            return subprocess.Popen(
                [sys.executable, "-m", *arguments],
                env=self.environment, cwd=self.folder, stdout=output, stderr=output, text=True,
            )  # fmt: skip

    def output(self) -> str:
        """What the process has written so far."""
        return (self.folder / "output.txt").read_text()

    def stop(
        self, is_there: Callable[[], bool], sent: signal.Signals = signal.SIGINT, *command: str
    ) -> Ended:
        """Start a run, send it a signal once it has come to the place, and wait for its end."""
        process = self.start(*command)
        try:
            deadline = time.monotonic() + _MAX_SECONDS
            while not is_there():
                assert process.poll() is None, self.output()
                assert time.monotonic() < deadline, self.output()
                time.sleep(0.05)
            process.send_signal(sent)
            process.wait(_MAX_SECONDS_TO_END)
        finally:
            process.kill()
            process.wait()
        with DagsterInstance.from_config(str(self.home)) as instance:
            (record,) = instance.get_run_records(limit=1)
            entries = instance.all_logs(record.dagster_run.run_id)
        log = [(entry.level, entry.message) for entry in entries]
        return Ended(process.returncode, record.dagster_run, self.output(), log)
