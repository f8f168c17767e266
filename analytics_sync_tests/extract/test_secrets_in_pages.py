"""Secrets in pages: links and cursors that hold a secret lead on, keys and numbers that are one are masked.

In: scripted pages that repeat a secret. Out: the requests that follow, rows, findings and messages.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from analytics_sync.common.redaction import Redactor
from analytics_sync.extract.evidence.findings import PRIMARY_KEY_UNIQUE
from analytics_sync_tests.support.echoes import KEY, kept
from analytics_sync_tests.support.encoders import JSON, contains
from analytics_sync_tests.support.scripted_api import Api, Outcome, item, read, shop, shop_api

api = shop_api

SECRET = "k/Y+7Qm2Vt9=Rb4&Lw8"
IN_QUERY = {**KEY, "name": "k", "location": "query"}
BY_LINK = {"type": "json_link", "next_url_path": "next"}
BY_CURSOR = {"type": "cursor", "cursor_param": "after", "cursor_path": "next"}
TEXT_ID = {"id": "text", "t": "text"}


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", SECRET)
    monkeypatch.setenv("ANALYTICS_SYNC__JOURNAL_DIR", str(tmp_path / "j"))


def in_php(body: Any) -> tuple[int, dict[str, str], bytes]:
    """A response as PHP writes it, with a backslash before every slash."""
    return 200, {}, JSON["PHP"](body).encode()


def read_pages(resource: Any, **client: Any) -> Outcome:
    """The outcome of a read that must not fail."""
    outcome = read(shop(resource, auth=client.pop("auth", KEY), **client))
    assert not outcome.failures, outcome.failures
    return outcome


class Pages:
    """Sixty pages; each leads to the next, by a link or cursor that holds a secret.

    Args:
        api: The API.
        lead: A function of the number of the next page: the value at ``next``.
        number: A function of path and query: the number of a page.
    """

    def __init__(self, api: Api, lead: Any, number: Any) -> None:
        self._lead = lead
        self._number = number
        self.fails_at = -1
        api.on("*", self.answer)

    def answer(self, path: str, query: Any, headers: Any) -> Any:
        number = self._number(path, query)
        if number is None or number == self.fails_at:
            return 400, {}, {}
        lead = {"next": self._lead(number + 1)} if number < 59 else {}
        return in_php({"data": [{"id": number, "t": f"you sent {SECRET}"}], **lead})


def after(path: str, query: Any) -> int | None:
    """The number after the cursor's dash, if the rest of the cursor is the secret."""
    if "after" not in query:
        return 0
    secret, _, number = str(query["after"]).rpartition("-")
    return int(number) if secret == SECRET else None


def after_base64(path: str, query: Any) -> int | None:
    """The number in a cursor of base64, if it also holds the secret."""
    if "after" not in query:
        return 0
    cursor = json.loads(base64.b64decode(query["after"]))
    return int(cursor["n"]) if cursor["k"] == SECRET else None


def page(path: str, query: Any) -> int | None:
    """The number of the page, if the request has the secret once."""
    return int(query.get("page", 0)) if query.get("k") == SECRET else None


def page_in_room(path: str, query: Any) -> int | None:
    """The number of the page, if the path holds the secret."""
    return int(query.get("page", 0)) if path == f"/rooms/{quote(SECRET, safe='')}" else None


