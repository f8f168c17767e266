"""The keys that authenticate the files of journals.

In: the credentials of an account, and this user's state folder. Out: a key for each journal file, which
nobody can compute who lacks either of the two. The state folder holds a random number for each journal
file. It is removed with the file, so that a copy of a removed file is worth nothing.
"""

from __future__ import annotations

import hashlib
import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from analytics_sync.common.private_folder import create_file
from analytics_sync.common.state_folder import open_state_folder

SALT_BYTES = 16
KEY_BYTES = 32
_SUFFIX = ".key"
_MAX_IDLE_SECONDS = 7 * 86_400.0  # a journal that lives as long is continued within this time


class JournalKeys:
    """The keys of one account's journal files. Threads may share it.

    The credentials enter a key through scrypt, which is slow on purpose: nobody can try out
    credentials on a file. One hash serves all files that a run makes. It is computed once, in a
    background thread.

    Args:
        secret: The credentials and all other secrets that requests are sent with.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="account")
        self._lock = threading.Lock()
        self._salt = b""
        self._hashes: dict[bytes, Future[bytes]] = {}

    def prepare(self) -> None:
        """Start to compute the hash for new files, because it will be needed soon."""
        with self._lock:
            self._salt = self._salt or os.urandom(SALT_BYTES)
        self._hash(self._salt)

    def create(self, name: str, identity: bytes) -> tuple[bytes, bytes]:
        """A new salt and key for a file. They replace the file's earlier ones.

        Args:
            name: Identifies the file among all of this user.
            identity: Identifies the read whose pages the file keeps.

        Raises:
            OSError: This user has no folder for the random number.
        """
        self.prepare()
        random = os.urandom(KEY_BYTES)
        folder, handle = create_file(lambda: open_state_folder(create=True), name + _SUFFIX)
        try:
            os.ftruncate(handle, 0)
            os.pwrite(handle, random, 0)
        finally:
            os.close(handle)
            folder.close()
        return self._salt, self._key(random, self._salt, identity)

    def find(self, name: str, identity: bytes, salt: bytes) -> bytes | None:
        """The key of a file that was made with ``salt``; None if its random number is gone."""
        try:
            with open_state_folder(create=False) as folder:
                handle = folder.open_file(name + _SUFFIX, create=False)
        except OSError:
            return None
        try:
            random = os.pread(handle, KEY_BYTES, 0)
            os.utime(handle)  # it is in use: see ``remove_old``
        finally:
            os.close(handle)
        return self._key(random, salt, identity) if len(random) == KEY_BYTES else None

    def series_key(self) -> bytes:
        """A key for the names of request series, the same in each run; waits for its hash."""
        return self._hash(b"series").result()

    def close(self) -> None:
        """End the thread; waits for a hash in progress."""
        self._executor.shutdown(wait=True)

    def _key(self, random: bytes, salt: bytes, identity: bytes) -> bytes:
        message = self._hash(salt).result() + identity
        return hashlib.blake2b(message, key=random, digest_size=KEY_BYTES).digest()

    def _hash(self, salt: bytes) -> Future[bytes]:
        with self._lock:
            if salt not in self._hashes:
                self._hashes[salt] = self._executor.submit(_scrypt, self._secret, salt)
            return self._hashes[salt]


def _scrypt(secret: bytes, salt: bytes) -> bytes:
    return hashlib.scrypt(secret, salt=salt, n=2**14, r=8, p=1, dklen=KEY_BYTES)


def forget(name: str) -> None:
    """Remove the random number of a file: no copy of the file can be used any more."""
    with suppress(OSError), open_state_folder(create=False) as folder:
        folder.remove(name + _SUFFIX)
        folder.remove_if_empty()


def forget_old() -> None:
    """Remove the random numbers of files that were not used for long."""
    with suppress(OSError), open_state_folder(create=False) as folder:
        folder.remove_older(_MAX_IDLE_SECONDS, _SUFFIX)
