"""``python -m analytics_sync.ui``: Dagster's UI and daemon, with a guard before the UI.

In: a port, a workspace file and ``DAGSTER_HOME``. Out: the UI on 127.0.0.1 until SIGTERM or SIGINT, and
a daemon beside it. ``dagster dev`` starts the same two, with an unguarded webserver. Dagster's telemetry is
off, unless ``dagster.yaml`` switches it on.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from dagster import DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.version import __version__

from analytics_sync.guard import Guard

_HOST = "127.0.0.1"
_STOP_SECONDS = 60
_MAX_SECONDS_TO_CLOSE = 5  # for connections that are open when the server stops
# Dagster's defaults
_STATEMENT_TIMEOUT_MS = 15_000
_POOL_RECYCLE_SECONDS = 3600
_POOL_OVERFLOW = 20


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return the exit status, which is 1 if the daemon has ended.

    Args:
        argv: The command line without the program's name; None reads it from ``sys.argv``.
    """
    parser = argparse.ArgumentParser(prog="python -m analytics_sync.ui", description=__doc__)
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("-w", "--workspace", default="workspace.yaml")
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with DagsterInstance.get() as instance, _daemon(options.workspace, instance) as daemon:
        instance.optimize_for_webserver(
            _STATEMENT_TIMEOUT_MS, _POOL_RECYCLE_SECONDS, _POOL_OVERFLOW
        )
        target = WorkspaceFileTarget([options.workspace])
        with WorkspaceProcessContext(instance, target, version=__version__) as context:
            server = uvicorn.Server(
                uvicorn.Config(
                    Guard(create_app_from_workspace_process_context(context)),
                    host=_HOST,
                    port=options.port,
                    log_level="warning",
                    timeout_graceful_shutdown=_MAX_SECONDS_TO_CLOSE,
                )
            )
            threading.Thread(target=_stop_with, args=(daemon, server), daemon=True).start()
            server.run()
        return 0 if daemon.poll() is None else 1


@contextmanager
def _daemon(workspace: str, instance: DagsterInstance) -> Iterator[subprocess.Popen[bytes]]:
    """Dagster's daemon, which starts runs of schedules, sensors and backfills."""
    command = [sys.executable, "-m", "dagster._daemon", "run", "-w", workspace]
    environment = dict(os.environ)
    telemetry = instance.get_settings("telemetry") or {}
    if not telemetry.get("enabled"):  # Dagster's default is on, and the daemon sends it
        environment["DAGSTER_DISABLE_TELEMETRY"] = "yes"
    process = subprocess.Popen(command, env=environment)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)  # Dagster ends its processes at this signal
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _stop_with(daemon: subprocess.Popen[bytes], server: uvicorn.Server) -> None:
    """Stop the server when the daemon ends: schedules would not run, and nobody would know."""
    daemon.wait()
    server.should_exit = True


if __name__ == "__main__":
    raise SystemExit(main())
