"""Several processes of this package that begin at the same moment and do not communicate.

In: the option ``each``: the job options of each process. Out: a load that returns the server's
report at ``/report``, after all processes have ended. The processes share TMPDIR, as processes of
one machine do.
"""

from __future__ import annotations

import dataclasses
import http.client
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.contenders.start import release, start_process
from benchmarks.workload.job import Job


def prepare(job: Job) -> Callable[[], dict[str, float]]:
    """Start the processes; return the load."""
    processes = []
    for number, options in enumerate(job.options["each"]):
        folder = Path(job.folder) / str(number)
        folder.mkdir()
        process_options = {**options, "wait": True}
        process_job = dataclasses.replace(job, folder=str(folder), options=process_options)
        processes.append(start_process("benchmarks.contenders", "ours", process_job.to_json()))

    def run_load() -> dict[str, float]:
        for process in processes:
            release(process)
        for process in processes:
            assert process.stdout is not None
            process.stdout.read()
            if status := process.wait():
                raise SystemExit(status)
        connection = http.client.HTTPConnection(urlsplit(job.url).netloc)
        connection.request("GET", "/report")
        report: dict[str, float] = json.load(connection.getresponse())
        connection.close()
        return report

    return run_load
