"""Connections to MariaDB: sessions that lose nothing without a word, and locks between loads.

In: dlt's settings of the destination. Out: a client whose sessions are strict, in UTC, and compare texts exactly,
whatever the defaults of the server are. Its statements may use ``%s``, lists, and words of the other warehouses.
A lock belongs to its session: the server releases it when the session ends.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pymysql
import sqlalchemy as sa
from dlt.destinations.exceptions import (
    DatabaseException,
    DatabaseTerminalException,
    DatabaseTransientException,
    DatabaseUndefinedRelation,
)
from dlt.destinations.typing import DBTransaction

from analytics_sync.load.clients.mariadb_types import COLLATION
from analytics_sync.load.clients.mariadb_values import CONVERTERS
from analytics_sync.load.clients.sqlalchemy_client import StoredType
from analytics_sync.load.clients.sqlalchemy_connection import DirectClient
from analytics_sync.load.clients.working_tables import ROW_ID, working_tables
from analytics_sync.load.errors import LoadError

_MODES = (
    "STRICT_ALL_TABLES", "NO_ZERO_DATE", "NO_ZERO_IN_DATE", "ERROR_FOR_DIVISION_BY_ZERO", "NO_ENGINE_SUBSTITUTION",
    "ONLY_FULL_GROUP_BY", "PIPES_AS_CONCAT", "NO_BACKSLASH_ESCAPES",
)  # fmt: skip
# A session that only holds a lock is idle for as long as a load takes.
_SESSION = (
    f"SET SESSION sql_mode = '{','.join(_MODES)}', time_zone = '+00:00', default_storage_engine = InnoDB, "
    "wait_timeout = 604800, lock_wait_timeout = 86400, max_statement_time = 0"
)
ENGINE = {
    "poolclass": sa.NullPool,  # a lock must not stay with a connection that waits for its next use
    "connect_args": {
        "autocommit": True,
        "charset": "utf8mb4",
        "local_infile": False,
        "conv": CONVERTERS,
        "init_command": _SESSION,
    },
}
"""Settings of SQLAlchemy's engine."""
_OLDEST = (10, 6)
_SYSTEM_DATABASES = frozenset({"information_schema", "mysql", "performance_schema", "sys"})
_LOCK_SECONDS = 10  # of one wait
_MISSING = frozenset({1049, 1051, 1146})
# Lock waits, deadlocks, statements that were interrupted, connections that are gone. PyMySQL sends nothing
# over a closed connection, and names no number: a block that gives a lock back must not hide the reason.
_TRANSIENT = frozenset({0, 1040, 1205, 1213, 1317, 1927, 2006, 2013, 2055})
_QUOTED = re.compile(r"('(?:[^']|'')*')")
# In words of MariaDB.
_WORDS = ((" AS VARCHAR)", " AS CHAR)"), ("strpos(", "instr("))
_DDL_SECONDS = 1


