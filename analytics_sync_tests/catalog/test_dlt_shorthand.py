"""dlt's shorter spellings: each one, pasted as it is, reads the right records from a server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from analytics_sync.catalog import CatalogError, Source, load_text
from analytics_sync.common.errors import InvalidResponse
from analytics_sync.common.window import Window
from analytics_sync_tests.support.scripted_api import Api, Query, read, shop_api

api = shop_api


def yaml(resources: str, client: str = "{}") -> Source:
    text = f"client: {client}\nresource_defaults: {{primary_key: id}}\nresources:\n{resources}"
    return load_text(text, name="shop", file="shop.yaml")


def python(text: str) -> Source:
    return load_text(text, name="shop", file="shop.py", python=True)


def data(*ids: int, **more: Any) -> dict[str, Any]:
    return {"data": [{"id": i} for i in ids], **more}


def test_an_error_handler_waits_2_4_8_seconds_and_gives_up_after_four_attempts(api: Api) -> None:
    source = yaml("""
      - name: items
        endpoint: {path: /items, data_selector: data, paginator: single_page,
          error_handler: {retry_on_status_codes: [429], max_retries: 3, backoff_factor: 2}}
      - name: others
        endpoint: {path: /others, data_selector: data, paginator: single_page,
          error_handler: {retry_on_status_codes: [418], max_retries: 0}}
    """)
    api.on("/items", (429, {}, {}), (429, {}, {}), (429, {}, {}), data(1))
    api.on("/others", (500, {}, {}))
    outcome = read(source)
    assert outcome.ids() == [1]
    assert outcome.sleeps == [2, 4, 8]
    assert api.paths().count("/items") == 4
    assert api.paths().count("/others") == 1, "the policy of another resource was used"


def test_an_error_handler_of_the_client_is_the_default_of_all_resources(api: Api) -> None:
    source = yaml("  - {name: items, endpoint: {path: /items, data_selector: data}}", "{error_handler: {retry_on_status_codes: [418], max_retries: 1}}")  # fmt: skip
    api.on("/items", (418, {}, {}))
    assert "answered 418 2 times" in read(source).error()


@pytest.mark.parametrize("body", [{"id": 1}, [{"id": 1}]], ids=["object", "list"])
def test_an_empty_selector_is_the_root(api: Api, body: Any) -> None:
    source = yaml("  - {name: items, endpoint: {path: /items, data_selector: []}}")
    api.on("/items", body)
    assert read(source).ids() == [1]
    api.on("/items", {"data": [{"id": 1}]})
    assert isinstance(read(source).failures["items"], InvalidResponse)


@pytest.mark.parametrize("base", [0, 1])
def test_page_number_with_limit_param_and_limit(api: Api, base: int) -> None:
    source = yaml("""
      - name: items
        endpoint: {path: /items, data_selector: data,
          paginator: {type: page_number, page_param: "page[number]", limit_param: "page[size]", limit: 2}}
    """)
    pages = {base: data(1, 2), base + 1: data(3)}
    api.on(
        "/items",
        lambda path, query, headers: pages.get(int(query.get("page[number]", base)), data()),
    )
    assert read(source).ids() == [1, 2, 3]
    assert {q["page[size]"] for q in api.queries()} == {"2"}


def test_offset_without_a_total(api: Api) -> None:
    source = yaml("  - {name: items, endpoint: {path: /items, data_selector: data, paginator: {type: offset, limit: 2}}}")  # fmt: skip
    api.on("/items", lambda path, query, headers: data(*range(5)[int(query["offset"]) :][:2]))
    assert read(source).ids() == [0, 1, 2, 3, 4]
    assert [q["offset"] for q in api.queries()] == ["0", "2", "4", "5"]


def test_offset_for_a_server_that_ignores_it_and_sends_a_cursor(api: Api) -> None:
    source = yaml("""
      - name: items
        endpoint: {path: /items, data_selector: data, params: {limit: 2}, paginator: {type: offset, limit: 2}}
    """)

    def answer(path: str, query: Query, headers: Any) -> Any:
        ids = [i for i in (5, 4, 3, 2, 1) if i < int(query.get("before", 99))][:2]
        return data(*ids, cursor={"limit": 2, "before": str(ids[-1]) if ids else None})

    api.on("/items", answer)
    assert read(source).ids() == [5, 4, 3, 2, 1]
    assert [(q["limit"], q.get("before")) for q in api.queries()] == [("2", None), ("2", "4"), ("2", "2"), ("2", "1")]  # fmt: skip


def test_a_cursor_param_that_ends_in_next_is_the_path_of_a_link(api: Api) -> None:
    source = yaml("  - {name: items, endpoint: {path: /items, data_selector: data, paginator: {type: cursor, cursor_param: links.next}}}")  # fmt: skip
    api.on("/items", data(1, links={"next": f"{api.url}/items?page=2"}), data(2))
    assert read(source).ids() == [1, 2]
    assert api.queries() == [{}, {"page": "2"}]


SIBLINGS = """
      - name: items
        endpoint: {path: /items, data_selector: data,
          paginator: {type: cursor, cursor_param: pagination.next_offset}}
      - name: others
        endpoint: {path: /others, data_selector: data,
          paginator: {type: cursor, cursor_param: "page[offset]", cursor_path: meta.pagination.next_offset}}
