"""Page faults on every kind of resource: bodies that are not data, wrong paging, repeats.

In: the faults of the sandbox. Out: for each fault and kind, right rows or an error, and right rows
after the next run.
"""

from __future__ import annotations

from collections.abc import Callable

from analytics_sync.catalog import Resource
from analytics_sync.catalog.config.paginators import Offset, PageNumber
from analytics_sync.extract.result import ReadResult
from analytics_sync.sandbox import Fault
from analytics_sync.sandbox import faults as f
from analytics_sync_tests.support.fault_kinds import (
    ALL_KINDS,
    CURSOR_KINDS,
    LINK_KINDS,
    NUMBER_KINDS,
    OFFSET_KINDS,
    PAGED_KINDS,
    kinds_of,
)
from analytics_sync_tests.support.fault_lab import Case, Lab, Rows, parametrize_cases

CASES: dict[str, Case] = {}
# Kinds with three pages or more. A month of the sandbox's data is two pages.
MANY_PAGES = PAGED_KINDS - {"month_stepped"}
LISTS = ALL_KINDS - {"single_object", "grandchild"}

# --- bodies that are not data, on the first page and on a later one ------------------------------

NOT_JSON = {"html", "text", "empty-body", "no-content", "redirect-without-target"}
ERRORS = dict.fromkeys(NOT_JSON, "instead of JSON") | {
    "list-of-strings": "is an object",
    "nested-10000-deep": "nested too deep",
}
NO_RECORDS = "where records were expected"
for name, answer in f.NO_DATA.items():
    error = ERRORS.get(name, NO_RECORDS)
    CASES[name] = Case(lambda _, a=answer: f.at(Fault(a)), error=error)
    CASES[f"{name}-in-mid-run"] = Case(lambda _, a=answer: f.at(Fault(a), 2), PAGED_KINDS, error)
CASES["renamed-key"] = Case(
    lambda r: f.at(Fault(change=f.renamed(r))), ALL_KINDS - {"root_list"}, NO_RECORDS
)
CASES["renamed-key-in-mid-run"] = Case(
    lambda r: f.at(Fault(change=f.renamed(r)), 2), PAGED_KINDS, NO_RECORDS
)
for name, value in {"null": None, "text": "busy", "number": 0, "object": {"a": 1}}.items():
    # A selector that ends in a star takes an object for a map of records.
    kinds = ALL_KINDS - {"offset_over_a_map"} if name == "object" else ALL_KINDS
    CASES[f"{name}-in-place-of-records"] = Case(
        lambda r, v=value: f.at(Fault(change=f.in_place_of_records(r, v))), kinds, NO_RECORDS
    )
CASES["strings-in-place-of-records"] = Case(
    lambda r: f.at(Fault(change=f.in_place_of_records(r, ["a", "b"]))), ALL_KINDS, "is an object"
)

# --- paging --------------------------------------------------------------------------------------

NEXT_PAGE_KINDS = CURSOR_KINDS | LINK_KINDS
REPEATED_PAGE = "again"


def stuck(number: int) -> Callable[[Resource], f.Script]:
    """From request ``number`` on, the server repeats the page before that request."""
    return lambda _: f.previous_again(number)


def error_unless_prefetched(resource: Resource) -> str | None:
    """The error of a page that repeats the one before, once.

    A prefetched page that repeats a record is requested again, so that it causes no error. Pages
    are prefetched where the paginator counts and the API reports a total.
    """
    counts = isinstance(resource.paginator, PageNumber | Offset)
    total_path = resource.count_path or getattr(resource.paginator, "total_path", None)
    return None if counts and total_path else REPEATED_PAGE


# Request 3, not 2: a client that starts without a page number receives the first page twice, if the
# server counts from 1.
CASES["same-page-twice"] = Case(
    lambda _: f.previous_again(3, 3),
    MANY_PAGES,
    error_unless_prefetched,
    client={"max_connections": 1},
)
CASES["same-page-for-ever"] = Case(stuck(3), MANY_PAGES, REPEATED_PAGE)
WITHOUT_TOTAL = {"offset", "offset_over_a_map"}
CASES["first-page-for-ever"] = Case(stuck(2), MANY_PAGES - WITHOUT_TOTAL, REPEATED_PAGE)
CASES["ignored-offset"] = Case(stuck(2), (NUMBER_KINDS | OFFSET_KINDS) - WITHOUT_TOTAL, "moved on")


def incomplete_without_deletes(rows: Rows, result: ReadResult, resource: Resource) -> None:
    # A repeated page below its limit may be the whole listing, or the server may cap the page. The
    # reader cannot tell which, so that no row may be marked as deleted.
    assert not result.complete
    assert len(rows) >= 12
    assert all(row.get("_deleted_at") is None for row in rows)


