"""The source ``shop``, which has every paginator, and a plain HTTP client that reads it.

In: a sandbox that serves the source. Out: pages and records, as the client reads them. The client
shares no code with the sandbox.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import count
from typing import Any
from urllib.parse import quote, urlencode

import orjson
import urllib3

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.config import paginators as p
from analytics_sync.sandbox import Ledger, Options, Sandbox
from analytics_sync_tests.support.oracle import value_at
from analytics_sync_tests.support.world import ROOT

# The five configurations that this project implements, unchanged.
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
      incremental: {cursor_path: created, start_param: startDate, end_param: endDate, param_format: date, time_zone: UTC}}
    columns: {id: text, created: timestamp, note: text}
  - name: audit
    endpoint: {path: v1/audit, data_selector: data, paginator: single_page,
      incremental: {cursor_path: at, start_param: from, end_param: to, param_format: epoch_ms}}
    columns: {id: text, at: {data_type: timestamp, format: epoch_ms}}
  - name: usage
    endpoint: {path: v1/usage, data_selector: data, paginator: single_page,
      incremental: {cursor_path: timestamp, start_param: period, param_format: date, time_zone: UTC, step: month}}
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


class Client:
    """An HTTP client that pages through the resources of a source.

    Args:
        sandbox: The sandbox that serves the source.
        source: The name of the source.
        headers: Headers of every request; without any, the credentials of the source.
    """

    def __init__(self, sandbox: Sandbox, source: str = "shop", **headers: str) -> None:
        self.base = sandbox.base_url(source)
        self.source = sandbox.sources[source]
        self.http = urllib3.PoolManager(maxsize=1, retries=False)
        self.headers = headers or credentials(self.source)

    def url(self, path: str, query: Any = ()) -> str:
        """The address of a path below the source's base URL."""
        encoded = urlencode(query, doseq=True, quote_via=quote)
        return f"{self.base}/{path.lstrip('/')}" + (f"?{encoded}" if encoded else "")

    def raw(self, url: str, method: str = "GET") -> urllib3.BaseHTTPResponse:
        """The response to one request, whatever its status."""
        return self.http.request(method, url, headers=self.headers)

    def get(self, path: str, query: Any = ()) -> Any:
        """The decoded body of a response, which must have status 200."""
        response = self.raw(self.url(path, query))
        assert response.status == 200, response.data
        return response.json()

    def status(self, path: str, query: Any = ()) -> int:
        """The status of a response; an error must have a body with ``errors``."""
        response = self.raw(self.url(path, query))
        assert response.status == 200 or response.json()["errors"]
        return response.status

    def read_pages(self, name: str, query: Any = None, **values: str) -> list[list[Any]]:
        """The records of a resource, page by page.

        Args:
            name: The name of the resource.
            query: Parameters to send with each request, beside the declared ones.
            values: Values of the placeholders and of the parameters that a parent resolves.
        """
        resource = self.source.resources[name]
        declared = {n: v for n, v in resource.params.items() if isinstance(v, int | str)}
        query = {**declared, **(query or {})}
        path = resource.path
        for key, value in values.items():
            safe = "/" if getattr(resource.params[key], "allow_slash", False) else ""
            if f"{{{key}}}" in path:
                path = path.replace(f"{{{key}}}", quote(value, safe=safe))
            else:
                query[key] = value
        pages = []
        for body in self._bodies(resource, path, query):
            pages.append(records_of(resource, body))
            assert len(pages) < 500, "the pages do not end"
        return pages

    def _bodies(self, resource: Resource, path: str, query: dict[str, Any]) -> Iterator[Any]:
        paginator = resource.paginator
        if isinstance(paginator, p.PageNumber):
            first = paginator.base_page if paginator.base_page is not None else 1
            for page in count(first):
                yield (body := self.get(path, query | {paginator.page_param: page}))
                if not records_of(resource, body):
                    return
        elif isinstance(paginator, p.Offset) and paginator.cursor_path is None:
            offset = 0
            while True:
                yield (body := self.get(path, query | {paginator.offset_param: offset}))
                if not (received := len(records_of(resource, body))):
                    return
                offset += received
        elif isinstance(paginator, p.Offset | p.Cursor):
            last = None
            while True:
                yield (body := self.get(path, query))
                token = value_at_path(body, paginator.cursor_path or "cursors.next")
                if token is None or token == last:
                    return
                last = token
                query = query | {paginator.cursor_param or "cursor": token}
        else:
            url: str | None = self.url(path, query)
            while url is not None:
                response = self.raw(url)
                assert response.status == 200
                yield response.json()
                url = self._next_url(resource, path, query, response)

    def _next_url(self, resource: Resource, path: str, query: Any, response: Any) -> str | None:
        """The address of the next page, from a link or a header; None at the end."""
        paginator = resource.paginator
        if isinstance(paginator, p.JsonLink):
            url: str | None = value_at_path(response.json(), paginator.next_url_path)
            return url
        if isinstance(paginator, p.HeaderLink) and "Link" in response.headers:
            found = re.fullmatch(r'<(.+)>; rel="next"', response.headers["Link"])
            assert found
            return found[1]
        if isinstance(paginator, p.HeaderCursor) and paginator.cursor_key in response.headers:
            token = response.headers[paginator.cursor_key]
            return self.url(path, query | {paginator.cursor_param: token})
        return None


def credentials(source: Source) -> dict[str, str]:
    """The headers with the credentials that the sandbox accepts."""
    auth = source.client.auth
    if auth is None:
        return {}
    return {auth.name: "sandbox"} if auth.type == "api_key" else {"Authorization": "Bearer sandbox"}


def value_at_path(body: Any, path: str) -> Any:
    """The value at a dotted path. The sandbox puts the value of a path with ``..`` below ``meta``."""
    if path.startswith(".."):
        path = "meta." + path[2:]
    return value_at(body, path.split("."))


def records_of(resource: Resource, body: Any) -> list[Any]:
    """The records in the body of a response."""
    selector = resource.selector or "data"
    if selector == "$":
        return body if isinstance(body, list) else [body]
    found = value_at_path(body, selector.removesuffix(".*"))
    if selector.endswith(".*"):
        found = list(found.values())
    assert isinstance(found, list)
    return found


def in_order(records: list[Any]) -> list[bytes]:
    """Records as sorted JSON, to compare them without regard to their order."""
    return sorted(orjson.dumps(r, option=orjson.OPT_SORT_KEYS) for r in records)


def served(ledger: Ledger, name: str) -> list[bytes]:
    """The records of a resource that the ledger knows, as ``in_order`` gives them."""
    return in_order([v.record for v in ledger.records(name)])


def flat(pages: list[list[Any]]) -> list[Any]:
    """The records of all pages."""
    return [record for page in pages for record in page]


def all_records(client: Client, ledger: Ledger, resource: Resource) -> list[bytes]:
    """All records of a resource over HTTP, as ``in_order`` gives them.

    A child resource is read below every parent that the ledger knows.
    """
    values = {n: f"any {n}" for n in resource.settings if f"{{{n}}}" in resource.path}
    if resource.incremental and resource.incremental.step == "month":
        months = {d.replace(day=1) for d in SMALL.days}
        assert resource.incremental.start_param is not None
        return in_order(
            [r for m in months
             for r in flat(client.read_pages(resource.name, {resource.incremental.start_param: m}))]
        )  # fmt: skip
    places = {v.params for v in ledger.records(resource.name)} if resource.parent else {()}
    return in_order(
        [r for params in places
         for r in flat(client.read_pages(
             resource.name, **values, **dict(zip(resource.resolved, params, strict=True))))]
    )  # fmt: skip
