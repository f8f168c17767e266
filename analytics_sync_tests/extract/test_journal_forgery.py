"""Forged journals: pages that this user did not write never become rows.

In: the journals of real reads, changed by someone who may write to their folder, knows the form of the
file and knows the credentials, but not the random number in the state folder. Out: the rows of the next
read, and the number of pages that it took from the journal: no more than are unchanged.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics_sync.catalog import Source
from analytics_sync.extract.run import ReadRun
from analytics_sync_tests.support.scripted_api import Api, Outcome, item, read, serve, shop

PAGES = 56  # of which five are kept: a read keeps pages from the 51st on
_MAGIC = b"analytics_sync journal 2\n"
_START = len(_MAGIC) + 16 + 32
_HEADER = struct.Struct(">IIQ32s32s")
_BY_CURSOR = {"type": "cursor", "cursor_param": "after", "cursor_path": "next"}
_LISTING = {"data_selector": "data", "paginator": _BY_CURSOR}
_COLUMNS = {"id": "bigint", "name": "text"}


def source(**client: Any) -> Source:
    """Two listings of an API with a credential."""
    return shop(
        item(_LISTING, columns=_COLUMNS),
        item(_LISTING, name="others", columns=_COLUMNS),
        auth={"type": "bearer", "token": 'dlt.secrets["token"]'},
        **client,
    )


@dataclass
class Entry:
    """An entry of a journal, taken apart."""

    time_us: int
    digest: bytes
    seal: bytes
    description: bytes
    body: bytes

    @property
    def raw(self) -> bytes:
        """The bytes of the entry, with the lengths as they are now."""
        header = (len(self.description), len(self.body), self.time_us, self.digest, self.seal)
        return _HEADER.pack(*header) + self.description + self.body

    def forged(self, name: str, key: bytes, last_seal: bytes) -> Entry:
        """The entry with another name in its records, and a seal made with ``key``."""
        about = json.loads(self.description)
        page = json.loads(pa.decompress(self.body, about["size"], "lz4", asbytes=True))
        page["data"] = [{**record, "name": name} for record in page["data"]]
        raw = json.dumps(page).encode()
        body = pa.compress(raw, "lz4", asbytes=True)
        description = json.dumps({**about, "size": len(raw)}).encode()
        digest = hashlib.sha256(body).digest()
        sealed = last_seal + struct.pack(
            ">IIQ32s", len(description), len(body), self.time_us, digest
        )
        seal = hashlib.blake2b(sealed + description, key=key, digest_size=32).digest()
        return Entry(self.time_us, digest, seal, description, body)


def entries(raw: bytes) -> list[Entry]:
    """All entries of a journal."""
    found, offset = [], _START
    while offset < len(raw):
        size, body_size, time_us, digest, seal = _HEADER.unpack_from(raw, offset)
        offset += _HEADER.size
        description = raw[offset : offset + size]
        body = raw[offset + size : offset + size + body_size]
        found.append(Entry(time_us, digest, seal, description, body))
        offset += size + body_size
    return found


def unchanged_pages(raw: bytes, changed: bytes) -> int:
    """The number of pages that are whole, and before which no description has changed."""
    start, pages = _START, 0
    if changed[:start] != raw[:start]:
        return 0
    for entry in entries(raw):
        end = start + len(entry.raw)
        body = end - len(entry.body)
        if changed[start:body] != raw[start:body]:
            break
        is_page = b'"number"' in entry.description
        pages += is_page and changed[body:end] == raw[body:end]
        start = end
    return pages


class Shop:
    """Two listings whose last pages fail at first, and the folder of their journals.

    Args:
        folder: An empty folder.
        api: The scripted API.

    Attributes:
        file: The journal of ``items``.
        raw: Its bytes after the failed read.
        other: The bytes of the journal of ``others``.
        state: The folder of the random numbers.
    """

    def __init__(self, folder: Path, api: Api) -> None:
        self._folder = folder
        self._settings = {
            "NO_PROXY": "127.0.0.1,localhost",
            "SOURCES__SHOP__BASE_URL": api.url,
            "SOURCES__SHOP__TOKEN": "the-token",
            "ANALYTICS_SYNC__JOURNAL_DIR": str(folder / "journals"),
            "XDG_STATE_HOME": str(folder / "state"),
        }
        self._fails = True
        api.on("/*", self._answer)
        with self.settings():
            read(source())
        self.file, other = sorted(folder.rglob("*.journal"))
        self.raw, self.other = self.file.read_bytes(), other.read_bytes()
        other.unlink()
        (self.state,) = (folder / "state").iterdir()
        shutil.copytree(self.state, folder / "saved")
        self._fails = False

    @contextmanager
    def settings(self) -> Iterator[None]:
        """The settings of a read, inside the block."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self._settings.items():
                patch.setenv(name, value)
            yield

    def _answer(self, path: str, query: Any, headers: Any) -> Any:
        number = int(query.get("after", 0))
        if number == PAGES - 1 and self._fails:
            return 400, {}, {}
        following = {"next": str(number + 1)} if number < PAGES - 1 else {}
        return {"data": [{"id": number, "name": "true"}], **following}

    def read_with(self, journal: bytes, **client: Any) -> Outcome:
        """Read ``items`` with this file as its journal, and the keys as after the failed read."""
        self.restore_keys()
        self.put(journal)
        with self.settings():
            return read(source(**client), only=["items"])

    def restore_keys(self) -> None:
        """Put the keys of the failed read back."""
        shutil.rmtree(self.state)
        shutil.copytree(self._folder / "saved", self.state)

    def put(self, journal: bytes) -> None:
        """Write a file in the place of the journal."""
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.file.unlink(missing_ok=True)
        self.file.touch(mode=0o600)
        self.file.write_bytes(journal)

    def assert_refused(self, journal: bytes) -> None:
        """Assert that a changed file gives no changed page."""
        outcome = self.read_with(journal)
        assert outcome.ids() == list(range(PAGES))
        assert {row["name"] for row in outcome.rows["items"]} == {"true"}
        assert outcome.readings["items"].pages_kept <= unchanged_pages(self.raw, journal)


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with serve() as api:
        yield Shop(tmp_path_factory.mktemp("shop"), api)


