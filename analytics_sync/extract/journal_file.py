"""The file of a journal: frames, one after the other, for their owner alone.

In: a path and who reads. Out: what an earlier process of the same account has written there, and a
place to add to it. A frame is a description in JSON and a body; one is written at once, so that a
kill leaves it whole or cut off at the end, where it is dropped.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analytics_sync.common.private_folder import ensure_private

_MAGIC = b"analytics_sync journal 1\n"
_HEAD = struct.Struct(">III")  # lengths of description and body, and the body's checksum
_SALT = 16
_PROOF = 32
_FREE = 0.05  # of the disk stays free: there are more important things than to keep pages


@dataclass(frozen=True)
class JournalEntry:
    """What a frame says of itself, and where its body stands."""

    about: dict[str, Any]
    at: int
    size: int
    checksum: int


class AccountKey:
    """Tells the files of one account from those of others. Threads may share it.

    A file shows nothing else about the account: what it is known by takes long to work out from a guess,
    and so it does from the truth. That is done aside, once for all files that are made.

    Args:
        secret: What the requests are sent with.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="account")
        self._lock = threading.Lock()
        self._mark: Future[bytes] | None = None

    def prepare(self) -> None:
        """Begin to work out the mark; it will be needed soon."""
        with self._lock:
            if self._mark is None:
                self._mark = self._aside.submit(self._made, os.urandom(_SALT))

    def digest(self) -> bytes:
        """What new files begin with; waits for it."""
        self.prepare()
        assert self._mark is not None
        return self._mark.result()

    def matches(self, mark: bytes) -> bool:
        """Whether a file that begins with ``digest`` is this account's."""
        return mark == self._made(mark[:_SALT])

    def close(self) -> None:
        """Let go of the thread."""
        self._aside.shutdown(wait=True)

    def _made(self, salt: bytes) -> bytes:
        return salt + hashlib.scrypt(
            self._secret, salt=salt or b"-", n=2**14, r=8, p=1, dklen=_PROOF
        )


class JournalFile:
    """A file of frames, held by this process until it is closed.

    Args:
        path: Where it is.
        account: Whose it is. A file of another account is emptied.
        keep: Seconds since the last frame after which it is emptied too.
        create: Whether to make it when it is not there.

    Raises:
        FileNotFoundError: It is not there, and not to be made.
        OSError: It cannot be used; also when another process holds it.
    """

    def __init__(self, path: Path, account: AccountKey, keep: float, *, create: bool) -> None:
        self._path = path
        if create:
            ensure_private(path.parent)
        flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
        self._handle = os.open(path, flags, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            about = os.fstat(self._handle)
            if about.st_uid != os.getuid() or time.time() - about.st_mtime > keep:
                os.ftruncate(self._handle, 0)
            self._begin(account)
        except BaseException:
            os.close(self._handle)
            raise

    def _begin(self, account: AccountKey) -> None:
        """Read the start of the file, or write it: what tells this account from another."""
        start = os.pread(self._handle, len(_MAGIC) + _SALT + _PROOF, 0)
        if not start.startswith(_MAGIC) or not account.matches(start[len(_MAGIC) :]):
            os.ftruncate(self._handle, 0)
            os.write(self._handle, _MAGIC + account.digest())

    def frames(self) -> Iterator[JournalEntry]:
        """All frames. What a kill has cut off at the end of the file is removed."""
        size = os.fstat(self._handle).st_size
        at = len(_MAGIC) + _SALT + _PROOF
        while len(head := os.pread(self._handle, _HEAD.size, at)) == _HEAD.size:
            described, body, checksum = _HEAD.unpack(head)
            start = at + _HEAD.size + described
            if start + body > size:
                break
            try:
                about = json.loads(os.pread(self._handle, described, at + _HEAD.size))
            except ValueError:
                break
            yield JournalEntry(about, start, body, checksum)
            at = start + body
        os.ftruncate(self._handle, at)

    def append(self, description: bytes, body: bytes) -> None:
        """Write a frame.

        Raises:
            OSError: There is no room, or too little to be used for this.
        """
        disk = os.fstatvfs(self._handle)
        if disk.f_bavail < _FREE * disk.f_blocks:
            raise OSError("the disk is nearly full")
        frame = _HEAD.pack(len(description), len(body), zlib.crc32(body)) + description + body
        if os.write(self._handle, frame) != len(frame):
            raise OSError("the disk is full")

    def body(self, frame: JournalEntry) -> bytes | None:
        """The body of a frame; None when it is damaged."""
        found = os.pread(self._handle, frame.size, frame.at)
        return found if zlib.crc32(found) == frame.checksum else None

    def remove(self) -> None:
        """Close it, and leave nothing."""
        self._path.unlink(missing_ok=True)
        with suppress(OSError):  # others are in use
            self._path.parent.rmdir()
        self.close()

    def close(self) -> None:
        """Leave it to others."""
        os.close(self._handle)


def remove_old(folder: Path, suffix: str, keep: float) -> None:
    """Remove the files in ``folder`` that nobody holds and that are older than ``keep`` seconds."""
    for path in folder.glob(f"*{suffix}"):
        with suppress(OSError):
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if time.time() - os.fstat(handle).st_mtime > keep:
                    path.unlink()
                    folder.rmdir()
            finally:
                os.close(handle)
