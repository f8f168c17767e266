"""Tests of proposals for APIs of many forms: a run with the proposal reads every record.

In: small APIs. Out: the proposed keys, and the rows of a read with them.
"""

from __future__ import annotations

from typing import Any

import pytest

from analytics_sync_tests.infer import small_apis as forms
from analytics_sync_tests.infer.conftest import Infer, loaded
from analytics_sync_tests.support.scripted_api import Api, read

ALL = {str(record["id"]) for record in forms.RECORDS}
PAGINATORS: list[tuple[Any, str, dict[str, Any]]] = [
    (forms.link_header, "$", {"type": "header_link"}),
    (
        forms.offset_with_total,
        "items",
        {"type": "offset", "offset_param": "offset", "limit_param": "limit", "total_path": "total"},
    ),
    (
        forms.token_in_body,
        "results",
        {"type": "cursor", "cursor_path": "next_page_token", "cursor_param": "page_token"},
    ),
    (
        forms.opaque_page,
        "data",
        {"type": "cursor", "cursor_path": "meta.next_page", "cursor_param": "page"},
    ),
    (
        forms.nested_pages,
        "data.items",
        {"type": "page_number", "page_param": "page", "base_page": 1, "limit_param": "per_page"},
    ),
    (
        forms.pages_from_zero,
        "content",
        {"type": "page_number", "page_param": "page", "base_page": 0, "limit_param": "size"},
    ),
    (forms.json_api, "data", {"type": "json_link", "next_url_path": "links.next"}),
    (
        forms.starting_after,
        "data",
        {"type": "cursor", "cursor_path": "data[-1].id", "cursor_param": "starting_after"},
    ),
    (
        forms.cursor_in_meta,
        "data",
        {"type": "cursor", "cursor_path": "meta.page.after", "cursor_param": "page[cursor]"},
    ),
    (
        forms.offset_with_flag,
        "data",
        {"type": "offset", "offset_param": "skip", "limit_param": "limit"},
    ),
    (
        forms.wrapped_one_by_one,
        "list[*].item",
        {"type": "cursor", "cursor_path": "paging.next.after", "cursor_param": "after"},
    ),
    (forms.bare_list, "$", {"type": "auto"}),
    (forms.by_id, "users.*", {"type": "auto"}),
]


MORE = {forms.pages_from_zero, forms.cursor_in_meta, forms.offset_with_flag, forms.link_header}


@pytest.mark.parametrize(
    ("form", "selector", "paginator"),
    [pytest.param(*p, marks=[pytest.mark.slow] if p[0] in MORE else []) for p in PAGINATORS],
    ids=lambda v: getattr(v, "__name__", ""),
)
def test_a_read_with_the_proposal_gives_every_record(
    form: Any, selector: str, paginator: dict[str, Any], infer: Infer
) -> None:
    source = loaded(infer(form))
    resource = source.resources["items"]
    assert resource.selector == selector
    assert paginator.items() <= resource.paginator.model_dump().items()
    assert resource.primary_key == ("id",)
    outcome = read(source)
    assert {str(key).removeprefix("u-") for key in outcome.ids()} == ALL
    assert outcome.readings["items"].findings.of("complete") == []


def test_columns_have_types_that_hold_each_value(infer: Infer) -> None:
    text = infer(forms.offset_with_total)
    types = {field.name: field.data_type for field in loaded(text).resources["items"].fields}
    assert types == {
        "id": "bigint", "name": "text", "amount": "decimal", "active": "bool", "tags": "json",
        "updated_at": "timestamp", "created": "bigint",
    }  # fmt: skip
    assert "# note:  # TODO: only null in 25 records" in text
    assert (
        "created: bigint  # the values may be times: {data_type: timestamp, format: epoch_s}"
        in text
    )


def test_a_field_is_required_if_it_is_never_null_in_fifty_records(infer: Infer) -> None:
    few, many = infer(forms.offset_with_total), infer(forms.bare_list)
    assert "\n    required:" not in few
    assert "# required, TODO: never null in 25 records, which are few" in few
    assert "\n    required: [name, amount, active, updated_at, tags, created]\n" in many


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"id": 1, "name": "a", "state": "on"}, "the answer is one object"),
        ({"data": forms.RECORDS[:5], "has_more": False}, "the answer says that there is no more"),
    ],
    ids=["one object", "no more"],
)
def test_one_page_is_proposed_if_nothing_else_is_possible(
    body: Any, reason: str, infer: Infer
) -> None:
    text = infer(body)
    assert loaded(text).resources["items"].paginator.type == "single_page"
    assert f"# paginator, likely: {reason}" in text


def test_a_total_beside_a_page_is_the_place_of_the_count(infer: Infer) -> None:
    assert loaded(infer(forms.pages_from_zero)).resources["items"].count_path == "totalElements"


def test_attributes_of_json_api_are_fields_of_their_own(infer: Infer) -> None:
    fields = {field.name for field in loaded(infer(forms.json_api)).resources["items"].fields}
    assert {"id", "type", "attributes.name", "attributes.updated_at"} <= fields
    assert "attributes" not in fields


def test_a_window_is_proposed_if_bounds_filter(infer: Infer) -> None:
    incremental = loaded(infer(forms.offset_with_total)).resources["items"].incremental
    assert incremental is not None
    assert (incremental.cursor_path, incremental.start_param) == ("updated_at", "updated_since")
    assert incremental.end_param is None


def test_numbers_are_times_if_bounds_in_their_unit_filter(infer: Infer) -> None:
    resource = loaded(infer(forms.epoch_window)).resources["items"]
    assert resource.incremental is not None
    assert resource.incremental.param_format == "epoch_s"
    assert (resource.incremental.start_param, resource.incremental.end_param) == ("from", "to")
    assert resource.cursor is not None
    assert (resource.cursor.data_type, resource.cursor.format) == ("timestamp", "epoch_s")


def test_children_are_found_by_links_and_by_names(api: Api, infer: Infer) -> None:
    orders = [{"id": n, "lines": f"{api.url}/orders/{n}/lines", "total": n / 4} for n in (1, 2, 3)]
    api.on("/orders", {"orders": orders})
    api.on("/orders/*/lines", {"lines": [{"id": n, "sku": f"s{n}"} for n in (1, 2)]})
    for n in (1, 2):
        api.on(f"/orders/{n}/notes", [{"id": f"5f0c1d0e-{n}-long-enough", "text": "x"}])
        api.on(f"/orders/{n}/tags", [{"id": f"tag{n}"}])
        api.on(f"/orders/{n}/codes", [{"id": "c"}] if n == 1 else [])
        api.on(f"/orders/{n}/refunds", [])
    named = [f"--child={name}" for name in ("notes", "tags", "codes", "refunds")]
    text = infer(None, *named, path="/orders", name="orders")
    source = loaded(text)
    lines, notes = source.resources["lines"], source.resources["notes"]
    # the ids of lines are numbers within their order; those of notes are long, and no two orders share one
    assert (lines.parent, lines.primary_key) == ("orders", ("order_id", "id"))
    assert (notes.parent, notes.primary_key) == ("orders", ("id",))
    assert source.resources["tags"].primary_key == ("order_id", "id")
    assert source.resources["codes"].parent == "orders"  # the second order has none
    assert "no child: /orders/{order_id}/refunds answers with no list of records" in text
    api.on("/orders/3/notes", [])
    api.on("/orders/3/codes", [])
    api.on("/orders/3/tags", [])
    assert len(read(source).rows["lines"]) == 6
