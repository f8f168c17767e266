"""The sandbox serves exactly what its ledger says, by the manners its sources declare."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import orjson
import pytest
import urllib3

from analytics_sync import spec
from analytics_sync.sandbox import Answer, Fault, Ledger, Options, Sandbox
from analytics_sync.sandbox.instants import to_ms
from analytics_sync.spec import Resource, Source
from analytics_sync.spec import paginators as p

# the five configurations this project implements, to the letter
ROOT = Path(__file__).parent.parent
SEEDS = ROOT.parent / "shared" / "seeds"
START, END = date(2025, 3, 30), date(2025, 4, 2)
SMALL = Options(rows=12, rows_per_day=6, max_page=5, start=START, end=END)

SHOP = """
source: shop
client:
  auth: {type: api_key, name: X-Key, api_key: 'dlt.secrets["api_key"]'}
  headers:
    X-Second: {type: secret, key: second_key, optional: true}
resource_defaults: {primary_key: id}
resources:
  - name: numbered
    endpoint: {path: v1/numbered, data_selector: data, params: {size: 4},
      paginator: {type: page_number, base_page: 0, total_path: meta.pages, has_more_path: meta.more}}
    columns: {id: text, count: bigint}
  - name: numbered_somehow
    endpoint: {path: v1/numbered2, data_selector: a.b, paginator: {type: page_number, limit_param: n, limit: 3}}
    columns: {id: bigint, count: bigint}
  - name: offsets
    endpoint: {path: v1/offsets, data_selector: docs.*,
      paginator: {type: offset, limit: 4, total_path: count, cursor_path: null}}
    primary_key: [key, value]
    columns: {key: text, value: text, note: text, vcs_type: {data_type: text, aliases: [vcs-type]}}
  - name: changes
    endpoint: {path: v1/changes, data_selector: changes, paginator: {type: offset, limit: 4},
      incremental: {cursor_path: created_at, start_param: after, end_param: before,
                    param_format: iso_ms, row_order: desc}}
    columns: {id: text, created_at: timestamp, kind: text}
  - name: edits
    endpoint: {path: v1/edits, data_selector: edits, paginator: {type: offset, limit: 4},
      incremental: {cursor_path: updated_at}}
    columns: {id: text, updated_at: timestamp, title: text}
  - name: tokens
    endpoint: {path: v1/tokens, data_selector: items, params: {"page[limit]": 1000},
      paginator: {type: cursor, cursor_param: page-token, cursor_path: next.token, has_more_path: more},
      incremental: {cursor_path: created_at, row_order: desc}}
    columns: {id: text, project_slug: text, created_at: timestamp}
  - name: counted
    endpoint: {path: v1/counted, data_selector: data,
      paginator: {type: cursor, cursor_param: "page[offset]", cursor_path: ..pagination.next_offset,
                  stop_after_empty_page: true}}
    columns: {id: text, attributes: json, attributes.name: text, attributes.size: double}
    required: [attributes.name]
  - name: links
    endpoint: {path: v1/links, data_selector: data,
      paginator: {type: json_link, next_url_path: links.next},
      incremental: {cursor_path: attributes.at, start_param: "filter[from]", end_param: "filter[to]"}}
    columns: {id: text, attributes.at: timestamp}
  - name: header_links
    endpoint: {path: v1/header-links, data_selector: $, paginator: header_link}
    columns: {id: text, tags: json}
  - name: header_cursors
    endpoint: {path: v1/header-cursors, data_selector: $,
      paginator: {type: header_cursor, cursor_key: X-Next, cursor_param: from}}
    columns: {id: text, owner: json}
  - name: root_list
    endpoint: {path: v1/root, data_selector: $, paginator: single_page}
    columns: {id: bigint, modified: {data_type: timestamp, format: epoch_s}}
  - name: me
    endpoint: {path: v1/me, data_selector: $,
      paginator: {type: cursor, cursor_param: page, cursor_path: next}}
    columns: {id: text, parts: json}
  - name: builds
    endpoint: {path: v1/builds, data_selector: data, paginator: {type: page_number, limit: 4, limit_param: limit},
      incremental: {cursor_path: created, start_param: startDate, end_param: endDate, param_format: date}}
    columns: {id: text, created: timestamp, note: text}
  - name: audit
    endpoint: {path: v1/audit, data_selector: data, paginator: single_page,
      incremental: {cursor_path: at, start_param: from, end_param: to, param_format: epoch_ms}}
    columns: {id: text, at: {data_type: timestamp, format: epoch_ms}}
  - name: usage
    endpoint: {path: v1/usage, data_selector: data, paginator: single_page,
      incremental: {cursor_path: timestamp, start_param: period, param_format: date, step: month}}
    primary_key: timestamp
    columns: {timestamp: timestamp, calls: bigint}
  - name: answers
    endpoint: {path: v1/answers, data_selector: data, paginator: {type: offset, limit: 4},
      params: {survey: {type: resolve, resource: offsets, field: key}},
      incremental: {cursor_path: updated_at, start_param: after, end_param: before, param_format: iso_ms}}
    include_from_parent: {survey_key: key}
    primary_key: [survey_key, id, part]
    columns: {survey_key: text, id: text, part: {data_type: text, null_as: ''}, updated_at: timestamp}
  - name: jobs
    endpoint: {path: "v1/token/{token_id}/job", data_selector: items,
      params: {token_id: {type: resolve, resource: tokens, field: id}}, paginator: {type: cursor, cursor_param: c, cursor_path: n}}
    include_from_parent: {token_id: id}
    columns: {id: text, token_id: text, type: text, status: text, project_slug: text, job_number: bigint}
    required: [type]
  - name: details
    endpoint: {path: "v1/project/{org_id}/{project_id}/job/{job_number}", data_selector: $,
      params: {
        org_id: {type: resolve, resource: jobs, field: project_slug, match: "^(.+)/[^/]+$", config: org_id, allow_slash: true},
        project_id: {type: resolve, resource: jobs, field: project_slug, match: "([^/]+)$", config: project_id},
        job_number: {type: resolve, resource: jobs, field: job_number, config: job_number}}}
    skip_parents: {type: [approval], job_number: [null]}
    primary_key: [project.id, number]
    columns: {number: bigint, project: json, project.id: text, name: text}
  - name: project
    endpoint: {path: "v1/project/{org_id}/{project_id}", data_selector: $,
      params: {org_id: {type: config, key: org_id, allow_slash: true}}}
    columns: {id: text, name: text}
