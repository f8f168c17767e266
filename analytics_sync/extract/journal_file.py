"""The file of a journal: entries one after the other, readable by their owner only.

In: a path and the account that reads. Out: the entries that an earlier process of the same account has
written, and a file to add entries to. An entry is a description in JSON and a body. One write call adds
a whole entry. A kill therefore leaves an entry whole, or cut off at the end of the file; an entry that
is cut off is removed.

    magic | account digest | entry | entry | ...
    entry: lengths of description and body, checksum of the body | description | body
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
_ENTRY_HEADER = struct.Struct(">III")  # lengths of description and body, checksum of the body
_SALT_BYTES = 16
_HASH_BYTES = 32
_ENTRIES_START = len(_MAGIC) + _SALT_BYTES + _HASH_BYTES
_MIN_FREE_SHARE = 0.05  # of the disk: other programs need the space more than a journal does


@dataclass(frozen=True)
class JournalEntry:
    """One entry of a journal file: its description, and where its body is.

    Attributes:
        description: Decoded from JSON.
        offset: Position of the body in the file.
        size: Length of the body, in bytes.
        checksum: CRC-32 of the body.
    """

    description: dict[str, Any]
    offset: int
    size: int
    checksum: int


class AccountKey:
    """Identifies the journal files of one account. Threads may share it.

    A journal stores only a scrypt hash of the credentials, so that they cannot be guessed from the
    file. scrypt is slow on purpose. One hash serves all files that a run makes; it is computed once,
    in a background thread.

    Args:
        secret: The credentials that requests are sent with.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="account")
        self._lock = threading.Lock()
        self._digest: Future[bytes] | None = None

    def prepare(self) -> None:
        """Start to compute the digest, because it will be needed soon."""
        with self._lock:
            if self._digest is None:
                self._digest = self._executor.submit(self._hash, os.urandom(_SALT_BYTES))

    def digest(self) -> bytes:
        """The salt and hash that new files begin with; waits for them."""
        self.prepare()
        assert self._digest is not None
        return self._digest.result()

    def matches(self, digest: bytes) -> bool:
        """Whether a file that begins with ``digest`` belongs to this account."""
        return digest == self._hash(digest[:_SALT_BYTES])

    def close(self) -> None:
        """End the thread; waits for a hash in progress."""
        self._executor.shutdown(wait=True)

    def _hash(self, salt: bytes) -> bytes:
        return salt + hashlib.scrypt(
            self._secret, salt=salt or b"-", n=2**14, r=8, p=1, dklen=_HASH_BYTES
        )


class JournalFile:
    """A file of entries, locked by this process until it is closed.

    Args:
        path: Path of the file.
        account: The account that reads and writes. A file of another account is emptied.
        max_age: Seconds since the last entry after which the file is emptied too.
        create: Whether to create a missing file.

    Raises:
        FileNotFoundError: The file is missing, and ``create`` is false.
        OSError: The file cannot be used; also when another process holds it.
    """

    def __init__(self, path: Path, account: AccountKey, max_age: float, *, create: bool) -> None:
        self._path = path
        if create:
            ensure_private(path.parent)
        flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
        self._handle = os.open(path, flags, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            status = os.fstat(self._handle)
            if status.st_uid != os.getuid() or time.time() - status.st_mtime > max_age:
                os.ftruncate(self._handle, 0)
            self._begin(account)
        except BaseException:
            os.close(self._handle)
            raise

    def _begin(self, account: AccountKey) -> None:
        """Empty the file unless it is this account's journal; write the start of an empty file."""
        start = os.pread(self._handle, _ENTRIES_START, 0)
        if not start.startswith(_MAGIC) or not account.matches(start[len(_MAGIC) :]):
            os.ftruncate(self._handle, 0)
            os.write(self._handle, _MAGIC + account.digest())

    def entries(self) -> Iterator[JournalEntry]:
        """All entries. An entry that a kill has cut off at the end of the file is removed."""
        size = os.fstat(self._handle).st_size
        offset = _ENTRIES_START
        while len(header := os.pread(self._handle, _ENTRY_HEADER.size, offset)) == (
            _ENTRY_HEADER.size
        ):
            description_size, body_size, checksum = _ENTRY_HEADER.unpack(header)
            body_offset = offset + _ENTRY_HEADER.size + description_size
            if body_offset + body_size > size:
                break
            try:
                description = json.loads(
                    os.pread(self._handle, description_size, offset + _ENTRY_HEADER.size)
                )
            except ValueError:
                break
            yield JournalEntry(description, body_offset, body_size, checksum)
            offset = body_offset + body_size
        os.ftruncate(self._handle, offset)

    def append(self, description: bytes, body: bytes) -> None:
        """Write an entry.

        Raises:
            OSError: The disk is full, or has less free space than must stay free.
        """
        disk = os.fstatvfs(self._handle)
        if disk.f_bavail < _MIN_FREE_SHARE * disk.f_blocks:
            raise OSError("the disk is nearly full")
        header = _ENTRY_HEADER.pack(len(description), len(body), zlib.crc32(body))
        entry = header + description + body
        if os.write(self._handle, entry) != len(entry):
            raise OSError("the disk is full")

    def body(self, entry: JournalEntry) -> bytes | None:
        """The body of an entry; None when it is damaged."""
        body = os.pread(self._handle, entry.size, entry.offset)
        return body if zlib.crc32(body) == entry.checksum else None

    def remove(self) -> None:
        """Close the file and delete it, and its folder when no other journal is in it."""
        self._path.unlink(missing_ok=True)
        with suppress(OSError):  # the folder holds other journals
            self._path.parent.rmdir()
        self.close()

    def close(self) -> None:
        """Release the file to other processes."""
        os.close(self._handle)


def remove_old(folder: Path, suffix: str, max_age: float) -> None:
    """Delete the files in ``folder`` that no process holds and that are older than ``max_age``.

    Args:
        folder: The folder of the journals.
        suffix: How their names end.
        max_age: In seconds since the last write.
    """
    for path in folder.glob(f"*{suffix}"):
        with suppress(OSError):
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if time.time() - os.fstat(handle).st_mtime > max_age:
                    path.unlink()
                    folder.rmdir()
            finally:
                os.close(handle)
