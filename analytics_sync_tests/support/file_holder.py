"""A program that has a DuckDB file open: a notebook, the command line of DuckDB, or a desktop tool.

In: a file. Out: a process that holds it until the block ends, or that opens it again and again.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "True")
print("open", flush=True)
sys.stdin.read()
"""
_LOOK_IN = """
import duckdb, sys, time
print("open", flush=True)
while True:
    try:
        with duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "True"):
            time.sleep(0.02)
    except duckdb.IOException:
        pass
    time.sleep(0.02)
"""


@contextmanager
def held(file: Path, *, read_only: bool = True) -> Iterator[subprocess.Popen[str]]:
    """Keep the file open in another process."""
    with _process(_HOLD, file, read_only) as process:
        yield process


@contextmanager
def looked_at(file: Path, *, read_only: bool = True) -> Iterator[None]:
    """Let another process open the file for 20 ms at a time."""
    with _process(_LOOK_IN, file, read_only):
        yield


@contextmanager
def _process(code: str, file: Path, read_only: bool) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(file), str(read_only)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
    finally:
        process.kill()
        process.communicate()
