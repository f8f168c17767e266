"""The file of a journal: entries one after the other, readable by their owner only.

In: a folder, a name, the read whose pages are kept, and the keys of its account. Out: the entries that an
earlier process has written, and a file to add entries to. An entry is a description in JSON and a body.
One write call adds a whole entry. A kill therefore leaves an entry whole, or cut off at the end of the
file.

    magic | salt | seal of the start | entry | entry | ...
    entry: lengths of description and body, time, digest of the body, seal | description | body

A seal is a keyed hash. It covers the seal before it, so an entry counts only at its own place in its own
file. The first entry that is cut off or has a wrong seal is removed with all that follows.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from analytics_sync.common.private_folder import PrivateFolder, create_file
from analytics_sync.extract.journal.journal_keys import (
    KEY_BYTES,
    SALT_BYTES,
    JournalKeys,
    forget,
    forget_old,
)

_MAGIC = b"analytics_sync journal 2\n"
_DIGEST_BYTES = 32
_ENTRY_HEADER = struct.Struct(f">IIQ{_DIGEST_BYTES}s{_DIGEST_BYTES}s")
_SEALED_HEADER_BYTES = _ENTRY_HEADER.size - _DIGEST_BYTES  # all but the seal itself
_ENTRIES_START = len(_MAGIC) + SALT_BYTES + _DIGEST_BYTES
_MAX_DESCRIPTION_BYTES = 1 << 20  # a forged length must not cost memory
_MIN_FREE_SHARE = 0.05  # of the disk: other programs need the space more than a journal does


@dataclass(frozen=True)
class JournalEntry:
    """One entry of a journal file: its description, and where its body is.

    Attributes:
        description: Decoded from JSON.
        offset: Position of the body in the file.
        size: Length of the body, in bytes.
        digest: SHA-256 digest of the body.
    """

    description: dict[str, Any]
    offset: int
    size: int
    digest: bytes


class JournalFile:
    """A file of entries, locked by this process until it is closed.

    Args:
        folder: The folder of the file.
        name: The name of the file.
        keys: The keys of the account. A file of another account, or of another read, is emptied.
        identity: Identifies the read.
        max_age: Seconds since the last entry after which the file is emptied too.
        create: Whether to create a missing file.

    Attributes:
        entries: The entries that an earlier process has written.

    Raises:
        FileNotFoundError: The file is missing, and ``create`` is false.
        OSError: The file cannot be used; also when another process holds it.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        keys: JournalKeys,
        identity: bytes,
        max_age: float,
        *,
        create: bool,
    ) -> None:
        self._name = name
        self._key_name = _key_name(folder, name)
        self.entries: list[JournalEntry] = []
        if create:
            opened = create_file(partial(PrivateFolder, folder, create=True), name, os.O_APPEND)
            self._folder, self._handle = opened
        else:
            self._folder = PrivateFolder(folder, create=False)
            try:
                self._handle = self._folder.open_file(name, os.O_APPEND, create=False)
            except BaseException:
                self._folder.close()
                raise
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.fstat(self._handle).st_nlink:
                raise BlockingIOError(f"{folder / name} was removed by another process")
            if not self._continue(keys, identity, max_age):
                self._begin(keys, identity)
        except BaseException:
            self.close()
            raise

    def _continue(self, keys: JournalKeys, identity: bytes, max_age: float) -> bool:
        """Take over the file's entries. False if they are too old, or are not of this read."""
        if time.time() - os.fstat(self._handle).st_mtime > max_age:
            return False
        start = os.pread(self._handle, _ENTRIES_START, 0)
        unsealed, seal = start[:-_DIGEST_BYTES], start[-_DIGEST_BYTES:]
        if len(start) < _ENTRIES_START or not start.startswith(_MAGIC):
            return False
        key = keys.find(self._key_name, identity, unsealed[len(_MAGIC) :])
        if key is None or not _is_sealed(seal, key, unsealed):
            return False
        self._key, self._last_seal = key, seal
        self._written_at = 0.0
        self.entries = list(self._read())
        # The time of the file is not sealed: a copy of an old file may have a new one.
        return not self.entries or time.time() - self._written_at <= max_age

    def _begin(self, keys: JournalKeys, identity: bytes) -> None:
        """Empty the file and write its start, with a new key."""
        self.entries = []
        os.ftruncate(self._handle, 0)
        salt, self._key = keys.create(self._key_name, identity)
        self._last_seal = _seal(self._key, _MAGIC + salt)
        os.write(self._handle, _MAGIC + salt + self._last_seal)

    def _read(self) -> Iterator[JournalEntry]:
        """All entries with their right seals. What follows them is removed."""
        size = os.fstat(self._handle).st_size
        offset = _ENTRIES_START
        while len(header := os.pread(self._handle, _ENTRY_HEADER.size, offset)) == (
            _ENTRY_HEADER.size
        ):
            description_size, body_size, time_us, digest, seal = _ENTRY_HEADER.unpack(header)
            body_offset = offset + _ENTRY_HEADER.size + description_size
            if description_size > _MAX_DESCRIPTION_BYTES or body_offset + body_size > size:
                break
            description = os.pread(self._handle, description_size, offset + _ENTRY_HEADER.size)
            sealed = self._last_seal + header[:_SEALED_HEADER_BYTES] + description
            if not _is_sealed(seal, self._key, sealed):
                break
            yield JournalEntry(json.loads(description), body_offset, body_size, digest)
            self._last_seal, self._written_at = seal, time_us / 1e6
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
        if len(description) > _MAX_DESCRIPTION_BYTES:
            raise OSError("the headers of a response are too long")
        fields = (len(description), len(body), time.time_ns() // 1000, _digest(body))
        header = _ENTRY_HEADER.pack(*fields, b"")[:_SEALED_HEADER_BYTES]
        seal = _seal(self._key, self._last_seal + header + description)
        entry = header + seal + description + body
        if os.write(self._handle, entry) != len(entry):
            raise OSError("the disk is full")
        self._last_seal = seal

    def body(self, entry: JournalEntry) -> bytes | None:
        """The body of an entry; None when it is not the one that was written."""
        body = os.pread(self._handle, entry.size, entry.offset)
        return body if _digest(body) == entry.digest else None

    def remove(self) -> None:
        """Close the file and delete it, and its folder when no other journal is in it."""
        forget(self._key_name)
        with suppress(OSError):
            self._folder.remove(self._name)
        self._folder.remove_if_empty()
        self.close()

    def close(self) -> None:
        """Release the file to other processes."""
        os.close(self._handle)
        self._folder.close()


def _seal(key: bytes, sealed: bytes) -> bytes:
    return hashlib.blake2b(sealed, key=key, digest_size=_DIGEST_BYTES).digest()


def _is_sealed(seal: bytes, key: bytes, sealed: bytes) -> bool:
    return hmac.compare_digest(seal, _seal(key, sealed))


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()  # processors have instructions for it


def _key_name(folder: Path, name: str) -> str:
    """The name under which the key of a file is kept. Files in several folders may have one name."""
    return hashlib.blake2b(str(folder / name).encode(), digest_size=KEY_BYTES // 2).hexdigest()


def remove_old(folder: Path, suffix: str, max_age: float) -> None:
    """Delete the files in ``folder`` that no process holds and that are older than ``max_age``.

    Args:
        folder: The folder of the journals.
        suffix: How their names end.
        max_age: In seconds since the last write.
    """
    forget_old()
    try:
        opened = PrivateFolder(folder, create=False)
    except OSError:  # there is none, or it cannot be used
        return
    with opened:
        for name in opened.names():
            if name.endswith(suffix):
                with suppress(OSError):
                    _remove_if_old(opened, name, max_age)


def _remove_if_old(folder: PrivateFolder, name: str, max_age: float) -> None:
    handle = folder.open_file(name, create=False)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if time.time() - os.fstat(handle).st_mtime > max_age:
            forget(_key_name(folder.path, name))
            folder.remove(name)
            folder.remove_if_empty()
    finally:
        os.close(handle)