"""


@pytest.fixture(scope="module")
def shop() -> Source:
    return spec.load_text(SHOP, name="shop", file="shop.yaml")


@pytest.fixture(scope="module")
def box(shop: Source) -> Iterator[Sandbox]:
    """For tests that change nothing."""
    with Sandbox([shop], SMALL) as sandbox:
        yield sandbox


class Client:
    """Walks a source by hand: what is written here owes nothing to the sandbox's own code."""

    def __init__(self, sandbox: Sandbox, source: str = "shop", **headers: str) -> None:
        self.base = sandbox.base_url(source)
        self.source = sandbox.sources[source]
        self.http = urllib3.PoolManager(maxsize=1, retries=False)
        self.headers = headers or _credentials(self.source)

    def url(self, path: str, query: Any = ()) -> str:
        encoded = urlencode(query, doseq=True, quote_via=quote)
        return f"{self.base}/{path.lstrip('/')}" + (f"?{encoded}" if encoded else "")

    def raw(self, url: str, method: str = "GET") -> urllib3.BaseHTTPResponse:
        return self.http.request(method, url, headers=self.headers)

    def get(self, path: str, query: Any = ()) -> Any:
        answer = self.raw(self.url(path, query))
        assert answer.status == 200, answer.data
        return answer.json()

    def status(self, path: str, query: Any = ()) -> int:
        answer = self.raw(self.url(path, query))
        assert answer.status == 200 or answer.json()["errors"]
        return answer.status

    def walk(self, name: str, query: Any = None, **values: str) -> list[list[Any]]:
        """Every page of a resource; placeholders and resolved parameters from ``values``."""
        resource = self.source.resources[name]
        query = {n: v for n, v in resource.params.items() if isinstance(v, int | str)} | (
            query or {}
        )
        path = resource.path
        for key, value in values.items():
            safe = "/" if getattr(resource.params[key], "allow_slash", False) else ""
            if f"{{{key}}}" in path:
                path = path.replace(f"{{{key}}}", quote(value, safe=safe))
            else:
                query[key] = value
        pages = []
        for body in self._bodies(resource, path, query):
            pages.append(_records(resource, body))
            assert len(pages) < 500, "the walk does not end"
        return pages

    def _bodies(self, resource: Resource, path: str, query: dict[str, Any]) -> Iterator[Any]:
        paginator = resource.paginator
        if isinstance(paginator, p.PageNumber):
            page = paginator.base_page if paginator.base_page is not None else 1
            while True:
                yield (body := self.get(path, query | {paginator.page_param: page}))
                if not _records(resource, body):
                    return
                page += 1
        elif isinstance(paginator, p.Offset) and paginator.cursor_path is None:
            offset = 0
            while True:
                yield (body := self.get(path, query | {paginator.offset_param: offset}))
                if not (got := len(_records(resource, body))):
                    return
                offset += got
        elif isinstance(paginator, p.Offset | p.Cursor):
            last = None
            while True:
                yield (body := self.get(path, query))
                token = _at(body, paginator.cursor_path or "cursors.next")
                if token is None or token == last:
                    return
                last = token
                query = query | {paginator.cursor_param or "cursor": token}
        else:
            url: str | None = self.url(path, query)
            while url is not None:
                answer = self.raw(url)
                assert answer.status == 200
                yield (body := answer.json())
                url = None
                if isinstance(paginator, p.JsonLink):
                    url = _at(body, paginator.next_url_path)
                elif isinstance(paginator, p.HeaderLink) and "Link" in answer.headers:
                    found = re.fullmatch(r'<(.+)>; rel="next"', answer.headers["Link"])
                    assert found
                    url = found[1]
                elif (
                    isinstance(paginator, p.HeaderCursor) and paginator.cursor_key in answer.headers
                ):
                    token = answer.headers[paginator.cursor_key]
                    url = self.url(path, query | {paginator.cursor_param: token})


def _credentials(source: Source) -> dict[str, str]:
    auth = source.client.auth
    if auth is None:
        return {}
    return {auth.name: "sandbox"} if auth.type == "api_key" else {"Authorization": "Bearer sandbox"}


