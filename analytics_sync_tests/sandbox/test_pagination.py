"""Tests of the sandbox's pagination: the pages of a resource hold exactly the ledger's records."""

from __future__ import annotations

import base64
import re

from analytics_sync.catalog import Source
from analytics_sync.sandbox import Options, Sandbox
from analytics_sync_tests.support.shop_source import (
    END,
    SMALL,
    START,
    Client,
    all_records,
    flat,
    served,
    value_at_path,
)


def test_the_pages_of_every_paginator_hold_exactly_the_ledger(box: Sandbox, shop: Source) -> None:
    client, ledger = Client(box), box.ledger("shop")
    for resource in shop.resources.values():
        assert served(ledger, resource.name), resource
        assert all_records(client, ledger, resource) == served(ledger, resource.name), resource
    for name in ("numbered", "offsets", "changes", "tokens", "counted", "links", "header_links"):
        pages = client.read_pages(name)
        assert max(map(len, pages)) <= 5
        assert len([page for page in pages if page]) > 2, f"{name} should have several pages"


def test_page_number_counts_from_its_base_and_reports_the_number_of_pages(box: Sandbox) -> None:
    client = Client(box)
    first = client.get("v1/numbered", {"size": 4})
    assert first["meta"] | {"answered_by": 0} == {"answered_by": 0, "pages": 3, "more": True}
    assert client.get("v1/numbered", {"size": 4, "page": 0})["data"] == first["data"]
    assert client.get("v1/numbered", {"size": 4, "page": 2})["meta"]["more"] is False
    # Without a declared base, the option ``first_page`` decides (1 by default).
    # A server that counts from 1 sends its first page for page 0.
    page_1 = client.get("v1/numbered2", {"page": 1})["a"]["b"]
    assert page_1 == client.get("v1/numbered2")["a"]["b"]
    assert page_1 == client.get("v1/numbered2", {"page": 0})["a"]["b"]
    with Sandbox(
        box.sources, Options(rows=12, max_page=5, start=START, end=END, first_page=0)
    ) as zero:
        other = Client(zero)
        assert (
            other.get("v1/numbered2", {"page": 1})["a"]["b"] != other.get("v1/numbered2")["a"]["b"]
        )
    assert client.status("v1/numbered", {"page": "x"}) == 422


def test_a_server_with_a_record_cursor_ignores_the_offset(box: Sandbox) -> None:
    client = Client(box)
    first = client.get("v1/edits", {"limit": 4})
    assert client.get("v1/edits", {"limit": 4, "offset": 4})["edits"] == first["edits"]
    token = first["cursor"]["before"]
    assert re.fullmatch(r"[0-9a-f]{24}", token)
    second = client.get("v1/edits", {"limit": 4, "before": token})
    assert not {r["id"] for r in first["edits"]} & {r["id"] for r in second["edits"]}
    # 18 records fill 6 pages of 3. The last page is full too, so an empty page follows.
    pages = client.read_pages("edits", {"limit": 3})
    assert [len(page) for page in pages] == [3] * 6 + [0]


def test_an_offset_cursor_repeats_its_offset_on_an_empty_page(box: Sandbox) -> None:
    client = Client(box)
    assert client.get("v1/counted")["meta"]["pagination"]["next_offset"] == 5
    empty = client.get("v1/counted", {"page[offset]": 12})
    assert empty["data"] == []
    assert empty["meta"]["pagination"]["next_offset"] == 12


def test_unknown_cursors_are_refused(box: Sandbox) -> None:
    client = Client(box)
    nonsense = base64.b64encode(b'{"a": 1}').decode()
    assert client.status("v1/tokens", {"page-token": "nonsense!"}) == 400
    assert client.status("v1/tokens", {"page-token": nonsense}) == 400


def test_a_new_record_between_two_pages_neither_loses_nor_doubles_others(shop: Source) -> None:
    with Sandbox([shop], SMALL) as box:
        client = Client(box)
        ids = [r["id"] for r in flat(client.read_pages("tokens"))]
        first = client.get("v1/tokens")
        box.ledger("shop").add("tokens", {"id": "new", "created_at": "2025-04-01T23:59:59.999Z"})
        rest = []
        token = first["next"]["token"]
        while token:
            body = client.get("v1/tokens", {"page-token": token})
            rest += [r["id"] for r in body["items"]]
            token = value_at_path(body, "next.token")
        assert [r["id"] for r in first["items"]] + rest == ids


def test_responses_that_are_a_bare_list_or_one_object(box: Sandbox) -> None:
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
