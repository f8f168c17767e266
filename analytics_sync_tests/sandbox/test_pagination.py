"""The sandbox pages as declared: every walk by hand gives exactly the ledger."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import pytest

from analytics_sync import catalog as spec
from analytics_sync.catalog import Source
from analytics_sync.sandbox import Options, Sandbox
from analytics_sync_tests.support.shop_source import (
    END,
    SHOP,
    SMALL,
    START,
    Client,
    at_place,
    everything,
    flat,
    served,
)


@pytest.fixture(scope="module")
def shop() -> Source:
    return spec.load_text(SHOP, name="shop", file="shop.yaml")


@pytest.fixture(scope="module")
def box(shop: Source) -> Iterator[Sandbox]:
    """For tests that change nothing."""
    with Sandbox([shop], SMALL) as sandbox:
        yield sandbox


def test_every_paginator_walked_by_hand_gives_exactly_the_ledger(
    box: Sandbox, shop: Source
) -> None:
    client, ledger = Client(box), box.ledger("shop")
    for resource in shop.resources.values():
        assert served(ledger, resource.name), resource
        assert everything(client, ledger, resource) == served(ledger, resource.name), resource
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
        everything = [r["id"] for r in flat(client.walk("tokens"))]
        first = client.get("v1/tokens")
        box.ledger("shop").add("tokens", {"id": "new", "created_at": "2025-04-01T23:59:59.999Z"})
        rest = []
        token = first["next"]["token"]
        while token:
            body = client.get("v1/tokens", {"page-token": token})
            rest += [r["id"] for r in body["items"]]
            token = at_place(body, "next.token")
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