def _at(body: Any, place: str) -> Any:
    if place.startswith(".."):
        place = "meta." + place[2:]
    for key in place.split("."):
        body = body.get(key) if isinstance(body, dict) else None
    return body


def _records(resource: Resource, body: Any) -> list[Any]:
    selector = resource.selector or "data"
    if selector == "$":
        return body if isinstance(body, list) else [body]
    found = _at(body, selector.removesuffix(".*"))
    if selector.endswith(".*"):
        found = list(found.values())
    assert isinstance(found, list)
    return found


def _sorted(records: list[Any]) -> list[bytes]:
    return sorted(orjson.dumps(r, option=orjson.OPT_SORT_KEYS) for r in records)


def _served(ledger: Ledger, name: str) -> list[bytes]:
    return _sorted([v.record for v in ledger.records(name)])


def _flat(pages: list[list[Any]]) -> list[Any]:
    return [record for page in pages for record in page]


def _everything(client: Client, ledger: Ledger, resource: Resource) -> list[bytes]:
    """All records of a resource over HTTP; a child's below every place the ledger knows."""
    values = {n: f"any {n}" for n in resource.settings if f"{{{n}}}" in resource.path}
    if resource.incremental and resource.incremental.step == "month":
        months = {d.replace(day=1) for d in SMALL.days}
        assert resource.incremental.start_param is not None
        return _sorted(
            [r for m in months
             for r in _flat(client.walk(resource.name, {resource.incremental.start_param: m}))]
        )  # fmt: skip
    places = {v.params for v in ledger.records(resource.name)} if resource.parent else {()}
    return _sorted(
        [r for params in places
         for r in _flat(client.walk(
             resource.name, **values, **dict(zip(resource.resolved, params, strict=True))))]
    )  # fmt: skip


def test_every_paginator_walked_by_hand_gives_exactly_the_ledger(
    box: Sandbox, shop: Source
) -> None:
    client, ledger = Client(box), box.ledger("shop")
    for resource in shop.resources.values():
        assert _served(ledger, resource.name), resource
        assert _everything(client, ledger, resource) == _served(ledger, resource.name), resource
    for name in ("numbered", "offsets", "changes", "tokens", "counted", "links", "header_links"):
        pages = client.walk(name)
        assert max(map(len, pages)) <= 5
        assert len([page for page in pages if page]) > 2, f"{name} should have several pages"


def test_page_number_counts_from_its_base_and_says_how_many(box: Sandbox) -> None:
    client = Client(box)
    first = client.get("v1/numbered", {"size": 4})
    assert first["meta"] | {"answered_by": 0} == {"answered_by": 0, "pages": 3, "more": True}
    assert client.get("v1/numbered", {"size": 4, "page": 0})["data"] == first["data"]
    assert client.get("v1/numbered", {"size": 4, "page": 2})["meta"]["more"] is False
    # without a declared base the option decides, and a server that counts from 1 forgives page 0
    one = client.get("v1/numbered2", {"page": 1})["a"]["b"]
    assert (
        one
        == client.get("v1/numbered2")["a"]["b"]
        == client.get("v1/numbered2", {"page": 0})["a"]["b"]
    )
    with Sandbox(
        box.sources, Options(rows=12, max_page=5, start=START, end=END, first_page=0)
    ) as zero:
        other = Client(zero)
        assert (
            other.get("v1/numbered2", {"page": 1})["a"]["b"] != other.get("v1/numbered2")["a"]["b"]
        )
    assert client.status("v1/numbered", {"page": "x"}) == 422


def test_offset_that_hands_out_a_cursor_ignores_the_offset(box: Sandbox) -> None:
    client = Client(box)
    first = client.get("v1/edits", {"limit": 4})
    assert client.get("v1/edits", {"limit": 4, "offset": 4})["edits"] == first["edits"]
    token = first["cursor"]["before"]
    assert re.fullmatch(r"[0-9a-f]{24}", token)
    second = client.get("v1/edits", {"limit": 4, "before": token})
    assert not {r["id"] for r in first["edits"]} & {r["id"] for r in second["edits"]}
    # 18 records: two pages of 9 would be full, the last one too, so an empty one follows
    pages = client.walk("edits", {"limit": 3})
    assert [len(page) for page in pages] == [3] * 6 + [0]


def test_a_counting_cursor_goes_on_with_its_own_offset_when_the_page_is_empty(box: Sandbox) -> None:
    client = Client(box)
    assert client.get("v1/counted")["meta"]["pagination"]["next_offset"] == 5
    past = client.get("v1/counted", {"page[offset]": 12})
    assert past["data"] == []
    assert past["meta"]["pagination"]["next_offset"] == 12


def test_cursors_that_were_never_handed_out_are_refused(box: Sandbox) -> None:
    client = Client(box)
    nonsense = base64.b64encode(b'{"a": 1}').decode()
    assert client.status("v1/tokens", {"page-token": "nonsense!"}) == 400
    assert client.status("v1/tokens", {"page-token": nonsense}) == 400


