"""Shared keys: a wrong primary key is found, and a record that changed during the read is none.

In: listings in which keys come more than once. Out: the keys that different records share, and the
finding that fails the check ``primary_key_unique``.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_sync.catalog import Source
from analytics_sync.extract.evidence.findings import PRIMARY_KEY_UNIQUE
from analytics_sync.extract.result import ReadResult
from analytics_sync_tests.support.scripted_api import Api, item, read, serve, shop, shop_api

api = shop_api

COLUMNS = {
    "id": "bigint", "v": "text", "at": "timestamp", "updated_at": "timestamp",
    "created_at": "timestamp", "list": "bigint", "type": "text", "billing_type": "text",
}  # fmt: skip
PAGED = {"type": "cursor", "cursor_path": "next", "cursor_param": "page"}
NOW = datetime.now(UTC)
OTHERS = [{"id": 1000 + i, "v": "x"} for i in range(100)]


def found(reading: ReadResult) -> list[str]:
    """The findings about the key."""
    return reading.findings.of(PRIMARY_KEY_UNIQUE)


def listing(api: Api, *pages: list[dict[str, Any]], path: str = "/items") -> None:
    """Script pages that follow each other."""
    last = len(pages) - 1
    answers = [{"data": page, "next": i + 1 if i < last else None} for i, page in enumerate(pages)]
    api.on(path, lambda _, query, headers: answers[int(query.get("page", 0))])


def items(cursor: str | None = None, **keys: Any) -> Source:
    """A source of one listing with pages."""
    endpoint: dict[str, Any] = {"paginator": PAGED, "data_selector": "data"}
    if cursor:
        endpoint["incremental"] = {"cursor_path": cursor}
    return shop(item(endpoint, columns=COLUMNS, **keys))


def day(number: int) -> str:
    return f"2024-02-{number:02}T00:00:00Z"


def ago(**length: float) -> str:
    """A time before these tests began; a negative length is after it."""
    return (NOW - timedelta(**length)).isoformat()


def versions(*times: str, pages: bool = False) -> list[list[dict[str, Any]]]:
    """Rows of one key that changed at these times, on one page or on several, after 100 others."""
    rows = [{"id": 1, "updated_at": at, "v": str(i)} for i, at in enumerate(times)]
    others = [{**other, "updated_at": day(1)} for other in OTHERS]
    return [others, *([row] for row in rows)] if pages else [[*others, *rows]]


# cursor, pages; whether the key is wrong, keys with different content
LISTINGS: dict[str, tuple[str | None, list[list[dict[str, Any]]], bool, int]] = {
    "one response holds both": (
        None, [[{"id": 1, "v": "a"}, {"id": 1, "v": "b"}, *OTHERS]], True, 1,
    ),
    "equal content": (None, [[{"id": 1, "v": "a"}, *OTHERS], [{"id": 1, "v": "a"}]], False, 0),
    "equal content in one response": (None, [[{"id": 1, "v": "a"}, {"id": 1, "v": "a"}]], False, 0),
    "differs in an undeclared field": (None, [[{"id": 1, "z": 1}, {"id": 1, "z": 2}]], True, 1),
    "value beside null": (None, [[{"id": 1, "v": "a"}, {"id": 1}]], True, 1),
    "of two types, on two pages": (
        None, [[{"id": 1, "type": "user"}, *OTHERS], [{"id": 1, "type": "group"}]], True, 1,
    ),
    "another kind of type": (
        None, [[{"id": 1, "billing_type": "a"}, *OTHERS], [{"id": 1, "billing_type": "b"}]], False, 1,
    ),
    "changed between two pages": (
        None, [[{"id": 1, "v": "a"}, *OTHERS], [{"id": 1, "v": "b"}]], False, 1,
    ),
    "too many for changes": (
        None, [OTHERS[:20], [{**r, "v": "y"} for r in OTHERS[:2]], OTHERS[20:30]], True, 2,
    ),
    "few enough for changes": (
        None, [OTHERS[:50], [{**r, "v": "y"} for r in OTHERS[:2]]], False, 2,
    ),
    "a version of the time of the read": (
        "updated_at", versions(day(1), ago(minutes=-5), pages=True), False, 0,
    ),
    "a newer version before an older one": (
        "updated_at", versions(ago(minutes=-5), day(1), pages=True), False, 0,
    ),
    "versions of the time of the read, in one response": (
        "updated_at", versions(day(1), ago(minutes=2)), False, 1,
    ),
    "versions by another clock": (
        "updated_at", versions(ago(hours=30), ago(hours=20), pages=True), False, 1,
    ),
    "a version of today, without its time": (
        "updated_at", versions(day(1), f"{NOW:%Y-%m-%d}", pages=True), False, 0,
    ),
    "a version of yesterday, in one response": (
        "updated_at", versions(ago(days=2), ago(hours=20)), True, 1,
    ),
    "old versions": ("updated_at", versions(day(1), day(2), pages=True), True, 1),
    "old versions in one response": ("updated_at", versions(day(1), day(2)), True, 1),
    "an old version beside an older and a new one": (
        "updated_at", versions(ago(minutes=-5), day(1), day(2), pages=True), True, 1,
    ),
    "many versions by another clock": (
        "updated_at",
        [[{"id": i, "updated_at": ago(hours=h)} for i in range(9)] for h in (30, 20)],
        True, 9,
    ),
    "many versions of the time of the read": (
        "updated_at",
        [[{"id": i, "updated_at": ago(minutes=m)} for i in range(9)] for m in (9, -1)],
        False, 0,
    ),
    "equal time of change": (
        "updated_at", [[{"id": 1, "updated_at": day(1), "v": v} for v in "ab"]], True, 1,
    ),
    "events at different times": (
        "at", [[{"id": 1, "at": day(n), "v": "a"} for n in (1, 2, 3)]], True, 1,
    ),
    "created at different times": (
        "updated_at",
        [[{"id": 1, "updated_at": day(n), "created_at": day(n)}] for n in (1, 2)],
        True, 1,
    ),
    "the same instant in another zone": (
        "at",
        [[{"id": 1, "at": "2024-02-01T00:00:00Z"}, {"id": 1, "at": "2024-02-01T01:00:00+01:00"}]],
        False, 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTINGS)
def test_a_wrong_key_is_told_from_a_record_that_changed(api: Api, name: str) -> None:
    cursor, pages, is_wrong, count = LISTINGS[name]
    listing(api, *pages)
    reading = read(items(cursor)).readings["items"]
    assert (bool(found(reading)), reading.shared_keys.count) == (is_wrong, count)
    assert reading.complete is not is_wrong, "a row whose key is shared may be the missing one"


def test_records_that_changed_long_before_name_the_time_of_change(api: Api) -> None:
    listing(api, *versions(day(1), day(2)))
    (message,) = found(read(items("updated_at")).readings["items"])
    assert "by updated_at, they had changed long before they were read" in message
    assert "They differ in: v, updated_at." in message
    assert message.endswith("if the API lists all versions of a record, add updated_at.")
    whole = items("updated_at", primary_key=["id", "updated_at"])
    assert found(read(whole).readings["items"]) == []


def test_a_part_of_a_key_is_no_key(api: Api) -> None:
    """Report rows by day, campaign and country, of which the key forgets the country."""
    rows = [
        {"day": d, "campaign": c, "country": k, "clicks": i}
        for i, (d, c, k) in enumerate((d, c, k) for d in "12" for c in "ab" for k in ("DE", "FR"))
    ]
    api.on("/items", rows)
    columns = {"day": "text", "campaign": "text", "country": "text", "clicks": "bigint"}
    wrong = read(shop(item(primary_key=["day", "campaign"], columns=columns))).readings["items"]
    (message,) = found(wrong)
    assert message.startswith("Different records share a primary key: keys shared: 4, for example ")
    assert "day=1, campaign=a" in message
    assert "records not loaded: 4" in message
    assert "They differ in: country, clicks." in message
    assert "primary_key [day, campaign] of resource 'items'" in message
    whole = item(primary_key=["day", "campaign", "country"], columns=columns)
    assert found(read(shop(whole)).readings["items"]) == []


def children(**keys: Any) -> Source:
    params = {"list": {"type": "resolve", "resource": "lists", "field": "id"}}
    child = {"path": "/lists/{list}/items", "params": params}
    return shop(item(name="lists"), item(child, columns=COLUMNS, **keys))


def test_numbers_within_a_parent_name_the_parent(api: Api) -> None:
    api.on("/lists", [{"id": 7}, {"id": 8}])
    api.on("/lists/*/items", lambda path, query, headers: [{"id": 1, "v": path}, {"id": 2}])
    reading = read(children()).readings["items"]
    (message,) = found(reading)
    assert "id=1" in message
    assert "declare include_from_parent" in message
    assert (reading.shared_keys.count, reading.rows) == (1, 2), "item 2 has equal content"
    reading = read(children(include_from_parent={"list": "id"})).readings["items"]
    (message,) = found(reading)
    assert "add list, which include_from_parent copies, to primary_key" in message
    assert reading.shared_keys.count == 2
    right = children(include_from_parent={"list": "id"}, primary_key=["list", "id"])
    reading = read(right).readings["items"]
    assert (found(reading), reading.rows) == ([], 4)


def test_an_item_that_moves_between_parents_is_a_version(api: Api) -> None:
    api.on("/lists", [{"id": 7}, {"id": 8}])
    moving = {"7": day(1), "8": ago(minutes=-5)}

    def kids(path: str, query: Any, headers: Any) -> Any:
        number = path.split("/")[2]
        same = [{"id": int(number) * 100 + i, "updated_at": day(1)} for i in range(20)]
        return [{"id": 1, "updated_at": moving[number]}, *same]

    api.on("/lists/*/items", kids)
    params = {"list": {"type": "resolve", "resource": "lists", "field": "id"}}
    endpoint = {
        "path": "/lists/{list}/items", "params": params, "incremental": {"cursor_path": "updated_at"}
    }  # fmt: skip
    child = item(endpoint, columns=COLUMNS, include_from_parent={"list": "id"})
    outcome = read(shop(item(name="lists"), child))
    assert outcome.readings["items"].shared_keys.count == 1
    assert found(outcome.readings["items"]) == []
    assert [r["list"] for r in outcome.rows["items"] if r["id"] == 1] == [8]


def test_a_message_holds_neither_a_secret_nor_a_line_break(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__TOKEN", "s3cret-of-the-shop")
    api.on("/items", [{"id": f"{t}s3cret-of-the-shop\n", "v": t} for t in "a"] * 2 + [
        {"id": "as3cret-of-the-shop\n", "v": "other"}, {"id": "y" * 999}, {"id": "y" * 999, "v": "b"}
    ])  # fmt: skip
    auth = {"type": "bearer", "token": 'dlt.secrets["token"]'}
    source = shop(item(columns={"id": "text", "v": "text"}), auth=auth)
    messages = found(read(source).readings["items"])
    assert any("Different records share a primary key" in message for message in messages)
    for message in messages:
        assert "s3cret" not in message
        assert "\n" not in message
        assert len(message) < 700


def test_rows_in_a_file_are_compared(api: Api) -> None:
    pages = [[{"id": 100 * n + i, "v": f"{n}" * 300_000} for i in range(15)] for n in range(4)]
    pages[3].append({"id": 1, "v": "0" * 300_000})  # equal to a row of the first part
    listing(api, *pages)
    reading = read(items()).readings["items"]
    assert (reading.shared_keys.count, reading.rows) == (0, 60)
    pages[3].append({"id": 3, "v": "other"})
    pages[3].append({"id": 302, "v": "other"})
    listing(api, *pages)
    reading = read(items()).readings["items"]
    shared = reading.shared_keys
    assert (shared.count, shared.proven, shared.examples) == (2, 1, ("id=302", "id=3"))
    assert (shared.differing, reading.rows) == (("v",), 60)


class Listed(NamedTuple):
    """A record as one response lists it."""

    parent: int
    page: int
    key: int
    value: str
    changed: int
    created: int | None


CHANGED = {1: ago(days=10), 2: ago(days=9), 3: ago(hours=20), 4: ago(hours=-1)}


def is_version(one: Listed, other: Listed, *, together: bool) -> tuple[bool, bool]:
    """Whether two rows with different times of change are versions, for certain and perhaps."""
    newer = max(one.changed, other.changed)
    return newer == 4 and not together, newer == 4 or (newer == 3 and not together)


def model(rows: list[Listed], *, tells_changes: bool) -> tuple[int, int]:
    """Keys that are shared, and those of them that are proven; by comparing each pair of rows."""
    by_key: dict[int, list[Listed]] = defaultdict(list)
    for row in rows:
        by_key[row.key].append(row)
    shared = proven = 0
    for same in by_key.values():
        is_shared = is_proven = False
        for one, other in combinations(same, 2):
            if one[3:] == other[3:]:
                continue
            both = None not in (one.created, other.created)
            is_proven |= both and one.created != other.created
            elsewhere = one.parent != other.parent
            together = (one.parent, one.page) == (other.parent, other.page)
            if tells_changes and one.changed != other.changed:
                for_certain, perhaps = is_version(one, other, together=together)
                is_proven |= not perhaps
                is_shared |= not for_certain or elsewhere
            else:
                is_proven |= elsewhere or together
                is_shared = True
        shared += is_shared or is_proven
        proven += is_proven
    return shared, proven


ROWS = st.lists(
    st.builds(
        Listed,
        st.integers(7, 8), st.integers(0, 1), st.integers(1, 4), st.sampled_from("ab"),
        st.integers(1, 4), st.sampled_from([None, 1, 2]),
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=60, deadline=None, derandomize=True)
@given(ROWS, st.sampled_from([None, "updated_at", "at"]), st.integers(0, 60))
def test_any_listing_is_judged_as_a_comparison_of_all_pairs(
    rows: list[Listed], cursor: str | None, others: int
) -> None:
    with pytest.MonkeyPatch.context() as patch, serve() as api:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        patch.setenv("SOURCES__SHOP__BASE_URL", api.url)
        api.on("/lists", [{"id": 7}, {"id": 8}])
        for parent in (7, 8):
            pages: list[list[dict[str, Any]]] = [
                [{"id": 100 * parent + page, "at": day(1), "updated_at": day(1)}] for page in (0, 1)
            ]
            for row in rows:
                if row.parent == parent:
                    record = {"id": row.key, "v": row.value, "at": CHANGED[row.changed]}
                    record["updated_at"] = record["at"]
                    record["created_at"] = row.created and day(row.created)
                    pages[row.page].append(record)
            extra = range(others) if parent == 7 else ()
            pages[1] += [{"id": 2000 + i, "at": day(1), "updated_at": day(1)} for i in extra]
            listing(api, *pages, path=f"/lists/{parent}/items")
        params = {"list": {"type": "resolve", "resource": "lists", "field": "id"}}
        endpoint: dict[str, Any] = {
            "path": "/lists/{list}/items", "params": params, "paginator": PAGED,
            "data_selector": "data",
        }  # fmt: skip
        if cursor:
            endpoint["incremental"] = {"cursor_path": cursor}
        reading = read(shop(item(name="lists"), item(endpoint, columns=COLUMNS))).readings["items"]
    shared, proven = model(rows, tells_changes=cursor == "updated_at")
    keys = 4 + others + len({row.key for row in rows})
    assert (reading.shared_keys.count, reading.shared_keys.proven) == (shared, proven)
    assert bool(found(reading)) == (proven > 0 or shared * 20 > keys)
