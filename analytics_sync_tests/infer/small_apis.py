"""Small APIs of many forms, as functions for the scripted server.

In: a request. Out: the page that an API of this form would give. All list the same 57 records.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from analytics_sync_tests.support.scripted_api import Handler, Query

_START = datetime(2026, 1, 1, tzinfo=UTC)
RECORDS: list[dict[str, Any]] = [
    {
        "id": n,
        "name": f"record {n}",
        "amount": f"{n}.50",
        "active": n % 2 == 0,
        "updated_at": f"{_START + timedelta(hours=7 * n):%Y-%m-%dT%H:%M:%SZ}",
        "tags": ["a"],
        "created": 1_760_000_000 + 3600 * n,
        "note": None,
    }
    for n in range(1, 58)
]


def _cut(records: list[dict[str, Any]], start: int, size: int) -> list[dict[str, Any]]:
    return records[max(0, start) : max(0, start) + size]


def link_header(path: str, query: Query, headers: Mapping[str, str]) -> Any:
    page = int(query.get("page", 1))
    link = f'<http://{headers["host"]}{path}?page={page + 1}>; rel="next"'
    more = {"Link": link} if 20 * page < len(RECORDS) else {}
    return 200, more, _cut(RECORDS, 20 * (page - 1), 20)


def offset_with_total(path: str, query: Query, headers: Mapping[str, str]) -> Any:
    """It filters by ``updated_since``, too."""
    since = query.get("updated_since", "")
    found = [record for record in RECORDS if record["updated_at"] >= since]
    limit = min(50, int(query.get("limit", 25)))
    page = _cut(found, int(query.get("offset", 0)), limit)
    return {"items": page, "total": len(found)}


def token_in_body(path: str, query: Query, headers: Mapping[str, str]) -> Any:
    start = int(query.get("page_token", "0"))
    token = str(start + 20) if start + 20 < len(RECORDS) else None
    return {"results": _cut(RECORDS, start, 20), "next_page_token": token}


def opaque_page(path: str, query: Query, headers: Mapping[str, str]) -> Any:
    """The parameter ``page`` takes a token, and no number."""
    tokens = {"": 0, "p-a": 20, "p-b": 40}
    if (start := tokens.get(query.get("page", ""))) is None:
        return 400, {}, {"error": "no such page"}
    after = {0: "p-a", 20: "p-b", 40: None}[start]
    return {"data": _cut(RECORDS, start, 20), "meta": {"next_page": after}}


def nested_pages(path: str, query: Query, headers: Mapping[str, str]) -> Any:
    page, size = int(query.get("page", 1)), int(query.get("per_page", 15))
    return {"data": {"items": _cut(RECORDS, (page - 1) * size, size)}, "meta": {"page": page}}


def pages_from_zero(path: str, query: Query, headers: Mapping[str, str]) -> Any:
    page, size = int(query.get("page", 0)), int(query.get("size", 20))
    return {"content": _cut(RECORDS, page * size, size), "totalElements": len(RECORDS)}


def by_id(path: str, query: Query, headers: Mapping[str, str]) -> Any:
    """All records in one object, each under its key; some lists in them are empty."""
    users = {f"u-{r['id']}": {k: v for k, v in r.items() if k != "id"} for r in RECORDS}
    users["u-3"]["tags"] = [{"of": "one record"}]
    users["u-4"]["tags"] = []
    return {"ok": True, "users": users}


def bare_list(path: str, query: Query, headers: Mapping[str, str]) -> Any:
    return RECORDS


def json_api(path: str, query: Query, headers: Mapping[str, str]) -> Any:
    number, size = int(query.get("page[number]", 1)), 10
    records = [
        {"type": "items", "id": str(r["id"]), "attributes": {k: r[k] for k in r if k != "id"}}
        for r in _cut(RECORDS, (number - 1) * size, size)
    ]
    links = {"self": path}
    if number * size < len(RECORDS):
        links["next"] = f"{path}?page[number]={number + 1}"
    return {"data": records, "links": links, "included": [{"type": "x", "id": "1"}]}


def starting_after(path: str, query: Query, headers: Mapping[str, str]) -> Any:
    start = int(query.get("starting_after", 0))
    return {"data": _cut(RECORDS, start, 10), "has_more": start + 10 < len(RECORDS)}


def cursor_in_meta(path: str, query: Query, headers: Mapping[str, str]) -> Any:
    """The cursor has a name that is only one in an object about paging, and a parameter in brackets."""
    start = int(query.get("page[cursor]", "0"))
    page = {"after": str(start + 20)} if start + 20 < len(RECORDS) else {}
    return {"data": _cut(RECORDS, start, 20), "meta": {"page": page}}


def offset_with_flag(path: str, query: Query, headers: Mapping[str, str]) -> Any:
    """A flag speaks of more, and no cursor leads there."""
    start, limit = int(query.get("skip", 0)), int(query.get("limit", 10))
    return {"data": _cut(RECORDS, start, limit), "has_more": start + limit < len(RECORDS)}


def wrapped_one_by_one(path: str, query: Query, headers: Mapping[str, str]) -> Any:
    """Each record is in an object of its own, and the cursor in an object with the name of a link."""
    after = query.get("after", "0")
    start = int(after) if after.isdigit() else 0
    more = {"next": {"after": str(start + 20)}} if start + 20 < len(RECORDS) else {}
    return {"list": [{"item": r} for r in _cut(RECORDS, start, 20)], "paging": more}


def epoch_window(path: str, query: Query, headers: Mapping[str, str]) -> Any:
    """The newest first; ``from`` and ``to`` are epoch seconds, and any other value is refused."""
    try:
        low, high = int(query.get("from", 0)), int(query.get("to", 1 << 40))
    except ValueError:
        return 400, {}, {"error": "from and to are epoch seconds"}
    found = [r for r in RECORDS if low <= r["created"] <= high]
    return {"records": sorted(found, key=lambda r: -r["created"])}


def filter_by_creation(changed_every: int) -> Handler:
    """Times of creation and of change that are mostly the same; ``since`` filters by creation.

    Args:
        changed_every: Every so many records have changed two days after their creation; 0 for none.
    """
    records = []
    for n, record in enumerate(RECORDS):
        created = _START + timedelta(hours=7 * n)
        is_changed = changed_every > 0 and n % changed_every == 0
        changed = created + timedelta(days=2 * is_changed)
        times = {"created_at": created.isoformat(), "updated_at": changed.isoformat()}
        records.append({"id": record["id"], **times})

    def handler(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        since = query.get("since", "").replace("Z", "+00:00")
        return {"data": [r for r in records if r["created_at"] >= since]}

    return handler


def start_is_an_offset(path: str, query: Query, headers: Mapping[str, str]) -> Any:
    """``start`` skips as many records as the digits at its beginning say, as lenient parsers read them."""
    digits = query.get("start", "0").partition("-")[0][:2]
    return {"data": _cut(RECORDS, int(digits), 23)}


def always_the_same(path: str, query: Query, headers: Mapping[str, str]) -> Any:
    return {"data": RECORDS[:20]}


def overlapping_pages(path: str, query: Query, headers: Mapping[str, str]) -> Any:
    """Page 2 begins with a record of page 1."""
    page = int(query.get("page", 1))
    return {"data": _cut(RECORDS, (page - 1) * 19, 20)}


def other_records_each_time(path: str, query: Query, headers: Mapping[str, str]) -> Any:
    """A random sample; often, no two answers share a record."""
    return {"data": random.sample(RECORDS, 4)}


def unusual_parameters(path: str, query: Query, headers: Mapping[str, str]) -> Any:
    """Pages of seven records, by a parameter that nobody expects."""
    return {"data": _cut(RECORDS, int(query.get("ab_zeile", 0)), 7)}


def unknown_cursor(path: str, query: Query, headers: Mapping[str, str]) -> Any:
    return {"data": RECORDS[:20], "next_cursor": "abc"}


def link_to_itself(path: str, query: Query, headers: Mapping[str, str]) -> Any:
    return {"data": RECORDS[:20], "next": f"{path}?page=1"}


def of_records(records: list[dict[str, Any]]) -> Callable[..., Any]:
    """An API that lists these records, whatever it is asked."""
    handler: Handler = lambda path, query, headers: {"data": records}  # noqa: E731
    return handler
