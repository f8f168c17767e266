"""The read copy: a copy of the DuckDB file after each load, for people who look in meanwhile.

In: ``ANALYTICS_SYNC__READ_COPY``, and an open warehouse under its lock. Out: a file that is complete at
each moment. A reader of the copy blocks no load, and keeps the copy that it has open. A copy that cannot
be made never fails a load.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dlt

from analytics_sync.common.shown import shown
from analytics_sync.load.clients.destination import DEFAULT, configured_kind, duckdb_file
from analytics_sync.load.clients.warehouse_files import lock_file, wal_file, without_foreign_links
from analytics_sync.load.errors import LoadError

_NAME = "read_copy"
SETTING = f"ANALYTICS_SYNC__{_NAME.upper()}"
_RIGHTS = 0o666
_RIGHTS_OF_GROUP = 0o070
_LOGS = (".wal", ".wal.checkpoint", ".wal.recovery")
_MAX_PROBLEM = 500
# A process of its own copies: when this process closes any handle of the file, the kernel drops DuckDB's
# lock on it, and another program could write. ``copy_file_range`` shares the blocks where the file
# system can.
_COPY = """
import os, shutil, sys
with open(sys.argv[1], "rb") as source, open(1, "wb", closefd=False) as target:
    try:
        while os.copy_file_range(source.fileno(), target.fileno(), 1 << 30):
            pass
    except (AttributeError, OSError):
        source.seek(0)
        target.seek(0)
        shutil.copyfileobj(source, target, 1 << 20)
"""


@dataclass(frozen=True)
class ReadCopy:
    """The attempt to publish a copy.

    Attributes:
        path: Where the copy is.
        seconds: How long it took.
        problem: Why there is no new copy; empty if there is one.
    """

    path: str
    seconds: float = 0.0
    problem: str = ""


def read_copy_file() -> Path | None:
    """Where the copy shall be; None without one. A relative path begins at the folder of the warehouse.

    Raises:
        LoadError: There can be no copy at that place.
    """
    value = dlt.config.get(f"analytics_sync.{_NAME}", str)
    if not value:
        return None
    if configured_kind() != DEFAULT:
        raise LoadError(f"{SETTING} is {value!r}: only a DuckDB file has a copy. Leave it unset.")
    file = duckdb_file()
    path = without_foreign_links(file.parent / value)
    own = (file, wal_file(file), lock_file(file), file.with_name(f"{file.name}.new"))
    if path in own or (path.exists() and file.exists() and path.samefile(file)):
        raise LoadError(
            f"{SETTING} is {value!r}: this is a file of the warehouse. Name another one."
        )
    if path.is_dir():
        raise LoadError(f"{SETTING} is {value!r}: {path} is a folder. Name a file in it.")
    return path


def publish_read_copy(open_client: Callable[[], Any]) -> ReadCopy | None:
    """Replace the copy by one of the file as it is now. The last step of a load.

    Args:
        open_client: Makes a client as a context manager. The caller holds the lock of the DuckDB file,
            and has it open.

    Returns:
        None if no copy is wanted.
    """
    began = time.monotonic()
    path: Path | None = None
    try:
        path = read_copy_file()
        if path is None:
            return None
        with open_client() as client:
            # named: the default database of our connections is DuckDB's own, which has no file
            client.execute_sql(f"CHECKPOINT {client.catalog_name()}")
            _replace(path, duckdb_file())
    except Exception as e:  # the load has succeeded
        problem = shown(f"{e}", _MAX_PROBLEM)
        return ReadCopy(str(path or ""), problem=problem)
    return ReadCopy(str(path), round(time.monotonic() - began, 3))


def _replace(path: Path, file: Path) -> None:
    """Copy the file beside the path, and rename the copy."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)  # of a killed run
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(new, flags, stat.S_IRUSR | stat.S_IWUSR)
    try:
        _copy(file, handle)
        _give_rights(file, handle)
        os.fsync(handle)
        # A log of somebody who wrote into the old copy: DuckDB would execute it on the new one.
        for suffix in _LOGS:
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        new.replace(path)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise
    finally:
        os.close(handle)


def _copy(file: Path, handle: int) -> None:
    before = file.stat()
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _COPY, str(file)],
        stdin=subprocess.DEVNULL, stdout=handle, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise OSError(f"{file} cannot be copied: {reason or f'status {done.returncode}'}")
    after = file.stat()
    is_same = (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
    if not is_same or os.fstat(handle).st_size != after.st_size:
        raise OSError(f"{file} changed while it was copied; the next load copies it again")


def _give_rights(file: Path, handle: int) -> None:
    """Let those read the copy who may read the file."""
    wanted, own = file.stat(), os.fstat(handle)
    mode = stat.S_IMODE(wanted.st_mode) & _RIGHTS
    if own.st_gid != wanted.st_gid:
        try:
            os.fchown(handle, -1, wanted.st_gid)
        except OSError:  # this user is not in the group, and the rights are not for another one
            mode &= ~_RIGHTS_OF_GROUP
    os.fchmod(handle, mode)