"""


def test_a_dotted_cursor_param_is_a_path_and_a_sibling_declares_the_parameter(api: Api) -> None:
    def answer(path: str, query: Query, headers: Any) -> Any:
        start = int(query.get("page[offset]", 0))
        ids = range(5)[start : start + 2]
        # One server increments the offset for ever. The other repeats the last offset.
        following = start + 2 if ids or path == "/items" else start
        return data(*ids, meta={"pagination": {"next_offset": following}})

    api.on("/*", answer)
    outcome = read(yaml(SIBLINGS))
    assert outcome.ids("items") == outcome.ids("others") == [0, 1, 2, 3, 4]
    for path in ("/items", "/others"):
        assert api.queries(path) == [{}, *({"page[offset]": str(n)} for n in (2, 4, 6))]


def test_a_dotted_cursor_param_without_a_sibling_is_an_error() -> None:
    with pytest.raises(CatalogError, match="looks like a place in the response") as caught:
        yaml(SIBLINGS.partition("      - name: others")[0])
    assert caught.value.resource == "items"


def test_a_dotted_cursor_param_with_a_path_is_a_parameter(api: Api) -> None:
    source = yaml("  - {name: items, endpoint: {path: /items, data_selector: data.items, paginator: {type: cursor, cursor_param: pagination.cursor, cursor_path: data.pagination.next}}}")  # fmt: skip
    api.on("/items", *({"data": {"items": [{"id": i}], "pagination": p}} for i, p in ((1, {"next": "MQ=="}), (2, {}))))  # fmt: skip
    assert read(source).ids() == [1, 2]
    assert api.queries() == [{}, {"pagination.cursor": "MQ=="}]


def test_a_cursor_without_a_path_has_the_path_of_dlts_default(api: Api) -> None:
    source = yaml(
        "  - {name: items, endpoint: {path: /items, data_selector: data, paginator: cursor}}"
    )
    api.on("/items", data(1, cursors={"next": "a"}), data(2, cursors={"next": None}))
    assert read(source).ids() == [1, 2]
    assert api.queries() == [{}, {"cursor": "a"}]


def test_placeholders_come_from_settings(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    source = yaml(
        "  - {name: items, endpoint: {path: '/org/{org_id}/{project_id}', data_selector: []}}"
    )
    monkeypatch.setenv("SOURCES__SHOP__ORG_ID", "a/b")
    assert "SOURCES__SHOP__PROJECT_ID" in str(read(source).failures["items"])
    monkeypatch.setenv("SOURCES__SHOP__PROJECT_ID", "7")
    api.on("/org/*", {"id": 1})
    assert read(source).ids() == [1]
    assert api.paths() == ["/org/a%2Fb/7"]


@pytest.mark.parametrize(
    "records", [[{"id": 1}, {"id": 2}], {"x": {"id": 1}, "y": {"id": 2}}], ids=["list", "map"]
)
@pytest.mark.parametrize("selector", ["reports.*", "$.reports[*]"])
def test_a_star_stands_for_a_list_or_a_map(api: Api, records: Any, selector: str) -> None:
    source = yaml(f"  - {{name: items, endpoint: {{path: /items, data_selector: '{selector}'}}}}")
    api.on("/items", {"reports": records})
    assert read(source).ids() == [1, 2]


INCREMENTALS = {
    "block": "incremental: {cursor_path: at, start_param: since, end_param: until}",
    "block and parameters": "incremental: {cursor_path: at}, params: {since: '{incremental.start_value}', until: '{incremental.end_value}'}",
    "parameter, no end": "params: {since: {type: incremental, cursor_path: at, initial_value: '2020-01-01T00:00:00Z'}}",
}


@pytest.mark.parametrize("form", INCREMENTALS)
def test_every_spelling_of_incremental(api: Api, form: str) -> None:
    source = yaml(f"""
      - name: items
        endpoint: {{path: /items, data_selector: data, {INCREMENTALS[form]}}}
        columns: {{id: bigint, at: timestamp}}
    """)
    api.on("/items", {"data": [{"id": i, "at": f"2024-02-0{i}T00:00:00Z"} for i in (1, 2, 3)]})
    window = Window(datetime(2024, 2, 2, tzinfo=UTC), datetime(2024, 2, 3, tzinfo=UTC))
    assert read(source, window).ids() == [2]
    end = {} if "no end" in form else {"until": "2024-02-03T00:00:00Z"}
    assert api.queries()[0] == {"since": "2024-02-01T23:59:59Z", **end}


def test_a_bound_without_an_incremental_block_is_an_error() -> None:
    with pytest.raises(
        CatalogError, match=r"endpoint\.params\.since: expected endpoint\.incremental"
    ):
        yaml(
            "  - {name: items, endpoint: {path: /x, params: {since: '{incremental.start_value}'}}}"
        )


PARENTS = {
    "placeholder": "endpoint: {path: '/items/{resources.items.meta.id}/kids'}",
    "parameter": "endpoint: {path: '/items/{x}/kids', params: {x: {type: resolve, resource: items, field: meta.id}}}",
}


@pytest.mark.parametrize("form", PARENTS)
def test_every_spelling_of_a_parent(api: Api, form: str) -> None:
    source = yaml(f"""
      - {{name: items, endpoint: {{path: /items, data_selector: data}}}}
      - name: kids
        {PARENTS[form]}
        include_from_parent: [id]
    """)
    api.on("/items", {"data": [{"id": 1, "meta": {"id": "a"}}, {"id": 2, "meta": {"id": "b"}}]})
    api.on("/items/a/kids", [{"id": 10}])
    api.on("/items/b/kids", [{"id": 20}])
    assert read(source).rows["kids"] == [{"id": 10, "_items_id": 1}, {"id": 20, "_items_id": 2}]


def test_short_forms(api: Api) -> None:
    source = yaml("  - items\n  - {name: others, endpoint: things}\n")
    api.on("/*", {"data": [{"id": 1}]})
    outcome = read(source)
    assert outcome.ids("items") == outcome.ids("others") == [1]
    assert sorted(api.paths()) == ["/items", "/things"]


CALL = """
import dlt
from dlt.sources.rest_api import rest_api_source

