"""What a long read keeps on disk, so that the next run does not begin from nothing.

In: the answers of one reading, as they arrive. Out: the same answers for a later run of the same
reading, when this one did not come to its load. Only long readings keep anything: the first pages
cost less to ask for again than every short reading would pay. A file holds one reading, compressed;
it holds no credential, and goes when its rows are loaded or when it is too old. Whatever is wrong with
it, reading goes on without it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from pathlib import Path

import dlt
import pyarrow as pa

from analytics_sync.catalog import Resource
from analytics_sync.common.exact_json import dumps, loads
from analytics_sync.common.window import Window
from analytics_sync.extract.journal_file import AccountKey, JournalEntry, JournalFile, remove_old
from analytics_sync.extract.rest_client.paginator import PageRequest
from analytics_sync.extract.rest_client.response import Response
from analytics_sync.extract.rest_client.session import Session
from analytics_sync.extract.rest_client.urls import with_query

log = logging.getLogger(__name__)

_FIRST_PAGES = 50
_FIRST_SECONDS = 10.0
_SOON_LONG = 10  # pages after which there may well be many
_SUFFIX = ".journal"


@dataclass
class _Pages:
    """The kept pages of one walk, by number; ``finished`` when they go to its end."""

    by_number: dict[int, JournalEntry]
    finished: bool = False


class Journal:
    """The kept answers of one reading. Threads may share it.

    Args:
        path: Where they are kept; None keeps nothing.
        account: Whose requests they answer: another account's answers are of no use.
        redact: Finds credentials; nothing that holds one is kept.
        keep: Seconds for which pages are worth keeping.
    """

    def __init__(
        self, path: Path | None, account: AccountKey, redact: Callable[[str], str], keep: float
    ) -> None:
        self._path = path
        self._account = account
        self._redact = redact
        self._keep = keep
        self._walks: dict[str, _Pages] = {}
        self._file: JournalFile | None = None
        self._lock = threading.Lock()
        self._pages = 0
        self._long = False
        self._began = time.monotonic()
        self.kept = 0
        """Pages that did not have to be asked for again."""
        try:
            if path is not None:
                self._file = JournalFile(path, account, keep, create=False)
                self._walks = _by_walk(self._file)
        except FileNotFoundError:
            pass
        except OSError as e:
            self._give_up(e)

    def walk(
        self, url: str, query: Mapping[str, object], *, ignore_journal: bool = False
    ) -> KeptPages:
        """The pages of one walk.

        Args:
            url: Where it starts.
            query: Its parameters; with the URL, they tell it from others.
            afresh: Whether what is kept of it is of no use.
        """
        text = json.dumps([url, query], default=str, sort_keys=True)
        name = hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
        pages = None if ignore_journal else self._walks.get(name)
        return KeptPages(self, name, url, query, pages)

    def answer(self, kept: JournalEntry, url: str) -> Response | None:
        """The kept answer of ``url``; None when it cannot be read."""
        about = kept.about
        try:
            packed = self._file.body(kept) if self._file else None
            if packed is None:
                return None
            raw: bytes = pa.decompress(packed, about["size"], "lz4", asbytes=True)
            body = loads(raw)
        except (OSError, ValueError, pa.ArrowException):
            return None
        return Response(url, about["status"], about["headers"], body, about["at"], raw)

    def add(self, walk: str, number: int, step: PageRequest, answer: Response) -> None:
        """Keep an answer, once the reading is a long one."""
        with self._lock:
            self._pages += 1
            if self._pages == _SOON_LONG and self._path is not None:
                self._account.prepare()
            if self._pages > _FIRST_PAGES or time.monotonic() - self._began > _FIRST_SECONDS:
                self._long = True
            if self._path is None or not self._long:
                return
        about = {
            "walk": walk,
            "number": number,
            "params": step.params,
            "link": step.link,
            "status": answer.status,
            "headers": {n: v for n, v in answer.headers.items() if n != "set-cookie"},
            "at": answer.received_at,
            "size": len(answer.raw),
        }
        description = dumps(about)
        if answer.moved or self._redact(text := description.decode()) != text:
            self.discard()
            return
        self._write(description, pa.compress(answer.raw, "lz4", asbytes=True))

    def will_be_long(self) -> None:
        """Keep answers from now on."""
        if self._path is not None:
            self._account.prepare()
        self._long = True

    def mark(self, walk: str, what: str) -> None:
        """Note that a walk's pages are ``finished``, or ``dropped`` because they are not true."""
        if self._file is not None:
            self._write(json.dumps({"walk": walk, "note": what}).encode(), b"")

    def discard(self) -> None:
        """Forget everything: it is loaded, or of no use."""
        with self._lock:
            if self._file is not None:
                self._file.remove()
            self._file = self._path = None

    def close(self) -> None:
        """Leave what is kept to a later run."""
        with self._lock:
            if self._file is not None:
                self._file.close()
            self._file = self._path = None

    def _write(self, description: bytes, body: bytes) -> None:
        with self._lock:
            if self._path is None:
                return
            try:
                if self._file is None:
                    self._file = JournalFile(self._path, self._account, self._keep, create=True)
                self._file.append(description, body)
            except OSError as e:
                self._give_up(e)

    def _give_up(self, error: OSError) -> None:
        """What goes wrong with a journal ends the journal, not the reading."""
        if not isinstance(error, BlockingIOError):  # another run reads the same, and keeps it
            log.warning("pages are not kept for a later run: %s", error)
        if self._file is not None:
            self._file.close()
        self._file = self._path = None