def test_an_update_between_two_pages_neither_loses_nor_doubles_the_rest(shop: Source) -> None:
    with Sandbox([shop], SMALL) as box:
        client = Client(box)
        everything = [r["id"] for r in _flat(client.walk("tokens"))]
        first = client.get("v1/tokens")
        box.ledger("shop").add("tokens", {"id": "new", "created_at": "2025-04-01T23:59:59.999Z"})
        rest = []
        token = first["next"]["token"]
        while token:
            body = client.get("v1/tokens", {"page-token": token})
            rest += [r["id"] for r in body["items"]]
            token = _at(body, "next.token")
        assert [r["id"] for r in first["items"]] + rest == everything


def test_bare_and_single_answers(box: Sandbox) -> None:
    client = Client(box)
    assert isinstance(client.get("v1/root"), list)
    assert isinstance(client.get("v1/header-links"), list)
    assert isinstance(client.get("v1/me"), dict)
    options = Options(rows=4, root_lists=frozenset({"me", "shop/tokens"}), start=START, end=END)
    with Sandbox(box.sources, options) as bare:
        assert len(Client(bare).get("v1/me")) == 4
        assert isinstance(Client(bare).get("v1/tokens"), list)
    with Sandbox(box.sources, Options(root_objects=frozenset({"shop/root_list"}))) as single:
        assert isinstance(Client(single).get("v1/root"), dict)


def test_same_seed_same_data_and_other_seed_other_data(shop: Source) -> None:
    def data(options: Options) -> dict[str, list[bytes]]:
        ledger = Ledger(shop, options)
        return {name: _served(ledger, name) for name in shop.resources}

    other = Options(rows=12, rows_per_day=6, max_page=5, start=START, end=END, seed=1)
    assert data(SMALL) == data(SMALL)
    assert all(a != b for a, b in zip(data(SMALL).values(), data(other).values(), strict=True))


def test_a_day_holds_the_same_records_whatever_the_days_around_it(shop: Source) -> None:
    longer = Options(rows=12, rows_per_day=6, start=START - timedelta(days=9), end=END)
    day = (date(2025, 3, 31), date(2025, 4, 1))
    for name in ("changes", "builds", "usage"):
        assert Ledger(shop, longer).expected(name, *day) == Ledger(shop, SMALL).expected(name, *day)


def test_days_reach_from_their_first_to_their_last_instant(shop: Source) -> None:
    rows = Ledger(shop, SMALL).expected("changes", date(2025, 3, 31), date(2025, 4, 1))
    times = [row["created_at"] for row in rows]
    assert len(set(times)) == SMALL.rows_per_day
    assert min(times) == "2025-03-31T00:00:00.000Z"
    assert max(times) == "2025-03-31T23:59:59.999Z"


def test_values_fit_their_declaration(shop: Source) -> None:
    ledger = Ledger(shop, Options(rows=300, rows_per_day=90, max_chain=0, start=START, end=END))
    kinds: dict[str, Any] = {"text": str, "bigint": int, "double": int | float, "json": dict | list}
    nulls = absent = 0
    for resource in shop.resources.values():
        rows = ledger.expected(resource.name)
        keys = {
            tuple(_at(r, f.name) for f in resource.fields if f.column in resource.key) for r in rows
        }
        assert len(keys) == len(rows) == len(ledger.records(resource.name)), resource
        for row in rows:
            for field in resource.fields:
                value = _at(row, field.name)
                absent += field.path[-1] not in row and len(field.path) == 1
                nulls += value is None
                if value is None:
                    assert not field.required, (resource, field.name)
                elif field.format:
                    assert isinstance(value, int)
                elif field.data_type == "timestamp":
                    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value)
                else:
                    assert isinstance(value, kinds[field.data_type]), (resource, field.name)
    assert nulls > absent > 0
    numbers = [r["job_number"] for r in ledger.expected("jobs") if r.get("job_number") is not None]
    assert len(set(numbers)) == len(numbers) > 500, "children are found by it"
    row = ledger.expected("counted")[0]
    assert {"name", "undeclared_note"} <= set(row["attributes"])


def test_aliases_and_stand_ins_for_null_are_served_and_read_back(shop: Source) -> None:
    ledger = Ledger(shop, Options(rows=200, start=START, end=END))
    served = [v.record for v in ledger.records("offsets")]
    assert any("vcs-type" in r and "vcs_type" not in r for r in served)
    assert all(r["vcs_type"] for r in ledger.expected("offsets"))
    assert any(v.record["part"] is None for v in ledger.records("answers"))
    assert all(r["part"] is not None for r in ledger.expected("answers"))


def _window(client: Client, name: str, **query: Any) -> list[str]:
    resource = client.source.resources[name]
    assert resource.cursor is not None
    return sorted(_at(r, resource.cursor.name) for r in _flat(client.walk(name, query)))