source = rest_api_source({
    "client": {
        "base_url": "https://api.example.com/",
        "auth": {"type": "api_key", "name": "X-Key", "api_key": dlt.secrets["api_key"], "location": "header"},
        "headers": {"X-Team": dlt.config['team']},
    },
    "resource_defaults": {"primary_key": "id", "write_disposition": "merge", "endpoint": {"params": {"limit": 5}}},
    "resources": [
        {"name": "items", "endpoint": {"path": "items", "data_selector": [], "params": {"flag": True, "none": None},
            "paginator": {"type": "single_page"}}},
    ],
})
"""
PYTHONS = {
    "call": CALL,
    "prose with a block": f"# Title\n\nSome words.\n\n```python\n{CALL}```\n\n- `more`\n\n```python\n1/0\n```\n",
    "variable": CALL.replace("source = rest_api_source({", "config: RESTAPIConfig = {").replace("})", "}") + "s = rest_api_source(config)\n",
    "inside a function": "def f():\n" + "\n".join(f"    {line}" for line in CALL.splitlines()),
    "module before the name": CALL.replace("= rest_api_source(", "= dlt.sources.rest_api.rest_api_source("),
}  # fmt: skip


@pytest.mark.parametrize("form", PYTHONS)
def test_python_is_read_without_running_it(
    api: Api, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "hush")
    monkeypatch.setenv("SOURCES__SHOP__TEAM", "blue")
    api.on("/items", [{"id": 1}])
    assert read(python(PYTHONS[form])).ids() == [1]
    assert api.queries() == [{"limit": "5", "flag": "true"}]
    assert (api.seen[0].headers["x-key"], api.seen[0].headers["x-team"]) == ("hush", "blue")


NOT_PLAIN = {
    "call": ('dlt.secrets["api_key"]', 'keyring.get("KEY")', 8, "is code"),
    "computed key": ('"base_url"', "name", 7, "a key must be a plain string"),
    "f-string": ('"items", "data', 'f"{x}", "data', 13, "is code"),
    "secret in clear": ('dlt.secrets["api_key"]', '"abc123"', 8, "a secret does not belong"),
    "unknown key": ('"data_selector"', '"data_sel"', 13, "unknown key"),
    "no Python": ("source = rest", "source == = rest", 5, "not valid Python"),
    "no call": ("rest_api_source({", "other({", 0, "no rest_api_source"),
}


@pytest.mark.parametrize("block", [False, True], ids=["file", "block"])
@pytest.mark.parametrize("name", NOT_PLAIN)
def test_an_error_in_python_names_its_line(name: str, block: bool) -> None:
    old, new, line, words = NOT_PLAIN[name]
    assert old in CALL
    text = CALL.replace(old, new)
    if name == "no call":
        text = text.replace('"resources"', '"things"')
    with pytest.raises(CatalogError) as caught:
        python(f"Words.\n\n```python\n{text}```\n" if block else text)
    assert words in caught.value.message
    assert "abc123" not in str(caught.value)
    assert caught.value.line == (line + 3 if block and line else line)
