"""Planted defects: catalog files that load, each with one classic defect, and files like them without it.

In: nothing. Out: for each defect its rule, the line it stands in, and the resources of a file.
"""

from __future__ import annotations

from typing import NamedTuple


class Planted(NamedTuple):
    """A file with one defect.

    Attributes:
        rule: The rule that finds it; empty for a file without a defect.
        at: A part of the line of the defect.
        resources: The resources of the file, a YAML list.
        client: The client of the file.
    """

    rule: str
    at: str
    resources: str
    client: str = "{base_url: 'https://api.shop.net/v1'}"


def _one(endpoint: str, *, columns: str = "id: text") -> str:
    """A resource of one endpoint; each key of the endpoint stands in a line of its own."""
    lines = "\n".join(f"      {line}" for line in endpoint.strip().splitlines())
    return f"""
  - name: orders
    primary_key: id
    description: Orders
    endpoint:
{lines}
    columns:
      {columns}
"""


def _window(incremental: str, *, columns: str = "updated_at: timestamp") -> str:
    """A resource with a window; each key of it stands in a line of its own."""
    keys = "\n".join(f"  {line}" for line in incremental.strip().splitlines())
    return _one(
        f"path: /orders\npaginator: {{type: page_number, base_page: 1}}\nincremental:\n{keys}",
        columns=f"id: text\n      {columns}",
    )


_PAGES = "path: /orders\npaginator: {type: page_number, base_page: 1}\n"
_PARENT = """
  - name: projects
    primary_key: id
    endpoint: {path: /projects, paginator: {type: page_number, base_page: 1}}
    columns: {id: text, name: text}
"""
_BOUNDS = "cursor_path: updated_at\nstart_param: from\nend_param: to\n"


def _child(key: str, columns: str, more: str = "") -> str:
    return f"""{_PARENT}
  - name: tasks
    primary_key: {key}
    endpoint: {{path: '/projects/{{project}}/tasks', paginator: {{type: page_number, base_page: 1}},
      params: {{project: {{type: resolve, resource: projects, field: id}}}}}}
    {more}
    columns: {columns}
"""