def test_windows_are_filtered_on_the_server_with_both_ends_included(box: Sandbox) -> None:
    client, ledger = Client(box), box.ledger("shop")
    low, high = "2025-03-31T00:00:00.000Z", "2025-03-31T23:59:59.999Z"

    def expected(name: str, *days: date) -> list[Any]:
        cursor = client.source.resources[name].cursor
        assert cursor is not None
        return sorted(_at(r, cursor.name) for r in ledger.expected(name, *days))

    day = (date(2025, 3, 31), date(2025, 4, 1))
    found = _window(client, "links", **{"filter[from]": low, "filter[to]": high})
    assert found == expected("links", *day)
    assert found[0] == low
    assert found[-1] == high
    # an offset is part of the instant
    same = _window(
        client, "links", **{"filter[from]": "2025-03-31T02:00:00+02:00", "filter[to]": high}
    )
    assert same == found
    # one millisecond less at either end is one record less
    inside = {"filter[from]": "2025-03-31T00:00:00.001Z", "filter[to]": "2025-03-31T23:59:59.998Z"}
    assert _window(client, "links", **inside) == found[1:-1]
    assert _window(client, "builds", startDate="2025-03-31", endDate="2025-03-31") == expected(
        "builds", *day
    )
    start, end = to_ms(day[0]), to_ms(day[1])
    assert _window(client, "audit", **{"from": start, "to": end - 1}) == expected("audit", *day)
    # `before` is a bound when it is a time and a cursor when it is not
    assert _window(client, "changes", after=low, before=high) == expected("changes", *day)
    assert client.status("v1/links", {"filter[from]": "yesterday"}) == 422
    assert client.status("v1/audit", {"from": "2025-03-31"}) == 422


def test_a_month_is_answered_whole_and_must_be_named(box: Sandbox) -> None:
    client, ledger = Client(box), box.ledger("shop")
    march = _window(client, "usage", period="2025-03-30")
    assert march == sorted(
        r["timestamp"] for r in ledger.expected("usage", START, date(2025, 4, 1))
    )
    assert client.status("v1/usage") == 422


def test_two_bounds_under_one_name() -> None:
    text = """
client: {}
resources:
  - name: reports
    primary_key: [time, key]
    endpoint: {path: reports, data_selector: data, paginator: single_page,
      incremental: {cursor_path: time, start_param: dateRange, end_param: dateRange, param_format: date}}
    columns: {time: date, key: text, value: double}
"""
    source = spec.load_text(text, name="olap", file="olap.yaml")
    with Sandbox([source], SMALL) as box:
        client = Client(box, "olap")
        rows = client.get("reports", [("dateRange", "2025-03-30"), ("dateRange", "2025-03-31")])[
            "data"
        ]
        assert {r["time"] for r in rows} == {"2025-03-30", "2025-03-31"}
        days = (date(2025, 3, 30), date(2025, 4, 1))
        assert _sorted(rows) == _sorted(box.ledger("olap").expected("reports", *days))
        after = client.get("reports", {"dateRange": "2025-03-31"})["data"]
        assert {r["time"] for r in after} == {"2025-03-31", "2025-04-01"}


def test_order_is_the_declared_one_or_the_one_asked_for(box: Sandbox) -> None:
    client = Client(box)
    newest = [r["created_at"] for r in _flat(client.walk("tokens"))]
    assert newest == sorted(newest, reverse=True)
    oldest = [r["created_at"] for r in _flat(client.walk("tokens", {"sort": "created_at"}))]
    assert oldest == newest[::-1]
    plain = [r["attributes"]["at"] for r in _flat(client.walk("links"))]
    assert plain not in (sorted(plain), sorted(plain, reverse=True))
    first = client.get("v1/links", {"sort": "-attributes.at", "limit": 1})["data"]
    assert [r["attributes"]["at"] for r in first] == [max(plain)]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Key": "sandbox"}, 200),
        ({"x-key": "sandbox", "X-Second": "sandbox"}, 200),
        ({"X-Key": "wrong"}, 401),
        ({"X-Key": "sandbox", "X-Second": "wrong"}, 401),
        ({"Authorization": "sandbox"}, 401),
    ],
)
def test_the_declared_key_is_asked_for(box: Sandbox, headers: dict[str, str], status: int) -> None:
    assert Client(box, **headers).status("v1/me") == status
    assert Client(box, **headers).status("v1/nowhere") == (404 if status == 200 else 401)


@pytest.mark.parametrize(
    ("auth", "right", "wrong"),
    [
        ("{type: bearer, token: 'dlt.secrets[\"t\"]'}", "Bearer sandbox", "sandbox"),
        (
            "{type: http_basic, username: me, password: 'dlt.secrets[\"p\"]'}",
            "Basic " + base64.b64encode(b"me:sandbox").decode(),
            "Basic " + base64.b64encode(b"you:sandbox").decode(),
        ),
    ],
)
def test_other_kinds_of_authentication(auth: str, right: str, wrong: str) -> None:
    text = f"client: {{auth: {auth}}}\nresources: [{{name: things, primary_key: id, endpoint: things}}]"
    with Sandbox([spec.load_text(text, name="other", file="other.yaml")], SMALL) as box:
        assert Client(box, "other", Authorization=right).status("things") == 200
        assert Client(box, "other", Authorization=wrong).status("things") == 401


def test_children_are_served_below_their_parents_and_nowhere_else(box: Sandbox) -> None:
    client, ledger = Client(box), box.ledger("shop")
    for version in ledger.records("tokens"):
        token = version.record["id"]
        below = _flat(client.walk("jobs", token_id=token))
        assert len(below) == SMALL.rows_per_parent
        assert not any("token_id" in r for r in below), "the reader has to copy it from the parent"
        assert sorted(r["id"] for r in below) == sorted(
            r["id"] for r in ledger.expected("jobs") if r["token_id"] == token
        )
    assert client.status("v1/token/unknown/job") == 404
    assert client.status("v1/answers") == 422
    assert client.status("v1/answers", {"survey": "unknown"}) == 404