@st.composite
def changes(draw: st.DrawFn) -> Any:
    """A function of the journal and of the journal of another read: a changed journal."""
    kind = draw(
        st.sampled_from(
            ["bytes", "body", "cut", "drop", "repeat", "swap", "forge", "graft", "other"]
        )
    )
    one, two = draw(st.integers(0, 1 << 20)), draw(st.integers(0, 1 << 20))
    key = draw(st.binary(min_size=32, max_size=32))
    piece = draw(st.binary(max_size=40))

    def change(raw: bytes, other: bytes) -> bytes:
        at = one % len(raw)
        kept = entries(raw)
        i, j = one % len(kept), two % len(kept)
        start = raw[:_START]
        match kind:
            case "bytes":
                return raw[:at] + piece + raw[at + len(piece) :]
            case "body":
                kept[i].body = kept[i].body.replace(b"true", b"evil")
            case "cut":
                return raw[:at] + raw[at + 1 + two % 500 :]
            case "drop":
                del kept[i]
            case "repeat":
                kept.insert(j, kept[i])
            case "swap":
                kept[i], kept[j] = kept[j], kept[i]
            case "forge":
                last = start[-32:]
                for n, entry in enumerate(kept):
                    kept[n] = entry.forged("forged", key, last) if n >= i else entry
                    last = kept[n].seal
            case "graft":
                kept[i:] = entries(other)[i:]
            case "other":
                return other
        return start + b"".join(entry.raw for entry in kept)

    return change


@pytest.mark.slow
@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(change=changes())
def test_no_changed_page_becomes_a_row(stocked: Shop, change: Any) -> None:
    stocked.assert_refused(change(stocked.raw, stocked.other))


def test_the_journal_itself_is_used(stocked: Shop) -> None:
    assert stocked.read_with(stocked.raw).readings["items"].pages_kept == 5


def test_keys_that_can_be_known_make_no_seal(stocked: Shop) -> None:
    """Of an attacker with the credentials: the hash of the account alone, and empty keys."""
    salt = stocked.raw[len(_MAGIC) : len(_MAGIC) + 16]
    account = repr(sorted({"Authorization": "Bearer the-token"}.items())).encode()
    for key in (
        b"\0" * 32,
        salt * 2,
        hashlib.scrypt(account, salt=salt, n=2**14, r=8, p=1, dklen=32),
    ):
        seal = hashlib.blake2b(_MAGIC + salt, key=key, digest_size=32).digest()
        forged = [_MAGIC + salt + seal]
        for entry in entries(stocked.raw):
            made = entry.forged("forged", key, seal)
            forged.append(made.raw)
            seal = made.seal
        stocked.assert_refused(b"".join(forged))


def test_a_journal_is_worth_nothing_without_its_random_number(stocked: Shop) -> None:
    stocked.restore_keys()
    stocked.put(stocked.raw)
    for key in stocked.state.iterdir():
        key.write_bytes(bytes(32))
    with stocked.settings():
        assert read(source(), only=["items"]).readings["items"].pages_kept == 0


def test_an_older_copy_with_a_new_time_is_too_old(stocked: Shop) -> None:
    time.sleep(1.1)
    outcome = stocked.read_with(stocked.raw, resume_within=1.0)
    assert outcome.readings["items"].pages_kept == 0


def test_a_copy_of_a_journal_whose_rows_were_loaded_is_worth_nothing(tmp_path: Path) -> None:
    with serve() as api:
        stocked = Shop(tmp_path, api)
        with stocked.settings():
            with ReadRun(source(), only=["items"]) as run:
                assert run.result("items").pages_kept == 5
                run.loaded()
            assert not stocked.file.exists()
            stocked.put(stocked.raw)
            assert read(source(), only=["items"]).readings["items"].pages_kept == 0