SECRET_PARAM = {"type": "secret", "key": "api_key"}
LEADS: dict[str, tuple[dict[str, Any], Any, Any, Any]] = {
    "a cursor": (
        {"paginator": BY_CURSOR}, KEY, lambda n: f"{SECRET}-{n}", after,
    ),
    "a cursor of base64": (
        {"paginator": BY_CURSOR},
        KEY,
        lambda n: base64.b64encode(JSON["PHP"]({"k": SECRET, "n": n}).encode()).decode(),
        after_base64,
    ),
    "a link with the credentials": (
        {"paginator": BY_LINK}, IN_QUERY, lambda n: f"/items?k={quote(SECRET)}&page={n}", page,
    ),
    "a link with a parameter": (
        {"paginator": BY_LINK, "params": {"k": SECRET_PARAM}},
        None,
        lambda n: f"/items?k={quote(SECRET, safe='')}&page={n}",
        page,
    ),
    "a link with a part of the path": (
        {"path": "/rooms/{room}", "paginator": BY_LINK, "params": {"room": SECRET_PARAM}},
        None,
        lambda n: f"/rooms/{quote(SECRET, safe='')}?page={n}",
        page_in_room,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LEADS)
def test_a_link_or_cursor_that_holds_a_secret_leads_on(name: str, api: Api, tmp_path: Path) -> None:
    endpoint, auth, lead, number = LEADS[name]
    pages = Pages(api, lead, number)
    resource = item({"data_selector": "data", **endpoint}, columns={"id": "bigint", "t": "text"})
    pages.fails_at = 55
    assert read(shop(resource, auth=auth)).failures
    assert not any(contains(text, SECRET) for text in kept(tmp_path / "j"))
    pages.fails_at = -1
    outcome = read_pages(resource, auth=auth)
    assert outcome.ids() == list(range(60))
    assert {row["t"] for row in outcome.rows["items"]} == {"you sent ***"}


def test_pages_are_kept_although_their_links_hold_the_credentials(api: Api) -> None:
    endpoint, auth, lead, number = LEADS["a link with the credentials"]
    pages = Pages(api, lead, number)
    resource = item({"data_selector": "data", **endpoint})
    pages.fails_at = 55
    assert read(shop(resource, auth=auth)).failures
    pages.fails_at = -1
    assert read_pages(resource, auth=auth).readings["items"].pages_kept == 5


def test_a_link_header_that_holds_a_secret_leads_on(api: Api) -> None:
    def answer(path: str, query: Any, headers: Any) -> Any:
        if "page" in query:
            return [{"id": 2}] if query == {"page": "2", "note": SECRET} else []
        link = f'</items?page=2&note={quote(SECRET, safe="")}>; rel="next"'
        return 200, {"Link": link}, [{"id": 1}]

    api.on("/items", answer)
    assert read_pages(item({"paginator": "header_link"})).ids() == [1, 2]


def test_a_secret_in_a_primary_key_is_a_finding(api: Api) -> None:
    api.on("/items", in_php([{"id": SECRET, "t": "a"}, {"id": f"{SECRET}2", "t": "b"}]))
    outcome = read_pages(item(columns=TEXT_ID))
    assert outcome.ids() == ["***", "***2"]
    (finding,) = outcome.readings["items"].findings.of(PRIMARY_KEY_UNIQUE)
    assert "[id]" in finding
    assert "2 records" in finding
    assert "is masked" in finding
    assert SECRET not in finding


def test_a_secret_elsewhere_is_no_finding(api: Api) -> None:
    api.on("/items", in_php([{"id": "a", "t": SECRET}]))
    assert read_pages(item(columns=TEXT_ID)).readings["items"].findings.of(PRIMARY_KEY_UNIQUE) == []


def test_a_filter_that_takes_other_records_of_a_masked_page_is_a_finding(api: Api) -> None:
    body = [{"id": "a", "t": SECRET}, {"id": "b", "t": "c"}]
    api.on("/items", in_php(body))
    resource = item({"data_selector": "$[?(@.t!='***')]"}, columns=TEXT_ID)
    assert len(read_pages(resource).readings["items"].findings.of(PRIMARY_KEY_UNIQUE)) == 1


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ('[{"id": 1, "t": 2345678901, "x": 12345678}]', "2345678901"),
        ('[{"id": 1, "t": 1, "x": 1.2345678e7}]', "1"),
        ('[{"id": 1, "t": -12345678, "x": 12345678.0}]', "-12345678"),
        ('[{"id": 1, "t": 123456789, "x": "n 12345678"}]', "123456789"),
        ('[{"id": 1, "t": "\\"", "x": "\\u0031\\u0032345678"}]', '"'),
    ],
)
def test_a_secret_of_digits_is_masked_as_a_number(
    body: str, value: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "12345678")
    api.on("/items", (200, {}, body.encode()))
    (row,) = read_pages(item(columns={"id": "bigint", "t": "json"})).rows["items"]
    assert row["t"] in (value, json.dumps(value))
    assert "***" in row["_extra"]
    assert "345678" not in row["_extra"].replace("123456789", "")


