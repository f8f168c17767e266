"""A pipe between a connector and the table: what a simple destination does.

In: the module of a connector that writes messages as JSON lines, and where in a message the record
is. Out: a load of those records. The connector runs in a process of its own, beside this one, as
it does on its platform.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb  # noqa: F401  # imported before the clock runs
import orjson

from benchmarks.contenders.insert import insert
from benchmarks.contenders.start import let_go, start
from benchmarks.workload.job import Job


def consume(job: Job, connector: str, path: Sequence[str]) -> Callable[[], None]:
    """Start the connector; returned is what lets it go and loads what it says.

    Args:
        job: Passed on to the connector.
        connector: Module that waits for the start and then writes messages.
        path: Keys that lead from a message to its record.
    """
    process = start(connector, job.to_json())
    assert process.stdout is not None
    messages = process.stdout

    def go() -> None:
        file = Path(job.folder) / "records.ndjson"
        let_go(process)
        with file.open("wb") as out:
            for line in messages:
                message = orjson.loads(line)
                if message["type"] == "RECORD":
                    for key in path:
                        message = message[key]
                    out.write(orjson.dumps(message) + b"\n")
        if status := process.wait():
            raise SystemExit(status)
        insert(job, file)

    return go
