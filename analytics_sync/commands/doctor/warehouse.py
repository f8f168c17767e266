"""Diagnoses of the warehouse: accepted, reachable, writable, free, and its copy for readers.

In: the configured destination. Out: diagnoses. A DuckDB file that does not exist yet is not made.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from dlt.common.schema import Schema
from filelock import FileLock, Timeout

from analytics_sync.commands.doctor.diagnosis import Diagnosis, failed, ok, warning
from analytics_sync.commands.doctor.machine import existing
from analytics_sync.common.redaction import Redactor
from analytics_sync.common.shown import shown
from analytics_sync.load.clients.destination import (
    check_destination,
    configured_kind,
    destination_secrets,
    duckdb_file,
    left_behind,
    make_destination,
    warehouse_address,
)
from analytics_sync.load.clients.lock_wait import wait_limit
from analytics_sync.load.clients.warehouse_files import check_files, lock_file
from analytics_sync.load.errors import LoadError
from analytics_sync.load.sharing.duckdb_holder import holder
from analytics_sync.load.sharing.read_copy import SETTING as READ_COPY
from analytics_sync.load.sharing.read_copy import read_copy_file

_NAME = "warehouse"
_DUCKDB = "duckdb"
_MAX_PROBLEM = 300
_LOCKS = Path("/proc/locks")
# A role that may not create schemas, or a standby, refuses loads.
_RIGHTS = (
    "SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'), "
    "pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('default_transaction_read_only')"
)


def destination() -> Iterator[Diagnosis]:
    """Whether loads accept the configured destination, reach it, and may write there."""
    try:
        check_destination()
        wait_limit()
    except LoadError as e:
        yield failed(_NAME, str(e))
        return
    yield from _duckdb() if configured_kind() == _DUCKDB else _server()
    if file := left_behind():
        yield warning(_NAME, f"{file} is not used: the warehouse is {duckdb_file()}.")


def read_copy() -> Iterator[Diagnosis]:
    """Whether the copy for readers is there, and how old it is."""
    try:
        path = read_copy_file()
    except LoadError as e:
        yield failed("read copy", str(e))
        return
    if path is None:
        return
    if not path.exists():
        yield warning("read copy", f"{READ_COPY}: {path} does not exist: the next load makes it.")
        return
    hours = (time.time() - path.stat().st_mtime) / 3600
    behind = ""
    with suppress(OSError):
        behind = (
            ", older than the warehouse"
            if path.stat().st_mtime < duckdb_file().stat().st_mtime
            else ""
        )
    yield ok("read copy", f"{path}, written {hours:,.1f} h ago{behind}")


def _duckdb() -> Iterator[Diagnosis]:
    file = duckdb_file()
    folder = existing(file.parent)
    if not os.access(folder, os.W_OK | os.X_OK):
        yield failed(_NAME, f"{file}: the folder {folder} is not writable for this user.")
        return
    if not file.exists():
        yield ok(_NAME, f"{file} does not exist yet: the first load makes it")
        return
    if not os.access(file, os.R_OK | os.W_OK):
        yield failed(_NAME, f"{file} is not writable for this user: change its rights.")
        return
    try:
        check_files(file)
    except LoadError as e:
        yield failed(_NAME, str(e))
        return
    yield from _lock(file)
    yield _opened(file)


def _lock(file: Path) -> Iterator[Diagnosis]:
    """Who holds the lock of the file: a load, which others wait for."""
    path = lock_file(file)
    if not path.exists():
        return
    lock = FileLock(path)
    try:
        lock.acquire(0)
    except Timeout:
        yield warning(
            "lock", f"{path} is held by {_locker(path)}: a load runs. Others wait for it."
        )
    else:
        lock.release()
        yield ok("lock", f"{path} is free")


def _locker(path: Path) -> str:
    """The process that holds a lock, as Linux lists it."""
    with suppress(OSError):
        inode = str(path.stat().st_ino)
        for line in _LOCKS.read_text(encoding="ascii").splitlines():
            fields = line.split()
            if len(fields) > 5 and fields[5].rpartition(":")[2] == inode:
                return f"the process with PID {fields[4]}"
    return "another process"


def _opened(file: Path) -> Diagnosis:
    """Whether DuckDB opens the file. It is opened to be read: that changes nothing."""
    import duckdb

    settings: dict[str, Any] = {
        "enable_external_access": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    try:
        with duckdb.connect(str(file), read_only=True, config=settings):
            return ok(_NAME, f"{file} opens, and is writable")
    except duckdb.Error as e:
        if who := holder(e):
            return warning(_NAME, f"{file} is in use by {who}: loads wait for it.")
        return failed(_NAME, f"{file} does not open: {shown(e, _MAX_PROBLEM)}")


def _server() -> Iterator[Diagnosis]:
    """Whether a server takes the connection, and its role may make schemas."""
    redact = Redactor(())
    try:
        made = make_destination()
        redact = Redactor(destination_secrets(made))
        config = made.spec()
        config.dataset_name = "doctor"  # a name: no dataset is made
        with made.client(Schema("doctor"), config) as job_client:
            problem = _problem(job_client.sql_client)
    except Exception as e:  # dlt and drivers have their own errors
        said = shown(redact(str(e).strip() or type(e).__name__), _MAX_PROBLEM)
        yield failed(_NAME, f"{configured_kind()} cannot be opened: {said}")
        return
    address = warehouse_address(made)
    yield failed(_NAME, f"{address}: {problem}") if problem else ok(_NAME, f"{address} answers")


def _problem(client: Any) -> str:
    """Why the role cannot load; empty if nothing is known against it."""
    if configured_kind() != "postgres":
        with client.execute_query("SELECT 1") as cursor:
            cursor.fetchall()
        return ""
    with client.execute_query(_RIGHTS) as cursor:
        may_create, is_standby, is_read_only = cursor.fetchall()[0]
    if is_standby:
        return "the server is a standby, which takes no writes: name the primary."
    if is_read_only == "on":
        return "transactions are read-only for this role: set default_transaction_read_only to off."
    return "" if may_create else "the role may not create schemas: grant CREATE on the database."
