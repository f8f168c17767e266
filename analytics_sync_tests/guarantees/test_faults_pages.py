"""Pages go wrong: answers that are no data, paging that lies or stands still, odd values in records."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson

from analytics_sync.catalog import Resource
from analytics_sync.catalog.paginators import Offset, PageNumber
from analytics_sync.extract.result import ReadResult
from analytics_sync.sandbox import Fault, ServedResponse
from analytics_sync.sandbox import faults as f
from analytics_sync_tests.support.fault_lab import (
    ALL,
    CHILDREN,
    HANDED_OUT,
    LINKED,
    NUMBERED,
    OFFSETS,
    PAGED,
    Case,
    Lab,
    Rows,
    extras,
    of_source,
    pick,
    resource_of,
)

CASES: dict[str, Case] = {}
MANY = PAGED - {"month_stepped"}  # a month of this little is one page and part of a second
LISTS = ALL - {"single_object", "grandchild"}

# --- answers that are no data, at the start and on a later page ---------------------------------

NOT_JSON = {"html", "text", "empty-body", "no-content", "redirect-without-target"}
SAYS = dict.fromkeys(NOT_JSON, "instead of JSON") | {
    "list-of-strings": "is an object",
    "nested-10000-deep": "nested too deep",
}
for name, answer in f.NO_DATA.items():
    says = SAYS.get(name, "where records were expected")
    CASES[name] = Case(lambda _, a=answer: f.at(Fault(a)), says=says)
    CASES[f"{name}-in-mid-run"] = Case(lambda _, a=answer: f.at(Fault(a), 2), PAGED, says)
WRONG = "where records were expected"
CASES["renamed-key"] = Case(lambda r: f.at(Fault(change=f.renamed(r))), ALL - {"root_list"}, WRONG)
CASES["renamed-key-in-mid-run"] = Case(lambda r: f.at(Fault(change=f.renamed(r)), 2), PAGED, WRONG)
for name, value in {"null": None, "text": "busy", "number": 0, "object": {"a": 1}}.items():
    # behind a star, an object is a map of records
    kinds = ALL - {"offset_over_a_map"} if name == "object" else ALL
    CASES[f"{name}-in-place-of-records"] = Case(
        lambda r, v=value: f.at(Fault(change=f.in_place_of_records(r, v))), kinds, WRONG
    )
CASES["strings-in-place-of-records"] = Case(
    lambda r: f.at(Fault(change=f.in_place_of_records(r, ["a", "b"]))), ALL, "is an object"
)

# --- paging --------------------------------------------------------------------------------------

CURSORS = HANDED_OUT | LINKED
AGAIN = "again"


def stuck(number: int) -> Callable[[Resource], f.Script]:
    return lambda _: f.previous_again(number)


def unless_foreseen(resource: Resource) -> str | None:
    """A page asked for ahead of its turn that repeats the one before is asked for again."""
    numbered = isinstance(resource.paginator, PageNumber | Offset)
    told = resource.count_path or getattr(resource.paginator, "total_path", None)
    return None if numbered and told else AGAIN


# a server that counts from 1 gives its first page twice to who starts without a number
CASES["same-page-twice"] = Case(
    lambda _: f.previous_again(3, 3), MANY, unless_foreseen, client={"max_connections": 1}
)
CASES["same-page-for-ever"] = Case(stuck(3), MANY, AGAIN)
UNTOLD = {"offset", "offset_over_a_map"}  # nothing says how many records there are
CASES["first-page-for-ever"] = Case(stuck(2), MANY - UNTOLD, AGAIN)
CASES["ignored-offset"] = Case(stuck(2), (NUMBERED | OFFSETS) - UNTOLD, "moved on")


def nothing_lost(rows: Rows, reading: ReadResult, resource: Resource) -> None:
    # a page short of its limit that comes again may be all there is, or may be capped: in doubt
    # nothing of what the table has is held to be gone
    assert not reading.complete
    assert len(rows) >= 12
    assert all(row.get("_deleted_at") is None for row in rows)


CASES["capped-page-and-ignored-offset"] = Case(stuck(2), UNTOLD, check=nothing_lost, partial=True)
CASES["same-cursor-again"] = Case(
    lambda r: f.cursors(r, lambda n, honest: honest[0]), CURSORS - {"month_stepped"}, "same cursor"
)
CASES["cursors-in-a-circle"] = Case(
    lambda r: f.cursors(r, lambda n, honest: honest[n - 1] if n < 3 else honest[0]),
    CURSORS - {"month_stepped"},
    "same cursor",
)
for name, value in {"object": {"a": 1}, "true": True, "list": ["a"]}.items():
    CASES[f"cursor-is-{name}"] = Case(
        lambda r, v=value: f.cursors(r, lambda n, honest: v), HANDED_OUT, "Correct cursor_path"
    )
    CASES[f"link-is-{name}"] = Case(
        lambda r, v=value: f.cursors(r, lambda n, honest: v), LINKED, "Correct next_url_path"
    )
CASES["link-is-number"] = Case(
    lambda r: f.cursors(r, lambda n, honest: 5), LINKED, "Correct next_url_path"
)
for name, value in {"empty-string": "", "null": None}.items():
    CASES[f"{name}-cursor-at-the-end"] = Case(
        lambda r, v=value: f.cursors(r, lambda n, honest: honest[-1] or v), CURSORS
    )
CASES["cursor-on-an-empty-last-page"] = Case(
    lambda r: f.cursors(r, lambda n, honest: honest[-1] or f"beyond-{n}"),
    {"json_link"},
    "answered 404",  # where it leads to is not there
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
        lambda r, v=link: f.cursors(r, lambda n, honest: v), LINKED, "leads to"
    )
PUSHED = MANY - OFFSETS
CASES["short-page-in-the-middle"] = Case(
    lambda r: f.moved(r, 2, 0.5), PUSHED - {"page_number_without_base"}
)
CASES["short-second-and-third-page"] = Case(
    lambda r: f.moved(r, 3, 0.5), {"page_number_without_base"}
)
CASES["server-caps-a-page"] = Case(lambda r: f.once(f.shortened(r, 2), 2), OFFSETS)
CASES["server-caps-every-page"] = Case(lambda r: f.at(f.shortened(r, 1)), OFFSETS)
# where a cursor counts, an empty page is the end; elsewhere only no cursor is
CASES["empty-page-in-the-middle"] = Case(
    lambda r: f.moved(r, 2, 1.0), {"cursor", "json_link", "windowed_by_server", "snapshot"}
)


def repeats_dropped(rows: Rows, reading: ReadResult, resource: Resource) -> None:
    assert reading.buffer is not None
    assert reading.buffer.duplicates > 0


CASES["records-of-the-page-before-come-again"] = Case(
    lambda r: f.repeated(r), MANY - OFFSETS, check=repeats_dropped
)
CASES["every-record-twice"] = Case(
    lambda r: f.at(Fault(change=f.records_changed(r, lambda rs: rs + rs))),
    LISTS - OFFSETS - {"offset_over_a_map"},
    check=repeats_dropped,
)

# --- values --------------------------------------------------------------------------------------

BIG = 123456789012345678901234567890


def in_extra(value: Any, field: str = "zz_fault") -> Callable[[Rows, ReadResult, Resource], None]:
    def check(rows: Rows, reading: ReadResult, resource: Resource) -> None:
        found = [e[field] for e in extras(rows) if field in e]
        assert found
        assert all(v == value and type(v) is type(value) for v in found)

    return check


def _every(rows: Rows, holds: Callable[[str], bool]) -> None:
    found = [row["_extra"] for row in rows if row["_extra"] and "zz_fault" in row["_extra"]]
    assert found
    assert all(map(holds, found))


VALUES: dict[str, tuple[bytes, Any]] = {
    "beyond-64-bit": (str(BIG).encode(), BIG),
    "just-beyond-64-bit": (b"18446744073709551616", 2**64),
    "below-64-bit": (b"-9223372036854775809", -(2**63) - 1),
    "beyond-64-bit-inside": (b'{"a": [%d]}' % BIG, {"a": [BIG]}),
    "nan": (b"NaN", "NaN"),
    "infinity": (b"-Infinity", "-Infinity"),
    "beyond-a-double": (b"1e400", "1e400"),
    "nul": (b'"a\\u0000b"', "a\\u0000b"),
    "nul-inside": (b'{"\\u0000": ["\\u0000"]}', {"\\u0000": ["\\u0000"]}),
    "lone-surrogate": (b'"a\\ud83dz"', "a\\ud83dz"),
    "pair-of-surrogates": (b'"\\ud83d\\ude00"', "\U0001f600"),
    "duplicate-keys": (b'1, "zz_fault": 2', 2),
    "duplicate-keys-inside": (b'{"a": 1, "a": [2]}', {"a": [2]}),
    "500-deep": (b"[" * 500 + b"]" * 500, orjson.loads(b"[" * 500 + b"]" * 500)),
    "long-text": (b'"' + b"x" * 300_000 + b'"', "x" * 300_000),
    "controls": (b'"\\u0001\\u001f\\u007f\\u2028"', "\x01\x1f\x7f\u2028"),
}
for name, (raw, value) in VALUES.items():
    CASES[name] = Case(
        lambda r, raw=raw: f.at(Fault(change=f.spliced(r, raw))), check=in_extra(value)
    )
CASES["850-deep"] = Case(
    lambda r: f.at(Fault(change=f.spliced(r, b"[" * 850 + b"]" * 850))),
    # as text: the test's own parser does not go so deep
    check=lambda rows, *_: _every(rows, lambda extra: "[" * 850 + "]" * 850 in extra),
)
CASES["1100-deep"] = Case(
    lambda r: f.at(Fault(change=f.spliced(r, b"[" * 1100 + b"]" * 1100))), says="nested too deep"
)
CASES["byte-order-mark"] = Case(
    lambda _: f.at(Fault(change=lambda a: ServedResponse(200, b"\xef\xbb\xbf" + a.body, a.headers)))
)
CASES["utf-16"] = Case(
    lambda _: f.at(
        Fault(change=lambda a: ServedResponse(200, a.body.decode().encode("utf-16"), a.headers))
    ),
    says="instead of JSON",
)
CASES["latin-1"] = Case(lambda r: f.at(Fault(change=f.spliced(r, b'"caf\xe9"'))), says="damaged")


def texts(resource: Resource) -> list[str]:
    """Plain text fields that nothing hangs on."""
    return [
        field.name
        for field in resource.fields
        if field.data_type == "text" and len(field.path) == 1 and not field.aliases
        if field.column not in resource.key and field.name not in resource.inherited
        if field is not resource.cursor and field.name not in {"project_slug", "type"}
    ]


def with_nul(resource: Resource) -> f.Script:
    """Every plain text has a NUL in its middle."""
    names = texts(resource)

    def spoil(records: list[Any]) -> list[Any]:
        for record in records:
            for name in names:
                if isinstance(record.get(name), str):
                    record[name] = f"{record[name][:1]}\0{record[name][1:]}"
        return records

    return f.at(Fault(change=f.records_changed(resource, spoil)))


def nul_in_extra(rows: Rows, reading: ReadResult, resource: Resource) -> None:
    kept = 0
    for row in rows:
        extra = json.loads(row["_extra"] or "{}")
        for field in resource.fields:
            if field.name in extra:
                text = row[field.column]
                assert extra[field.name] == f"{text[:1]}\\u0000{text[1:]}"
                kept += 1
    assert kept


CASES["nul-in-declared-texts"] = Case(
    with_nul,
    {kind for kind in ALL - CHILDREN if texts(resource_of(kind))},
    check=nul_in_extra,
)

FAST = {
    "html": of_source("observability"),
    "error-body-in-mid-run": of_source("observability"),
    "same-cursor-again": of_source("customer_data", "product_guidance"),
    "link-to-another-host": {"json_link"},
    "beyond-64-bit": of_source("observability"),
    "850-deep": {"single_object"},
    "1100-deep": {"single_object"},
    "nul-in-declared-texts": of_source("delivery"),
}


@pick(CASES, FAST)
def test_pages(lab: Lab, name: str, kind: str) -> None:
    lab.judge(CASES[name], kind)
