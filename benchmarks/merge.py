"""100,000 nested records of 1 KB, 1,000 a page, merged into DuckDB: ours and plain dlt, side by side.

``python benchmarks/merge.py [records] [rounds]``. Each way runs in a process of its own against the
same server of ready-made pages, in turn; printed are seconds without imports (median), the ratio of
each round's times, and peak memory.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import orjson

PAGE = 1000
COLUMNS = """
      id: bigint
      updated_at: timestamp
      name: text
      email: text
      score: double
      active: bool
      address: json
      address.city: text
      tags: json
      orders: json
      note: text
"""


def record(number: int) -> dict[str, object]:
    """One nested record of about 1 KB."""
    return {
        "id": number,
        "updated_at": f"2025-01-{number % 28 + 1:02d}T00:00:{number % 60:02d}.000Z",
        "name": f"customer {number}",
        "email": f"customer{number}@shop.invalid",
        "score": number / 7,
        "active": number % 3 == 0,
        "address": {
            "street": f"{number} Long Street",
            "city": f"City {number % 100}",
            "zip": "12345",
        },
        "tags": [f"tag{number % k}" for k in (2, 3, 5, 7, 11)],
        "orders": [{"sku": f"sku-{number}-{k}", "quantity": k, "price": k * 1.5} for k in range(6)],
        "note": "x" * 380,
    }


def serve(pages: list[bytes], listening: socket.socket) -> None:
    """Answer ``?page=N`` with page N; one thread a connection, no work per request."""

    def talk(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        waiting = b""
        while True:
            while b"\r\n\r\n" not in waiting:
                got = connection.recv(65536)
                if not got:
                    return
                waiting += got
            head, _, waiting = waiting.partition(b"\r\n\r\n")
            page = int(head.split(b"page=", 1)[1].split(b" ", 1)[0].split(b"&", 1)[0])
            body = pages[page] if page < len(pages) else b'{"data":[]}'
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                + str(len(body)).encode() + b"\r\n\r\n" + body
            )  # fmt: skip

    while True:
        connection, _ = listening.accept()
        threading.Thread(target=talk, args=(connection,), daemon=True).start()


def ours(url: str, folder: Path) -> float:
    """This package's way; seconds."""
    os.environ["DESTINATION__DUCKDB__CREDENTIALS"] = str(folder / "w.duckdb")
    from analytics_sync.extract.run import ReadRun
    from analytics_sync.load.pipeline import load
    from analytics_sync.spec import load_text

    text = f"""
source: bench
client: {{base_url: "{url}"}}
resources:
  - name: customers
    primary_key: id
    endpoint: {{path: /c, data_selector: data, paginator: {{type: page_number, base_page: 0}}}}
    columns:{COLUMNS}"""
    source = load_text(text, name="bench", file="bench.yaml")
    start = time.perf_counter()
    with ReadRun(source) as run:
        load(run, "bench")
        assert not run.failures(), run.failures()
    return time.perf_counter() - start


def plain(url: str, folder: Path, nesting: int | None) -> float:
    """dlt's rest_api source with the parquet loader; seconds."""
    import dlt
    from dlt.sources.rest_api import rest_api_source

    start = time.perf_counter()
    source = rest_api_source(
        {
            "client": {"base_url": url},
            "resources": [
                {
                    "name": "customers",
                    "primary_key": "id",
                    "write_disposition": "merge",
                    "endpoint": {
                        "path": "/c",
                        "data_selector": "data",
                        "paginator": {"type": "page_number", "base_page": 0, "total_path": None},
                    },
                }
            ],
        },
        max_table_nesting=nesting,
    )
    pipeline = dlt.pipeline(
        "bench",
        destination=dlt.destinations.duckdb(str(folder / "w.duckdb")),
        dataset_name="bench",
        pipelines_dir=str(folder / "dlt"),
    )
    pipeline.run(source, loader_file_format="parquet")
    return time.perf_counter() - start


WAYS = {
    "ours": ours,
    "plain dlt, parquet, no nesting": lambda url, folder: plain(url, folder, 0),
    "plain dlt, parquet": lambda url, folder: plain(url, folder, None),
}


def one(way: str, url: str) -> None:
    """Run one way in this process and print what it took as JSON."""
    import dlt  # noqa: F401  # imports are not part of the measurement
    import pyarrow  # noqa: F401

    folder = Path(tempfile.mkdtemp())
    seconds = WAYS[way](url, folder)
    import duckdb

    with duckdb.connect(str(folder / "w.duckdb"), read_only=True) as connection:
        rows = connection.execute("SELECT count(*) FROM bench.customers").fetchall()[0][0]
    shutil.rmtree(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "rows": rows, "peak_mb": peak}))


def main(records: int, rounds: int) -> None:
    """All ways in turn, and their ratios."""
    pages = [
        orjson.dumps({"data": [record(n) for n in range(at, min(at + PAGE, records))]})
        for at in range(0, records, PAGE)
    ]
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    server = multiprocessing.get_context("fork").Process(target=serve, args=(pages, listening))
    server.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    print(f"{records:,} records of {sum(map(len, pages)) / records:.0f} bytes, {PAGE:,} a page")
    results: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    try:
        for _ in range(rounds):
            for way, found in results.items():
                done = subprocess.run(
                    [sys.executable, __file__, "--one", way, url],
                    check=True, capture_output=True, text=True,
                    env={**os.environ, "RUNTIME__DLTHUB_TELEMETRY": "false"},
                )  # fmt: skip
                found.append(json.loads(done.stdout.splitlines()[-1]))
                assert found[-1]["rows"] == records, found[-1]
    finally:
        server.kill()
    base = [r["seconds"] for r in results["ours"]]
    for way, found in results.items():
        seconds = [r["seconds"] for r in found]
        ratios = [s / b for s, b in zip(seconds, base, strict=True)]
        print(
            f"{way:<32} {statistics.median(seconds):6.2f} s   "
            f"{statistics.median(ratios):5.2f} x ours   "
            f"peak {max(r['peak_mb'] for r in found):5.0f} MB"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(*sys.argv[2:4])
    else:
        main(int((sys.argv[1:2] or ["100000"])[0]), int((sys.argv[2:3] or ["3"])[0]))
