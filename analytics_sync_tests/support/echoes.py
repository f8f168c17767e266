"""Echoes: an API that repeats the key of each request, and everything that a read of it leaves behind.

In: a key, the JSON encoder of the API, and ways to write a text. Out: pages, errors, links and redirects that
hold the key in many places; the texts of each sink: rows, rejected records, results, messages, logs and
journals.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from analytics_sync.catalog import Source
from analytics_sync.extract.journal import journal_file
from analytics_sync_tests.support.encoders import JSON, TEXT
from analytics_sync_tests.support.scripted_api import Api, Outcome, item, read, shop

KEY = {"type": "api_key", "name": "X-Key", "api_key": 'dlt.secrets["api_key"]'}
COLUMNS = {"id": "bigint", "t": "text", "list": "json", "nest": "json"}
_CURSOR = {"type": "cursor", "cursor_param": "after", "cursor_path": "next"}


def listing() -> Source:
    """A resource of one page for each way to write a text."""
    endpoint = {"data_selector": "data", "paginator": _CURSOR}
    return shop(item(endpoint, columns=COLUMNS), auth=KEY)


def serve_listing(
    api: Api, key: str, encoder: str, texts: Sequence[str], *, breaks_off: bool
) -> None:
    """Let the API repeat the key in every page.

    Args:
        api: The API.
        key: The key.
        encoder: The JSON encoder, one of ``JSON``.
        texts: A page for each of these ways to write a text, from ``TEXT``.
        breaks_off: Whether a status 400 follows the last page.
    """
    encode = JSON[encoder]

    def answer(path: str, query: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
        number = int(query.get("after", 0))
        if number == len(texts):
            return (400, {}, {}) if breaks_off else {"data": []}
        text = TEXT[texts[number]](key)
        record = {"id": number, **_places(text)}
        rejected = {**record, "id": {"no": text}}
        body = {
            "data": [record, rejected, [text]],
            "next": str(number + 1),
            "you": {"key": text, text: 1},
        }
        return 200, {"X-You": quote(text)}, encode(body).encode()

    api.on("/items", answer)


def _places(text: str) -> dict[str, Any]:
    """The places of a record."""
    return {
        "t": text,
        "amid": f"you sent {text} to us",
        "url": f"https://x.test/items?k={text}&page=2",
        "html": f"<a href='/items?k={text}'>next</a>",
        "list": [text, {"x": text}],
        "nest": {"a": {"b": text, text: "k"}, "json": json.dumps({"k": text})},
        text: "the name of a field",
    }


ANSWERS: dict[str, Callable[[str, Callable[[Any], str]], Any]] = {
    "refused": lambda t, e: (401, {}, e({"error": f"bad key {t}"}).encode()),
    "refused with a list": lambda t, e: (403, {}, e([{"message": t, t: [t]}]).encode()),
    "a broken page": lambda t, e: (500, {"Content-Type": "text/html"}, f"<h1>{t}</h1>".encode()),
    "in UTF-16 without its name": lambda t, e: (500, {}, t.encode("utf-16-le")),
    "data in UTF-16 without its name": lambda t, e: (200, {}, t.encode("utf-16-le")),
    "in an unknown charset": lambda t, e: (
        400, {"Content-Type": "application/json; charset=x-none"}, e([t]).encode(),
    ),
    "cut by us": lambda t, e: (502, {}, ("x" * 250 + t).encode()),
    "a rate limit": lambda t, e: (429, {"X-RateLimit-Reset": quote(t)}, e([t]).encode()),
    "an error with status 200": lambda t, e: e({"error": t}).encode(),
    "HTML with status 200": lambda t, e: (200, {"Content-Type": "text/html"}, f"<p>{t}".encode()),
    "not complete": lambda t, e: (206, {}, e({"data": [{"id": 1}], "errors": [t]}).encode()),
    "two records with one key": lambda t, e: e(
        {"data": [{"id": 1, "t": t}, {"id": 1, "t": f"{t}!"}]}
    ).encode(),
    "the key as a key": lambda t, e: e({"data": [{"id": 1, "t": "a"}, {"id": t, "t": t}]}).encode(),
    "a redirect for ever": lambda t, e: (302, {"Location": f"/items?x={quote(t)}"}, b""),
    "a redirect elsewhere": lambda t, e: (302, {"Location": f"https://{quote(t)[:60]}.test/"}, b""),
    "a link for ever": lambda t, e: e({"data": [{"id": 1}], "next": f"/items?a={t}"}).encode(),
    "a link elsewhere": lambda t, e: e(
        {"data": [{"id": 1}], "next": f"https://{quote(t)[:60]}.test/"}
    ).encode(),
    "a Link header elsewhere": lambda t, e: (
        200, {"Link": f'<https://{quote(t)[:60]}.test/>; rel="next"'}, e({"data": [{"id": 1}]}).encode(),
    ),
}  # fmt: skip
"""One answer for all requests: a function of the text and of the JSON encoder."""


def read_answer(api: Api, name: str, text: str, encoder: str) -> Outcome:
    """Read a resource of which every request gets the same answer."""
    api.on("/items", ANSWERS[name](text, JSON[encoder]))
    paginator: Any = "single_page"
    if "Link header" in name:
        paginator = "header_link"
    elif "link" in name:
        paginator = {"type": "json_link", "next_url_path": "next"}
    resource = item({"data_selector": "data", "paginator": paginator}, columns=COLUMNS)
    return read(shop(resource, auth=KEY, error_handler={"max_retries": 0}))


class _Collector(logging.Handler):
    """A handler that keeps the text of each record."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__()
        self.texts = texts

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))


@contextmanager
def all_logs() -> Iterator[list[str]]:
    """Every log record of the process, of any library and level."""
    texts: list[str] = []
    handler = _Collector(texts)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(0)
    try:
        yield texts
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def sinks(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """The name and a text of each sink of a read, without logs and journals."""
    for rows in outcome.rows.values():
        for row in rows:
            yield "rows", json.dumps(row, default=str, ensure_ascii=False)
    for result in outcome.readings.values():
        for rejected in result.rejected:
            yield "rejected", json.dumps(rejected.record, default=str, ensure_ascii=False)
            yield "reasons", rejected.reason
        for check in ("complete", "window_bounds", "primary_key_unique", "declared_schema"):
            yield from (("findings", message) for message in result.findings.of(check))
        yield "results", repr((result.stop_reasons, result.skipped, result.shared_keys))
    for error in outcome.failures.values():
        yield "messages", "".join(traceback.format_exception(error))


def kept(folder: Path) -> Iterator[str]:
    """The texts of all journals in a folder: descriptions and bodies, unpacked."""
    header = journal_file._ENTRY_HEADER
    for path in folder.rglob("*.journal"):
        raw = path.read_bytes()
        offset = journal_file._ENTRIES_START
        while offset + header.size <= len(raw):
            about_size, body_size, *_ = header.unpack_from(raw, offset)
            about = raw[offset + header.size :][:about_size].decode()
            body = raw[offset + header.size + about_size :][:body_size]
            offset += header.size + about_size + body_size
            yield about
            if size := json.loads(about).get("size"):
                yield pa.decompress(body, size, "lz4", asbytes=True).decode()
