"""Tests of what is not proposed: no answer proves it, and a guess would load wrong rows.

In: APIs whose answers mislead. Out: a catalog file without the key, and a comment that says what was tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from analytics_sync.cli import main
from analytics_sync_tests.infer import small_apis as forms
from analytics_sync_tests.infer.conftest import Infer, loaded
from analytics_sync_tests.support.scripted_api import Api, Query, Raw


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        (forms.always_the_same, "tried without effect"),
        (forms.overlapping_pages, "tried without effect"),
        (forms.other_records_each_time, "tried without effect"),
        (forms.unusual_parameters, "If this is the whole listing, declare single_page"),
        (forms.unknown_cursor, "there is a cursor at next_cursor, and none of"),
        (forms.link_to_itself, "the link at next led to no new records"),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)
def test_no_paginator_without_a_page_of_other_records(form: Any, reason: str, infer: Infer) -> None:
    text = infer(form)
    assert loaded(text).resources["items"].paginator.type == "auto"
    assert "# paginator, TODO: " in text
    assert reason in " ".join(text.replace("#", " ").split())


def test_a_link_to_another_host_is_not_asked(api: Api, other_api: Api, infer: Infer) -> None:
    text = infer({"data": forms.RECORDS[:20], "next": f"{other_api.url}/items?page=2"})
    assert other_api.seen == []
    assert "paginator:" not in text


def test_an_offset_that_is_read_from_a_time_is_no_filter(infer: Infer) -> None:
    text = infer(forms.start_is_an_offset)
    assert loaded(text).resources["items"].incremental is None
    assert "# incremental, TODO: no filter by updated_at" in text


def test_a_filter_by_another_time_is_not_taken_for_one_by_the_time_of_change(infer: Infer) -> None:
    incremental = loaded(infer(forms.filter_by_creation(9))).resources["items"].incremental
    assert incremental is not None
    assert (incremental.cursor_path, incremental.start_param) == ("created_at", "since")


def test_times_that_are_the_same_in_each_record_do_not_tell_which_one_is_filtered(
    infer: Infer,
) -> None:
    text = infer(forms.filter_by_creation(0))
    assert loaded(text).resources["items"].incremental is None
    assert "too near to its other times" in " ".join(text.replace("#", " ").split())


_KEYS: list[tuple[str, list[dict[str, Any]]]] = [
    ("an id that two records share", [{"id": n // 2, "v": n} for n in range(12)]),
    ("an id that one record lacks", [{"id": n or None, "v": n} for n in range(12)]),
    ("a foreign key, by chance unique", [{"customer_id": n, "v": n} for n in range(12)]),
    ("a name, by chance unique", [{"name": f"n{n}", "v": n} for n in range(12)]),
    ("ids as numbers and as texts", [{"id": n if n % 2 else str(n), "v": n} for n in range(12)]),
    ("truth values", [{"id": bool(n), "v": n} for n in range(2)]),
]


@pytest.mark.parametrize("records", [r for _, r in _KEYS], ids=[name for name, _ in _KEYS])
def test_no_key_that_is_not_shown_by_each_record(
    records: list[dict[str, Any]], infer: Infer
) -> None:
    text = infer(forms.of_records(records))
    assert loaded(text).resources["items"].has_row_hash
    assert "# primary_key, TODO: no field is proven to be a key" in text


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"users": [{"a": 1}], "groups": [{"a": 1}]}, "several lists of objects: users, groups"),
        ({"data": []}, "the list at data is empty"),
        ([], "an empty list"),
        ([1, 2], "a list of values"),
        ({"error": "no"}, "no list of objects"),
        (
            {"number": 1, "url": "x", "state": "y", "runs": [{"a": 1}]},
            "or be a field of one record",
        ),
        ({"errors": [{"code": 1}]}, "no list of objects"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_no_place_of_records_among_several(
    body: Any, reason: str, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.on("/x", body)
    assert main(["infer", f"{api.url}/x", "things"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert reason in captured.err
    assert "--selector" in captured.err


def test_the_name_of_the_resource_or_a_selector_tells_two_lists_apart(infer: Infer) -> None:
    body = {"users": [{"id": 1}, {"id": 2}], "groups": [{"id": 7}, {"id": 8}]}
    assert loaded(infer(body, name="groups")).resources["groups"].selector == "groups"
    for selector in ("users", "users.*"):
        people = loaded(infer(body, "--selector", selector, name="people")).resources["people"]
        assert (people.selector, people.primary_key, people.key_field) == (selector, ("id",), None)


def test_a_type_holds_each_value_exactly(infer: Infer) -> None:
    values: dict[str, tuple[list[Any], str]] = {
        "mixed": ([1, "a", 2], "json"),
        "number_and_digits": ([1, "2", 3], "json"),
        "zeros": (["007", "008", "009"], "text"),
        "padded": (["01.50", "02.50", "03.50"], "text"),
        "quoted": (["1.50", "-2.25", "0.00"], "decimal"),
        "large": ([2**63, 2**70, 1], "decimal"),
        "fraction": ([1, 2.5, 3], "double"),
        "day": (["2026-01-02", "2026-01-03", "2026-02-28"], "date"),
        "no_day": (["2026-01-02", "2026-02-30", "x"], "text"),
        "zone": (["2026-01-02 10:00:00 Europe/Berlin"] * 3, "timestamp"),
        "internet": (["Fri, 02 Jan 2026 10:00:00 GMT"] * 3, "timestamp"),
        "fine": (["2026-01-02T10:00:00.123456789Z"] * 3, "text"),
        "object": ([{"a": 1}, [1], {}], "json"),
        "empty": (["", "2026-01-02", "2026-01-03"], "text"),
    }
    records = [{"id": n, **{k: v[0][n] for k, v in values.items()}} for n in range(3)]
    fields = loaded(infer(forms.of_records(records))).resources["items"].fields
    assert {f.name: f.data_type for f in fields if f.name != "id"} == {
        name: kind for name, (_, kind) in values.items()
    }


def test_fields_that_share_a_column_or_have_odd_names_do_not_break_the_file(infer: Infer) -> None:
    record = {"id": 1, "userName": "a", "user_name": "b", "a.b": 1, "x: #y": 2, "_dlt_id": 3, "": 4}
    text = infer(forms.of_records([record, {**record, "id": 2}]))
    columns = {field.column for field in loaded(text).resources["items"].fields}
    assert {"id", "user_name", "a_b"} <= columns
    assert "no column: userName has the column user_name" in text


@pytest.mark.slow
def test_a_server_that_breaks_off_at_an_odd_value_refuses_it(infer: Infer) -> None:
    def breaks_off(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        return Raw() if "since" in query else {"data": forms.RECORDS[:23]}

    assert loaded(infer(breaks_off)).resources["items"].primary_key == ("id",)