def test_a_chain_of_children_is_kept_short(shop: Source) -> None:
    def sizes(most: int) -> list[int]:
        options = Options(rows_per_day=50, rows_per_parent=4, max_chain=most, start=START, end=END)
        return [len(Ledger(shop, options).records(name)) for name in ("tokens", "jobs", "changes")]

    assert sizes(0) == [150, 600, 150]
    assert sizes(120) == [30, 120, 150]
    assert sizes(1) == [6, 24, 150], "two a day are left, for the two ends of the day"


def test_what_a_key_is_inherited_from_is_never_null() -> None:
    text = """
client: {}
resources:
  - {name: groups, primary_key: id, endpoint: groups, columns: {id: text, label: text, note: text}}
  - name: members
    primary_key: [group, number]
    endpoint: {path: "groups/{group}/members", data_selector: data,
      params: {group: {type: resolve, resource: groups, field: id}}}
    include_from_parent: {group: label}
    columns: {group: text, number: bigint}
"""
    ledger = Ledger(spec.load_text(text, name="clubs", file="clubs.yaml"), SMALL)
    assert len(ledger.expected("members")) == len(ledger.records("members")) == 12 * 3


def test_details_exist_for_jobs_that_are_not_skipped(box: Sandbox) -> None:
    client, ledger = Client(box), box.ledger("shop")
    kinds = set()
    for job in (v.record for v in ledger.records("jobs")):
        slug, number = job.get("project_slug"), job.get("job_number")
        has = slug is not None and number is not None and job["type"] != "approval"
        kinds.add((has, job["type"] == "approval"))
        if slug is not None and number is not None:
            path = f"v1/project/{slug.replace('project-', 'project%2D')}/job/{number}"
            assert client.status(path) == (200 if has else 404)
            if has:
                detail = client.get(path)
                assert (detail["project"]["id"], detail["number"]) == (
                    slug.rpartition("/")[2],
                    number,
                )
    assert kinds == {(True, False), (False, True), (False, False)}
    assert client.status("v1/project/gh%2Facme/project-0") == 200, (
        "an encoded slash stays in its value"
    )
    assert client.get("v1/project/gh/acme/project-0")["name"]


def test_children_belong_to_the_window_of_their_parent(shop: Source) -> None:
    ledger = Ledger(shop, SMALL)
    day = (date(2025, 3, 31), date(2025, 4, 1))
    tokens = {r["id"] for r in ledger.expected("tokens", *day)}
    jobs = ledger.expected("jobs", *day)
    assert {r["token_id"] for r in jobs} == tokens
    numbers = {r.get("job_number") for r in jobs}
    details = ledger.expected("details", *day)
    assert details
    assert {r["number"] for r in details} < numbers
    # a child with a cursor of its own goes by that one
    assert {r["updated_at"][:10] for r in ledger.expected("answers", *day)} == {"2025-03-31"}


def test_advance_updates_and_adds_late_and_new_records(shop: Source) -> None:
    options = Options(rows=40, rows_per_day=40, start=START, end=END)
    with Sandbox([shop], options) as box:
        ledger, client = box.ledger("shop"), Client(box)
        before = {n: {v.number: v for v in ledger.records(n)} for n in shop.resources}
        last = date(2025, 4, 1)
        on_last_day = {r["id"] for r in ledger.expected("edits", last, END)}
        assert ledger.advance() == 1
        after = {n: {v.number: v for v in ledger.records(n)} for n in shop.resources}
        for name in ("edits", "numbered", "tokens", "jobs"):
            kept = before[name].keys() & after[name].keys()
            changed = [n for n in kept if before[name][n].body != after[name][n].body]
            assert changed, name
            assert all(after[name][n].revision == 1 for n in changed)
            assert len(ledger.history(name)) == len(after[name]) + len(changed)
            assert after[name].keys() > before[name].keys(), name
        # an update moves a cursor that says when it was, to the last day and forward in time
        moved = [n for n in before["edits"] if before["edits"][n].ms != after["edits"][n].ms]
        assert len(moved) == 12
        for n in moved:
            ms, old = after["edits"][n].ms, before["edits"][n].ms
            assert ms is not None
            assert old is not None
            assert ms > max(old, to_ms(last) - 1)
        assert {r["id"] for r in ledger.expected("edits", last, END)} > on_last_day
        # and leaves one alone that says when it was made
        assert not [n for n in before["tokens"] if before["tokens"][n].ms != after["tokens"][n].ms]
        late = [v for n, v in after["edits"].items() if n not in before["edits"]]
        assert {v.ms < to_ms(last) for v in late if v.ms} == {True, False}
        for resource in shop.resources.values():
            assert _everything(client, ledger, resource) == _served(ledger, resource.name)
        again = Ledger(shop, options)
        again.advance()
        assert all(_served(again, n) == _served(ledger, n) for n in shop.resources)