class ExactMariaDbClient(DirectClient):
    """dlt's client, with statements of ours sent straight to PyMySQL."""

    _waits_briefly = False

    def open_connection(self) -> Any:
        """Open a connection in which only ``begin_transaction`` begins a transaction."""
        if not self.credentials.database:
            raise LoadError(
                "the address of the MariaDB server names no database, and dlt needs one. Append the name of one that "
                "the loader may open, such as /information_schema. Each dataset is a database beside it."
            )
        is_new = self.native_connection is None
        connection = super().open_connection()
        if is_new:
            version = getattr(self.dialect, "server_version_info", None) or ()
            if tuple(version) < _OLDEST:
                shown = ".".join(map(str, version))
                raise LoadError(
                    f"the server is MariaDB {shown}: {'.'.join(map(str, _OLDEST))} or newer is needed. "
                    "Update it, or take another destination."
                )
            # SQLAlchemy has chosen the character set again, and with it the collation that is usual for it.
            self.execute_sql(f"SET NAMES utf8mb4 COLLATE {COLLATION}")
            # A merge that has waited must see what was committed meanwhile.
            self.execute_sql("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            self._choose_dataset()
            number = self.driver.thread_id()
            self.interrupt_with(lambda: self._kill(number))
        return connection

    def _choose_dataset(self) -> None:
        """Find the names of a statement in the dataset first: MariaDB looks for an alias there."""
        rows = self.execute_sql(
            "SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", self.dataset_name
        )
        if rows:
            self.execute_sql(f"USE {self.fully_qualified_dataset_name()}")

    def _kill(self, number: int) -> None:
        """End the statement of a connection, over another connection."""
        with self.engine.connect() as connection:
            connection.exec_driver_sql(f"KILL QUERY {number}")

    def send(self, sql: str, args: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Send a statement; the driver's cursor. A list stands for a table with one column."""
        sql = _in_words_of_mariadb(sql)
        values: list[Any] = []
        if any(isinstance(arg, list) for arg in args):
            first, *rest = sql.split("%s")
            parts = [first]
            for arg, text in zip(args, rest, strict=True):
                is_list = isinstance(arg, list)
                parts += [_table_of(len(arg)) if is_list else "%s", text]
                values += arg if is_list else [arg]
            sql = "".join(parts)
        else:
            values += args
        cursor = self.driver.cursor()
        cursor.execute(sql, values or named or None)
        return cursor

    @contextmanager
    def as_dlt_errors(self) -> Iterator[None]:
        """A block whose errors of the driver become those of dlt."""
        try:
            yield
        except pymysql.Error as e:
            raise _as_dlt(e) from e

    def insert_rows(self, table: str, columns: int, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows, many with each statement."""
        marks = ", ".join(["%s"] * columns)
        with self.as_dlt_errors(), self.driver.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)

    @contextmanager
    def begin_transaction(self) -> Iterator[DBTransaction]:
        """A transaction. MariaDB commits it before each statement that changes a table."""
        try:
            with super().begin_transaction() as transaction:
                yield transaction
        finally:
            if self._waits_briefly:
                self._waits_briefly = False
                self.execute_sql("SET SESSION lock_wait_timeout = 86400")

    def wait_briefly(self) -> None:
        """Let the statements of this transaction wait for the tables of other sessions for a moment only."""
        self.execute_sql(f"SET SESSION lock_wait_timeout = {_DDL_SECONDS}")
        self._waits_briefly = True

    def hold_lock(self, dataset: str) -> None:
        """Wait for the load lock of a dataset, and hold it as long as the client is connected."""
        if dataset in _SYSTEM_DATABASES:
            raise LoadError(
                f"{dataset}: a database of this name belongs to MariaDB. Rename the source."
            )
        self._take(f"dataset {dataset}")
        for name in working_tables(self):
            self.execute_sql(f"DROP TABLE IF EXISTS {name} WAIT {_DDL_SECONDS}")

    @contextmanager
    def alone(self, table: str) -> Iterator[None]:
        """A block in which no other merge changes a table: a load may have lost its session, and its lock.

        Args:
            table: The table, as SQL.
        """
        lock = self._take(f"table {table}")
        try:
            yield
        finally:
            self.execute_sql("DO RELEASE_LOCK(%s)", lock)

    def _take(self, what: str) -> str:
        """Wait for a lock; its name in the server."""
        name = f"analytics_sync {hashlib.sha256(what.encode()).hexdigest()[:40]}"
        while True:
            self.stop.check()
            rows = self.execute_sql("SELECT GET_LOCK(%s, %s)", name, _LOCK_SECONDS)
            if rows and rows[0][0] == 1:
                return name

    def create_dataset(self) -> None:
        """Create the dataset. Its texts compare exactly, also in tables that others make."""
        self.execute_sql(
            f"CREATE DATABASE {self.fully_qualified_dataset_name()} CHARACTER SET utf8mb4 COLLATE {COLLATION}"
        )
        self._choose_dataset()

    def drop_dataset(self) -> None:
        """Drop the dataset with its tables."""
        self.execute_sql(f"DROP DATABASE {self.fully_qualified_dataset_name()}")

    def create_table(self, table_obj: sa.Table) -> None:
        """Create a table with the number of each row, which ``SELECT *`` leaves out."""
        numbered = table_obj.to_metadata(sa.MetaData())
        type_ = StoredType("BIGINT UNSIGNED AUTO_INCREMENT INVISIBLE")
        numbered.append_column(sa.Column(ROW_ID, type_, primary_key=True, autoincrement=False))
        super().create_table(numbered)

    def compare_storage_table(self, table_name: str) -> tuple[sa.Table, list[sa.Column[Any]], bool]:
        """The declared table, the columns that the real one lacks, and whether there is a real one."""
        declared = self.get_existing_table(table_name)
        assert declared is not None, "dlt has made it of the schema"
        rows = self.execute_sql(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s",
            self.dataset_name,
            table_name,
        )
        existing = {name for (name,) in rows or ()}
        missing = [column for column in declared.columns if column.name not in existing]
        return declared, missing, bool(existing)


def _table_of(rows: int) -> str:
    """A table with one column, as SQL."""
    return f"VALUES {', '.join(['(%s)'] * rows)}" if rows else "SELECT NULL WHERE 1 = 0"


def _in_words_of_mariadb(sql: str) -> str:
    """The statement with MariaDB's names of types and functions; quoted texts stay."""
    if not any(word in sql for word, _ in _WORDS):
        return sql
    parts = _QUOTED.split(sql)
    for n in range(0, len(parts), 2):
        for word, other in _WORDS:
            parts[n] = parts[n].replace(word, other)
    return "".join(parts)


def _as_dlt(error: pymysql.Error) -> DatabaseException:
    number = error.args[0] if error.args else None
    if number in _MISSING:
        return DatabaseUndefinedRelation(error)
    if number in _TRANSIENT:
        return DatabaseTransientException(error)
    return DatabaseTerminalException(error)
