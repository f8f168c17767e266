"""The limit: the least work that any load of these pages does.

In: a job. Out: a load over one connection. It parses each page once, writes its records to a file,
and inserts the file into the table.

The limit has no retries, no schema, no merge and no state. With the option ``ndjson`` it parses
nothing: these pages hold one record a line, which no API promises.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from benchmarks.contenders.insert import insert_file
from benchmarks.workload.job import TABLE, Job
from benchmarks.workload.records import EMPTY


def prepare(job: Job) -> Callable[[], None]:
    """Return the load."""
    to_lines = _slice_lines if job.options.get("ndjson") else _parse_lines

    def run_load() -> None:
        file = Path(job.folder) / "records.ndjson"
        connection = http.client.HTTPConnection(urlsplit(job.url).netloc)
        page = 0
        with file.open("wb") as out:
            while True:
                connection.request("GET", f"/{TABLE}?page={page}")
                body = connection.getresponse().read()
                if body == EMPTY:
                    break
                out.write(to_lines(body) + b"\n")
                page += 1
        connection.close()
        insert_file(job, file)

    return run_load


def _parse_lines(body: bytes) -> bytes:
    return b"\n".join(map(orjson.dumps, orjson.loads(body)["data"]))


def _slice_lines(body: bytes) -> bytes:
    # JSON text holds no raw line break, so each line break ends a record.
    return body[len(b'{"data":[\n') : -len(b"\n]}")].replace(b",\n", b"\n")