DEFECTS = (
    Planted("limit-without-paginator", "limit: 100", _one("path: /orders\nparams:\n  limit: 100")),
    Planted("limit-without-paginator", "per_page: 50", _one("path: /orders\nparams:\n  per_page: 50")),
    Planted("limit-without-paginator", "pageSize: '200'", _one("path: /orders\nparams:\n  pageSize: '200'")),
    Planted("limit-without-paginator", "page[size]: 25", _one("path: /orders\nparams:\n  page[size]: 25")),
    Planted("limit-without-paginator", "$top: 10", _one("path: /orders\nparams:\n  $top: 10")),
    Planted("limit-without-paginator", "max_results: 500",
            _one("path: /orders\npaginator: single_page\nparams:\n  max_results: 500")),
    Planted("limit-without-paginator", "limit: 100",
            _one("path: /orders\nmethod: POST\njson:\n  limit: 100\npaginator: single_page")),
    Planted("fixed-page", "page: 1", _one("path: /orders\nparams:\n  page: 1")),
    Planted("fixed-page", "offset: 0", _one("path: /orders\npaginator: single_page\nparams:\n  offset: 0")),
    Planted("fixed-page", "pageNumber: 3", _one("path: /orders\nparams:\n  pageNumber: 3")),
    Planted("parameter-of-the-paginator", "page: 2", _one(f"{_PAGES}params:\n  page: 2")),
    Planted("parameter-of-the-paginator", "limit: 50",
            _one("path: /orders\npaginator: {type: offset, limit: 100}\nparams:\n  limit: 50")),
    Planted("paging-beside-the-body", "offset: 0",
            _one("path: /orders\nmethod: POST\njson:\n  offset: 0\npaginator: {type: offset, limit: 10}")),
    Planted("paging-beside-the-body", "page: 1", _one(f"{_PAGES}method: POST\njson:\n  page: 1")),
    Planted("listing-is-cut", "maximum_page: 2",
            _one("path: /orders\npaginator:\n  type: page_number\n  base_page: 1\n  maximum_page: 2")),
    Planted("listing-is-cut", "maximum_offset: 1000",
            _one("path: /orders\npaginator:\n  type: offset\n  limit: 100\n  maximum_offset: 1000")),
    Planted("total-of-records-as-pages", "total_path: meta.total_count",
            _one("path: /orders\npaginator:\n  type: page_number\n  base_page: 1\n  total_path: meta.total_count")),
    Planted("total-of-records-as-pages", "total_path: total",
            _one("path: /orders\npaginator:\n  type: page_number\n  base_page: 1\n  total_path: total")),
    Planted("selector-takes-one", "data_selector: data[0]", _one(f"{_PAGES}data_selector: data[0]")),
    Planted("same-request-twice", "name: other",
            _one(_PAGES) + _one(_PAGES).replace("name: orders", "name: other")),
    Planted("window-without-end", "start_param: since", _window("cursor_path: updated_at\nstart_param: since")),
    Planted("window-without-end", "start_param: updated_after",
            _window("cursor_path: updated_at\nstart_param: updated_after\nparam_format: epoch_s")),
    Planted("window-without-start", "end_param: before", _window("cursor_path: updated_at\nend_param: before")),
    Planted("time-format", "param_format: '%Y-%M-%d'", _window(f"{_BOUNDS}param_format: '%Y-%M-%d'")),
    Planted("time-format", "param_format: '%Y-%m-%dT%H:%m:%S'",
            _window(f"{_BOUNDS}param_format: '%Y-%m-%dT%H:%m:%S'")),
    Planted("time-format", "param_format: '%d.%m.%y'", _window(f"{_BOUNDS}param_format: '%d.%m.%y'")),
    Planted("time-format", "param_format: '%m-%d %H:%M'", _window(f"{_BOUNDS}param_format: '%m-%d %H:%M'")),
    Planted("time-format", "incremental:",
            _window("cursor_path: updated_at\nstart_param: from_ts\nend_param: to_ts")),
    Planted("time-format", "incremental:",
            _window("cursor_path: updated_at\nstart_param: since_epoch\nend_param: until_epoch")),
    Planted("time-format", "param_format: epoch_s",
            _window("cursor_path: updated_at\nstart_param: from_ms\nend_param: to_ms\nparam_format: epoch_s")),
    Planted("time-format", "incremental:",
            _window(_BOUNDS, columns="updated_at: {data_type: timestamp, format: epoch_ms}")),
    Planted("time-format", "param_format: epoch_s",
            _window(f"{_BOUNDS}param_format: epoch_s",
                    columns="updated_at: {data_type: timestamp, format: epoch_ms}")),
    Planted("time-format", "param_format: iso", _window(f"{_BOUNDS}param_format: iso\ninitial_value: 1735689600")),
    Planted("time-format", "param_format: epoch_ms",
            _window(f"{_BOUNDS}param_format: epoch_ms\ninitial_value: '2025-01-01'")),
    Planted("time-format", "param_format: '%Y-%m-%dT%H:%M:%S'",
            _window(f"{_BOUNDS}param_format: '%Y-%m-%dT%H:%M:%S'\ninitial_value: 1700000000")),
    Planted("fixed-time", "since: '2024-01-01'", _one(f"{_PAGES}params:\n  since: '2024-01-01'")),
    Planted("fixed-time", "created_after: '2024-01-01T00:00:00Z'",
            _one(f"{_PAGES}params:\n  created_after: '2024-01-01T00:00:00Z'")),
    Planted("fixed-time", "start_time: 1704067200", _one(f"{_PAGES}params:\n  start_time: 1704067200")),
    Planted("fixed-time", "updated>=2024-01-01", _one(f"{_PAGES}params:\n  q: 'status:open updated>=2024-01-01'")),
    Planted("fixed-time", "from: '2024-06-01'",
            _one(f"{_PAGES}method: POST\njson:\n  filter:\n    from: '2024-06-01'")),
    Planted("cursor-never-changes", "cursor_path: created_at",
            _window("cursor_path: created_at\nstart_param: from\nend_param: to",
                    columns="created_at: timestamp\n      updated_at: timestamp")),
    Planted("key-within-parent", "primary_key: number", _child("number", "{number: bigint, title: text}")),
    Planted("key-within-parent", "primary_key: name", _child("name", "{name: text}")),
    Planted("key-within-parent", "primary_key: [position, version]",
            _child("[position, version]", "{position: bigint, version: bigint}")),
    Planted("key-that-changes", "primary_key: [id, updated_at]",
            _one(_PAGES).replace("primary_key: id", "primary_key: [id, updated_at]")
            + "      updated_at: timestamp\n"),
    Planted("key-of-unfit-type", "id: double", _one(_PAGES, columns="id: double")),
    Planted("key-of-unfit-type", "id: json", _one(_PAGES, columns="id: json")),
    Planted("fixed-parent", "path: /projects/42/tasks",
            _PARENT + _one(f"{_PAGES}".replace("/orders", "/projects/42/tasks"))),
    Planted("fixed-parent", "path: /projects/website/tasks",
            _PARENT + _one(f"{_PAGES}".replace("/orders", "/projects/website/tasks"))),
    Planted("fixed-parent", "path: /accounts/5f3a2b1c4d5e6f7a8b9c0d1e/orders",
            _one(f"{_PAGES}".replace("/orders", "/accounts/5f3a2b1c4d5e6f7a8b9c0d1e/orders"))),
    Planted("fixed-parent", "project_id: website", _PARENT + _one(f"{_PAGES}params:\n  project_id: website")),
    Planted("fixed-parent", "accountId: 4711", _one(f"{_PAGES}params:\n  accountId: 4711")),
    Planted("ignored-refusal", "{status_code: 401, action: ignore}",
            _one(f"{_PAGES}response_actions:\n  - {{status_code: 401, action: ignore}}")),
    Planted("ignored-refusal", "{status_code: 403, action: ignore}",
            _one(f"{_PAGES}response_actions:\n  - {{status_code: 410, content: gone, action: ignore}}\n"
                 "  - {status_code: 403, action: ignore}")),
    Planted("ignored-refusal", "{status_code: 429, action: ignore}",
            _one(f"{_PAGES}response_actions:\n  - {{status_code: 429, action: ignore}}")),
    Planted("ignored-refusal", "{status_code: 500, action: ignore}",
            _one(f"{_PAGES}response_actions:\n  - {{status_code: 500, action: ignore}}")),
    Planted("ignored-wrong-path", "{status_code: 404, action: ignore}",
            _one(f"{_PAGES}response_actions:\n  - {{status_code: 404, action: ignore}}")),
    Planted("hopeless-retry", "retry_on_status_codes: [401, 503]",
            _one(f"{_PAGES}error_handler:\n  retry_on_status_codes: [401, 503]")),
    Planted("hopeless-retry", "retry_on_status_codes: [404]", _one(_PAGES),
            "\n  base_url: https://api.shop.net/v1\n  error_handler:\n    retry_on_status_codes: [404]"),
    Planted("hasty-retry", "backoff_factor: 0", _one(f"{_PAGES}error_handler:\n  backoff_factor: 0")),
    Planted("hasty-retry", "max_retries: 100", _one(f"{_PAGES}error_handler:\n  max_retries: 100")),
    Planted("unencrypted", "base_url: http://api.shop.net", _one(_PAGES), "\n  base_url: http://api.shop.net"),
    Planted("doubled-segment", "path: /v1/orders", _one(_PAGES.replace("/orders", "/v1/orders"))),
    Planted("limit-without-paginator", "pageSize: 100",
            _one("path: /orders\nmethod: POST\njson:\n  query: {}\n  pagination:\n    pageSize: 100")),
    Planted("paging-beside-the-body", "page: 1",
            _one(f"{_PAGES}method: POST\njson:\n  pagination:\n    page: 1")),
    Planted("fixed-time", "year: 2024", _one(f"{_PAGES}params:\n  year: 2024")),
    Planted("fixed-time", "path: /reports/2024-01-01/orders",
            _one(_PAGES.replace("/orders", "/reports/2024-01-01/orders"))),
    Planted("fixed-time", "filter[updated_at][gt]: '2024-01-01'",
            _one(f"{_PAGES}params:\n  filter[updated_at][gt]: '2024-01-01'")),
    Planted("ignored-refusal", "content: Invalid API key",
            _one(f"{_PAGES}response_actions:\n  - {{content: Invalid API key, action: ignore}}")),
    Planted("ignored-refusal", "content: rate limit",
            _one(f"{_PAGES}response_actions:\n  - {{status_code: 200, content: rate limit exceeded, action: ignore}}")),
    Planted("fixed-time", "start: 1704067200", _one("path: /orders\nparams:\n  start: 1704067200")),
    Planted("fixed-time", "since: 1704067200000", _one(f"{_PAGES}params:\n  since: 1704067200000")),
    Planted("fixed-page", "page: 1",
            _one("path: /orders\nmethod: POST\njson:\n  page: 1\npaginator: single_page")),
    Planted("paging-beside-the-body", "page: 2", _one(f"{_PAGES}method: POST\njson:\n  page: 2")),
    Planted("time-format", "param_format: '%Y-%m-%dT%H:%S'",
            _window(f"{_BOUNDS}param_format: '%Y-%m-%dT%H:%S'")),
    Planted("fixed-parent", "account_id: 5f3a2b1c4d5e6f7a8b9c0d1e",
            _one(f"{_PAGES}params:\n  account_id: 5f3a2b1c4d5e6f7a8b9c0d1e")),
    Planted("fixed-time", "q: 'team {dlt.config[", _one(
        f"{_PAGES}params:\n  q: 'team {{dlt.config[\"team\"]}} updated>=2024-01-01'")),
    # defects that the reader of files finds already
    Planted("does-not-load", "cursor_path: changed_at", _window("cursor_path: changed_at\nstart_param: from")),
    Planted("does-not-load", "name: orders", _one(_PAGES).replace("    primary_key: id\n", "")),
    Planted("does-not-load", "params:",
            _one("path: '/p/{p}'\nparams:\n  p: {type: resolve, resource: nowhere, field: id}")),
)  # fmt: skip

