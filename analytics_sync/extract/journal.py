"""What a long read keeps on disk, so that the next run does not begin from nothing.

In: the answers of one reading, as they arrive. Out: the same answers for a later run of the same
reading, when this one did not come to its load. Only long readings keep anything: the first pages
cost less to ask for again than every short reading would pay. A file holds one reading, compressed;
it is the owner's alone to read, holds no credential, and goes when its rows are loaded or when it is too
old. Whatever is wrong with it, reading goes on without it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import stat
import struct
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Container, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa

from analytics_sync.extract.fit import loads
from analytics_sync.extract.pagination import Step
from analytics_sync.extract.session import Answer, Session
from analytics_sync.extract.url import with_query
from analytics_sync.extract.window import Window
from analytics_sync.spec import Resource

log = logging.getLogger(__name__)

_FIRST_PAGES = 50
_FIRST_SECONDS = 10.0
_MAGIC = b"analytics_sync journal 1\n"
_HEAD = struct.Struct(">III")  # of the description, of the body, and its checksum
_SUFFIX = ".journal"
_SALT = 16
_PROOF = 32


@dataclass(frozen=True)
class _Kept:
    """Where a page stands in the file. ``step`` is the request that it answers."""

    at: int
    size: int
    checksum: int
    step: Step
    answer: Mapping[str, Any]


@dataclass
class _Pages:
    """The kept pages of one walk, by number; ``finished`` when they go to its end."""

    by_number: dict[int, _Kept]
    finished: bool = False


class Journal:
    """The kept answers of one reading. Threads may share it.

    Args:
        file: Where they are kept; None keeps nothing.
        account: What the requests are sent with: another account's answers are of no use.
        redact: Finds credentials; nothing that holds one is kept.
        keep: Seconds for which pages are worth keeping.
    """

    def __init__(
        self,
        file: Path | None,
        account: bytes = b"",
        redact: Callable[[str], str] = str,
        keep: float = 0,
    ) -> None:
        self._file = file
        self._account = account
        self._redact = redact
        self._walks: dict[str, _Pages] = {}
        self._handle: int | None = None
        self._lock = threading.Lock()
        self._pages = 0
        self._began = time.monotonic()
        self.kept = 0
        """Pages that did not have to be asked for again."""
        if file is not None:
            with self._never_in_the_way(), suppress(FileNotFoundError):
                self._open(os.O_RDWR, keep)

    def walk(self, url: str, query: Mapping[str, object]) -> WalkPages:
        """The pages of one walk.

        Args:
            url: Where it starts.
            query: Its parameters; with the URL, they tell it from others.
        """
        text = json.dumps([url, query], default=str, sort_keys=True)
        name = hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
        return WalkPages(self, name, url, query, self._walks.get(name))

    def answer(self, kept: _Kept, url: str) -> Answer | None:
        """The kept answer of ``url``; None when it cannot be read."""
        if self._handle is None:
            return None
        try:
            packed = os.pread(self._handle, kept.size, kept.at)
            if zlib.crc32(packed) != kept.checksum:
                return None
            raw: bytes = pa.decompress(packed, kept.answer["size"], "lz4", asbytes=True)
            body = loads(raw)
        except (OSError, ValueError, pa.ArrowException):
            return None
        about = kept.answer
        return Answer(url, about["status"], about["headers"], body, about["at"], raw)

    def add(self, walk: str, number: int, step: Step, answer: Answer) -> None:
        """Keep an answer, once the reading is a long one."""
        with self._lock:
            self._pages += 1
            long = self._pages > _FIRST_PAGES or time.monotonic() - self._began > _FIRST_SECONDS
            if self._file is None or not long:
                return
        about = {
            "walk": walk,
            "number": number,
            "params": step.params,
            "link": step.link,
            "status": answer.status,
            "headers": {n: v for n, v in answer.headers.items() if n != "set-cookie"},
            "at": answer.at,
            "size": len(answer.raw),
        }
        description = json.dumps(about)
        if answer.moved or self._redact(description) != description:
            self.discard()
            return
        self._write(description.encode(), pa.compress(answer.raw, "lz4", asbytes=True))

    def note(self, walk: str, what: str) -> None:
        """Note that a walk's pages are ``finished``, or ``dropped`` because they are not true."""
        if self._handle is not None:
            self._write(json.dumps({"walk": walk, "note": what}).encode(), b"")

    def discard(self) -> None:
        """Forget everything: it is loaded, or of no use."""
        with self._lock:
            if self._handle is not None and self._file is not None:
                self._file.unlink(missing_ok=True)
                with suppress(OSError):  # others are using it
                    self._file.parent.rmdir()
            self._close()
            self._file = None

    def close(self) -> None:
        """Leave what is kept to a later run."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _write(self, description: bytes, body: bytes) -> None:
        head = _HEAD.pack(len(description), len(body), zlib.crc32(body))
        with self._lock, self._never_in_the_way():
            if self._file is None:
                return
            if self._handle is None:
                _own(self._file.parent)
                self._open(os.O_RDWR | os.O_CREAT)
            if self._handle is not None:  # one write: a kill leaves a whole frame or a last one cut
                os.write(self._handle, head + description + body)

    def _open(self, flags: int, keep: float = float("inf")) -> None:
        assert self._file is not None
        handle = os.open(self._file, flags | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # another run is reading the same: this one keeps nothing
            os.close(handle)
            self._file = None
            return
        self._handle = handle
        about = os.fstat(handle)
        if about.st_uid != os.getuid() or time.time() - about.st_mtime > keep:
            os.ftruncate(handle, 0)
        start = os.pread(handle, len(_MAGIC) + _SALT + _PROOF, 0)
        salt, proof = start[len(_MAGIC) : -_PROOF], start[-_PROOF:]
        if start.startswith(_MAGIC) and proof == self._proof(salt):
            self._walks = _frames(handle, len(start))
            return
        os.ftruncate(handle, 0)
        salt = os.urandom(_SALT)
        os.write(handle, _MAGIC + salt + self._proof(salt))

    def _proof(self, salt: bytes) -> bytes:
        """Tells one account from another, and nothing else about it."""
        return hashlib.scrypt(self._account, salt=salt, n=2**14, r=8, p=1, dklen=_PROOF)

    def _never_in_the_way(self) -> _Forgiving:
        return _Forgiving(self)


class _Forgiving:
    """What goes wrong with a journal ends the journal, not the reading."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, OSError | ValueError) or isinstance(error, FileNotFoundError):
            return False
        log.warning("pages are not kept for a later run: %s", error)
        self._journal._file = None
        self._journal._close()
        return True


