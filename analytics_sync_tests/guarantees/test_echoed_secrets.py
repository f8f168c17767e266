"""Echoed secrets: an API that repeats its key, in any spelling and place, puts it nowhere.

In: random keys, JSON encoders by the habits of six languages, ways to write a text, and places. Out: no
spelling of the key in rows, rejected records, results, messages, logs or journals.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from analytics_sync_tests.support.echoes import (
    ANSWERS,
    all_logs,
    kept,
    listing,
    read_answer,
    serve_listing,
    sinks,
)
from analytics_sync_tests.support.encoders import JSON, TEXT, contains
from analytics_sync_tests.support.scripted_api import Api, read, serve

ODD = "a\"b\\c'd %2F+/=&?#<>Qz81Lk20Mv93"  # with all characters that an encoder may escape
_LETTERS = string.ascii_letters + string.digits
_ENDS = st.text(_LETTERS, min_size=2, max_size=6)
_SENDABLE = "".join(map(chr, range(32, 127)))
KEYS = st.one_of(
    st.text(_LETTERS, min_size=8, max_size=40),
    st.text("0123456789abcdef", min_size=16, max_size=64),
    st.uuids().map(str),
    st.binary(min_size=8, max_size=40).map(bytes.hex),
    st.tuples(_ENDS, st.text(_SENDABLE, min_size=5, max_size=40), _ENDS).map("".join),
).filter(lambda key: len(set(key)) > 4)  # a key such as 00000000 is in ordinary numbers
FEW = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
MANY = settings(FEW, max_examples=150)


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with serve() as served:
        yield served


@pytest.fixture(autouse=True)
def _source(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", api.url)


def _hits_of_pages(api: Api, key: str, encoder: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sinks that hold the key, after a read that breaks off and one that resumes it."""
    texts = list(TEXT)
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", key)
    api.seen.clear()
    found: list[tuple[str, str]] = []
    with TemporaryDirectory() as folder, all_logs() as logs:
        monkeypatch.setenv("ANALYTICS_SYNC__JOURNAL_DIR", folder)
        serve_listing(api, key, encoder, texts, breaks_off=True)
        found += sinks(read(listing()))
        journal = list(kept(Path(folder)))
        assert len(journal) > 2 * (len(texts) - 51), "the last pages are kept"
        serve_listing(api, key, encoder, texts, breaks_off=False)
        outcome = read(listing())
        assert outcome.ids() == list(range(len(texts))), "no row is lost"
        assert outcome.readings["items"].pages_kept, "kept pages are used"
        found += sinks(outcome)
    found += [("journal", text) for text in journal] + [("logs", text) for text in logs]
    return [f"{sink}: {text[:200]}" for sink, text in dict.fromkeys(found) if contains(text, key)]


@given(key=KEYS, encoder=st.sampled_from(list(JSON)))
@FEW
@example(key=ODD, encoder="PHP")
@example(key=ODD, encoder=".NET")
def test_no_page_brings_a_key_anywhere(api: Api, key: str, encoder: str) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert _hits_of_pages(api, key, encoder, monkeypatch) == []


@pytest.mark.slow
@given(key=KEYS, encoder=st.sampled_from(list(JSON)))
@MANY
def test_no_page_brings_many_keys_anywhere(api: Api, key: str, encoder: str) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert _hits_of_pages(api, key, encoder, monkeypatch) == []


@pytest.mark.parametrize("name", ANSWERS)
@given(key=KEYS, encoder=st.sampled_from(list(JSON)), spelling=st.sampled_from(list(TEXT)))
@FEW
def test_no_answer_brings_a_key_into_a_message(
    name: str, api: Api, key: str, encoder: str, spelling: str
) -> None:
    _search_messages(name, api, key, encoder, spelling)


@pytest.mark.slow
@pytest.mark.parametrize("name", ANSWERS)
@given(key=KEYS, encoder=st.sampled_from(list(JSON)), spelling=st.sampled_from(list(TEXT)))
@MANY
def test_no_answer_brings_many_keys_into_messages(
    name: str, api: Api, key: str, encoder: str, spelling: str
) -> None:
    _search_messages(name, api, key, encoder, spelling)


def _search_messages(name: str, api: Api, key: str, encoder: str, spelling: str) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch, all_logs() as logs:
        monkeypatch.setenv("SOURCES__SHOP__API_KEY", key)
        outcome = read_answer(api, name, TEXT[spelling](key), encoder)
        found = [*sinks(outcome), *(("logs", text) for text in logs)]
    assert len(found) >= 2
    hits = [f"{sink}: {text[-400:]}" for sink, text in dict.fromkeys(found) if contains(text, key)]
    assert hits == []


@pytest.mark.parametrize("spelling", TEXT)
def test_the_search_knows_every_spelling(spelling: str) -> None:
    """A search that never finds a key would pass all other tests."""
    for encode in JSON.values():
        assert contains(encode({"a": f"you sent {TEXT[spelling](ODD)}!"}), ODD)
