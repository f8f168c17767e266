"""The limit: one connection, each page parsed once, its records into a file, the file into the table.

No retries, no schema, no merge, no state: what is left is what any load of these pages has to do.
With the option ``ndjson`` nothing is parsed: these pages happen to have a record on each line, which
no API promises.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from benchmarks.contenders.insert import insert
from benchmarks.workload.job import TABLE, Job
from benchmarks.workload.records import EMPTY


def prepare(job: Job) -> Callable[[], None]:
    """See the package."""
    lines = _cut if job.options.get("ndjson") else _parse

    def go() -> None:
        file = Path(job.folder) / "records.ndjson"
        connection = http.client.HTTPConnection(urlsplit(job.url).netloc)
        page = 0
        with file.open("wb") as out:
            while True:
                connection.request("GET", f"/{TABLE}?page={page}")
                body = connection.getresponse().read()
                if body == EMPTY:
                    break
                out.write(lines(body) + b"\n")
                page += 1
        connection.close()
        insert(job, file)

    return go


def _parse(body: bytes) -> bytes:
    return b"\n".join(map(orjson.dumps, orjson.loads(body)["data"]))


def _cut(body: bytes) -> bytes:
    # a line break cannot stand within JSON text: these end records
    return body[len(b'{"data":[\n') : -len(b"\n]}")].replace(b",\n", b"\n")
