"""A running UI of Dagster, asked by GraphQL as its pages ask it.

In: its address, and the process that serves it. Out: answers, and runs that have ended.
"""

from __future__ import annotations

import socket
import subprocess
import time
from typing import Any

import urllib3

MAX_SECONDS = 240  # limit for a server to come up or a run to end; tests wait only as needed
RUNS = """{ runsOrError { ... on Runs { results { runId status tags { key value } } } } }"""
_STATUS = "query($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"
_ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class DagsterUi:
    """A running UI, with its daemon and its guard.

    Args:
        port: Its port on 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def wait_until_up(self, process: subprocess.Popen[Any]) -> None:
        """Wait until the UI answers."""
        until = time.monotonic() + MAX_SECONDS
        while True:
            try:
                urllib3.request("GET", f"{self.url}/server_info", retries=False)
                return
            except urllib3.exceptions.HTTPError:
                assert process.poll() is None, "the UI has ended"
                assert time.monotonic() < until, "the UI did not come up"
                time.sleep(0.2)

    def ask(self, query: str, **variables: Any) -> Any:
        """The data of one GraphQL request, as the UI sends it."""
        body = {"query": query, "variables": variables}
        response = urllib3.request("POST", f"{self.url}/graphql", json=body, retries=False).json()
        assert "errors" not in response, response
        return response["data"]

    def status(self, run: str) -> str:
        """The status of the run with this id."""
        return str(self.ask(_STATUS, run=run)["runOrError"]["status"])

    def finished(self, **tags: str) -> dict[str, Any]:
        """The run with these tags. Waits until it has ended."""
        until = time.monotonic() + MAX_SECONDS
        while time.monotonic() < until:
            for run in self.ask(RUNS)["runsOrError"]["results"]:
                found = {t["key"]: t["value"] for t in run["tags"]}
                if tags.items() <= found.items() and run["status"] in _ENDED:
                    return {**run, "tags": found}
            time.sleep(0.3)
        raise AssertionError(f"no finished run with {tags}")