SOUND = (
    Planted("", "", _one(_PAGES.replace("/orders", "/2010-04-01/orders"))),
    Planted("", "", _one("path: /orders\nmethod: POST\njson:\n  page: {size: 10}\n"
                         "paginator: {type: offset, limit: 10, offset_body_path: page.from, limit_body_path: page.size}")),
    Planted("", "", _one("path: /orders\npaginator: {type: offset, limit: 100}\nparams:\n  limit: 100")),
    Planted("", "", _one(f"{_PAGES}params:\n  size: large\n  count: true")),
    Planted("", "", _one("path: /orders\npaginator: {type: page_number, base_page: 1, total_path: meta.total_pages}")),
    Planted("", "", _one(f"{_PAGES}data_selector: data.items")),
    Planted("", "", _one(f"{_PAGES}params:\n  api_version: '2024-01-01'\n  version: 20240101")),
    Planted("", "", _one(f"{_PAGES}params:\n  q: 'state:open'\n  minimum: 10")),
    Planted("", "", _window(_BOUNDS)),
    Planted("", "", _window(f"{_BOUNDS}param_format: epoch_ms",
                            columns="updated_at: {data_type: timestamp, format: epoch_ms}")),
    Planted("", "", _window(f"{_BOUNDS}param_format: '%Y-%m-%d %H:%M:%S'\ninitial_value: '2025-01-01'")),
    Planted("", "", _window("cursor_path: updated_at\nstart_param: since\nrow_order: asc")),
    Planted("", "", _window("cursor_path: created_at\nstart_param: from\nend_param: to\nlookback: P7D",
                            columns="created_at: timestamp\n      updated_at: timestamp")),
    Planted("", "", _window("cursor_path: updated_at")),
    Planted("", "", _child("[project_id, number]", "{project_id: text, number: bigint}",
                           "include_from_parent: {project_id: id}")),
    Planted("", "", _child("id", "{id: text, name: text}")),
    Planted("", "", _PARENT + _one(_PAGES.replace("/orders", "/projects/archived"))),
    Planted("", "", _one(_PAGES.replace("/orders", "/v2/2024-01/orders"))),
    Planted("", "", _one(f"{_PAGES}response_actions:\n  - {{status_code: 403, content: archived, action: ignore}}")),
    Planted("", "", _child("id", "{id: text}").replace(
        "field: id}}}", "field: id}}, response_actions: [{status_code: 404, action: ignore}]}")),
    Planted("", "", _one(f"{_PAGES}error_handler: {{retry_on_status_codes: [202, 425], max_retries: 8}}")),
    Planted("", "", _one(_PAGES), "{base_url: 'http://127.0.0.1:8000/api'}"),
    Planted("", "", _one("path: /orders\nparams:\n  size: large\n  count: 0\n  from: berlin")),
    Planted("", "", _one(f"{_PAGES}params:\n  offset: 0")),
    Planted("", "", _one(f"{_PAGES}method: POST\njson:\n  amount: 5")),
    Planted("", "", _one("path: /orders\nmethod: POST\njson:\n  page: {from: 0}\n"
                         "paginator: {type: offset, limit: 10, offset_body_path: page.from, limit_body_path: page.size}")),
    Planted("", "", _one(_PAGES) + _one(_PAGES).replace("name: orders", "name: other\n    selected: false")),
    Planted("", "", _window("cursor_path: updated_at\nend_param: before\nrow_order: desc")),
    *(Planted("", "", _window(f"cursor_path: created_at\nstart_param: from\nend_param: to\n{key}",
                              columns="created_at: timestamp\n      updated_at: timestamp"))
      for key in ("cursor_changes: false", "row_order: asc", "lag: P1D")),
    Planted("", "", _window("cursor_path: created_at\nstart_param: created_from\nend_param: created_to",
                            columns="created_at: timestamp\n      updated_at: timestamp")),
    Planted("", "", _window("cursor_path: created_at\nstart_param: from\nend_param: to",
                            columns="created_at: timestamp")),
    Planted("", "", _window(f"{_BOUNDS}param_format: iso",
                            columns="updated_at: {data_type: timestamp, format: epoch_ms}")),
    Planted("", "", _window(f"{_BOUNDS}param_format: iso_ms\ninitial_value: '2025-01-01T00:00:00Z'")),
    Planted("", "", _window(f"{_BOUNDS}param_format: iso\ninitial_value: '2025-01-01'")),
    Planted("", "", _window(f"{_BOUNDS}param_format: '%Y-%m-%d %T'\ninitial_value: '2025-01-01T00:00:00Z'")),
    Planted("", "", _window("cursor_path: updated_at\nstart_param: from_ms\nend_param: to_ms\nparam_format: epoch_ms")),
    Planted("", "", _window("cursor_path: updated_at\nstart_param: from_ts\nend_param: to_ts\nparam_format: epoch_s")),
    Planted("", "", _one(f"{_PAGES}params:\n  version_date: '2024-01-01'\n  reference: 1704067200\n  since: first")),
    Planted("", "", _one(_PAGES.replace("/orders", "/api/2024-01-01/orders"))),
    Planted("", "", _one(_PAGES.replace("/orders", "/v2/2024/orders"))),
    Planted("", "", _one(f"{_PAGES}params:\n  account_id: all")),
    Planted("", "", _PARENT + _one(f"{_PAGES}params:\n  account_id: all\n  paid: true\n  ids: [1, 2]")),
    Planted("", "", _PARENT + _one(_PAGES.replace("/orders", "/accounts/all/orders"))),
    Planted("", "", _window(f"{_BOUNDS}param_format: '%Y-%m-%dT%H'")),
    Planted("", "", _window("cursor_path: created_at\nstart_param: from\nend_param: to",
                            columns="created_at: timestamp\n      updated_by: text")),
    Planted("", "", _child("id", "{id: text}").replace("path: '/projects/{project}/tasks'", "path: /tasks").replace(
        "field: id}}}", "field: id}}, response_actions: [{status_code: 404, action: ignore}]}")),
    Planted("", "", _PARENT + _one(_PAGES.replace("/orders", "/projects/archived/tasks"))
            + _one(_PAGES.replace("/orders", "/projects/archived")).replace("name: orders", "name: archived")),
    Planted("", "", _one(_PAGES, columns="id: text\n      number: bigint").replace("primary_key: id", "primary_key: number")),
    Planted("", "", _child("[code, number]", "{code: text, number: bigint}", "include_from_parent: {code: id}")),
    Planted("", "", _one(f"{_PAGES}error_handler: {{max_retries: 0, retry_on_status_codes: [404], backoff_factor: 0}}")),
    Planted("", "", _one(f"{_PAGES}response_actions:\n  - {{status_code: 429, action: retry}}\n"
                         "  - {status_code: 404, action: fail}")),
)  # fmt: skip