class WalkPages:
    """The kept pages of one walk, and those that are added to them."""

    def __init__(
        self,
        journal: Journal,
        name: str,
        url: str,
        query: Mapping[str, object],
        pages: _Pages | None,
    ) -> None:
        self._journal = journal
        self._url = url
        self._query = query
        self._name = name
        self._pages = pages or _Pages({})
        self._fresh: dict[int, Answer] = {}
        self._added = False

    def still_true(
        self, fetch: Callable[[Step], Answer | None], same: Callable[[Answer, Answer], bool]
    ) -> None:
        """Ask for the pages at either end of the kept ones again, and drop all if they differ.

        Where records were added or deleted meanwhile, pages have moved, and a row could slip between
        a kept page and a new one. A finished walk that is kept from its first page is as it was.

        Args:
            fetch: Asks the API; None when it does not know the page any more.
            same: Whether two answers hold the same records.
        """
        numbers = self._pages.by_number
        if not numbers:
            return
        ends = set() if self._pages.finished else {max(numbers)}
        ends |= {min(numbers)} - {0}
        for number in sorted(ends):
            kept = self._answer(numbers[number])
            answer = fetch(numbers[number].step) if kept is not None else None
            if kept is None or answer is None or not same(kept, answer):
                self._drop()
                return
            self._fresh[number] = answer

    def get(self, number: int, step: Step) -> Answer | None:
        """The answer to a request of an earlier run; None when it is not kept."""
        kept = self._pages.by_number.get(number)
        if kept is None:
            return None
        if kept.step != step:
            self._drop()
            return None
        answer = self._fresh.pop(number, None) or self._answer(kept)
        if answer is not None:
            self._journal.kept += 1
        return answer

    def add(self, number: int, step: Step, answer: Answer) -> None:
        """Keep a new answer."""
        self._added = True
        self._journal.add(self._name, number, step, answer)

    def end(self) -> None:
        """The walk is at its end."""
        if self._added and not self._pages.finished:
            self._journal.note(self._name, "finished")

    def _answer(self, kept: _Kept) -> Answer | None:
        # the address is put together again: in the file it could hold a credential
        step = kept.step
        url = step.link or with_query(self._url, {**self._query, **step.params})
        return self._journal.answer(kept, url)

    def _drop(self) -> None:
        self._pages = _Pages({})
        self._fresh = {}
        self._journal.note(self._name, "dropped")


