"""A destination under test: an API, a dataset of its own, and the rows that are really there.

In: the settings of a destination, and a catalog file in pieces. Out: loads as runs do them, in this process or in
others that may be killed, and the rows of tables in plain Python. Nothing here knows a kind of destination.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import tomllib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dlt.destinations.sql_client import SqlClientBase

from analytics_sync.catalog import Source, load_text
from analytics_sync.common.window import Window
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import Loaded, load
from analytics_sync.load.sharing.locks import open_dataset
from analytics_sync.load.warehouse import open_warehouse
from analytics_sync_tests.support.dagster_runs import Run, make_dagster_home, run_source
from analytics_sync_tests.support.scripted_api import Api

_FORK = multiprocessing.get_context("fork")
_SECONDS = 120
_TABLES = ("items", "parts", "_loaded", "_rejected")


def settings_of(file: Path) -> dict[str, str]:
    """The settings in a file in the form of dlt's ``secrets.toml``, as environment variables."""
    return dict(_flat(tomllib.loads(file.read_text(encoding="utf-8")), ()))


def _flat(values: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, (*path, name))
        else:
            text = value if isinstance(value, str) else json.dumps(value)
            yield "__".join((*path, name)).upper(), text


class Target:
    """A dataset of its own in the configured destination.

    Args:
        api: The API of the source.
        folder: A folder for Dagster's history.
    """

    def __init__(self, api: Api, folder: Path) -> None:
        self.api = api
        self.name = f"conf_{uuid.uuid4().hex[:8]}"
        self._home = make_dagster_home(folder / "dagster")
        os.environ[f"SOURCES__{self.name.upper()}__BASE_URL"] = api.url

    def close(self) -> None:
        """Drop the dataset."""
        del os.environ[f"SOURCES__{self.name.upper()}__BASE_URL"]
        with open_dataset(self.name, "dropping the dataset") as (client, _):
            if client is not None and client.sql_client.has_dataset():
                client.sql_client.drop_dataset()

    def source(self, *resources: Mapping[str, Any]) -> Source:
        """A source of the dataset's name."""
        text = json.dumps({"client": {}, "resources": list(resources)})
        return load_text(text, name=self.name, file=f"{self.name}.yaml")

    def sync(self, source: Source, window: Window | None = None) -> Loaded:
        """Read and load; no resource may fail."""
        with ReadRun(source, window) as run:
            loaded = load(run, uuid.uuid4().hex[:12])
            assert not run.failures(), run.failures()
            return loaded

    def failures(self, source: Source) -> dict[str, str]:
        """Read and load; the message of each failed resource."""
        with ReadRun(source) as run:
            load(run, uuid.uuid4().hex[:12])
            return {name: str(error) for name, error in run.failures().items()}

    def run(self, source: Source, first: str | None = None, last: str | None = None) -> Run:
        """Materialize in Dagster, with all checks."""
        return run_source(self._home, source, first, last)

    def execute(self, sql: str) -> None:
        """Execute a statement as somebody else may; ``{items}`` stands for the table ``items``."""
        with open_dataset(self.name, "executing a statement") as (client, _):
            assert client is not None
            sql_client = client.sql_client
            names = {name: sql_client.make_qualified_table_name(name) for name in _TABLES}
            sql_client.execute_sql(sql.format(**names))

    def rows(self, table: str = "items", json_columns: Sequence[str] = ()) -> list[dict[str, Any]]:
        """All rows of a table by their first column, without columns of dlt. Instants are in UTC."""
        with open_warehouse(self.name) as warehouse:
            names = [n for n in warehouse.columns(table) if not n.startswith("_dlt")]
            if not names:
                return []
            decoded = {"_extra", "record", *json_columns}
            columns = ", ".join(
                f"CAST({warehouse.column(n)} AS VARCHAR)" if n in decoded else warehouse.column(n)
                for n in names
            )
            found = warehouse.rows(f"SELECT {columns} FROM {warehouse.table(table)}")
        rows = [
            {n: _plain(v, n in decoded) for n, v in zip(names, row, strict=True)} for row in found
        ]
        return sorted(rows, key=lambda row: str(next(iter(row.values()))))

    def values(self, table: str = "items", column: str = "v") -> dict[Any, Any]:
        """The values of a column by the id of the row."""
        rows = self.rows(table)
        found = {row["id"]: row.get(column) for row in rows}
        assert len(found) == len(rows), f"keys with several rows in {table}: {rows}"
        return found

    def living(self, table: str = "items") -> set[Any]:
        """The ids of the rows without a mark of deletion."""
        return {id_ for id_, at in self.values(table, "_deleted_at").items() if at is None}

    def in_parallel(self, source: Source, number: int) -> None:
        """Sync in several processes that begin to load together."""
        ready = _FORK.Barrier(number)

        def work() -> None:
            with ReadRun(source) as run:
                for resource in run.resources:
                    run.result(resource.name)
                ready.wait(_SECONDS)
                load(run, uuid.uuid4().hex[:12])
                assert not run.failures(), run.failures()

        started = [_start(work) for _ in range(number)]
        assert [_end(process) for process in started] == [0] * number

    def statements(self, source: Source) -> int:
        """Sync in another process; the number of statements that it sent."""
        sent = _FORK.Value("i", 0)

        def work() -> None:
            def count() -> None:
                sent.value += 1

            _before_statements(count)
            self.sync(source)

        assert _end(_start(work)) == 0
        return int(sent.value)

    def killed_at(self, source: Source, statement: int) -> None:
        """Sync in another process, which is killed before it sends a statement."""

        def work() -> None:
            left = statement

            def kill() -> None:
                nonlocal left
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            _before_statements(kill)
            self.sync(source)

        assert _end(_start(work)) == -signal.SIGKILL


def _plain(value: Any, is_json: bool) -> Any:
    if is_json:
        return None if value is None else json.loads(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return value


def _start(work: Callable[[], None]) -> Any:
    process = _FORK.Process(target=work)
    process.start()
    return process


def _end(process: Any) -> int:
    process.join(_SECONDS)
    assert process.exitcode is not None, "the process did not end"
    return int(process.exitcode)


def _before_statements(call: Callable[[], None]) -> None:
    """Call a function before each statement of this process, whatever its client. It stays so."""
    clients: list[type] = [SqlClientBase]
    for client in clients:
        clients += client.__subclasses__()
    for client in {c for c in clients[1:] if "execute_query" in vars(c)}:
        original = client.execute_query  # type: ignore[attr-defined]

        def wrapped(self: Any, *args: Any, _original: Any = original, **options: Any) -> Any:
            call()
            return _original(self, *args, **options)

        client.execute_query = wrapped  # type: ignore[attr-defined]
