"""Private folders: temporary ones that are locked by their owner, and lasting ones for one user.

In: the prefix of a name, or a path. Out: a folder that only this user can read. Other users can create
every name below the temporary folder first: a folder, a link, a FIFO. So a folder is opened once, without
following a link, and its owner and mode are checked on the open folder. All its files are opened,
created and removed relative to the open folder.

A temporary folder is locked while its owner lives. The kernel drops the lock of a killed process. The
next process therefore recognizes an abandoned folder by the missing lock, and removes it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FILE_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_OTHERS = 0o077  # the rights of the group and of all others
_TRIES = 100


class NotPrivate(OSError):
    """A folder or file is of another kind than expected, or other users have access to it."""


class PrivateFolder:
    """An open folder to which no other user has access. Threads may share it.

    Args:
        path: The folder.
        create: Whether to create it, with its parents, if it is missing.

    Raises:
        FileNotFoundError: It is missing, and ``create`` is false.
        NotPrivate: It is no folder, belongs to another user, or other users have access.
        OSError: It cannot be created or opened.
    """

    def __init__(self, path: Path, *, create: bool) -> None:
        self.path = path
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                path.mkdir(mode=0o700)
        try:
            self._handle = os.open(path, _FOLDER_FLAGS)
        except (NotADirectoryError, PermissionError) as e:
            raise NotPrivate(f"{path} is not a folder of this user") from e
        except OSError as e:
            if e.errno == errno.ELOOP:
                raise NotPrivate(f"{path} is a link, not a folder of this user") from e
            raise
        status = os.fstat(self._handle)
        if status.st_uid != os.geteuid() or status.st_mode & _OTHERS:
            os.close(self._handle)
            raise NotPrivate(f"{path} {_why_not_private(status)}")

    def close(self) -> None:
        """Close the folder. Files that were opened in it stay open."""
        os.close(self._handle)

    def __enter__(self) -> PrivateFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def names(self) -> Iterator[str]:
        """The names of all entries."""
        with os.scandir(self._handle) as entries:
            yield from sorted(entry.name for entry in entries)

    def open_file(self, name: str, flags: int = 0, *, create: bool) -> int:
        """Open a regular file for reading and writing, and return its descriptor.

        A link, a FIFO, a device, a socket, or a file that others have access to is not opened. It is
        removed.

        Args:
            name: The name of the file.
            flags: More flags of ``os.open``.
            create: Whether to create the file if it is missing.

        Raises:
            FileNotFoundError: The file is missing, and ``create`` is false.
            NotPrivate: A folder has this name.
        """
        flags |= os.O_RDWR | _FILE_FLAGS
        for _ in range(_TRIES):  # another process may create or remove the file at the same time
            with suppress(FileNotFoundError):
                handle = self._open_existing(name, flags)
                if handle is not None:
                    return handle
                self.remove(name)
            if not create:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.path / name)
            with suppress(FileExistsError):
                new = flags | os.O_CREAT | os.O_EXCL
                return os.open(name, new, 0o600, dir_fd=self._handle)
        raise NotPrivate(
            f"{self.path / name} is created and removed again and again; end the program that does so"
        )

    def _open_existing(self, name: str, flags: int) -> int | None:
        """The descriptor of a file; None if it is not a regular file of this user alone."""
        # The kind is looked at before the file is opened: to open a device can have effects.
        if not _is_private_file(os.stat(name, dir_fd=self._handle, follow_symlinks=False)):
            return None
        handle = os.open(name, flags, dir_fd=self._handle)
        if _is_private_file(os.fstat(handle)):
            return handle
        os.close(handle)
        return None

    def remove(self, name: str) -> None:
        """Remove a file, or an entry of any other kind but a folder.

        Raises:
            FileNotFoundError: There is none.
            NotPrivate: A folder has this name.
        """
        try:
            os.unlink(name, dir_fd=self._handle)
        except (IsADirectoryError, PermissionError) as e:
            raise NotPrivate(f"{self.path / name} is not a file; remove it") from e

    def remove_older(self, max_age: float, suffix: str = "") -> None:
        """Remove the files that were not written for longer than ``max_age`` seconds.

        Args:
            max_age: In seconds since the last write.
            suffix: How the names of the files end.
        """
        for name in self.names():
            if name.endswith(suffix):
                with suppress(OSError):  # another process may have removed it
                    handle = self.open_file(name, create=False)
                    try:
                        age = time.time() - os.fstat(handle).st_mtime
                    finally:
                        os.close(handle)
                    if age > max_age:
                        self.remove(name)

    def remove_if_empty(self) -> None:
        """Remove the folder, unless it has entries."""
        with suppress(OSError):
            self.path.rmdir()


def create_file(
    open_folder: Callable[[], PrivateFolder], name: str, flags: int = 0
) -> tuple[PrivateFolder, int]:
    """Open or create a file in a folder that other processes remove when it is empty.

    Args:
        open_folder: Opens the folder; creates it if it is missing.
        name: The name of the file.
        flags: More flags of ``os.open``.

    Returns:
        The open folder, and the descriptor of the file.
    """
    for _ in range(_TRIES):
        folder = open_folder()
        try:
            return folder, folder.open_file(name, flags, create=True)
        except FileNotFoundError:
            folder.close()
        except BaseException:
            folder.close()
            raise
    raise NotPrivate(
        f"{folder.path} is created and removed again and again; end the program that does so"
    )


def _is_private_file(status: os.stat_result) -> bool:
    return (
        stat.S_ISREG(status.st_mode)
        and status.st_uid == os.geteuid()
        and not status.st_mode & _OTHERS
        and status.st_nlink == 1
    )


def _why_not_private(status: os.stat_result) -> str:
    if status.st_uid != os.geteuid():
        return f"belongs to the user with number {status.st_uid}"
    return f"is open to other users (mode {status.st_mode & 0o777:03o})"


def is_own(path: Path) -> bool:
    """Whether the entry at a path belongs to this user."""
    try:
        return path.lstat().st_uid == os.geteuid()
    except FileNotFoundError:
        return False


def is_put_by_another_user(entry: Path, open_to_all: int = stat.S_IWOTH) -> bool:
    """Whether another user has put an entry into a folder where everybody can create entries.

    Root and the owner of the folder are trusted.

    Args:
        entry: The entry; false if it is missing.
        open_to_all: The rights of such a folder.
    """
    try:
        folder, owner = entry.parent.stat(), entry.lstat().st_uid
    except OSError:
        return False
    trusted = {os.geteuid(), 0, folder.st_uid}
    return folder.st_mode & open_to_all == open_to_all and owner not in trusted


def claim_folder(path: Path) -> None:
    """Create a folder for this user alone, or check that no other user may write to it.

    Other rights of a folder that is there stay, and a link of this user is followed.

    Raises:
        NotPrivate: The path is no folder of this user, or everybody may write to it.
    """
    if path.is_symlink() and is_own(path):
        path = path.resolve()
    with suppress(FileExistsError):
        path.mkdir(mode=0o700, parents=True)
    try:
        handle = os.open(path, _FOLDER_FLAGS)
    except OSError as e:
        raise NotPrivate(f"{path} is not a folder of this user. Remove it.") from e
    try:
        status = os.fstat(handle)
        if status.st_uid != os.geteuid() or status.st_mode & stat.S_IWOTH:
            raise NotPrivate(f"{path} {_why_not_private(status)}. Work in a folder of yours.")
        if status.st_mode & stat.S_IWGRP:
            # with some settings, new folders are open to a group with the user as its only member
            os.fchmod(handle, stat.S_IMODE(status.st_mode) & ~stat.S_IWGRP)
    finally:
        os.close(handle)


class LockedTempFolder:
    """A new temporary folder for this process alone. ``close`` removes the folder.

    Args:
        prefix: Start of the folder's name. Folders with this prefix whose owner is dead are removed
            first.

    Attributes:
        path: The folder.

    Raises:
        OSError: Other users replace files of this user in the folder for temporary files.
    """

    def __init__(self, prefix: str) -> None:
        remove_orphans(prefix)
        for _ in range(_TRIES):
            self.path = Path(tempfile.mkdtemp(prefix=prefix))
            # Another process may remove the folder as an orphan before the lock is taken.
            with suppress(FileNotFoundError):
                self._handle = os.open(self.path, _FOLDER_FLAGS)
                with suppress(OSError):  # on a file system without locks no process removes folders
                    fcntl.flock(self._handle, fcntl.LOCK_EX)
                if _is_at(self.path, self._handle):
                    return
                os.close(self._handle)
        raise OSError(f"{self.path} was replaced by another process; set TMPDIR to another folder")

    def close(self) -> None:
        """Remove the folder and its content."""
        _remove_tree(self.path, self._handle)
        os.close(self._handle)


def remove_orphans(prefix: str) -> None:
    """Remove this user's temporary folders with this prefix whose owner process is dead."""
    root = Path(tempfile.gettempdir())
    with os.scandir(root) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(prefix)]
    for name in names:
        with suppress(OSError):  # in use, no folder, of another user, or gone
            handle = os.open(root / name, _FOLDER_FLAGS)
            try:
                if os.fstat(handle).st_uid == os.geteuid():
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    _remove_tree(root / name, handle)
            finally:
                os.close(handle)


def _is_at(path: Path, handle: int) -> bool:
    """Whether the open folder is the entry at this path."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _remove_tree(path: Path, handle: int) -> None:
    """Remove an open folder and its content, as far as possible."""
    with suppress(OSError):
        with os.scandir(handle) as entries:
            inner = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        for name, is_folder in inner:
            if is_folder:
                shutil.rmtree(name, ignore_errors=True, dir_fd=handle)
            else:
                with suppress(OSError):
                    os.unlink(name, dir_fd=handle)
        path.rmdir()
