"""Charsets: text arrives as it was sent, or the resource fails by name.

In: bodies in many charsets, declared rightly, wrongly or not at all. Out: rows, or ``InvalidResponse``.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_sync.catalog import CatalogError
from analytics_sync.catalog.config.charsets import CharsetError
from analytics_sync.common.errors import ConnectionFailed, InvalidResponse
from analytics_sync.extract.rest_client.charset import to_utf8
from analytics_sync_tests.support.scripted_api import Api, Outcome, item, read, shop, shop_api

api = shop_api

COLUMNS = {"id": "bigint", "t": "text"}


def read_body(api: Api, raw: bytes, content_type: str, **client: Any) -> Outcome:
    """The outcome of a read whose only page is ``raw``."""
    api.on("/items", (200, {"Content-Type": content_type}, raw))
    return read(shop(item(columns=COLUMNS), **client))


def page(text: str) -> str:
    return json.dumps([{"id": 1, "t": text}], ensure_ascii=False)


# charset as declared, text, codec of the bytes
SENT: dict[str, tuple[str, str, str]] = {
    "Latin-1": ("iso-8859-1", "Köln, señor", "latin-1"),
    "Latin-1, by another name": ("LATIN1", "Köln", "latin-1"),
    "Latin-9": ("ISO-8859-15", "5 € œuvre", "iso8859-15"),
    "Windows": ("windows-1252", "“quoted” – €", "cp1252"),
    "Windows, in quotes": ('"windows-1252"', "déjà vu", "cp1252"),
    "Cyrillic": ("windows-1251", "Привет", "cp1251"),
    "Cyrillic KOI8": ("koi8-r", "Привет", "koi8-r"),
    "Japanese": ("Shift_JIS", "日本語", "shift_jis"),
    "Chinese": ("gb18030", "联通 𠀀", "gb18030"),
    "Korean": ("euc-kr", "한국어", "euc_kr"),
    "UTF-16 with a mark": ("utf-16", "Köln 日本 😀", "utf-16"),
    "UTF-16, little end first": ("utf-16le", "Köln 😀", "utf-16-le"),
    "UTF-16, big end first, no mark": ("UTF-16", "Köln 😀", "utf-16-be"),
    "UTF-32": ("utf-32", "Köln 😀", "utf-32"),
    "UTF-8": ("utf-8", "Köln 😀", "utf-8"),
    "UTF-8 with a mark": ("utf8", "Köln 😀", "utf-8-sig"),
    "a mark against the declaration": ("iso-8859-1", "Köln 😀", "utf-8-sig"),
    "ASCII": ("us-ascii", "Koln", "ascii"),
    "nothing declared": ("", "Köln", "utf-8"),
}


@pytest.mark.parametrize("name", SENT)
def test_text_arrives_as_it_was_sent(api: Api, name: str) -> None:
    charset, text, codec = SENT[name]
    content_type = f"application/json; charset={charset}"
    outcome = read_body(api, page(text).encode(codec), content_type)
    assert outcome.ids() == [1]
    assert outcome.rows["items"][0]["t"] == text


# charset as declared, bytes of the text, words of the message
WRONG: dict[str, tuple[str, bytes, str]] = {
    "unknown": ("klingon-1", b"a", "the charset 'klingon-1' is not known"),
    "an encoding that is no charset": ("idna", b"a", "the charset 'idna' is not known"),
    "rot13": ("rot13", b"a", "the charset 'rot13' is not known"),
    "no such byte": ("windows-1252", b"\x81", "the charset is 'windows-1252', but byte 17 is 0x81"),
    "more than ASCII": ("us-ascii", b"\xe9x", "the charset is 'us-ascii', but byte 17 is 0xe9"),
    "UTF-8 after all": ("iso-8859-1", "Köln".encode(), "the charset is 'iso-8859-1', but the text is UTF-8"),
    "ASCII for UTF-16": ("utf-16", b"a", "the charset is 'utf-16', but the bytes are not"),
    "Latin-1 for UTF-8": ("utf-8", b"K\xf6ln", "the charset is 'utf-8', but byte 18 is 0xf6"),
    "Latin-1 for nothing": ("", b"K\xf6ln", "the charset is 'utf-8', but byte 18 is 0xf6"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_bytes_that_do_not_fit_are_an_error_by_name(api: Api, name: str) -> None:
    charset, text, words = WRONG[name]
    raw = b'[{"id": 1, "t": "' + text + b'"}]'
    outcome = read_body(api, raw, f"application/json; charset={charset}")
    assert isinstance(outcome.failures["items"], InvalidResponse)
    assert words in outcome.error()
    assert "client.charset" in outcome.error()
    assert len(api.seen) == 1, "the same bytes would come again"


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "shift_jis"])
def test_a_body_that_breaks_off_within_a_character_is_requested_again(
    api: Api, charset: str
) -> None:
    raw = page("日本").encode(charset)
    cut = raw[: raw.index("本".encode(charset.replace("16", "16-le"))) + 1]
    content_type = {"Content-Type": f"application/json; charset={charset}"}
    api.on("/items", (200, content_type, cut), (200, content_type, raw))
    outcome = read(shop(item(columns=COLUMNS)))
    assert outcome.rows["items"][0]["t"] == "日本"
    api.on("/items", (200, content_type, cut))
    assert isinstance(read(shop(item(columns=COLUMNS))).failures["items"], ConnectionFailed)


def test_the_catalog_file_may_name_the_charset(api: Api) -> None:
    declared = "application/json; charset=iso-8859-1"
    utf8 = page("Köln").encode()
    assert read_body(api, utf8, declared, charset="utf-8").rows["items"][0]["t"] == "Köln"
    latin = read_body(api, utf8, declared, charset="iso-8859-1")
    assert latin.rows["items"][0]["t"] == "KÃ¶ln"
    windows = read_body(api, page("5 €").encode("cp1252"), "text/plain", charset="cp1252")
    assert windows.rows["items"][0]["t"] == "5 €"


def test_a_charset_of_the_catalog_file_must_be_known() -> None:
    with pytest.raises(CatalogError, match=r"shop.yaml.*charset.*'utf-7' is not known"):
        shop(item(), charset="utf-7")


def test_an_error_page_in_another_charset_is_shown(api: Api) -> None:
    header = {"Content-Type": "application/json; charset=utf-16"}
    api.on("/items", (400, header, json.dumps({"message": "no such größe"}).encode("utf-16")))
    assert "no such" in read(shop(item())).error()
    api.on("/items", (400, {"Content-Type": "text/plain; charset=nonsense"}, b"no such thing"))
    assert "no such thing" in read(shop(item())).error()


def test_a_secret_in_another_charset_is_masked(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "s3cret-s3cret-s3cret")
    auth = {"type": "api_key", "name": "key", "api_key": 'dlt.secrets["api_key"]'}
    raw = page("your key: s3cret-s3cret-s3cret").encode("utf-16")
    outcome = read_body(api, raw, "application/json; charset=utf-16", auth=auth)
    assert "s3cret" not in str(outcome.rows["items"])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(["iso-8859-1", "cp1252", "koi8-r", "gb18030", "utf-16", "utf-32-be", "euc_jp"]),
)
def test_text_is_exact_or_refused(text: str, charset: str) -> None:
    try:
        raw = page(text).encode(charset)
    except UnicodeEncodeError:
        return
    if raw.decode(charset) != page(text):
        return  # Python writes a yen sign as the backslash of EUC-JP
    try:
        found = json.loads(to_utf8(raw, charset, is_certain=False))
    except CharsetError:
        assert not raw.isascii()
        return
    assert found == [{"id": 1, "t": text}]
    assert to_utf8(raw, charset, is_certain=True).decode() == page(text)
