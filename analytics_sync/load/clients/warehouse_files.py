"""The files of a DuckDB warehouse: checked before they are opened, and created for their owner alone.

In: the path of the DuckDB file. Out: an error that names a file which another user has put there, and
rights of new files. DuckDB would wait for a FIFO without end, write through a link, and execute the log
``.wal`` of anybody. A DuckDB file that is there keeps its rights, and its log and its lock get them too.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from analytics_sync.common.private_folder import LockedTempFolder, is_put_by_another_user
from analytics_sync.load.errors import LoadError

_READ_AND_WRITE = 0o666
_OWNER_ONLY = 0o600
_WRITE_OF_OTHERS = 0o022
_SHARED = stat.S_ISVTX | stat.S_IWOTH  # the rights of a temporary folder


def without_foreign_links(path: Path) -> Path:
    """The path with its links resolved.

    In a folder where everybody can create files, only links of this user and of the folder's owner
    are followed.

    Raises:
        LoadError: The path leads through a link of another user.
    """
    absolute = path.absolute()
    for entry in (absolute, *absolute.parents):
        if entry.is_symlink() and is_put_by_another_user(entry, _SHARED):
            raise LoadError(
                f"the warehouse {path}: {entry} is a link of another user, in a folder where "
                "everybody can create files. Remove it, or move the warehouse to a folder of yours."
            )
    return path.resolve()


def check_files(file: Path) -> None:
    """Refuse the warehouse if another user has put one of its files there.

    The owner of the DuckDB file, and all who may write to it, may create the other files.

    Args:
        file: The DuckDB file; it may be missing.

    Raises:
        LoadError: A file is of another kind, or of another user.
    """
    trusted = {os.geteuid(), 0}
    is_shared = False
    for path in (file, wal_file(file), lock_file(file)):
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        problem = ""
        if not stat.S_ISREG(status.st_mode):
            problem = "is not a regular file"
        elif path == file:
            if is_put_by_another_user(path, _SHARED):
                problem = "belongs to another user, in a folder where everybody can create files"
            trusted.add(status.st_uid)
            is_shared = bool(status.st_mode & _WRITE_OF_OTHERS)
        elif status.st_uid not in trusted and not is_shared:
            problem = "belongs to another user"
        elif status.st_nlink > 1:
            problem = "has a second name (a hard link)"
        if problem:
            raise LoadError(
                f"the warehouse {file}: {path} {problem}. "
                "Remove it, or move the warehouse to a folder of yours."
            )


def prepare_lock(file: Path) -> Path:
    """Create the lock of a DuckDB file, for all who may write to that file. Return its path.

    Others who can open the lock can hold it, and no load would ever begin.

    Raises:
        LoadError: The lock belongs to another user, who has not shared it.
    """
    path = lock_file(file)
    try:
        handle = _open_or_create(path)
    except PermissionError as e:
        raise LoadError(
            f"the warehouse {file}: {path} is closed to this user. "
            "Give it the rights of the DuckDB file (chmod), or move the warehouse to a folder of yours."
        ) from e
    try:
        status, writers = os.fstat(handle), _mode(file) & _WRITE_OF_OTHERS
        mode = _OWNER_ONLY | writers | writers << 1
        if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) != mode:
            with suppress(OSError):  # some file systems keep no rights
                os.fchmod(handle, mode)
    finally:
        os.close(handle)
    return path


def _open_or_create(path: Path) -> int:
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    # two steps: in a shared folder, Linux may forbid O_CREAT for a file of another user that is there
    with suppress(FileExistsError):
        return os.open(path, flags | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    return os.open(path, flags)


@contextmanager
def private_files(file: Path) -> Iterator[None]:
    """Let DuckDB create its files with the rights of the DuckDB file, inside the block.

    The block holds the lock of the file, so no two blocks of a process overlap.
    """
    before = os.umask(_OWNER_ONLY ^ 0o777)
    os.umask(before | (_READ_AND_WRITE & ~_mode(file)))
    try:
        yield
    finally:
        os.umask(before)


def _mode(file: Path) -> int:
    """The rights of the DuckDB file to read and write, or those that a new one gets."""
    try:
        return stat.S_IMODE(file.stat().st_mode) & _READ_AND_WRITE
    except FileNotFoundError:
        return _OWNER_ONLY


def create_database(file: Path) -> None:
    """Create an empty DuckDB file for its owner alone, complete from its first moment.

    If a process dies while DuckDB creates a file, DuckDB refuses that file for good. So DuckDB creates
    the file in a private folder. It is copied beside its place and renamed. The next process deletes
    the copy of a killed one.

    Raises:
        LoadError: Another user has put a file there under the name of the copy.
    """
    import duckdb  # definitions load without DuckDB

    with closing(LockedTempFolder("analytics-sync-load-")) as folder:
        empty = folder.path / "new.duckdb"
        duckdb.connect(str(empty)).close()
        content = empty.read_bytes()
    new = file.with_name(f"{file.name}.new")
    try:
        new.unlink(missing_ok=True)
    except OSError as e:
        raise LoadError(
            f"the warehouse {file}: {new} cannot be removed ({e.strerror}). "
            "Remove it, or move the warehouse to a folder of yours."
        ) from e
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(new, flags, _OWNER_ONLY), "wb") as output:
        output.write(content)
        output.flush()
        os.fsync(output.fileno())
    new.replace(file)


def lock_file(file: Path) -> Path:
    """The lock of a DuckDB file."""
    return file.with_name(f"{file.name}.lock")


def wal_file(file: Path) -> Path:
    """The log that DuckDB writes beside its file, and executes when it opens the file."""
    return file.with_name(f"{file.name}.wal")
