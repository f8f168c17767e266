"""Tests of the sandbox's paths: what it serves is where a client that reads the catalog file looks.

In: declared JSONPaths, and the source ``paths``. Out: values at these paths; pages, read by a client that
knows the bodies by heart; and tables, which equal the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from analytics_sync import catalog
from analytics_sync.catalog import Source
from analytics_sync.common.json_path import lookup
from analytics_sync.sandbox import Sandbox
from analytics_sync.sandbox.data.declared_path import path_of
from analytics_sync.sandbox.data.json_path import drop, get_or_none, put
from analytics_sync_tests.support.manner_lab import OPTIONS, MannerLab, Step
from analytics_sync_tests.support.paths_source import PATHS
from analytics_sync_tests.support.shop_source import Client, in_order, served

# how a client finds the records and the next cursor or link in a body
Read = tuple[str, str, Callable[[Any], list[Any]], Callable[[Any], Any]]
READ: dict[str, Read] = {
    "quoted": ("quoted", "", lambda b: b["odata.value"], lambda b: b.get("@odata.nextLink")),
    "last_record": ("last", "after", lambda b: b["data"], lambda b: [r["id"] for r in b["data"]][-1:]),
    "last_number": ("numbers", "since", lambda b: b, lambda b: [r["seq"] for r in b][-1:]),
    "last_event": (
        "events", "after", lambda b: [e["change"] for e in b["data"]],
        lambda b: [e["change"]["at"] for e in b["data"] if b["page.more"]][-1:],
    ),
    "wrapped_root": ("wrapped-root", "page", lambda b: [e["row"] for e in b], lambda b: None),
    "group_rows": (
        "groups", "page", lambda b: [r for g in b["groups"] if g["name"] == "all" for r in g["rows"]],
        lambda b: b["groups"][0].get("next"),
    ),
    "linked": (
        "linked", "", lambda b: b["data"]["rows"],
        lambda b: [e["href"] for e in b.get("links", []) if e["rel"] == "next"],
    ),
    "entries": (
        "entries", "", lambda b: [e["resource"] for e in b["entry"]],
        lambda b: [e["url"] for e in b.get("link", [])[1:2]],
    ),
    "first_table": ("tables", "", lambda b: b["tables"][0]["rows"], lambda b: None),
    "keyed": (
        "keyed", "p", lambda b: [{"id": k, **r} for k, r in b["data"].items()], lambda b: b.get("next")
    ),
    "keyed_numbers": (
        "keyed-numbers", "", lambda b: [{"number": int(k), **r} for k, r in b.items()], lambda b: None
    ),
    "keyed_filter": (
        "keyed-filter", "", lambda b: [{"k.ey": k, **r} for k, r in b["data"].items()], lambda b: None
    ),
    "owners": ("owners", "", lambda b: b["owner.list"], lambda b: None),
}  # fmt: skip


@pytest.fixture(scope="module")
def paths() -> Source:
    return catalog.load_text(PATHS, name="paths", file="paths.yaml")


@pytest.fixture(scope="module")
def box(paths: Source) -> Iterator[Sandbox]:
    with Sandbox([paths], OPTIONS) as sandbox:
        yield sandbox


@pytest.mark.parametrize("name", READ)
def test_the_pages_hold_exactly_the_ledger(box: Sandbox, name: str) -> None:
    client, (path, param, records, following) = Client(box, "paths"), READ[name]
    found, query, url = [], dict[str, Any](), client.url(path)
    for number in range(50):
        if name == "wrapped_root":
            query = {"page": number + 1}
        body = client.raw(url if not query else client.url(path, query)).json()
        found.append(records(body))
        value = following(body)
        value = value[0] if isinstance(value, list) and value else value
        if not value and (name != "wrapped_root" or not found[-1]):
            break
        query = {param: value} if param else {}
        url = value or url
    assert in_order([r for page in found for r in page]) == served(box.ledger("paths"), name)
    assert number < 49
    if box.sources["paths"].resources[name].paginator.type != "single_page":
        assert len([page for page in found if page]) > 1


def test_each_table_equals_the_ledger_before_and_after_changes(
    paths: Source, tmp_path: Path
) -> None:
    steps = [Step(lies=False, changes=False), Step(lies=False, changes=True)]
    for verdicts in MannerLab(tmp_path).run(paths, {}, steps):
        assert len(verdicts) == len(paths.assets)
        for verdict in verdicts:
            assert (verdict.failures, verdict.wrong) == ([], []), verdict.resource


def test_records_of_one_group_share_their_key(box: Sandbox) -> None:
    teams = Client(box, "paths").get("grouped")["teams"]
    members = {name: team["members"] for name, team in teams.items()}
    assert any(isinstance(some, list) for some in members.values())
    assert all(
        "status" not in r for some in members.values() for r in some if isinstance(some, list)
    )


DECLARED = [
    "a", "a.b", "$.a.b", "['a.b']", "$['a.b'].c", '["a.b"]', "@odata.nextLink", "über x.page:next",
    "a[0]", "a[2].b", "a[-1].b", "$.a[-1:].b", "a[0][1].c", "a[?(@.b=='c')].d", "a[?(@.b==2)].d",
    "a[?(@.b=='c' && @.e>3)].d", "a[?(@.x != 'y')].d", "a[?(@['b.c']=='x')]['d.e']", "a[*].b", "$[0].a",
    "..a.b", "..['a.b']", "a..b", "a|b", "['a','b']",
]  # fmt: skip


@pytest.mark.parametrize("declared", DECLARED)
def test_a_value_is_where_the_reader_looks(declared: str) -> None:
    body: Any = [] if declared.startswith("$[0]") else {}
    path = path_of(declared)
    put(body, path, 7)
    assert lookup(body, declared) == get_or_none(body, path) == 7
    put(body, path, 8)
    assert lookup(body, declared) == 8
    drop(body, path)
    assert get_or_none(body, path) is None


UNKNOWN = {
    "data_selector": "data[0:3]",
    "data_selector ": "data[?(@.kind =~ 'a.*')]",
    "data_selector  ": "a.`parent`.b",
    "paginator": {"type": "cursor", "cursor_path": "data[0].id"},
    "count_path": "a[1:].total",
}


@pytest.mark.parametrize("key", UNKNOWN)
def test_a_path_that_the_sandbox_cannot_serve_is_an_error(key: str) -> None:
    endpoint = {"data_selector": "data", "paginator": "single_page", key.strip(): UNKNOWN[key]}
    text = f"source: shop\nclient: {{}}\nresources: [{{name: items, primary_key: id, endpoint: {endpoint}}}]"
    text = text.replace("endpoint: {", "endpoint: {'path': 'items', ")
    with pytest.raises(ValueError, match="shop/items: the sandbox cannot serve"):
        Sandbox([catalog.load_text(text, name="shop", file="shop.yaml")])
