"""The demo and its UI, as ``make demo`` and ``make dev`` leave them.

In: a folder. Out: a UI with the history of the demo, its sandbox, and a receiver of alerts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from analytics_sync_tests.support.alert_receivers import WebReceiver, web_receiver
from analytics_sync_tests.support.dagster_ui import DagsterUi, free_port
from analytics_sync_tests.support.world import ROOT

DAYS = 4
_HIDDEN = ("SOURCES__", "DESTINATION__", "ANALYTICS_SYNC__", "DAGSTER_HOME")
_COMMAND = [sys.executable, "-m", "analytics_sync.cli"]


class DemoSite(DagsterUi):
    """The UI of the demo.

    Args:
        folder: Where the demo has run.
        port: The port of the UI.
        receiver: Gets the alerts.
    """

    def __init__(self, folder: Path, port: int, receiver: WebReceiver) -> None:
        super().__init__(port)
        self.folder = folder
        self.receiver = receiver
        self.environment = {
            **{n: v for n, v in os.environ.items() if not n.startswith(_HIDDEN)},
            "PYTHONPATH": str(ROOT),
            "XDG_STATE_HOME": str(folder / "state"),
            "ANALYTICS_SYNC__ALERTS__URLS": f"{receiver.url}/alerts",
            "ANALYTICS_SYNC__ALERTS__DAGSTER_URL": self.url,
        }

    @property
    def days(self) -> list[str]:
        """The days of the demo."""
        first = date.fromisoformat((self.folder / ".demo" / "start").read_text()).toordinal()
        return [str(date.fromordinal(first + n)) for n in range(DAYS)]

    def command(self, *arguments: str) -> str:
        """Run ``analytics-sync`` in the folder; return what it prints."""
        done = subprocess.run(
            [*_COMMAND, *arguments],
            env=self.environment, cwd=self.folder, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    @contextmanager
    def trouble(self, *arguments: str) -> Iterator[None]:
        """Let the sandbox fail while the block runs."""
        self.command("trouble", *arguments)
        try:
            yield
        finally:
            self.command("trouble", "off")


@contextmanager
def demo_site(folder: Path) -> Iterator[DemoSite]:
    """Run the demo, and serve its UI while the block runs."""
    port = free_port()
    shutil.copy(ROOT / "workspace.yaml", folder)
    with web_receiver() as receiver, (folder / "dev.log").open("w") as log:
        site = DemoSite(folder, port, receiver)
        site.command("demo", "--days", str(DAYS))
        process = subprocess.Popen(
            [*_COMMAND, "dev", "--port", str(port)],
            env=site.environment, cwd=folder, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            site.wait_until_up(process)
            yield site
        finally:
            process.terminate()
            process.wait(timeout=60)