def test_new_records_are_of_now_when_the_last_day_is_today(shop: Source) -> None:
    ledger = Ledger(shop)
    numbers = {v.number for v in ledger.records("changes")}
    ledger.advance()
    age = [
        datetime.now(UTC) - v.instant
        for v in ledger.records("changes")
        if v.number not in numbers and v.instant is not None
    ]
    # at midnight the day may have ended meanwhile; then the hours are any hours of that day
    assert ledger.options.end <= datetime.now(UTC).date() or any(
        timedelta(0) <= a < timedelta(minutes=1) for a in age
    )


def test_records_added_changed_and_removed_by_hand(shop: Source) -> None:
    with Sandbox([shop], SMALL) as box:
        ledger, client = box.ledger("shop"), Client(box)
        added = ledger.add("tokens", {"id": "a/b", "created_at": "2025-03-31T12:00:00+02:00"})
        assert str(added.instant) == "2025-03-31 10:00:00+00:00"
        assert len(_flat(client.walk("jobs", token_id="a/b"))) == SMALL.rows_per_parent
        job = ledger.add(
            "jobs", {"id": "j", "type": "x", "job_number": 7, "project_slug": "x/y/z"}, added
        )
        assert job.params == ("a/b",)
        assert client.get("v1/project/x/y/z/job/7")["number"] == 7
        ledger.update("jobs", "j", {"job_number": 8})
        assert client.status("v1/project/x/y/z/job/7") == 404
        assert client.get("v1/project/x/y/z/job/8")["number"] == 8
        ledger.update("tokens", "a/b", {"created_at": "2025-04-01T00:00:00Z", "project_slug": "s"})
        assert "a/b" in {r["id"] for r in ledger.expected("tokens", date(2025, 4, 1))}
        assert "a/b" not in {r["id"] for r in ledger.expected("tokens", START, date(2025, 4, 1))}
        assert [
            v.record["project_slug"] for v in ledger.records("tokens") if v.record["id"] == "a/b"
        ] == ["s"]
        with pytest.raises(ValueError, match="taken"):
            ledger.add("tokens", {"id": "a/b"})
        ledger.update("tokens", "a/b", {"created_at": None})
        assert "a/b" in {r["id"] for r in ledger.rejected("tokens")}, "no window can hold it"
        assert "a/b" not in {r["id"] for r in ledger.expected("tokens")}
        ledger.delete("tokens", "a/b")
        assert client.status("v1/token/a%2Fb/job") == 404
        assert client.status("v1/project/x/y/z/job/8") == 404
        assert "j" not in {r["id"] for r in ledger.expected("jobs")}
        assert {"a/b"} == {v.record["id"] for v in ledger.history("tokens") if v.revision > 0}
        with pytest.raises(KeyError):
            ledger.delete("tokens", "a/b")


def test_drift_breaks_a_share_of_the_records_in_known_ways(shop: Source) -> None:
    ledger = Ledger(shop, Options(rows=400, drift=0.3, start=START, end=END))
    versions = ledger.records("numbered")
    broken = [v for v in versions if v.drift is not None]
    assert 0.2 < len(broken) / len(versions) < 0.4
    assert {v.drift.kind for v in broken if v.drift} == {"extra", "misfit", "keyless"}
    keyless = [v.record for v in broken if v.drift and v.drift.kind == "keyless"]
    assert _sorted(keyless) == _sorted(ledger.rejected("numbered"))
    assert len(ledger.expected("numbered")) == len(versions) - len(keyless)
    assert "not a number" in {v.record.get("count") for v in versions}
    assert "not a number" not in {r.get("count") for r in ledger.expected("numbered")}
    assert any("undeclared" in r for r in ledger.expected("numbered"))


def test_answers_say_what_they_come_from_and_are_compressed_on_demand(box: Sandbox) -> None:
    client = Client(box)
    answer = client.raw(client.url("v1/usage", {"period": "2025-03-01"}))
    assert answer.headers["Server"] == "analytics-sync-sandbox (not a real API)"
    client.headers = {**client.headers, "Accept-Encoding": "gzip"}
    with client.http.request(
        "GET", client.url("v1/header-links"), headers=client.headers, preload_content=False
    ) as raw:
        data = raw.read(decode_content=False)
        if raw.headers.get("Content-Encoding") == "gzip":
            data = gzip.decompress(data)
        assert json.loads(data)
    small = Sandbox(box.sources, Options(rows=50, start=START, end=END))
    with small:
        big = Client(small, **client.headers)
        assert big.raw(big.url("v1/root")).headers["Content-Encoding"] == "gzip"
        del big.headers["Accept-Encoding"]
        assert "Content-Encoding" not in big.raw(big.url("v1/root")).headers


def test_broken_requests_get_an_answer_in_json_too(box: Sandbox) -> None:
    host, _, port = box.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["errors"]


def test_a_closed_sandbox_hangs_up(shop: Source) -> None:
    with Sandbox([shop], SMALL) as box:
        client = Client(box)
        assert client.status("v1/me") == 200
    with pytest.raises(urllib3.exceptions.HTTPError):
        client.raw(client.url("v1/me"))


