"""A pipe from a connector to the table, as a simple destination has it.

In: the module of a connector that writes messages as JSON lines, and the path of the record in a
message. Out: a load of those records. The connector runs in a process of its own, beside this
process, as it does on its platform.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb  # noqa: F401  # imported before the clock runs
import orjson

from benchmarks.contenders.insert import insert_file
from benchmarks.contenders.start import release, start_process
from benchmarks.workload.job import Job


def consume_messages(job: Job, connector: str, path: Sequence[str]) -> Callable[[], None]:
    """Start the connector; return the function that releases it and loads its records.

    Args:
        job: Job of the connector.
        connector: Module that waits for its release and then writes messages.
        path: Keys that lead from a message to its record.
    """
    process = start_process(connector, job.to_json())
    assert process.stdout is not None
    lines = process.stdout

    def run_load() -> None:
        file = Path(job.folder) / "records.ndjson"
        release(process)
        with file.open("wb") as out:
            for line in lines:
                message = orjson.loads(line)
                if message["type"] == "RECORD":
                    for key in path:
                        message = message[key]
                    out.write(orjson.dumps(message) + b"\n")
        if status := process.wait():
            raise SystemExit(status)
        insert_file(job, file)

    return run_load