CASES["capped-page-and-ignored-offset"] = Case(
    stuck(2), WITHOUT_TOTAL, check=incomplete_without_deletes, partial=True
)
CASES["same-cursor-again"] = Case(
    lambda r: f.cursors(r, lambda n, honest: honest[0]),
    NEXT_PAGE_KINDS - {"month_stepped"},
    "same cursor",
)
CASES["cursors-in-a-circle"] = Case(
    lambda r: f.cursors(r, lambda n, honest: honest[n - 1] if n < 3 else honest[0]),
    NEXT_PAGE_KINDS - {"month_stepped"},
    "same cursor",
)
for name, value in {"object": {"a": 1}, "true": True, "list": ["a"]}.items():
    CASES[f"cursor-is-{name}"] = Case(
        lambda r, v=value: f.cursors(r, lambda n, honest: v), CURSOR_KINDS, "Correct cursor_path"
    )
    CASES[f"link-is-{name}"] = Case(
        lambda r, v=value: f.cursors(r, lambda n, honest: v), LINK_KINDS, "Correct next_url_path"
    )
CASES["link-is-number"] = Case(
    lambda r: f.cursors(r, lambda n, honest: 5), LINK_KINDS, "Correct next_url_path"
)
for name, value in {"empty-string": "", "null": None}.items():
    CASES[f"{name}-cursor-at-the-end"] = Case(
        lambda r, v=value: f.cursors(r, lambda n, honest: honest[-1] or v), NEXT_PAGE_KINDS
    )
# The link of the empty last page leads to a path that does not exist.
CASES["cursor-on-an-empty-last-page"] = Case(
    lambda r: f.cursors(r, lambda n, honest: honest[-1] or f"beyond-{n}"),
    {"json_link"},
    "answered 404",
)
for name, link in {
    "another-host": f"{f.ELSEWHERE}/api/x",
    "another-port": "http://127.0.0.1:9/x",
    "https": "https://127.0.0.1/x",
    "ftp": "ftp://127.0.0.1/x",
    "a-file": "file:///etc/passwd",
    "a-script": "javascript:alert(1)",
    "another-host-without-scheme": "//192.0.2.1/x",
    "user-info": "http://127.0.0.1:80@192.0.2.1/x",
    "nothing-at-all": "http://[",
}.items():
    CASES[f"link-to-{name}"] = Case(
        lambda r, v=link: f.cursors(r, lambda n, honest: v), LINK_KINDS, "leads to"
    )
# Without offsets: the client continues at the number of records received. A moved record changes
# this number.
MOVABLE_KINDS = MANY_PAGES - OFFSET_KINDS
CASES["short-page-in-the-middle"] = Case(
    lambda r: f.moved(r, 2, 0.5), MOVABLE_KINDS - {"page_number_without_base"}
)
CASES["short-second-and-third-page"] = Case(
    lambda r: f.moved(r, 3, 0.5), {"page_number_without_base"}
)
CASES["server-caps-a-page"] = Case(lambda r: f.once(f.shortened(r, 2), 2), OFFSET_KINDS)
CASES["server-caps-every-page"] = Case(lambda r: f.at(f.shortened(r, 1)), OFFSET_KINDS)
# Only kinds whose end is an absent cursor or link: a counting cursor ends at an empty page.
CASES["empty-page-in-the-middle"] = Case(
    lambda r: f.moved(r, 2, 1.0), {"cursor", "json_link", "windowed_by_server", "snapshot"}
)


def duplicates_dropped(rows: Rows, result: ReadResult, resource: Resource) -> None:
    assert result.buffer is not None
    assert result.buffer.duplicates > 0


CASES["records-of-the-page-before-come-again"] = Case(
    lambda r: f.repeated(r), MANY_PAGES - OFFSET_KINDS, check=duplicates_dropped
)
CASES["every-record-twice"] = Case(
    lambda r: f.at(Fault(change=f.records_changed(r, lambda rs: rs + rs))),
    LISTS - OFFSET_KINDS,
    check=duplicates_dropped,
)

FAST = {
    "html": kinds_of("observability"),
    "error-body-in-mid-run": kinds_of("observability"),
    "same-cursor-again": kinds_of("customer_data", "product_guidance"),
    "link-to-another-host": {"json_link"},
}


@parametrize_cases(CASES, FAST)
def test_a_page_fault_ends_in_right_rows_or_an_error(lab: Lab, name: str, kind: str) -> None:
    lab.assert_guarantee(CASES[name], kind)