def test_faults_come_between_and_every_request_is_counted(shop: Source) -> None:
    with Sandbox([shop], SMALL) as box:
        client = Client(box)
        box.faults = lambda r: (
            Fault(Answer(503, b"busy", {"Retry-After": "1"})) if r.number == 2 else None
        )
        assert client.raw(client.url("v1/me")).status == 200
        answer = client.raw(client.url("v1/me"))
        assert (answer.status, answer.data, answer.headers["Retry-After"]) == (503, b"busy", "1")
        box.faults = lambda r: Fault(cut=10) if r.resource == "me" else None
        with pytest.raises(urllib3.exceptions.ProtocolError):
            client.raw(client.url("v1/me"))
        box.faults = lambda r: Fault(cut=0)
        with pytest.raises(urllib3.exceptions.ProtocolError):
            client.raw(client.url("v1/numbered"))
        box.faults = None
        assert client.status("v1/nowhere") == 404
        assert client.raw(client.url("v1/me"), "POST").status == 405
        assert box.counts == {"shop/me": 4, "shop/numbered": 1, "shop/?": 1}
        assert client.raw(f"{box.url}/_sandbox/requests").json()["total"] == box.requests == 6


def test_what_the_sandbox_tells_about_itself(shop: Source) -> None:
    with Sandbox([shop], SMALL) as box:
        http = urllib3.PoolManager(retries=False)
        about = http.request("GET", f"{box.url}/_sandbox").json()
        assert "not a real API" in about["what"]
        assert about["sources"]["shop"]["base_url"] == box.base_url("shop")
        assert about["sources"]["shop"]["records"]["numbered"] == 12
        url = f"{box.url}/_sandbox/ledger/shop/tokens"
        rows = http.request("GET", f"{url}?start=2025-03-31&end=2025-04-01").json()
        assert rows == box.ledger("shop").expected("tokens", date(2025, 3, 31), date(2025, 4, 1))
        assert http.request("POST", f"{box.url}/_sandbox/advance").json() == {"shop": 1}
        assert box.ledger("shop").revision == 1
        assert http.request("GET", f"{box.url}/_sandbox/ledger/shop/nothing").status == 404
        assert http.request("GET", f"{url}?start=now").status == 422
        assert http.request("GET", f"{box.url}/elsewhere/v1/me").status == 404


def test_settings_point_at_the_sandbox_and_leave_walks_alone(box: Sandbox) -> None:
    assert box.settings() == {
        "SOURCES__SHOP__BASE_URL": f"{box.url}/shop",
        "SOURCES__SHOP__API_KEY": "sandbox",
        "SOURCES__SHOP__SECOND_KEY": "sandbox",
        "SOURCES__SHOP__ORG_ID": "gh/acme",
        "SOURCES__SHOP__PROJECT_ID": "project-0",
    }


@pytest.mark.parametrize("seed", ["000", "001", "002", "003", "004"])
def test_every_seed_can_be_served(seed: str) -> None:
    files = sorted(SEEDS.glob(f"{seed}_*.txt"))
    if not files:
        pytest.skip(f"no seed files at {SEEDS}")
    source = spec.load_file(files[0], name=f"seed_{seed}")
    with Sandbox([source], SMALL) as box:
        client, ledger = Client(box, source.name), box.ledger(source.name)
        for resource in source.resources.values():
            assert _served(ledger, resource.name), resource
            assert _everything(client, ledger, resource) == _served(ledger, resource.name), resource


def _shipped() -> list[Path]:
    return spec.catalog_files()


@pytest.mark.skipif(not _shipped(), reason="analytics_sync/catalog holds no files yet")
@pytest.mark.parametrize("path", _shipped(), ids=lambda path: path.stem)
def test_the_shipped_catalog_can_be_served(path: Path) -> None:
    source = spec.load_file(path)
    with Sandbox([source], SMALL) as box:
        client, ledger = Client(box, source.name), box.ledger(source.name)
        for _ in range(2):
            for resource in source.resources.values():
                served = _served(ledger, resource.name)
                assert served, resource
                assert _everything(client, ledger, resource) == served, resource
                assert len(ledger.expected(resource.name)) == len(served), resource
            ledger.advance()
        assert box.settings()[f"SOURCES__{source.name.upper()}__BASE_URL"] == box.base_url(
            source.name
        )


def test_the_command_serves_until_told_to_stop(tmp_path: Path) -> None:
    catalog, env = tmp_path / "shop.yaml", tmp_path / "sandbox.env"
    catalog.write_text(SHOP)
    command = [sys.executable, "-m", "analytics_sync.sandbox", "--catalog", str(catalog)]
    command += ["--port", "0", "--days", "2", "--rows", "3", "--live", "0.1", "--env", str(env)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "not a real API" in line
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found
        settings = dict(entry.split("=", 1) for entry in env.read_text().splitlines())
        assert settings["SOURCES__SHOP__BASE_URL"] == f"{found[0]}/shop"
        http = urllib3.PoolManager()
        answer = http.request("GET", f"{found[0]}/shop/v1/numbered", headers={"X-Key": "sandbox"})
        assert answer.status == 200
        until = time.monotonic() + 10
        while http.request("GET", f"{found[0]}/_sandbox").json()["sources"]["shop"]["revision"] < 1:
            assert time.monotonic() < until, "--live changes nothing"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()


def test_options_are_checked() -> None:
    for wrong in ({"rows": -1}, {"max_page": 0}, {"drift": 2.0}, {"start": END, "end": START}):
        with pytest.raises(ValueError, match=r"expected|before"):
            Options(**wrong)
