"""Secret canaries: a run that fails in one way, and everything that it leaves behind.

In: a way to fail, and a scripted server. Out: a run of all sources by the command that users run,
with all logs at level DEBUG; then the text of each sink: output, logs, files, Dagster's storage,
GraphQL and the warehouse. The search for canaries uses no code that hides secrets.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.canary_failures import Failure
from analytics_sync_tests.support.canary_sources import ENVIRONMENT, SOURCES, catalog_file
from analytics_sync_tests.support.command_lines import command_lines
from analytics_sync_tests.support.scripted_api import Api
from analytics_sync_tests.support.world import ROOT

QUERY = """{ runsOrError { ... on Runs { results { runId runConfigYaml tags { key value }
  eventConnection { events { ... on MessageEvent { message }
    ... on ErrorEvent { error { message stack errorChain { error { message stack } } } }
    ... on ExecutionStepFailureEvent { failureMetadata { description
        metadataEntries { label description ... on TextMetadataEntry { text } } } }
    ... on MaterializationEvent { metadataEntries { label description
        ... on TextMetadataEntry { text } } } } } } } }
  assetNodes { assetKey { path } description metadataEntries { label description } } }"""


class CanaryRun:
    """A run that fails in one way, in a folder of its own.

    Args:
        folder: An empty folder.
        failure: The way to fail.
        here: The server of the sources.
        away: A server that must not receive any request.
    """

    def __init__(self, folder: Path, failure: Failure, here: Api, away: Api) -> None:
        self.folder = folder
        self.failure = failure
        self.here = here
        self.warehouse = folder / "w.duckdb"
        for name in ("catalog", "home", "tmp"):
            (folder / name).mkdir()
        for name in SOURCES:
            text = catalog_file(name, failure.paginator)
            (folder / "catalog" / f"{name}.yaml").write_text(text)
        (folder / "home" / "dagster.yaml").write_text(
            "telemetry: {enabled: false}\n"
            "python_logs: {python_log_level: DEBUG, managed_python_loggers: [root]}\n"
        )
        if failure.answer is not None:
            answer = failure.answer
            here.on("*", lambda *request: answer(*request, here=here.url, away=away.url))

    @property
    def _environment(self) -> dict[str, str]:
        address = self.failure.address or self.here.url
        if address == "https":
            address = self.here.url.replace("http:", "https:")
        bases = {f"SOURCES__{name}__BASE_URL".upper(): address for name in SOURCES}
        return {
            **{n: v for n, v in os.environ.items() if not n.startswith(("SOURCES__", "DLT_"))},
            **bases,
            **ENVIRONMENT,
            "ANALYTICS_SYNC__CATALOG_DIR": str(self.folder / "catalog"),
            "DESTINATION__DUCKDB__CREDENTIALS": str(self.warehouse),
            "DAGSTER_HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "PYTHONPATH": str(ROOT),
            "RUNTIME__LOG_LEVEL": "DEBUG",
            "NO_PROXY": "127.0.0.1,localhost",
            **(self.failure.environment or {}),
        }

    def sinks(self) -> Iterator[tuple[str, str]]:
        """Materialize all assets; then yield the name and the text of each sink."""
        with CommandLines() as command_lines:
            yield from self._materialize()
        yield "command lines", command_lines.text
        yield from _files("temporary files", self.folder / "tmp")
        yield from _files("Dagster's files", self.folder / "home")
        for path in (self.folder / "home").rglob("*.db"):
            yield f"Dagster's {path.name}", _sqlite_values(path)
        if self.warehouse.exists():
            yield "warehouse file", self.warehouse.read_bytes().decode("latin-1")
            yield "tables", _duckdb_values(self.warehouse)
        yield from _files("the folder of the run", self.folder, is_recursive=False)
        response = self._python(
            "import sys; from dagster_graphql.cli import main\n"
            f"sys.argv = ['dagster-graphql', '-m', 'analytics_sync.definitions', '-t', {QUERY!r}]\n"
            "main()"
        )
        assert '"runId"' in response.stdout, response.stderr[-2000:]
        yield "GraphQL", response.stdout
        command = "from analytics_sync.cli import main; main(['settings'])"
        yield "analytics-sync settings", self._python(command).stdout

    def _materialize(self) -> Iterator[tuple[str, str]]:
        groups = " or ".join(f'group:"{name}"' for name in SOURCES)
        with command_lines() as found:
            done = self._python(
                "import logging, sys; logging.basicConfig(level=logging.DEBUG)\n"
                f"{self.failure.code}\n"
                "from dagster._cli import main\n"
                f"sys.argv = ['dagster', 'asset', 'materialize', '--select', {groups!r}, "
                "'-m', 'analytics_sync.definitions']\nmain()"
            )
        assert any("'materialize'" in line for line in found)
        yield "command lines", "\n".join(found)
        yield "standard output", done.stdout
        yield "standard error", done.stderr
        assert done.returncode or self.failure.answer, "a run without a server cannot succeed"
        assert self.failure.output in done.stdout + done.stderr
        if self.failure.is_killed:
            assert done.returncode == -9

    def _python(self, code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code], env=self._environment, cwd=self.folder,
            capture_output=True, text=True, errors="replace", timeout=120, check=False,
        )  # fmt: skip


class CommandLines:
    """Collects the command lines of all processes of the machine while the block runs."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._collect)

    def __enter__(self) -> CommandLines:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def text(self) -> str:
        """The command lines, one a line."""
        return "\n".join(sorted(self._seen))

    def _collect(self) -> None:
        while not self._over.wait(0.05):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    self._seen.add(path.read_bytes().replace(b"\0", b" ").decode("latin-1"))


def _files(sink: str, folder: Path, *, is_recursive: bool = True) -> Iterator[tuple[str, str]]:
    """The contents and the path of each file."""
    for path in folder.rglob("*") if is_recursive else folder.glob("*"):
        if path.is_file():
            yield f"{sink}: {path.name}", path.read_bytes().decode("latin-1")
            yield f"{sink}: a name", str(path)


def _sqlite_values(path: Path) -> str:
    """Every value of a SQLite file. In the bytes of the file, a long value is in pieces."""
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.text_factory = lambda raw: raw.decode("utf-8", "replace")
        tables = [n for (n,) in file.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        return "\n".join(str(row) for t in tables for row in file.execute(f'SELECT * FROM "{t}"'))


def _duckdb_values(path: Path) -> str:
    """Every value and every name of a DuckDB file."""
    names = duckdb_file.query(path, "SELECT schema_name, table_name FROM duckdb_tables()")
    texts = [str(names), str(duckdb_file.query(path, "SELECT * FROM duckdb_columns()"))]
    for schema, table in names:
        for row in duckdb_file.query(path, f'SELECT * FROM "{schema}"."{table}"'):
            texts += [value if isinstance(value, str) else str(value) for value in row]
    return "\n".join(texts)
