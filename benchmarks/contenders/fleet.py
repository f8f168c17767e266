"""Several processes of ours, let go at the same moment, that know nothing of each other.

In: the option ``each``: for each process the options of its job. Out: what the server tells at
``/report`` when all are done, as figures. They share TMPDIR, as processes of one machine do.
"""

from __future__ import annotations

import dataclasses
import http.client
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.contenders.start import let_go, start
from benchmarks.workload.job import Job


def prepare(job: Job) -> Callable[[], dict[str, float]]:
    """See the package."""
    processes = []
    for number, options in enumerate(job.options["each"]):
        folder = Path(job.folder) / str(number)
        folder.mkdir()
        one = dataclasses.replace(job, folder=str(folder), options={**options, "wait": True})
        processes.append(start("benchmarks.contenders", "ours", one.to_json()))

    def go() -> dict[str, float]:
        for process in processes:
            let_go(process)
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

    return go