class Journals:
    """The journals of one run.

    Args:
        session: Whose answers they keep.
        keep: Seconds for which pages are worth keeping; 0 keeps none.
    """

    def __init__(self, session: Session, keep: float) -> None:
        self._session = session
        self._keep = keep
        told = dlt.config.get("analytics_sync.journal_dir", str)
        folder = f"analytics-sync-journal-{os.getuid()}"
        self._folder = Path(told or tempfile.gettempdir()) / folder
        self._open: dict[tuple[str, Window | None], Journal] = {}
        if keep > 0:
            _remove_old(self._folder, keep)

    def open(self, resource: Resource, window: Window | None) -> Journal:
        """The journal of a reading: the same for the same reading, whatever run it is in."""
        identity = f"{resource!r} {window} {self._session.base_url}"
        digest = hashlib.blake2b(identity.encode(), digest_size=12).hexdigest()
        file = self._folder / f"{resource.source}-{resource.name}-{digest}{_SUFFIX}"
        session = self._session
        journal = Journal(
            file if self._keep > 0 else None, session.account, session.redact, self._keep
        )
        self._open[resource.name, window] = journal
        return journal

    def discard(self, unless: Container[str]) -> None:
        """Forget what was read, except of the resources named."""
        for (name, _), journal in self._open.items():
            if name not in unless:
                journal.discard()

    def close(self) -> None:
        """Leave what is left to a later run."""
        for journal in self._open.values():
            journal.close()


def _remove_old(folder: Path, keep: float) -> None:
    """Remove the journals in ``folder`` that nobody uses and that are older than ``keep`` seconds."""
    for path in folder.glob(f"*{_SUFFIX}"):
        with suppress(OSError):
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if time.time() - os.fstat(handle).st_mtime > keep:
                    path.unlink()
                    folder.rmdir()
            finally:
                os.close(handle)


def _own(folder: Path) -> None:
    """Make the folder, or see that it is ours alone: a temporary folder is everybody's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & 0o077:
        raise ValueError(f"{folder} is not this user's alone")


def _frames(handle: int, at: int) -> dict[str, _Pages]:
    """The pages in a file, by walk. What a kill has cut off at its end is removed."""
    walks: dict[str, _Pages] = {}
    size = os.fstat(handle).st_size
    while len(head := os.pread(handle, _HEAD.size, at)) == _HEAD.size:
        described, body, checksum = _HEAD.unpack(head)
        start = at + _HEAD.size + described
        if start + body > size:
            break
        about = json.loads(os.pread(handle, described, at + _HEAD.size))
        pages = walks.setdefault(about["walk"], _Pages({}))
        match about.get("note"):
            case "finished":
                pages.finished = bool(pages.by_number)
            case "dropped":
                del walks[about["walk"]]
            case _:
                step = Step(about["params"], about["link"])
                pages.by_number[about["number"]] = _Kept(start, body, checksum, step, about)
        at = start + body
    os.ftruncate(handle, at)
    return walks
