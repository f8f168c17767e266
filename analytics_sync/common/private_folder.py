"""Private folders: temporary ones that are locked by their owner, and lasting ones for one user.

In: the prefix of a name, or a path. Out: a folder that only this user can read. A temporary folder
is locked while its owner lives. The kernel drops the lock of a killed process. The next process
therefore recognizes an abandoned folder by the missing lock, and removes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path


class LockedTempFolder:
    """A new temporary folder for this process alone. ``close`` removes the folder.

    Args:
        prefix: Start of the folder's name. Folders with this prefix whose owner is dead are removed
            first.

    Attributes:
        path: The folder.
    """

    def __init__(self, prefix: str) -> None:
        remove_orphans(prefix)
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=prefix))
            # Another process may remove the folder as an orphan before the lock is taken.
            with suppress(FileNotFoundError):
                self._handle = os.open(self.path, os.O_RDONLY)
                with suppress(OSError):  # on a file system without locks no process removes folders
                    fcntl.flock(self._handle, fcntl.LOCK_EX)
                if self.path.exists():
                    return
                os.close(self._handle)

    def close(self) -> None:
        """Remove the folder and its content."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._handle)


def remove_orphans(prefix: str) -> None:
    """Remove the temporary folders with this prefix whose owner is dead."""
    for path in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):  # the folder is in use, belongs to another user, or is gone
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(handle)


def ensure_private(folder: Path) -> None:
    """Create a lasting folder, or check that an existing folder is private to this user.

    The check is needed because all users can create folders below the temporary folder.

    Raises:
        OSError: The folder belongs to another user, or other users have access.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise OSError(f"{folder} is not this user's alone")
