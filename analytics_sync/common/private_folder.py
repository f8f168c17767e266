"""A temporary folder with an owner.

In: a prefix. Out: a folder that is locked for as long as its owner lives. The kernel drops the
lock of a process that was killed, so the next one tells what is left over from what is in use, and
removes it.
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
    """A new folder, for this process alone. ``close`` removes it.

    Args:
        prefix: Of its name. Folders of this prefix whose owner is dead are removed first.
    """

    def __init__(self, prefix: str) -> None:
        remove_orphans(prefix)
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=prefix))
            # until it is locked, another process may take the folder for an orphan
            with suppress(FileNotFoundError):
                self._handle = os.open(self.path, os.O_RDONLY)
                with suppress(OSError):  # a file system without locks: nobody removes anything
                    fcntl.flock(self._handle, fcntl.LOCK_EX)
                if self.path.exists():
                    return
                os.close(self._handle)

    def close(self) -> None:
        """Remove the folder and what is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._handle)


def remove_orphans(prefix: str) -> None:
    """Remove the temporary folders of this prefix whose owner is dead."""
    for path in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):  # in use, another user's, or gone by now
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(handle)


def ensure_private(folder: Path) -> None:
    """Make a folder that lasts, or see that it is ours alone: a temporary folder is everybody's.

    Raises:
        OSError: It is somebody else's, or open to others.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & 0o077:
        raise OSError(f"{folder} is not this user's alone")