def _by_walk(file: JournalFile) -> dict[str, _Pages]:
    walks: dict[str, _Pages] = {}
    for frame in file.frames():
        pages = walks.setdefault(frame.about["walk"], _Pages({}))
        match frame.about.get("note"):
            case "finished":
                pages.finished = bool(pages.by_number)
            case "dropped":
                del walks[frame.about["walk"]]
            case _:
                pages.by_number[frame.about["number"]] = frame
    return walks


def _step(kept: JournalEntry) -> PageRequest:
    """The request that a kept page answers."""
    return PageRequest(kept.about["params"], kept.about["link"])


class KeptPages:
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
        self._fresh: dict[int, Response] = {}
        self._added = False

    def revalidate(
        self,
        fetch: Callable[[PageRequest], Response | None],
        same: Callable[[Response, Response], bool],
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
            answer = fetch(_step(numbers[number])) if kept is not None else None
            if kept is None or answer is None or not same(kept, answer):
                self._drop()
                return
            self._fresh[number] = answer

    def get(self, number: int, step: PageRequest) -> Response | None:
        """The answer to a request of an earlier run; None when it is not kept."""
        kept = self._pages.by_number.get(number)
        if kept is None:
            return None
        if _step(kept) != step:
            self._drop()
            return None
        answer = self._fresh.pop(number, None) or self._answer(kept)
        if answer is not None:
            self._journal.kept += 1
        return answer

    def add(self, number: int, step: PageRequest, answer: Response) -> None:
        """Keep a new answer."""
        self._added = True
        self._journal.add(self._name, number, step, answer)

    def end(self) -> None:
        """The walk is at its end."""
        if self._added and not self._pages.finished:
            self._journal.mark(self._name, "finished")

    def _answer(self, kept: JournalEntry) -> Response | None:
        # the address is put together again: in the file it could hold a credential
        step = _step(kept)
        url = step.link or with_query(self._url, {**self._query, **step.params})
        return self._journal.answer(kept, url)

    def _drop(self) -> None:
        self._pages = _Pages({})
        self._fresh = {}
        self._journal.mark(self._name, "dropped")


class Journals:
    """The journals of one run.

    Args:
        session: Whose answers they keep.
        keep: Seconds for which pages are worth keeping; 0 keeps none.
    """

    def __init__(self, session: Session, keep: float) -> None:
        self._session = session
        self._keep = keep
        self._account = AccountKey(session.account)
        told = dlt.config.get("analytics_sync.journal_dir", str)
        folder = f"analytics-sync-journal-{os.getuid()}"
        self._folder = Path(told or tempfile.gettempdir()) / folder
        self._open: dict[tuple[str, Window | None], Journal] = {}
        if keep > 0:
            remove_old(self._folder, _SUFFIX, keep)

    def open(self, resource: Resource, window: Window | None) -> Journal:
        """The journal of a reading: the same for the same reading, whatever run it is in."""
        identity = f"{resource!r} {window} {self._session.base_url}"
        digest = hashlib.blake2b(identity.encode(), digest_size=12).hexdigest()
        file = self._folder / f"{resource.source}-{resource.name}-{digest}{_SUFFIX}"
        session = self._session
        journal = Journal(
            file if self._keep > 0 else None, self._account, session.redact, self._keep
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
        self._account.close()
