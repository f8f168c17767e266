"""The journal: the pages of a long read, kept on disk so that the next run does not start over.

In: the responses of one read, as they arrive. Out: the same responses for a later run of the same
read, when this run did not reach its load. Only long reads keep pages: the first pages cost less to
request again than every short read would pay for keeping them. A file holds the pages of one read,
compressed. It holds no credential. A page that this user did not write is refused (``journal_file``). The
file is removed when its rows are loaded, or when it is too old. If the journal fails in any way, the read
continues without it.
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
from dataclasses import dataclass, field
from pathlib import Path

import dlt
import pyarrow as pa

from analytics_sync.catalog import Resource
from analytics_sync.common.exact_json import dumps, loads
from analytics_sync.common.private_folder import PrivateFolder
from analytics_sync.common.state_folder import open_state_folder
from analytics_sync.common.window import Window
from analytics_sync.extract.journal.journal_file import JournalEntry, JournalFile, remove_old
from analytics_sync.extract.journal.journal_keys import JournalKeys
from analytics_sync.extract.rest_client.paginators.paginator import PageRequest
from analytics_sync.extract.rest_client.response import Response
from analytics_sync.extract.rest_client.session import Session

log = logging.getLogger(__name__)

_PAGES_BEFORE_JOURNAL = 50
_SECONDS_BEFORE_JOURNAL = 10.0
_PAGES_BEFORE_ACCOUNT_KEY = 10  # the key takes a while to compute: start before it is needed
_SUFFIX = ".journal"


@dataclass
class SeriesEntries:
    """The entries of one request series, by page number.

    Attributes:
        by_number: Page number -> entry.
        finished: Whether the entries reach the end of the series.
    """

    by_number: dict[int, JournalEntry] = field(default_factory=dict)
    finished: bool = False


class Journal:
    """The pages of one read that are kept on disk. Threads may share it.

    Args:
        path: Path of the file; None keeps nothing.
        keys: The keys of the account that sends the requests. Pages of another account are not used.
        identity: Identifies the read. Pages of another read are not used.
        redact: Finds credentials. A page whose description holds one is not kept.
        max_age: Seconds after which pages are not used any more.
    """

    def __init__(
        self,
        path: Path | None,
        keys: JournalKeys,
        identity: bytes,
        redact: Callable[[str], str],
        max_age: float,
    ) -> None:
        self._path = path
        self._keys = keys
        self._identity = identity
        self._redact = redact
        self._max_age = max_age
        self._series: dict[str, SeriesEntries] = {}
        self._file: JournalFile | None = None
        self._lock = threading.Lock()
        self._pages = 0
        self._is_long = False
        self._began = time.monotonic()
        self.reused = 0
        """Number of pages that were taken from the journal instead of requested again."""
        try:
            if path is not None:
                self._file = self._open_file(path, create=False)
                self._series = _by_series(self._file)
        except FileNotFoundError:
            pass
        except OSError as e:
            self._give_up(e)

    def _open_file(self, path: Path, *, create: bool) -> JournalFile:
        return JournalFile(
            path.parent, path.name, self._keys, self._identity, self._max_age, create=create
        )

    def series_name(self, url: str, query: Mapping[str, object]) -> str:
        """The name of a request series, from the URL and the query of its first request.

        They may hold a secret. A fast hash alone would let it be guessed from the file.
        """
        text = json.dumps([url, query], default=str, sort_keys=True)
        key = self._keys.series_key() if self._redact(text) != text else b""
        return hashlib.blake2b(text.encode(), key=key, digest_size=12).hexdigest()

    def entries(self, series: str) -> SeriesEntries:
        """The entries of a request series that an earlier run has kept."""
        return self._series.get(series) or SeriesEntries()

    def response(self, entry: JournalEntry, url: str) -> Response | None:
        """The response that an entry holds; None when it cannot be read.

        Args:
            entry: The entry.
            url: The URL of the request. The file does not hold it.
        """
        about = entry.description
        try:
            packed = self._file.body(entry) if self._file else None
            if packed is None:
                return None
            raw: bytes = pa.decompress(packed, about["size"], "lz4", asbytes=True)
            body = loads(raw)
        except (OSError, ValueError, pa.ArrowException):
            return None
        return Response(url, about["status"], about["headers"], body, about["at"], raw)

    def add(self, series: str, number: int, request: PageRequest, response: Response) -> None:
        """Keep a response, if the read is a long one."""
        with self._lock:
            self._pages += 1
            if self._pages == _PAGES_BEFORE_ACCOUNT_KEY and self._path is not None:
                self._keys.prepare()
            if (
                self._pages > _PAGES_BEFORE_JOURNAL
                or time.monotonic() - self._began > _SECONDS_BEFORE_JOURNAL
            ):
                self._is_long = True
            if self._path is None or not self._is_long:
                return
        about = {
            "walk": series,
            "number": number,
            "params": request.params,
            "link": request.link,
            "status": response.status,
            "headers": {n: v for n, v in response.headers.items() if n != "set-cookie"},
            "at": response.received_at,
            "size": len(response.raw),
        }
        description = dumps(about)
        if response.is_redirected or self._redact(text := description.decode()) != text:
            self.discard()
            return
        self._write(description, pa.compress(response.raw, "lz4", asbytes=True))

    def will_be_long(self) -> None:
        """Keep responses from now on."""
        if self._path is not None:
            self._keys.prepare()
        self._is_long = True

    def mark(self, series: str, note: str) -> None:
        """Add a note about the pages of a series.

        Args:
            series: The request series.
            note: ``finished`` when its last page is kept; ``dropped`` when its pages are outdated.
        """
        if self._file is not None:
            self._write(json.dumps({"walk": series, "note": note}).encode(), b"")

    def discard(self) -> None:
        """Delete the journal, because its rows are loaded or its pages are in doubt."""
        with self._lock:
            if self._file is not None:
                self._file.remove()
            self._file = self._path = None

    def close(self) -> None:
        """Stop keeping pages, and leave the file to a later run."""
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
                    self._file = self._open_file(self._path, create=True)
                self._file.append(description, body)
            except OSError as e:
                self._give_up(e)

    def _give_up(self, error: OSError) -> None:
        """Stop using the journal after an error. The read continues."""
        if not isinstance(error, BlockingIOError):  # another run keeps the pages of the same read
            log.warning("pages are not kept for a later run: %s", error)
        if self._file is not None:
            self._file.close()
        self._file = self._path = None


def _by_series(file: JournalFile) -> dict[str, SeriesEntries]:
    """The entries of a file, by the request series that their descriptions name."""
    series: dict[str, SeriesEntries] = {}
    for entry in file.entries:
        name = entry.description["walk"]
        entries = series.setdefault(name, SeriesEntries())
        match entry.description.get("note"):
            case "finished":
                entries.finished = bool(entries.by_number)
            case "dropped":
                del series[name]
            case _:
                entries.by_number[entry.description["number"]] = entry
    return series


class Journals:
    """The journals of one run.

    Args:
        session: Sends the requests whose responses the journals keep.
        max_age: Seconds after which pages are not used any more; 0 keeps no pages.
    """

    def __init__(self, session: Session, max_age: float) -> None:
        self._session = session
        self._max_age = max_age
        # Parameters may hold secrets too. Pages of another secret are not used.
        secrets = repr(sorted(session.redact.secrets)).encode()
        self._keys = JournalKeys(session.account + secrets)
        self._folder: Path | None = None
        self._open: dict[tuple[str, Window | None], Journal] = {}
        if max_age > 0:
            self._folder = _private_folder()
        if self._folder is not None:
            remove_old(self._folder, _SUFFIX, max_age)

    def open(self, resource: Resource, window: Window | None) -> Journal:
        """The journal of a read. The same read has the same journal in every run."""
        identity = f"{resource!r} {window} {self._session.base_url}"
        digest = hashlib.blake2b(identity.encode(), digest_size=12).hexdigest()
        name = f"{resource.source}-{resource.name}-{digest}{_SUFFIX}"
        path = self._folder / name if self._folder is not None else None
        journal = Journal(path, self._keys, identity.encode(), self._session.redact, self._max_age)
        self._open[resource.name, window] = journal
        return journal

    def discard(self, unless: Container[str]) -> None:
        """Delete the journals of all resources whose names are not in ``unless``."""
        for (name, _), journal in self._open.items():
            if name not in unless:
                journal.discard()

    def close(self) -> None:
        """Close all journals, and leave their files to a later run."""
        for journal in self._open.values():
            journal.close()
        self._keys.close()


def _private_folder() -> Path | None:
    """The folder of this user's journals; None if there is none that other users have no access to.

    Other users can create the usual folder first. Then journals are kept in the state folder.
    """
    configured = dlt.config.get("analytics_sync.journal_dir", str)
    usual = Path(configured or tempfile.gettempdir()) / f"analytics-sync-journal-{os.geteuid()}"
    try:
        PrivateFolder(usual, create=False).close()
    except FileNotFoundError:
        return usual  # the first journal creates it
    except OSError as usual_problem:
        try:
            with open_state_folder("journal", create=True) as folder:
                log.warning("%s; pages are kept in %s instead", usual_problem, folder.path)
                return folder.path
        except OSError as e:
            log.warning("pages are not kept for a later run: %s; %s", usual_problem, e)
            return None
    return usual