def test_all_that_holds_no_secret_stays_as_it_is(api: Api) -> None:
    """A page is masked in its bytes: numbers, escapes and the order of keys do not change."""
    rest = r'"n": 1.10, "big": 12345678901234567890123, "e": "\u00e9\ud83d\ude00\/\"\\", "": "%41"'
    body = f'[{{"id": 1, "t": "{json.dumps(SECRET)[1:-1]}", {rest}}}]'
    columns = {"id": "bigint", "t": "text"}
    api.on("/items", (200, {}, body.encode()))
    (masked,) = read_pages(item(columns=columns)).rows["items"]
    api.on("/items", (200, {}, body.replace(json.dumps(SECRET)[1:-1], "***").encode()))
    (plain,) = read_pages(item(columns=columns)).rows["items"]
    assert masked == plain


def test_undeclared_columns_take_no_name_from_a_secret(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "kYx7Qm2Vt9Rb4Lw8")
    raw = r'[{"id": 1, "kYx7\u0051m2Vt9Rb4Lw8": "a", "b kYx7Qm2Vt9Rb4Lw8": "b"}]'
    api.on("/items", (200, {}, raw.encode()))
    resource = item()
    del resource["columns"]
    outcome = read_pages(resource)
    reading = outcome.readings["items"]
    assert reading.buffer is not None
    names = " ".join(reading.buffer.schema.names)
    assert "kyx7" not in names
    assert "lw8" not in names
    assert "Qm2" not in str(outcome.rows)


def test_a_masked_page_can_be_declared_complete_by_its_text(api: Api) -> None:
    """``response_actions`` see the text as the API sent it."""
    body = JSON["PHP"]({"data": [{"id": 1}], "errors": [f"only for {SECRET}"]})
    api.on("/items", (200, {}, body.encode()))
    accept = {"content": 'errors":["only for k\\/Y', "action": "accept"}
    outcome = read_pages(item({"data_selector": "data", "response_actions": [accept]}))
    assert outcome.readings["items"].findings.of("complete") == []


def test_a_short_secret_cannot_be_guessed_from_the_name_of_a_series(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret of four digits is found in no time, if its hash is fast."""
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "8064")

    def answer(path: str, query: Any, headers: Any) -> Any:
        number = int(query.get("after", 0))
        return (400, {}, {}) if number == 55 else {"data": [{"id": number}], "next": number + 1}

    api.on("/items", answer)
    params = {"room": SECRET_PARAM}
    resource = item({"data_selector": "data", "paginator": BY_CURSOR, "params": params})
    assert read(shop(resource)).failures
    names = {json.loads(text)["walk"] for text in kept(tmp_path / "j") if '"walk"' in text}
    guesses = [json.dumps([f"{api.url}/items", {"room": f"{n:04}"}]) for n in range(10_000)]
    assert len(names) == 1
    assert not names & {hashlib.blake2b(g.encode(), digest_size=12).hexdigest() for g in guesses}


@pytest.mark.parametrize("page", [r'["\u0041b", ' * 9 + "[" + "]" * 10, f'["{"%41" * 300_000}"]'])
def test_masking_ends_when_the_time_of_the_read_is_over(page: str) -> None:
    """A page of nothing but escapes takes long: some microseconds for each."""
    left = [None] * 3

    def check_time() -> None:
        if not left:
            raise TimeoutError
        left.pop()

    with pytest.raises(TimeoutError):
        Redactor([SECRET]).data(page.encode(), check_time)
