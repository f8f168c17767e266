"""Kept pages: the pages of a journal that a later read reuses, and the pages that it must not keep.

In: a scripted API whose last page fails once. Out: the number of requests of the second read, its rows,
and the files of the journal.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analytics_sync.extract.journal import journal_file
from analytics_sync_tests.support.scripted_api import Api, Outcome, item, read, shop, shop_api

api = shop_api

BY_CURSOR = {"type": "cursor", "cursor_param": "after", "cursor_path": "next"}
ITEMS = item({"data_selector": "data", "paginator": BY_CURSOR})


class Listing:
    """Sixty pages by cursor. The last page is refused while ``fails`` is true.

    Args:
        api: The scripted API.
        more: Fields to add to the body of each page.
    """

    def __init__(self, api: Api, **more: Any) -> None:
        self.fails = True
        self._api = api
        self._more = more
        api.on("/items", self.answer)

    def answer(self, path: str, query: Any, headers: Any) -> Any:
        number = int(query.get("after", 0))
        if number == 59 and self.fails:
            return 400, {}, {}
        following = {"next": str(number + 1)} if number < 59 else {}
        return {"data": [{"id": number}], **following, **self._more}

    def read(self, auth: Any = None) -> tuple[int, Outcome]:
        """Read the listing. Returns the number of requests, and the outcome."""
        source = shop(ITEMS, auth=auth or {"type": "bearer", "token": 'dlt.secrets["token"]'})
        before = len(self._api.seen)
        outcome = read(source)
        return len(self._api.seen) - before, outcome


@pytest.fixture
def journals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANALYTICS_SYNC__JOURNAL_DIR", str(tmp_path / "j"))
    monkeypatch.setenv("SOURCES__SHOP__TOKEN", "the-first-token")
    return tmp_path / "j"


def files(journals: Path) -> list[Path]:
    """The files of the journals."""
    return [path for path in journals.rglob("*") if path.is_file()]


def test_a_resumed_read_reuses_the_kept_pages(api: Api, journals: Path) -> None:
    listing = Listing(api)
    assert listing.read()[1].failures
    listing.fails = False
    requests, outcome = listing.read()
    assert outcome.ids() == list(range(60))
    # pages 51 to 59 were kept; the first and the last of them are requested again
    assert outcome.readings["items"].pages_kept == 9
    assert requests == 53


def test_another_account_starts_over(
    api: Api, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = Listing(api)
    assert listing.read()[1].failures
    monkeypatch.setenv("SOURCES__SHOP__TOKEN", "the-second-token")
    listing.fails = False
    requests, outcome = listing.read()
    assert requests == 60
    assert outcome.ids() == list(range(60))


IN_QUERY = {
    "type": "api_key",
    "name": "k",
    "api_key": 'dlt.secrets["token"]',
    "location": "query",
}


@pytest.mark.parametrize("auth", [None, IN_QUERY])
def test_a_journal_holds_no_credential(api: Api, journals: Path, auth: Any) -> None:
    listing = Listing(api, you="sent the-first-token")
    assert listing.read(auth)[1].failures
    (path,) = files(journals)
    assert b"the-first-token" not in path.read_bytes()
    listing.fails = False
    requests, outcome = listing.read(auth)
    assert requests == 53
    assert outcome.ids() == list(range(60))


def test_a_cursor_that_holds_a_credential_is_not_kept(
    api: Api, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The credential is too short to be masked in data."""
    monkeypatch.setenv("SOURCES__SHOP__TOKEN", "sh0rt")

    def answer(path: str, query: Any, headers: Any) -> Any:
        number = int(str(query.get("after", "0")).partition("-")[0])
        if number == 59:
            return 400, {}, {}
        return {"data": [{"id": number}], "next": f"{number + 1}-sh0rt"}

    listing = Listing(api)
    api.on("/items", answer)
    assert listing.read()[1].failures
    assert files(journals) == []


def test_an_expired_cursor_starts_over(api: Api, journals: Path) -> None:
    listing = Listing(api)
    assert listing.read()[1].failures
    listing.fails = False
    requested = []

    def expired(path: str, query: Any, headers: Any) -> Any:
        requested.append(query.get("after"))
        return (410, {}, {}) if len(requested) == 1 else listing.answer(path, query, headers)

    api.on("/items", expired)
    requests, outcome = listing.read()
    assert requests == 61
    assert outcome.ids() == list(range(60))


def test_the_journal_can_be_switched_off(api: Api, journals: Path) -> None:
    Listing(api)
    read(shop(ITEMS, resume_within=0))
    assert not journals.exists()


def test_a_nearly_full_disk_keeps_no_pages(
    api: Api, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_file, "_MIN_FREE_SHARE", 1.1)
    listing = Listing(api)
    assert listing.read()[1].failures
    assert sum(path.stat().st_size for path in files(journals)) < 100
    listing.fails = False
    assert listing.read()[0] == 60
